#pragma once

// What stands beside the CPU: whoever runs programs with memory of its own. The host's memory is
// what counts between native calls; within one, the device has a copy of what its programs use.

#include <memory>
#include <stdexcept>

#include "cpu/plan.h"

namespace mundur {

/// What a device does not have, with what it has.
class NotSupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A data set that a device has.
class DeviceData {
 public:
  virtual ~DeviceData() = default;
};

/// Steps of training that a device computes one behind the other, from a set that it has. What is
/// asked of each stays until the host looks; behind one whose loss is not finite none does
/// anything.
template <class T>
class Together {
 public:
  virtual ~Together() = default;
  /// How many may go together, in about so many seconds.
  virtual std::int64_t most(double seconds) const = 0;
  /// One more. Throws OutOfMemory.
  virtual void add(const Now<T>& now, DeviceData& data) = 0;
  /// Those that were added. Throws OutOfMemory.
  virtual void run() = 0;
  /// Puts what the step of that number has left where the CPU would have left it.
  virtual void show(std::int64_t step) = 0;
};

template <class T>
class Device {
 public:
  virtual ~Device() = default;
  /// Throws NotSupported where it lacks an operation.
  virtual void require(const Program& program) const = 0;
  /// A plan of one worker. What the program leaves for others lies in `memory` behind each stretch,
  /// where the CPU would have left it; `mirror` is the device's copy of memory.planned, of `bytes`,
  /// made unless it is there. Throws OutOfMemory.
  virtual Plan<T> plan(const Program& program, const Placement& placement, const Memory<T>& memory,
                       std::int64_t batch, std::shared_ptr<void>& mirror, std::int64_t bytes) = 0;
  /// A copy of a set; null where numbers are not finite or ids none of a vocabulary, of which the
  /// host has to tell. Throws OutOfMemory.
  virtual std::shared_ptr<DeviceData> hold(const DataSet& data,
                                           const std::vector<std::int64_t>& vocabularies) = 0;
  /// Steps of a program as of plan(): what is `asked` stays, `losses` are numbers that must be
  /// finite. Null where the host has a part in a step.
  virtual std::unique_ptr<Together<T>> together(const Program& program, const Placement& placement,
                                                const Memory<T>& memory, std::int64_t batch,
                                                std::shared_ptr<void>& mirror, std::int64_t bytes,
                                                const std::vector<Value>& asked,
                                                const std::vector<Value>& losses) = 0;
  /// Within a native call: parameters, state and these slots of the optimizer's stay as they are
  /// now, until restore_start(), outside of one, puts them into the host's memory.
  virtual void keep_start(const std::vector<T*>& slots) = 0;
  virtual void restore_start() = 0;
  virtual bool all_finite() = 0;
  /// A native call begins; it ends, and what it has changed comes back. Throws std::runtime_error
  /// where the device failed meanwhile.
  virtual void begin() = 0;
  virtual void end() = 0;
};

}  // namespace mundur

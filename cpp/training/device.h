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
  /// A native call begins; it ends, and what it has changed comes back. Throws std::runtime_error
  /// where the device failed meanwhile.
  virtual void begin() = 0;
  virtual void end() = 0;
};

}  // namespace mundur

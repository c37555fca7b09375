#pragma once

// What the core does not compute: layers and rules of optimizers that are functions of the
// caller's. They are called by the thread that called, while no team is at work, and may throw.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mundur/types.h"

namespace mundur {

/// Numbers of the network's type, for a function of the caller's.
struct OutsideArray {
  void* data = nullptr;      // null: nobody asks for it
  std::int64_t samples = 0;  // 0: there is one, no matter how many samples
  const Shape* shape = nullptr;
};

/// What a layer's forward has to know besides its arrays.
struct OutsideTask {
  bool is_double = false;
  bool training = false;
  bool learns = false;        // else its state stays as it is
  int stream = 0;             // this call's random numbers, of all calls in the network
  std::uint64_t seed = 0;     // of the network
  std::uint64_t forward = 0;  // count of training forwards
};

/// One call of such a layer within a program: what its forward keeps, its backward finds.
class OutsideCall {
 public:
  virtual ~OutsideCall() = default;

  /// The arrays of a pass come one by one: y, each x, parameter and array of state; or each dx and
  /// dw, and dy.
  void begin() { given_.clear(); }
  void give(const OutsideArray& one) { given_.push_back(one); }

  virtual void forward(const OutsideTask& task) = 0;
  virtual void backward(bool is_double) = 0;

 protected:
  std::vector<OutsideArray> given_;
};

class OutsideLayer {
 public:
  virtual ~OutsideLayer() = default;
  virtual std::shared_ptr<OutsideCall> call() const = 0;
};

/// The rule of an optimizer.
class OutsideRule {
 public:
  /// A parameter, by its number in the network, and where it begins in the optimizer's vectors.
  struct Parameter {
    int number;
    OutsideArray w, g;
    std::int64_t place;
  };
  virtual ~OutsideRule() = default;
  void begin() { given_.clear(); }
  void give(const Parameter& one) { given_.push_back(one); }
  /// Changes what was given, and the optimizer's vectors.
  virtual void step() = 0;

 protected:
  std::vector<Parameter> given_;
};

}  // namespace mundur

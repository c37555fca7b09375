#pragma once

// What layers share that drop elements: y = keep ? x·scale + offset : dropped in training, else x.

#include "layers/layer.h"

namespace mundur {

class Dropping : public Layer {
 public:
  Dropping(double rate, std::optional<std::uint64_t> seed) : drop_(drop_of(rate)), seed_(seed) {}

  Shape build(Setup&, const Shape& input) override { return input; }

  Value forward(Builder& b, Value x) const override {
    if (!drops(b)) return x;
    const Value y = b.like("y", x);
    const Value keep = b.value("keep", kept(b[x].shape), x, Element::byte);
    b.emit(op::Dropout{y, keep, x, {seed_, stream()}, drop_, affine_, offset_, dropped_});
    // ∂L/∂x_j = keep_j scale ∂L/∂y_j
    b.backward(y, {x}, [=, this, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::DropoutDx{dx, dy, keep, drop_.scale});
      b.gradient(x, dx);
    });
    return y;
  }

 protected:
  bool drops(const Builder& b) const { return b.training() && drop_.any(); }
  /// What is kept or dropped by itself.
  virtual Shape kept(const Shape& input) const { return input; }

  Drop drop_;
  bool affine_ = false;
  double offset_ = 0.0, dropped_ = 0.0;

 private:
  std::optional<std::uint64_t> seed_;
};

}  // namespace mundur

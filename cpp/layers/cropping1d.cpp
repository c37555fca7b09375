// Cropping1D: the first and the last steps of a sample are left out.

#include "layers/layer.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class Cropping1D final : public Layer {
 public:
  explicit Cropping1D(const Cropping1DSpec& spec) : spec_(spec) {
    if (spec.before < 0 || spec.after < 0)
      throw std::invalid_argument("cropping: expected no less than 0 steps");
  }

  Shape build(Setup&, const Shape& input) override {
    require_steps(input, "Cropping1D");
    const std::int64_t steps = checked_sum(spec_.before, spec_.after, "cropping");
    if (steps >= input[0]) {
      throw std::invalid_argument("cropping: leaves nothing of " + std::to_string(input[0]) +
                                  " steps");
    }
    output_ = {input[0] - steps, input[1]};
    return output_;
  }
  bool passes_mask() const override { return false; }

  // y_t = x_(t + before)
  Value forward(Builder& b, Value x) const override {
    const Value y = b.value("y", output_, x);
    b.emit(op::Shift{y, x, -spec_.before});
    // ∂L/∂x_t = ∂L/∂y_(t − before), else 0
    b.backward(y, {x}, [=, this, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::Shift{dx, dy, spec_.before});
      b.gradient(x, dx);
    });
    return y;
  }

 private:
  Cropping1DSpec spec_;
  Shape output_;
};

}  // namespace

MUNDUR_LAYER(Cropping1D);

}  // namespace mundur

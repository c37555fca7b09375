// Masking: time steps that hold nothing but one value are not there. They are zeros behind it, and
// whatever heeds a mask passes over them.

#include "layers/layer.h"

namespace mundur {
namespace {

class Masking final : public Layer {
 public:
  explicit Masking(const MaskingSpec& spec) : spec_(spec) {}

  Shape build(Setup&, const Shape& input) override {
    last_axis(input);
    return input;
  }

  // mask_t = any x_tc ≠ value        y_t = x_t where the mask has step t, else 0
  Value forward(Builder& b, Value x) const override {
    Shape steps = b[x].shape;
    steps.pop_back();
    const Value mask = b.value("mask", std::move(steps), x, Element::byte);
    b.emit(op::FindMask{mask, x, spec_.mask_value});
    const Value y = b.mask_steps(x, mask);
    b.set_mask(y, mask);
    return y;
  }

 private:
  MaskingSpec spec_;
};

}  // namespace

MUNDUR_LAYER(Masking);

}  // namespace mundur

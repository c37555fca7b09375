// Normalization: each column less its mean, over the root of its variance, both known beforehand
// and never changed by training.

#include "layers/layer.h"

namespace mundur {
namespace {

class Normalization final : public Layer {
 public:
  explicit Normalization(const NormalizationSpec& spec) : spec_(spec) {}

  Shape build(Setup& setup, const Shape& input) override {
    const std::int64_t C = spec_.is_single ? 1 : last_axis(input);
    mean_ = setup.state("mean", {C});
    variance_ = setup.state("variance", {C});
    return input;
  }

  // y = (x − μ) / √σ²
  Value forward(Builder& b, Value x) const override {
    const Shape shape = b[x].shape;
    if (!spec_.is_single || shape.back() == 1) return normalised(b, x);
    Shape column = shape;
    column.push_back(1);
    const Value y = b.view(normalised(b, b.view(x, column)), shape);
    b.set_mask(y, b.mask(x));
    return y;
  }

 private:
  Value normalised(Builder& b, Value x) const {
    const Shape C = {b[x].shape.back()};
    const Value mean = b.state(mean_), variance = b.state(variance_);
    const Value inverse = b.whole("inverse", C), scale = b.whole("scale", C);
    b.emit(op::NormalizationScale{inverse, scale, variance, {}, 0.0});
    const Value y = b.like("y", x);
    b.emit(op::NormalizeColumns{y, x, mean, scale, {}});
    // ∂L/∂x = ∂L/∂y / √σ²
    b.backward(y, {x}, [=, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::NormalizeColumnsDx{dx, dy, x, mean, inverse, scale, {}, {}, {}, {}});
      b.gradient(x, dx);
    });
    return y;
  }

  NormalizationSpec spec_;
  int mean_ = 0, variance_ = 0;
};

}  // namespace

MUNDUR_LAYER(Normalization);

}  // namespace mundur

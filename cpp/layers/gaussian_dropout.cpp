// GaussianDropout: in training y = x·n, n normal with mean 1 and the variance of a Dropout of this
// rate, rate/(1 − rate); else y = x. Srivastava et al., "Dropout" (2014), section 10.

#include <cmath>

#include "layers/layer.h"

namespace mundur {
namespace {

class GaussianDropout final : public Layer {
 public:
  explicit GaussianDropout(const GaussianDropoutSpec& spec)
      : deviation_(std::sqrt(checked_rate(spec.rate) / (1.0 - spec.rate))), seed_(spec.seed) {}

  Shape build(Setup&, const Shape& input) override { return input; }

  // y_j = x_j n_j
  Value forward(Builder& b, Value x) const override {
    if (!b.training() || deviation_ == 0.0) return x;
    const Value noise = b.like("noise", x);
    b.emit(op::Normal{noise, {seed_, stream()}, 1.0, deviation_});
    return b.multiply(x, noise);
  }

 private:
  double deviation_;
  std::optional<std::uint64_t> seed_;
};

}  // namespace

MUNDUR_LAYER(GaussianDropout);

}  // namespace mundur

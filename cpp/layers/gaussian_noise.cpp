// GaussianNoise: in training y = x + s·n, n normal; else y = x.

#include "layers/layer.h"

namespace mundur {
namespace {

class GaussianNoise final : public Layer {
 public:
  explicit GaussianNoise(const GaussianNoiseSpec& spec) : spec_(spec) {
    if (!(spec.stddev >= 0.0)) throw std::invalid_argument("stddev: expected a number >= 0");
  }

  Shape build(Setup&, const Shape& input) override { return input; }

  // y_j = x_j + s n_j
  Value forward(Builder& b, Value x) const override {
    if (!b.training() || spec_.stddev == 0.0) return x;
    const Value noise = b.like("noise", x);
    b.emit(op::Normal{noise, {spec_.seed, stream()}, 0.0, spec_.stddev});
    return b.add(x, noise);
  }

 private:
  GaussianNoiseSpec spec_;
};

}  // namespace

MUNDUR_LAYER(GaussianNoise);

}  // namespace mundur

// SpatialDropout1D: in training a channel of a sample is kept, in all its steps, with probability
// 1 - rate, and scaled by 1/(1 - rate); else y = x. Tompson, Goroshin, Jain, LeCun and Bregler,
// "Efficient object localization using convolutional networks" (2015).

#include "layers/dropping.h"

namespace mundur {
namespace {

// y_tc = keep_c x_tc / (1 − rate)
class SpatialDropout1D final : public Dropping {
 public:
  explicit SpatialDropout1D(const SpatialDropout1DSpec& spec) : Dropping(spec.rate, spec.seed) {}

  Shape build(Setup&, const Shape& input) override {
    require_steps(input, "SpatialDropout1D");
    return input;
  }

 private:
  Shape kept(const Shape& input) const override { return {input.back()}; }
};

}  // namespace

MUNDUR_LAYER(SpatialDropout1D);

}  // namespace mundur

// SpatialDropout: in training a channel of a sample is kept, in all its steps or pixels, with
// probability 1 - rate, and scaled by 1/(1 - rate); else y = x. Tompson, Goroshin, Jain, LeCun and
// Bregler, "Efficient object localization using convolutional networks" (2015).

#include "layers/dropping.h"

namespace mundur {
namespace {

// y_tc = keep_c x_tc / (1 − rate)
class SpatialDropout final : public Dropping {
 public:
  explicit SpatialDropout(const SpatialDropoutSpec& spec)
      : Dropping(spec.rate, spec.seed), axes_(spec.axes) {}

  Shape build(Setup&, const Shape& input) override {
    require_axes(input, axes_, "SpatialDropout");
    return input;
  }

 private:
  Shape kept(const Shape& input) const override { return {input.back()}; }

  std::int64_t axes_;
};

}  // namespace

MUNDUR_LAYER(SpatialDropout);

}  // namespace mundur

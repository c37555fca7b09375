// Rescaling: y = scale·x + offset. On uint8 images it spares the caller a float copy of the set.

#include "layers/layer.h"

namespace mundur {
namespace {

class Rescaling final : public Layer {
 public:
  explicit Rescaling(const RescalingSpec& spec) : spec_(spec) {}

  Shape build(Setup&, const Shape& input) override { return input; }

  Value forward(Builder& b, Value x) const override {
    return b.rescale(x, spec_.scale, spec_.offset);
  }

 private:
  RescalingSpec spec_;
};

}  // namespace

MUNDUR_LAYER(Rescaling);

}  // namespace mundur

// Flatten: a sample's axes become one. The memory already lies that way.

#include "layers/layer.h"

namespace mundur {
namespace {

class Flatten final : public Layer {
 public:
  explicit Flatten(const FlattenSpec&) {}
  Shape build(Setup&, const Shape& input) override { return {size_of(input)}; }
  bool passes_mask() const override { return false; }
  Value forward(Builder& b, Value x) const override { return b.view(x, {b[x].size()}); }
};

}  // namespace

MUNDUR_LAYER(Flatten);

}  // namespace mundur

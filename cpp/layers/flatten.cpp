// Flatten: a sample's axes become one. The memory already lies that way.

#include "layers/layers.h"

namespace mundur {
namespace {

template <class T>
class Flatten final : public Layer<T> {
 public:
  explicit Flatten(const FlattenSpec&) {}
  Shape build(const Shape& input, int) override { return {size_of(input)}; }
  MaskFlow mask_flow() const override { return MaskFlow::ends; }
  bool passes_through(bool) const override { return true; }
  void forward(const Pass<T>&, const Saved<T>&) const override {}
  void backward(const Pass<T>&, T*, T*, const Saved<T>&, const Seam&) const override {}
};

}  // namespace

MUNDUR_LAYER(Flatten);

}  // namespace mundur

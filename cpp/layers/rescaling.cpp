// Rescaling: y = scale·x + offset. On uint8 images it spares the caller a float copy of the set.

#include "layers/layers.h"

namespace mundur {
namespace {

template <class T>
class Rescaling final : public Layer<T> {
 public:
  explicit Rescaling(const RescalingSpec& spec)
      : scale_(static_cast<T>(spec.scale)), offset_(static_cast<T>(spec.offset)) {}

  Shape build(const Shape& input, int) override {
    n_ = size_of(input);
    return input;
  }

  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    pass.kernels.rescale(saved.y + part.begin, saved.x + part.begin, part.size(), scale_, offset_);
  }

  // ∂L/∂x_j = scale ∂L/∂y_j
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>&, const Seam&) const override {
    if (!dx) return;
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    pass.kernels.rescale(dx + part.begin, dy + part.begin, part.size(), scale_, T{-0.0});
  }

 private:
  T scale_;
  T offset_;
  std::int64_t n_ = 0;
};

}  // namespace

MUNDUR_LAYER(Rescaling);

}  // namespace mundur

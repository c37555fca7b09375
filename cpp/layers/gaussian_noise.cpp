// GaussianNoise: in training y = x + s·n, n normal; else y = x.

#include <algorithm>
#include <stdexcept>

#include "layers/layers.h"

namespace mundur {
namespace {

template <class T>
class GaussianNoise final : public Layer<T> {
 public:
  explicit GaussianNoise(const GaussianNoiseSpec& spec)
      : deviation_(spec.stddev), masks_(spec.seed) {
    if (!(spec.stddev >= 0.0)) throw std::invalid_argument("stddev: expected a number >= 0");
  }

  Shape build(const Shape& input, int index) override {
    n_ = size_of(input);
    masks_.place(index);
    return input;
  }
  bool passes_through(bool training) const override { return !training || deviation_ == 0.0; }

  // y_j = x_j + s n_j
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    T* y = saved.y + part.begin;
    pass.kernels.normal_noise(y, part.begin, part.size(), masks_.key(pass), 0.0, deviation_);
    pass.kernels.add(y, saved.x + part.begin, y, part.size());
  }

  // ∂L/∂x_j = ∂L/∂y_j
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>&, const Seam&) const override {
    if (!dx) return;
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    std::copy(dy + part.begin, dy + part.end, dx + part.begin);
  }

 private:
  double deviation_;
  Masks masks_;
  std::int64_t n_ = 0;
};

}  // namespace

MUNDUR_LAYER(GaussianNoise);

}  // namespace mundur

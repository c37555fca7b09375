// GaussianDropout: in training y = x·n, n normal with mean 1 and the variance of a Dropout of this
// rate, rate/(1 − rate); else y = x. Srivastava et al., "Dropout" (2014), section 10.

#include <cmath>

#include "layers/layers.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

template <class T>
class GaussianDropout final : public Layer<T> {
 public:
  explicit GaussianDropout(const GaussianDropoutSpec& spec)
      : deviation_(std::sqrt(checked_rate(spec.rate) / (1.0 - spec.rate))), masks_(spec.seed) {}

  Shape build(const Shape& input, int index) override {
    n_ = size_of(input);
    masks_.place(index);
    return input;
  }
  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    if (passes_through(training)) return 0;
    return checked_product(batch * n_, static_cast<std::int64_t>(sizeof(T)),
                           "the workspace of one batch");
  }
  bool passes_through(bool training) const override { return !training || deviation_ == 0.0; }

  // y_j = x_j n_j
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    T* noise = reinterpret_cast<T*>(saved.extra) + part.begin;
    pass.kernels.normal_noise(noise, part.begin, part.size(), masks_.key(pass), 1.0, deviation_);
    pass.kernels.multiply(saved.y + part.begin, saved.x + part.begin, noise, part.size());
  }

  // ∂L/∂x_j = ∂L/∂y_j n_j
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam&) const override {
    if (!dx) return;
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    const T* noise = reinterpret_cast<const T*>(saved.extra) + part.begin;
    pass.kernels.multiply(dx + part.begin, dy + part.begin, noise, part.size());
  }

 private:
  double deviation_;
  Masks masks_;
  std::int64_t n_ = 0;
};

}  // namespace

MUNDUR_LAYER(GaussianDropout);

}  // namespace mundur

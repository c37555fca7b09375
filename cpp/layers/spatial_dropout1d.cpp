// SpatialDropout1D: in training a channel of a sample is kept, in all its steps, with probability
// 1 - rate, and scaled by 1/(1 - rate); else y = x. Tompson, Goroshin, Jain, LeCun and Bregler,
// "Efficient object localization using convolutional networks" (2015).

#include "layers/layers.h"
#include "layers/windows.h"

namespace mundur {
namespace {

template <class T>
class SpatialDropout1D final : public Layer<T> {
 public:
  explicit SpatialDropout1D(const SpatialDropout1DSpec& spec)
      : masks_(spec.seed),
        threshold_(static_cast<std::uint32_t>(checked_rate(spec.rate) * 0x1p32)),
        scale_(static_cast<T>(1.0 / (1.0 - spec.rate))) {}

  Shape build(const Shape& input, int index) override {
    require_steps(input, "SpatialDropout1D");
    steps_ = input[0];
    C_ = input[1];
    masks_.place(index);
    return input;
  }

  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    return training ? batch * C_ : 0;
  }
  bool passes_through(bool training) const override { return !training || threshold_ == 0; }

  // y_tc = keep_c x_tc / (1 − rate)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Range samples = share(pass.batch, 1, pass.worker);
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      auto* const keep = reinterpret_cast<std::uint8_t*>(saved.extra) + n * C_;
      const std::int64_t at = n * steps_ * C_;
      pass.kernels.dropout(saved.y + at, keep, saved.x + at, n * C_, C_, masks_.key(pass),
                           threshold_, scale_);
      mask(pass, saved.y + at + C_, saved.x + at + C_, keep, steps_ - 1);
    }
  }

  // ∂L/∂x_tc = keep_c ∂L/∂y_tc / (1 − rate)
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam&) const override {
    if (!dx) return;
    const Range samples = share(pass.batch, 1, pass.worker);
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      const auto* const keep = reinterpret_cast<const std::uint8_t*>(saved.extra) + n * C_;
      const std::int64_t at = n * steps_ * C_;
      mask(pass, dx + at, dy + at, keep, steps_);
    }
  }

 private:
  void mask(const Pass<T>& pass, T* to, const T* from, const std::uint8_t* keep,
            std::int64_t rows) const {
    for (std::int64_t t = 0; t < rows; ++t)
      pass.kernels.dropout_backward(to + t * C_, keep, from + t * C_, C_, scale_);
  }

  Masks masks_;
  std::uint32_t threshold_;
  T scale_;
  std::int64_t steps_ = 0, C_ = 0;
};

}  // namespace

MUNDUR_LAYER(SpatialDropout1D);

}  // namespace mundur

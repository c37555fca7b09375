// AlphaDropout: in training an element becomes α′ with probability `rate`, and an affine map keeps
// mean 0 and variance 1; else y = x. Klambauer et al., "Self-normalizing neural networks" (2017).

#include <cmath>

#include "layers/layers.h"

namespace mundur {
namespace {

/// −α·scale of SELU, where its values saturate.
constexpr double kSaturation =
    -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946;

template <class T>
class AlphaDropout final : public Layer<T> {
 public:
  explicit AlphaDropout(const AlphaDropoutSpec& spec)
      : threshold_(static_cast<std::uint32_t>(checked_rate(spec.rate) * 0x1p32)),
        masks_(spec.seed) {
    const double q = spec.rate;
    const double a = 1.0 / std::sqrt((1.0 - q) * (1.0 + q * kSaturation * kSaturation));
    const double b = -a * kSaturation * q;
    scale_ = static_cast<T>(a);
    offset_ = static_cast<T>(b);
    dropped_ = static_cast<T>(a * kSaturation + b);
  }

  Shape build(const Shape& input, int index) override {
    n_ = size_of(input);
    masks_.place(index);
    return input;
  }
  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    return training ? batch * n_ : 0;
  }
  bool passes_through(bool training) const override { return !training || threshold_ == 0; }

  // y_j = a x_j + b where kept, a α′ + b where dropped
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    auto* keep = reinterpret_cast<std::uint8_t*>(saved.extra);
    pass.kernels.alpha_dropout(saved.y + part.begin, keep + part.begin, saved.x + part.begin,
                               part.begin, part.size(), masks_.key(pass), threshold_, scale_,
                               offset_, dropped_);
  }

  // ∂L/∂x_j = keep_j a ∂L/∂y_j
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam&) const override {
    if (!dx) return;
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    const auto* keep = reinterpret_cast<const std::uint8_t*>(saved.extra);
    pass.kernels.dropout_backward(dx + part.begin, keep + part.begin, dy + part.begin, part.size(),
                                  scale_);
  }

 private:
  std::uint32_t threshold_;
  Masks masks_;
  T scale_ = T(1);
  T offset_ = T(0);
  T dropped_ = T(0);
  std::int64_t n_ = 0;
};

}  // namespace

MUNDUR_LAYER(AlphaDropout);

}  // namespace mundur

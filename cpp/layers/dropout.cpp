// Dropout: in training an element is kept with probability 1 - rate and scaled by 1/(1 - rate);
// else y = x.

#include <cmath>
#include <stdexcept>

#include "layers/layers.h"

namespace mundur {
namespace {

template <class T>
class Dropout final : public Layer<T> {
 public:
  explicit Dropout(const DropoutSpec& spec)
      : seed_(spec.seed),
        threshold_(static_cast<std::uint32_t>(checked(spec.rate) * 0x1p32)),
        scale_(static_cast<T>(1.0 / (1.0 - spec.rate))) {}

  Shape build(const Shape& input, int index) override {
    n_ = size_of(input);
    index_ = static_cast<std::uint64_t>(index);
    return input;
  }

  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    return training ? batch * n_ : 0;
  }
  bool passes_through(bool training) const override { return !training || threshold_ == 0; }

  // y_j = keep_j x_j / (1 − rate)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    auto* keep = reinterpret_cast<std::uint8_t*>(saved.extra);
    pass.kernels.dropout(saved.y + part.begin, keep + part.begin, saved.x + part.begin, part.begin,
                         part.size(), {seed_.value_or(pass.seed), stream(pass.forward)}, threshold_,
                         scale_);
  }

  // ∂L/∂x_j = keep_j ∂L/∂y_j / (1 − rate)
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam&) const override {
    if (!dx) return;
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    const auto* keep = reinterpret_cast<const std::uint8_t*>(saved.extra);
    pass.kernels.dropout_backward(dx + part.begin, keep + part.begin, dy + part.begin, part.size(),
                                  scale_);
  }

 private:
  static double checked(double rate) {
    if (rate >= 0.0 && rate < 1.0) return rate;
    throw std::invalid_argument("rate: expected 0 <= rate < 1, got " + std::to_string(rate));
  }

  /// One stream of random numbers per layer and training forward; the top bit keeps them apart from
  /// initialisers'.
  std::uint64_t stream(std::uint64_t forward) const {
    constexpr int kLayerBits = 15;
    return (std::uint64_t{1} << 63) | (index_ << (63 - kLayerBits)) | forward;
  }

  std::optional<std::uint64_t> seed_;
  std::uint32_t threshold_;
  T scale_;
  std::int64_t n_ = 0;
  std::uint64_t index_ = 0;
};

}  // namespace

MUNDUR_LAYER(Dropout);

}  // namespace mundur

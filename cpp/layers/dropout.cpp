// Dropout: in training an element is kept with probability 1 - rate and scaled by 1/(1 - rate);
// else y = x.

#include "layers/layers.h"

namespace mundur {
namespace {

template <class T>
class Dropout final : public Layer<T> {
 public:
  explicit Dropout(const DropoutSpec& spec)
      : masks_(spec.seed),
        threshold_(static_cast<std::uint32_t>(checked_rate(spec.rate) * 0x1p32)),
        scale_(static_cast<T>(1.0 / (1.0 - spec.rate))) {}

  Shape build(const Shape& input, int index) override {
    n_ = size_of(input);
    masks_.place(index);
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
                         part.size(), masks_.key(pass), threshold_, scale_);
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
  Masks masks_;
  std::uint32_t threshold_;
  T scale_;
  std::int64_t n_ = 0;
};

}  // namespace

MUNDUR_LAYER(Dropout);

}  // namespace mundur

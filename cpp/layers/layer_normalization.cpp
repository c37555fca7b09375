// LayerNormalization: each sample's last axis, or some of its axes together, brought to mean 0 and
// variance 1. Ba, Kiros and Hinton, "Layer normalization" (2016).

#include "layers/affine.h"
#include "layers/permuted.h"

namespace mundur {
namespace {

class LayerNormalization final : public Layer {
 public:
  explicit LayerNormalization(const LayerNormalizationSpec& spec)
      : spec_(spec), affine_(spec.scale, spec.center) {}

  Shape build(Setup& setup, const Shape& input) override {
    last_axis(input);
    const auto rank = static_cast<std::int64_t>(input.size());
    axes_ = axes_of(spec_.axes.empty() ? Shape{-1} : spec_.axes, rank);
    normalised_.clear();
    for (std::int64_t axis : axes_) {
      normalised_.push_back(input[static_cast<std::size_t>(axis)]);
    }
    affine_.build(setup, normalised_);
    return input;
  }

  Value forward(Builder& b, Value x) const override {
    if (axes_ == Shape{std::ssize(b[x].shape) - 1}) return normalised(b, x);
    return in_rows(b, x, axes_, [&](Value rows) { return normalised(b, rows); });
  }

 private:
  // μ = Σ_j x_j / C        σ² = Σ_j (x_j − μ)² / C        y_j = γ_j (x_j − μ) / √(σ² + ε) + β_j
  Value normalised(Builder& b, Value x) const {
    const Value gamma = affine_.gamma(b), beta = affine_.beta(b);
    const Value mean = b.value("mean", {rows_of(b[x].shape)}, x);
    const Value inverse = b.like("inverse", mean);
    const Value y = b.like("y", x);
    b.emit(op::NormalizeRows{y, mean, inverse, x, gamma, beta, spec_.epsilon});
    // g_j = γ_j dy_j        ∂L/∂x_j = (g_j − (Σ_k g_k + x̂_j Σ_k g_k x̂_k) / C) / √(σ² + ε)
    // ∂L/∂γ_j = Σ_n dy_nj x̂_nj        ∂L/∂β_j = Σ_n dy_nj
    b.backward(y, {x, gamma, beta}, [=, this, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::NormalizeRowsDx{dx, dy, x, mean, inverse, gamma});
      b.gradient(x, dx);
      const Value dbeta = b.whole("dbeta", normalised_), dgamma = b.like("dgamma", dbeta);
      b.emit(op::NormalizeRowsSums{dbeta, dgamma, dy, x, mean, inverse});
      affine_.gradients(b, dgamma, dbeta);
    });
    return y;
  }

  LayerNormalizationSpec spec_;
  Affine affine_;
  Shape axes_, normalised_;
};

}  // namespace

MUNDUR_LAYER(LayerNormalization);

}  // namespace mundur

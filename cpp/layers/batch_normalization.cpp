// BatchNormalization: each column brought to mean 0 and variance 1, by the batch's moments in
// training, by the moving ones else. Ioffe and Szegedy, "Batch normalization: accelerating deep
// network training by reducing internal covariate shift" (2015).

#include "layers/affine.h"
#include "layers/permuted.h"

namespace mundur {
namespace {

class BatchNormalization final : public Layer {
 public:
  explicit BatchNormalization(const BatchNormalizationSpec& spec)
      : spec_(spec), affine_(spec.scale, spec.center) {}

  Shape build(Setup& setup, const Shape& input) override {
    last_axis(input);
    const auto rank = static_cast<std::int64_t>(input.size());
    const Shape axis = axes_of({spec_.axis}, rank);
    order_ = with_last(rank, axis);
    const std::int64_t C = input[static_cast<std::size_t>(axis[0])];
    affine_.build(setup, {C});
    moving_mean_ = setup.state("moving_mean", {C});
    moving_variance_ = setup.state("moving_variance", {C});
    return input;
  }

  Value forward(Builder& b, Value x) const override {
    const Value turned = permuted(b, x, order_);
    if (turned == x) return normalised(b, x);
    return permuted(b, normalised(b, turned), back_from(order_));
  }

 private:
  // μ = Σ_n x_n / N        σ² = Σ_n (x_n − μ)² / N        y = γ (x − μ) / √(σ² + ε) + β
  // over the N rows that the mask has
  Value normalised(Builder& b, Value x) const {
    const bool by_batch = b.training() && b.learns(place());
    const Shape C = {b[x].shape.back()};
    const Value mask = by_batch ? b.mask(x) : Value{};
    Value mean = b.state(moving_mean_), variance = b.state(moving_variance_);
    Value rows;
    if (by_batch) {
      const Value moving_mean = mean, moving_variance = variance;
      mean = b.whole("mean", C);
      variance = b.whole("variance", C);
      if (mask || b.is_part()) {
        rows = b.whole("rows", {1}, Element::float64);
        b.emit(op::CountRows{rows, x, mask});
      }
      const Value sum = b.whole("sum", C), off = b.whole("off", C), squares = b.whole("squares", C);
      b.emit(op::ColumnSums{sum, x, mask});
      b.emit(op::ColumnDeviations{off, squares, x, mask, sum, rows});
      b.emit(op::ColumnMoments{mean, variance, x, sum, off, squares, rows, moving_mean,
                               moving_variance, spec_.momentum});
    }
    const Value gamma = affine_.gamma(b), beta = affine_.beta(b);
    const Value inverse = b.whole("inverse", C), scale = b.whole("scale", C);
    b.emit(op::NormalizationScale{inverse, scale, variance, gamma, spec_.epsilon});
    const Value y = b.like("y", x);
    b.emit(op::NormalizeColumns{y, x, mean, scale, beta});
    // ∂L/∂β = Σ_n dy_n        ∂L/∂γ = Σ_n dy_n x̂_n
    // ∂L/∂x = γ / √(σ² + ε) (dy − (∂L/∂β + x̂ ∂L/∂γ) / N); where the moments do not depend on x, the
    // moving ones or a row that the mask has not, only the first term
    b.backward(y, {x, gamma, beta}, [=, this, &b](Value dy) {
      const Value dbeta = b.whole("dbeta", C), dgamma = b.whole("dgamma", C);
      b.emit(op::NormalizeColumnsSums{dbeta, dgamma, dy, x, mean, inverse});
      const Value dx = b.like("dx", x);
      b.emit(op::NormalizeColumnsDx{dx, dy, x, mean, inverse, scale, by_batch ? dbeta : Value{},
                                    by_batch ? dgamma : Value{}, mask, rows});
      b.gradient(x, dx);
      affine_.gradients(b, dgamma, dbeta);
    });
    return y;
  }

  BatchNormalizationSpec spec_;
  Affine affine_;
  Shape order_;
  int moving_mean_ = 0, moving_variance_ = 0;
};

}  // namespace

MUNDUR_LAYER(BatchNormalization);

}  // namespace mundur

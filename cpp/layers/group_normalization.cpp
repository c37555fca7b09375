// GroupNormalization: the channels of each sample, in groups of neighbours, brought to mean 0 and
// variance 1 over all that stands in front of them. Wu and He, "Group normalization" (2018).

#include "layers/affine.h"
#include "layers/permuted.h"

namespace mundur {
namespace {

class GroupNormalization final : public Layer {
 public:
  explicit GroupNormalization(const GroupNormalizationSpec& spec)
      : spec_(spec), affine_(spec.scale, spec.center) {}

  Shape build(Setup& setup, const Shape& input) override {
    const std::int64_t C = last_axis(input);
    groups_ = spec_.groups == -1 ? C : spec_.groups;
    if (groups_ < 1 || C % groups_ != 0) {
      throw std::invalid_argument("groups: expected what divides " + std::to_string(C) +
                                  " channels, or -1, got " + std::to_string(spec_.groups));
    }
    affine_.build(setup, {C});
    return input;
  }

  Value forward(Builder& b, Value x) const override {
    const Shape shape = b[x].shape;
    const Value mask = b.mask(x);
    const std::int64_t m = shape.back() / groups_, places = rows_of(shape);
    const Value turned = permuted(b, b.view(x, {places, groups_, m}), {1, 0, 2});
    const Value rows =
        b.view(normalised(b, b.view(turned, {groups_, places * m})), {groups_, places, m});
    const Value y = scaled(b, b.view(permuted(b, rows, {1, 0, 2}), shape));
    b.set_mask(y, mask);
    return y;
  }

 private:
  // μ = Σ_j x_j / N        σ² = Σ_j (x_j − μ)² / N        x̂_j = (x_j − μ) / √(σ² + ε)
  Value normalised(Builder& b, Value x) const {
    const Value mean = b.value("mean", {groups_}, x), inverse = b.like("inverse", mean);
    const Value y = b.like("normalized", x);
    b.emit(op::NormalizeRows{y, mean, inverse, x, {}, {}, spec_.epsilon});
    // ∂L/∂x_j = (∂L/∂x̂_j − (Σ_k ∂L/∂x̂_k + x̂_j Σ_k ∂L/∂x̂_k x̂_k) / N) / √(σ² + ε)
    b.backward(y, {x}, [=, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::NormalizeRowsDx{dx, dy, x, mean, inverse, {}});
      b.gradient(x, dx);
    });
    return y;
  }

  // y = γ x̂ + β, as a normalisation of columns whose mean is 0 and whose variance is 1
  Value scaled(Builder& b, Value x) const {
    if (!spec_.scale && !spec_.center) return x;
    const Shape C = {b[x].shape.back()};
    const Value gamma = affine_.gamma(b), beta = affine_.beta(b);
    const Value zeros = b.whole("zeros", C), inverse = b.whole("inverse", C);
    const Value scale = b.whole("scale", C);
    b.emit(op::Zero{zeros});
    b.emit(op::NormalizationScale{inverse, scale, zeros, gamma, 1.0});
    const Value y = b.like("y", x);
    b.emit(op::NormalizeColumns{y, x, zeros, scale, beta});
    // ∂L/∂x̂ = γ ∂L/∂y        ∂L/∂γ = Σ_n ∂L/∂y x̂        ∂L/∂β = Σ_n ∂L/∂y
    b.backward(y, {x, gamma, beta}, [=, this, &b](Value dy) {
      const Value dbeta = b.whole("dbeta", C), dgamma = b.whole("dgamma", C);
      b.emit(op::NormalizeColumnsSums{dbeta, dgamma, dy, x, zeros, inverse});
      affine_.gradients(b, dgamma, dbeta);
      const Value dx = b.like("dx", x);
      b.emit(op::NormalizeColumnsDx{dx, dy, x, zeros, inverse, scale, {}, {}, {}, {}});
      b.gradient(x, dx);
    });
    return y;
  }

  GroupNormalizationSpec spec_;
  Affine affine_;
  std::int64_t groups_ = 1;
};

}  // namespace

MUNDUR_LAYER(GroupNormalization);

}  // namespace mundur

// UnitNormalization: each sample's last axis, or some of its axes together, brought to length 1.

#include "layers/permuted.h"
#include "layers/unit_rows.h"

namespace mundur {
namespace {

// y = x / max(√Σ_j x_j², ε)
class UnitNormalization final : public Layer {
 public:
  explicit UnitNormalization(const UnitNormalizationSpec& spec) : axes_(spec.axes) {}

  Shape build(Setup&, const Shape& input) override {
    last_axis(input);
    const auto rank = static_cast<std::int64_t>(input.size());
    axes_ = axes_of(axes_.empty() ? Shape{-1} : axes_, rank);
    return input;
  }

  Value forward(Builder& b, Value x) const override {
    constexpr double kEpsilon = 1e-12;
    return in_rows(b, x, axes_, [&](Value rows) { return unit_rows(b, rows, kEpsilon); });
  }

 private:
  Shape axes_;
};

}  // namespace

MUNDUR_LAYER(UnitNormalization);

}  // namespace mundur

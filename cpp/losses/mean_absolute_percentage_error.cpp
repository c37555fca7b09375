// MeanAbsolutePercentageError: L = 100/(B·O) Σ_b Σ_o |p − y| / max(|y|, 1e-7)
// ∂L/∂p = 100 sign(p − y) / max(|y|, 1e-7) / (B·O)

#include "losses/losses.h"

namespace mundur {
namespace {

class MeanAbsolutePercentageError final : public Loss {
 public:
  std::string name() const override { return "mean_absolute_percentage_error"; }
  LossKind kind() const override { return LossKind::mean_absolute_percentage_error; }
  bool elementwise() const override { return true; }
  bool from_logits() const override { return false; }
};

}  // namespace

std::unique_ptr<Loss> make_mean_absolute_percentage_error() {
  return std::make_unique<MeanAbsolutePercentageError>();
}

}  // namespace mundur

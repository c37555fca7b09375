// MeanAbsoluteError: L = 1/(B·O) Σ_b Σ_o |p − y|        ∂L/∂p = sign(p − y) / (B·O)

#include "losses/losses.h"

namespace mundur {
namespace {

class MeanAbsoluteError final : public Loss {
 public:
  std::string name() const override { return "mean_absolute_error"; }
  LossKind kind() const override { return LossKind::mean_absolute_error; }
  bool elementwise() const override { return true; }
  bool from_logits() const override { return false; }
};

}  // namespace

std::unique_ptr<Loss> make_mean_absolute_error() { return std::make_unique<MeanAbsoluteError>(); }

}  // namespace mundur

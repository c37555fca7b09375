// Poisson: L = 1/(B·O) Σ_b Σ_o p − y log(p + 1e-7)        ∂L/∂p = (1 − y / (p + 1e-7)) / (B·O)

#include "losses/losses.h"

namespace mundur {
namespace {

class Poisson final : public Loss {
 public:
  std::string name() const override { return "poisson"; }
  LossKind kind() const override { return LossKind::poisson; }
  bool elementwise() const override { return true; }
  bool from_logits() const override { return false; }
};

}  // namespace

std::unique_ptr<Loss> make_poisson() { return std::make_unique<Poisson>(); }

}  // namespace mundur

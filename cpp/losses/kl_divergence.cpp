// KLDivergence: L = 1/B Σ_b Σ_o y log(y / p)        ∂L/∂p = −y / p / B

#include "losses/losses.h"

namespace mundur {
namespace {

class KLDivergence final : public Loss {
 public:
  std::string name() const override { return "kl_divergence"; }
  LossKind kind() const override { return LossKind::kl_divergence; }
  bool elementwise() const override { return false; }
  bool from_logits() const override { return false; }
};

}  // namespace

std::unique_ptr<Loss> make_kl_divergence() { return std::make_unique<KLDivergence>(); }

}  // namespace mundur

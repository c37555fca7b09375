// Hinge: L = 1/(B·O) Σ_b Σ_o max(1 − y p, 0)        ∂L/∂p = −y / (B·O) where 1 − y p > 0, else 0

#include "losses/losses.h"

namespace mundur {
namespace {

class Hinge final : public Loss {
 public:
  std::string name() const override { return "hinge"; }
  LossKind kind() const override { return LossKind::hinge; }
  bool elementwise() const override { return true; }
  /// Scores: 0 parts the classes.
  bool from_logits() const override { return true; }
};

}  // namespace

std::unique_ptr<Loss> make_hinge() { return std::make_unique<Hinge>(); }

}  // namespace mundur

// SquaredHinge: L = 1/(B·O) Σ_b Σ_o max(1 − y p, 0)²        ∂L/∂p = −2 y max(1 − y p, 0) / (B·O)

#include "losses/losses.h"

namespace mundur {
namespace {

class SquaredHinge final : public Loss {
 public:
  std::string name() const override { return "squared_hinge"; }
  LossKind kind() const override { return LossKind::squared_hinge; }
  bool elementwise() const override { return true; }
  /// Scores: 0 parts the classes.
  bool from_logits() const override { return true; }
};

}  // namespace

std::unique_ptr<Loss> make_squared_hinge() { return std::make_unique<SquaredHinge>(); }

}  // namespace mundur

// MeanSquaredError: L = 1/(B·O) Σ_b Σ_o (p − y)²        ∂L/∂p = 2 (p − y) / (B·O)

#include "losses/losses.h"

namespace mundur {
namespace {

class MeanSquaredError final : public Loss {
 public:
  std::string name() const override { return "mean_squared_error"; }
  LossKind kind() const override { return LossKind::mean_squared_error; }
  bool elementwise() const override { return true; }
  bool from_logits() const override { return false; }
};

}  // namespace

std::unique_ptr<Loss> make_mean_squared_error() { return std::make_unique<MeanSquaredError>(); }

}  // namespace mundur

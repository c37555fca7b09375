// MeanSquaredLogarithmicError: L = 1/(B·O) Σ_b Σ_o (log(1 + p) − log(1 + y))²
// ∂L/∂p = 2 (log(1 + p) − log(1 + y)) / (1 + p) / (B·O), p and y from 1e-7 on

#include "losses/losses.h"

namespace mundur {
namespace {

class MeanSquaredLogarithmicError final : public Loss {
 public:
  std::string name() const override { return "mean_squared_logarithmic_error"; }
  LossKind kind() const override { return LossKind::mean_squared_logarithmic_error; }
  bool elementwise() const override { return true; }
  bool from_logits() const override { return false; }
};

}  // namespace

std::unique_ptr<Loss> make_mean_squared_logarithmic_error() {
  return std::make_unique<MeanSquaredLogarithmicError>();
}

}  // namespace mundur

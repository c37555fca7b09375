// Huber: L = 1/(B·O) Σ_b Σ_o h(p − y), h(e) = e²/2 where |e| ≤ δ, else δ (|e| − δ/2)
// ∂L/∂p = (p − y clipped to [−δ, δ]) / (B·O)

#include "losses/losses.h"

namespace mundur {
namespace {

class Huber final : public Loss {
 public:
  using Loss::Loss;
  std::string name() const override { return "huber"; }
  LossKind kind() const override { return LossKind::huber; }
  bool elementwise() const override { return true; }
  bool from_logits() const override { return false; }
};

}  // namespace

std::unique_ptr<Loss> make_huber(const LossNumbers& numbers) {
  return std::make_unique<Huber>(numbers);
}

}  // namespace mundur

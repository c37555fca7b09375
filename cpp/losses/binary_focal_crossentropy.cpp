// BinaryFocalCrossentropy: L = −1/(B·O) Σ_b Σ_o w q^γ (y log p + (1 − y) log(1 − p)), where
// q = y (1 − p) + (1 − y) p is what is wrong with p, and w the factor of its class.
// From logits, p = σ(z): ∂L/∂z = w q^γ (p − y + γ (1 − 2y) p (1 − p) / q · crossentropy) / (B·O).

#include "losses/losses.h"

namespace mundur {
namespace {

class BinaryFocalCrossentropy final : public Loss {
 public:
  BinaryFocalCrossentropy(bool from_logits, const LossNumbers& numbers)
      : Loss(numbers), from_logits_(from_logits) {}
  std::string name() const override { return "binary_focal_crossentropy"; }
  LossKind kind() const override {
    return from_logits_ ? LossKind::binary_focal_logits : LossKind::binary_focal;
  }
  bool elementwise() const override { return true; }
  bool from_logits() const override { return from_logits_; }

 private:
  bool from_logits_;
};

}  // namespace

std::unique_ptr<Loss> make_binary_focal_crossentropy(bool from_logits, const LossNumbers& numbers) {
  return std::make_unique<BinaryFocalCrossentropy>(from_logits, numbers);
}

}  // namespace mundur

// CategoricalFocalCrossentropy: L = −1/B Σ_b Σ_o α (1 − p)^γ y log p
// From logits, p = softmax(z): with s = p ∂L/∂p, ∂L/∂z = s − p Σ_o s.

#include "losses/losses.h"

namespace mundur {
namespace {

class CategoricalFocalCrossentropy final : public Loss {
 public:
  CategoricalFocalCrossentropy(bool from_logits, const LossNumbers& numbers)
      : Loss(numbers), from_logits_(from_logits) {}
  std::string name() const override { return "categorical_focal_crossentropy"; }
  LossKind kind() const override {
    return from_logits_ ? LossKind::categorical_focal_logits : LossKind::categorical_focal;
  }
  bool elementwise() const override { return false; }
  bool from_logits() const override { return from_logits_; }

 private:
  bool from_logits_;
};

}  // namespace

std::unique_ptr<Loss> make_categorical_focal_crossentropy(bool from_logits,
                                                          const LossNumbers& numbers) {
  return std::make_unique<CategoricalFocalCrossentropy>(from_logits, numbers);
}

}  // namespace mundur

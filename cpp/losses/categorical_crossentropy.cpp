// CategoricalCrossentropy: L = −1/B Σ_b Σ_o y log p
// From logits, p = softmax(z): ∂L/∂z = (p Σ_o y − y) / B. With label smoothing s, y becomes
// y (1 − s) + s/O.

#include "losses/losses.h"

namespace mundur {
namespace {

class CategoricalCrossentropy final : public Loss {
 public:
  CategoricalCrossentropy(bool from_logits, const LossNumbers& numbers)
      : Loss(numbers), from_logits_(from_logits) {}
  std::string name() const override { return "categorical_crossentropy"; }
  LossKind kind() const override {
    return from_logits_ ? LossKind::categorical_crossentropy_logits
                        : LossKind::categorical_crossentropy;
  }
  bool elementwise() const override { return false; }
  bool from_logits() const override { return from_logits_; }
  Activation fuses_with() const override {
    return from_logits_ ? Activation::linear : Activation::softmax;
  }

 private:
  bool from_logits_;
};

}  // namespace

std::unique_ptr<Loss> make_categorical_crossentropy(bool from_logits, const LossNumbers& numbers) {
  return std::make_unique<CategoricalCrossentropy>(from_logits, numbers);
}

}  // namespace mundur

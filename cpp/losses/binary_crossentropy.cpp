// BinaryCrossentropy: L = −1/(B·O) Σ_b Σ_o y log p + (1 − y) log(1 − p)
// From logits, p = σ(z): ∂L/∂z = (p − y) / (B·O). With label smoothing s, y becomes y (1 − s) +
// s/2.

#include "losses/losses.h"

namespace mundur {
namespace {

class BinaryCrossentropy final : public Loss {
 public:
  BinaryCrossentropy(bool from_logits, const LossNumbers& numbers)
      : Loss(numbers), from_logits_(from_logits) {}
  std::string name() const override { return "binary_crossentropy"; }
  LossKind kind() const override {
    return from_logits_ ? LossKind::binary_crossentropy_logits : LossKind::binary_crossentropy;
  }
  bool elementwise() const override { return true; }
  bool from_logits() const override { return from_logits_; }
  Activation fuses_with() const override {
    return from_logits_ ? Activation::linear : Activation::sigmoid;
  }

 private:
  bool from_logits_;
};

}  // namespace

std::unique_ptr<Loss> make_binary_crossentropy(bool from_logits, const LossNumbers& numbers) {
  return std::make_unique<BinaryCrossentropy>(from_logits, numbers);
}

}  // namespace mundur

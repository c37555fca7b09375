// BinaryCrossentropy: L = −1/(B·O) Σ_b Σ_o y log p + (1 − y) log(1 − p)
// From logits, p = σ(z): ∂L/∂z = (p − y) / (B·O).

#include "losses/losses.h"

namespace mundur {
namespace {

class BinaryCrossentropy final : public Loss {
 public:
  explicit BinaryCrossentropy(bool from_logits) : from_logits_(from_logits) {}
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

std::unique_ptr<Loss> make_binary_crossentropy(bool from_logits) {
  return std::make_unique<BinaryCrossentropy>(from_logits);
}

}  // namespace mundur

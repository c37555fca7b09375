// SparseCategoricalCrossentropy: categorical cross-entropy whose target is the label of the one
// class: L = −1/B Σ_b log p_label. From logits, p = softmax(z): ∂L/∂z_o = (p_o − [o = label]) / B.

#include "losses/losses.h"

namespace mundur {
namespace {

class SparseCategoricalCrossentropy final : public Loss {
 public:
  explicit SparseCategoricalCrossentropy(bool from_logits) : from_logits_(from_logits) {}
  std::string name() const override { return "sparse_categorical_crossentropy"; }
  LossKind kind() const override {
    return from_logits_ ? LossKind::sparse_crossentropy_logits : LossKind::sparse_crossentropy;
  }
  bool elementwise() const override { return false; }
  bool sparse() const override { return true; }
  bool from_logits() const override { return from_logits_; }
  Activation fuses_with() const override {
    return from_logits_ ? Activation::linear : Activation::softmax;
  }

 private:
  bool from_logits_;
};

}  // namespace

std::unique_ptr<Loss> make_sparse_categorical_crossentropy(bool from_logits) {
  return std::make_unique<SparseCategoricalCrossentropy>(from_logits);
}

}  // namespace mundur

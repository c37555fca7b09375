#pragma once

// What normalisations share: γ and β, one of each for a column of normalised numbers, either of
// which may be missing.

#include "layers/layer.h"

namespace mundur {

class Affine {
 public:
  Affine(bool scale, bool center) : scale_(scale), center_(center) {}

  void build(Setup& setup, const Shape& shape) {
    if (scale_) gamma_ = setup.parameter("gamma", shape);
    if (center_) beta_ = setup.parameter("beta", shape);
  }
  /// None where there is none.
  Value gamma(Builder& b) const { return scale_ ? b.parameter(gamma_) : Value{}; }
  Value beta(Builder& b) const { return center_ ? b.parameter(beta_) : Value{}; }
  /// These sums, which others may still read, are their gradients.
  void gradients(Builder& b, Value dgamma, Value dbeta) const {
    if (scale_) b.gradient(gamma(b), b.copy(dgamma));
    if (center_) b.gradient(beta(b), b.copy(dbeta));
  }

 private:
  bool scale_, center_;
  int gamma_ = 0, beta_ = 0;
};

}  // namespace mundur

#pragma once

// What normalisations share: γ and β, one of each for a column, either of which may be missing.

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "layers/layers.h"
#include "mundur/memory.h"

namespace mundur {

inline std::int64_t last_axis(const Shape& input) {
  if (input.empty()) throw std::invalid_argument("expected samples of one axis or more");
  return input.back();
}

template <class T>
class Affine {
 public:
  Affine(bool scale, bool center) : scale_(scale), center_(center) {}

  std::vector<Parameter<T>> parameters(std::int64_t C) const {
    std::vector<Parameter<T>> all;
    if (scale_) all.push_back({"gamma", {C}});
    if (center_) all.push_back({"beta", {C}});
    return all;
  }
  void bind(Parameter<T>* parameters) {
    if (scale_) gamma_ = parameters++;
    if (center_) beta_ = parameters;
  }

  /// Null where there is none.
  const T* gamma() const { return gamma_ ? gamma_->value : nullptr; }
  const T* beta() const { return beta_ ? beta_->value : nullptr; }
  bool learns() const { return (gamma_ && gamma_->trainable) || (beta_ && beta_->trainable); }

  /// The columns that this worker sums and updates, the same every time.
  static Range columns(const Pass<T>& pass, std::int64_t C) {
    return own(1, kParameterRows, C, pass.kernels.column_grain, pass.worker).columns;
  }
  /// The sums of these columns become gradients, and at once updates.
  void take(const Pass<T>& pass, const T* dgamma, const T* dbeta, Range columns) const {
    take(pass, gamma_, dgamma, columns);
    take(pass, beta_, dbeta, columns);
  }

 private:
  static void take(const Pass<T>& pass, const Parameter<T>* parameter, const T* gradient,
                   Range columns) {
    if (!parameter || !parameter->trainable) return;
    std::copy(gradient + columns.begin, gradient + columns.end,
              parameter->gradient + columns.begin);
    update_block(pass, *parameter, columns.begin, 1, columns.size(), columns.size());
  }

  bool scale_;
  bool center_;
  const Parameter<T>* gamma_ = nullptr;
  const Parameter<T>* beta_ = nullptr;
};

}  // namespace mundur

#pragma once

// Rows brought to length 1, for layers that compare directions.

#include "layers/layer.h"

namespace mundur {

/// y = x / max(‖x‖, ε) along the last axis.
inline Value unit_rows(Builder& b, Value x, double epsilon) {
  const Value y = b.like("unit", x);
  const Value inverse = b.value("inverse", {rows_of(b[x].shape)}, x);
  const double most = 1.0 / epsilon;
  b.emit(op::UnitRows{y, inverse, x, most});
  // ∂L/∂x = (∂L/∂y − y Σ_k y_k ∂L/∂y_k) / ‖x‖; where that is below ε, ∂L/∂y / ε
  b.backward(y, {x}, [=, &b](Value dy) {
    const Value dx = b.like("dx", x);
    b.emit(op::UnitRowsDx{dx, dy, y, inverse, most});
    b.gradient(x, dx);
  });
  return y;
}

}  // namespace mundur

#pragma once

#include "mundur/activations.h"

namespace mundur {

/// y[B,O] = f(x[B,O]), by the calling thread; y is not x where f is the caller's own.
template <class T>
void apply_activation(const ActivationFunction& f, T* y, const T* x, std::int64_t B,
                      std::int64_t O);

}  // namespace mundur

#pragma once

// Activations whose derivative is written through y = f(x) (see Function in mundur/types.h): f(x),
// and dy · f'(x).

#include "cpu/kernels/formulas/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Linear {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x) { return x; }
  static MUNDUR_INLINE Vec<T> gradient(Vec<T>, Vec<T> dy) { return dy; }
};

template <class T>
struct Relu {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x) {
    return select(greater(x, 0), x, select(is_nan(x), x, 0));
  }
  static MUNDUR_INLINE Vec<T> gradient(Vec<T> y, Vec<T> dy) {
    return select(greater(y, 0), dy, select(is_nan(y), y, 0));
  }
};

template <class T>
struct Sigmoid {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x) { return sigmoid(x); }
  static MUNDUR_INLINE Vec<T> gradient(Vec<T> y, Vec<T> dy) { return dy * fnma(y, y, y); }
};

template <class T>
struct Tanh {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x) { return tanh(x); }
  static MUNDUR_INLINE Vec<T> gradient(Vec<T> y, Vec<T> dy) { return dy * fnma(y, y, 1); }
};

/// use(the struct of the function).
template <class T, class Use>
MUNDUR_INLINE void with_function(Function f, Use use) {
#define MUNDUR_CASE(name, Struct) \
  case Function::name:            \
    return use(Struct<T>{});
  switch (f) { MUNDUR_FUNCTIONS(MUNDUR_CASE) }
#undef MUNDUR_CASE
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

#pragma once

// Adafactor's formulas, of rows, columns and pieces of one parameter.

#include "cpu/kernels/formulas/rules.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
MUNDUR_DEVICE T squares_of_row(const Update<T>& u, const T* g, i64 n) {
  const auto square = [&](Vec<T> a) MUNDUR_BODY {
    const Vec<T> limit = limited(u, a);
    return limit * limit;
  };
  return lane_sum(n, square, g);
}

template <class T>
MUNDUR_DEVICE void squares_of_columns(T* sums, const Update<T>& u, const T* g, i64 rows,
                                      i64 columns, i64 ld) {
  for_each_vec<T>(columns, [&](i64 c, int n) MUNDUR_BODY {
    Vec<T> sum = zero<T>();
    for (i64 r = 0; r < rows; ++r) {
      const Vec<T> a = limited(u, load_up_to(g + r * ld + c, n));
      sum = fma(a, a, sum);
    }
    store_up_to(sums + c, sum, n);
  });
}

template <class T>
MUNDUR_DEVICE void blend_squares(T* v, const Update<T>& update, const T* g, i64 n) {
  const Update<T> u = update;
  const auto blended = [&](Vec<T> old, Vec<T> a) MUNDUR_BODY {
    const Vec<T> limit = limited(u, a);
    return blend(u.beta2, old, u.one_minus_beta2, fma(limit, limit, u.epsilon));
  };
  map(v, n, blended, v, g);
}

/// The two factors apart: their product would underflow where both are small.
template <class T>
MUNDUR_INLINE Vec<T> factored_step(const Update<T>& u, Vec<T> g, Vec<T> v, T row) {
  return limited(u, g) * row / sqrt(v);
}

template <class T>
MUNDUR_DEVICE T squares_of_steps(const Update<T>& u, const T* g, const T* v, T row, i64 n) {
  const auto square = [&](Vec<T> a, Vec<T> b) MUNDUR_BODY {
    const Vec<T> step = factored_step(u, a, b, row);
    return step * step;
  };
  return lane_sum(n, square, g, v);
}

/// On the n parameters from number i on.
template <class T>
MUNDUR_INLINE void update_factored_some(const Update<T>& u, i64 i, Vec<T> g, Vec<T> v, T row,
                                        int n) {
  const Vec<T> step = factored_step(u, g, v, row);
  Vec<T> w = fnma(u.lr, step, load_up_to(u.w + i, n) * u.keep);
  if (u.average) w = averaged(u, i, w, n);
  store_up_to(u.w + i, w, n);
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

// Penalties of weights and activities, and limits of their norms.

#include "cpu/kernels/isa/vec.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
MUNDUR_INLINE T sum_of_squares(const T* x, i64 size) {
  return lane_sum(size, [](Vec<T> a) MUNDUR_BODY { return a * a; }, x);
}

template <class T>
MUNDUR_DEVICE void norms(double* sums, const T* x, i64 n) {
  sums[0] = static_cast<double>(lane_sum(n, [](Vec<T> a) MUNDUR_BODY { return abs(a); }, x));
  sums[1] = static_cast<double>(sum_of_squares(x, n));
}

template <class T>
MUNDUR_DEVICE void add_penalty(T* g, const T* w, i64 rows, i64 columns, i64 ldg, i64 ldw, T l1,
                               T two_l2) {
  const auto add = [=](Vec<T> gradient, Vec<T> weight) MUNDUR_BODY {
    if (two_l2 != T(0)) gradient = fma(two_l2, weight, gradient);
    if (l1 == T(0)) return gradient;
    // A NaN stays one: its sign is nobody's promise.
    const Vec<T> sign = select(equal(weight, weight), copysign(Vec<T>(l1), weight), weight);
    return gradient + select(equal(weight, 0), 0, sign);
  };
  for (i64 r = 0; r < rows; ++r) map(g + r * ldg, columns, add, g + r * ldg, w + r * ldw);
}

/// What vectors of these norms are multiplied by. `kept`: their norms lie within the limits.
template <class T>
struct Factor {
  Mask<T> kept;
  Vec<T> factor;
};

template <class T>
MUNDUR_INLINE Factor<T> factor_of(Vec<T> norm, T least, T most, T rate) {
  constexpr T kEpsilon = T(1e-7);
  const Vec<T> inside = min(max(norm, least), most);
  const Vec<T> wanted = fma(rate, inside, (T(1) - rate) * norm);
  return {equal(inside, norm), wanted / (norm + kEpsilon)};
}

template <class T>
MUNDUR_INLINE void scale_to(T* w, const Factor<T>& by, int n) {
  const Vec<T> a = load_up_to(w, n);
  store_up_to(w, select(by.kept, a, a * by.factor), n);
}

/// One vector, side by side in memory.
template <class T>
MUNDUR_DEVICE void limit_norm(T* w, i64 n, T least, T most, T rate) {
  const Factor<T> by = factor_of(sqrt(Vec<T>(sum_of_squares(w, n))), least, most, rate);
  for_each_vec<T>(n, [&](i64 i, int count) MUNDUR_BODY { scale_to(w + i, by, count); });
}

template <class T>
MUNDUR_DEVICE void limit_norms(T* w, i64 rows, i64 columns, i64 ldw, T least, T most, T rate) {
  if (ldw == 1) return limit_norm(w, rows, least, most, rate);
  for_each_vec<T>(columns, [&](i64 i, int n) MUNDUR_BODY {
    Vec<T> squares = T(0);
    for (i64 r = 0; r < rows; ++r) {
      const Vec<T> a = load_up_to(w + r * ldw + i, n);
      squares = fma(a, a, squares);
    }
    const Factor<T> by = factor_of(sqrt(squares), least, most, rate);
    for (i64 r = 0; r < rows; ++r) scale_to(w + r * ldw + i, by, n);
  });
}

template <class T>
void fill_penalties_rows(Kernels<T>& table) {
  table.norms = norms<T>;
  table.add_penalty = add_penalty<T>;
  table.limit_norms = limit_norms<T>;
}

}  // namespace

void fill_penalties(Kernels<float>& table) { fill_penalties_rows(table); }
void fill_penalties(Kernels<double>& table) { fill_penalties_rows(table); }

}  // namespace mundur::MUNDUR_ISA

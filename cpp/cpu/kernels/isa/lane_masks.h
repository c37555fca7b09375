#pragma once

// Masks of the instruction sets that have no registers for them: lanes with all bits on or off.
// Included by vec_NAME.h only.

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Mask {
  using Native = decltype(Vec<T>().v < Vec<T>().v);
  Native m;

  template <int... I>
  static MUNDUR_INLINE Mask first_n(int n, Indices<I...>) {
    return {Native{I...} < n};
  }
  static MUNDUR_INLINE Mask first_n(int n) { return first_n(n, Counting<Vec<T>::kWidth>{}); }

  friend MUNDUR_INLINE Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
  friend MUNDUR_INLINE Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
  friend MUNDUR_INLINE Mask operator~(Mask a) { return {~a.m}; }
};

MUNDUR_INLINE Mask<float> less(VecF a, VecF b) { return {a.v < b.v}; }
MUNDUR_INLINE Mask<double> less(VecD a, VecD b) { return {a.v < b.v}; }
MUNDUR_INLINE Mask<float> equal(VecF a, VecF b) { return {a.v == b.v}; }
MUNDUR_INLINE Mask<double> equal(VecD a, VecD b) { return {a.v == b.v}; }
template <class T>
MUNDUR_INLINE Mask<T> is_nan(Vec<T> a) {
  return {a.v != a.v};
}

#if !defined(MUNDUR_ISA_avx2)

template <class T>
MUNDUR_INLINE Vec<T> load_masked(const T* p, Mask<T> m) {
  Vec<T> a = T(0);
  for (int i = 0; i < Vec<T>::kWidth; ++i) {
    if (m.m[i]) a.v[i] = p[i];
  }
  return a;
}
template <class T>
MUNDUR_INLINE void store_masked(T* p, Vec<T> a, Mask<T> m) {
  for (int i = 0; i < Vec<T>::kWidth; ++i) {
    if (m.m[i]) p[i] = a.v[i];
  }
}
template <class T>
MUNDUR_INLINE bool any(Mask<T> a) {
  bool found = false;
  for (int i = 0; i < Vec<T>::kWidth; ++i) found = found || a.m[i];
  return found;
}
template <class T>
MUNDUR_INLINE int first_true(Mask<T> a) {
  int i = 0;
  while (i < Vec<T>::kWidth - 1 && !a.m[i]) ++i;
  return i;
}

#endif

}  // namespace
}  // namespace mundur::MUNDUR_ISA

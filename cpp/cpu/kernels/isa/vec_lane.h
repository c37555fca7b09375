#pragma once

// One lane: what a single thread of a GPU computes with, and the emulation of one. Included by
// vec.h only.

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Mask {
  bool m;
  static MUNDUR_INLINE Mask first_n(int n) { return {n > 0}; }
  friend MUNDUR_INLINE Mask operator&(Mask a, Mask b) { return {a.m && b.m}; }
  friend MUNDUR_INLINE Mask operator|(Mask a, Mask b) { return {a.m || b.m}; }
  friend MUNDUR_INLINE Mask operator~(Mask a) { return {!a.m}; }
};

template <class T>
struct BitsOf;
template <>
struct BitsOf<float> {
  using Type = std::uint32_t;
};
template <>
struct BitsOf<double> {
  using Type = std::uint64_t;
};

template <class T>
struct Vec {
  static constexpr int kWidth = 1;
  using Bits = typename BitsOf<T>::Type;
  T v[1];

  Vec() = default;
  MUNDUR_INLINE Vec(T x) : v{x} {}
  static MUNDUR_INLINE Vec of_bits(Bits bits) { return __builtin_bit_cast(T, bits); }
  MUNDUR_INLINE Bits bits() const { return __builtin_bit_cast(Bits, v[0]); }

  friend MUNDUR_INLINE Vec operator+(Vec a, Vec b) { return a.v[0] + b.v[0]; }
  friend MUNDUR_INLINE Vec operator-(Vec a, Vec b) { return a.v[0] - b.v[0]; }
  friend MUNDUR_INLINE Vec operator*(Vec a, Vec b) { return a.v[0] * b.v[0]; }
  friend MUNDUR_INLINE Vec operator/(Vec a, Vec b) { return a.v[0] / b.v[0]; }
  friend MUNDUR_INLINE Vec operator-(Vec a) { return -a.v[0]; }

  friend MUNDUR_INLINE Mask<T> greater(Vec a, Vec b) { return less(b, a); }
  /// As registers.h has them.
  friend MUNDUR_INLINE Vec max(Vec a, Vec b) { return select(less(a, b), b, a); }
  friend MUNDUR_INLINE Vec min(Vec a, Vec b) { return select(less(b, a), b, a); }
};

using VecF = Vec<float>;
using VecD = Vec<double>;

MUNDUR_INLINE Mask<float> less(VecF a, VecF b) { return {a.v[0] < b.v[0]}; }
MUNDUR_INLINE Mask<double> less(VecD a, VecD b) { return {a.v[0] < b.v[0]}; }
MUNDUR_INLINE Mask<float> equal(VecF a, VecF b) { return {a.v[0] == b.v[0]}; }
MUNDUR_INLINE Mask<double> equal(VecD a, VecD b) { return {a.v[0] == b.v[0]}; }
MUNDUR_INLINE VecF select(Mask<float> m, VecF a, VecF b) { return m.m ? a : b; }
MUNDUR_INLINE VecD select(Mask<double> m, VecD a, VecD b) { return m.m ? a : b; }
template <class T>
MUNDUR_INLINE Mask<T> is_nan(Vec<T> a) {
  return {a.v[0] != a.v[0]};
}

template <class T>
MUNDUR_INLINE Vec<T> load(const T* p) {
  return *p;
}
template <class T>
MUNDUR_INLINE void store(T* p, Vec<T> a) {
  *p = a.v[0];
}
template <class T>
MUNDUR_INLINE void store_bytes(std::uint8_t* p, Vec<T> a, int) {
  *p = static_cast<std::uint8_t>(a.v[0]);
}
template <class T>
MUNDUR_INLINE Vec<T> load_bytes(const std::uint8_t* p, int) {
  return static_cast<T>(*p);
}
template <class T>
MUNDUR_INLINE Vec<T> load_masked(const T* p, Mask<T> m) {
  return m.m ? *p : T(0);
}
template <class T>
MUNDUR_INLINE void store_masked(T* p, Vec<T> a, Mask<T> m) {
  if (m.m) *p = a.v[0];
}
template <class T>
MUNDUR_INLINE bool any(Mask<T> a) {
  return a.m;
}
template <class T>
MUNDUR_INLINE int first_true(Mask<T>) {
  return 0;
}

// On the device each is one instruction that rounds to nearest.
#if defined(__CUDA_ARCH__)
MUNDUR_INLINE float fused(float a, float b, float c) { return __fmaf_rn(a, b, c); }
MUNDUR_INLINE double fused(double a, double b, double c) { return __fma_rn(a, b, c); }
MUNDUR_INLINE float root(float a) { return __fsqrt_rn(a); }
MUNDUR_INLINE double root(double a) { return __dsqrt_rn(a); }
#else
MUNDUR_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
MUNDUR_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
MUNDUR_INLINE float root(float a) { return __builtin_sqrtf(a); }
MUNDUR_INLINE double root(double a) { return __builtin_sqrt(a); }
#endif
MUNDUR_INLINE VecF fma(VecF a, VecF b, VecF c) { return fused(a.v[0], b.v[0], c.v[0]); }
MUNDUR_INLINE VecD fma(VecD a, VecD b, VecD c) { return fused(a.v[0], b.v[0], c.v[0]); }
MUNDUR_INLINE VecF fnma(VecF a, VecF b, VecF c) { return fused(-a.v[0], b.v[0], c.v[0]); }
MUNDUR_INLINE VecD fnma(VecD a, VecD b, VecD c) { return fused(-a.v[0], b.v[0], c.v[0]); }
template <class T>
MUNDUR_INLINE Vec<T> sqrt(Vec<T> a) {
  return root(a.v[0]);
}
template <class T>
MUNDUR_INLINE T half_sum(Vec<T> a) {
  return a.v[0];
}
template <class T>
MUNDUR_INLINE T half_max(Vec<T> a) {
  return a.v[0];
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA
#include "cpu/kernels/isa/bits.h"
#include "cpu/kernels/isa/half.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE VecF load_half(const std::uint16_t* p) { return half_to_float(*p); }

}  // namespace
}  // namespace mundur::MUNDUR_ISA

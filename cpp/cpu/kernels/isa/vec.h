#pragma once

// One vector register of T for the instruction set being built. Kernels are written once on top of
// it; vec_NAME.h is the only place with intrinsics. What there is, for float and double, most of it
// in registers.h and lane_masks.h, which vec_NAME.h may replace by an instruction of its own:
//
// - Vec<T>: kWidth lanes in `v`; made of a number, all lanes are that number
// - Mask<T>: one boolean per lane, first_n(n); & | ~, any(m), first_true(m) of a mask with any
// - load(p), store(p, v)
// - load_bytes<T>(p, n), store_bytes(p, v, n): the first n lanes, whole numbers below 256, as bytes
// - load_masked(p, m), store_masked(p, v, m): lanes that are off are not touched, and read as +0
// - a + b, a - b, a * b, a / b, sqrt(a): rounded once; -a flips the sign bit
// - fma(a, b, c) = a*b + c and fnma(a, b, c) = -(a*b) + c: fused, rounded once
// - abs(a), copysign(magnitude, sign), max(a, b), min(a, b)
// - less(a, b), equal(a, b): false for NaN; is_nan(a); select(m, a, b) = m ? a : b
// - pow2(n): 2^n for whole n with a normal result
// - exponent(a): floor(log2 a) for normal positive a; mantissa(a): a / 2^exponent(a), in [1, 2)
// - half_sum(v), half_max(v): the tree +kWidth/2, ..., +2, +1 over the lanes of one register
// - Words: kWidth 32-bit words; load_words, store_words, set_words, + & | ^, shifted_left<n> and
//   shifted_right<n>; multiply_wide(a, by, low, high), both halves of the 64-bit products
// - words(a) of a Vec<float>, floats(a) of Words: the same bits
// - load_shorts(p): kWidth 16-bit words, each in a word of 32
// - upper_halves(a, b): the upper 16 bits of a's words, then of b's, side by side
// - Flushing: while one lives, a subnormal result of + - * and fma becomes a zero of its sign, and
//   a subnormal operand counts as one; kFlushes tells whether the instruction set can do that as
//   x86 does it, which calls a result subnormal by what it would round to if exponents had no end
// - Vec<float> load_half(p): kWidth float16 values, given as their bits

#include "cpu/kernels/isa/isa.h"

#include "cpu/kernels/inline.h"

#if defined(MUNDUR_ISA_avx512)
#include "cpu/kernels/isa/vec_avx512.h"
#include "cpu/kernels/isa/vec_x86.h"
#elif defined(MUNDUR_ISA_avx2)
#include "cpu/kernels/isa/vec_avx2.h"
#include "cpu/kernels/isa/vec_x86.h"
#elif defined(MUNDUR_ISA_neon)
#include "cpu/kernels/isa/vec_neon.h"
#elif defined(MUNDUR_ISA_lane)
#include "cpu/kernels/isa/vec_lane.h"
#else
#include "cpu/kernels/isa/vec_generic.h"
#endif

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
MUNDUR_INLINE Vec<T> set(T value) {
  return value;
}

template <class T>
MUNDUR_INLINE Vec<T> zero() {
  return T(0);
}

/// The first n lanes, 0 <= n <= kWidth.
template <class T>
MUNDUR_INLINE Mask<T> first_n(int n) {
  return Mask<T>::first_n(n);
}

/// The first n lanes from memory, +0 in the others, whose memory is not touched.
template <class T>
MUNDUR_INLINE Vec<T> load_n(const T* p, int n) {
  return load_masked(p, first_n<T>(n));
}

template <class T>
MUNDUR_INLINE void store_n(T* p, Vec<T> a, int n) {
  store_masked(p, a, first_n<T>(n));
}

// Where speed is not what the code is for, full registers and the last one share a loop's body:
// half of the code, a third less of the compiler's time.
#if defined(MUNDUR_ISA_generic)
constexpr bool kOneBody = true;
#else
constexpr bool kOneBody = false;
#endif

/// Calls f(i, n) over [0, size) in steps of kWidth; n is the constant kWidth but at the end.
template <class T, class F>
MUNDUR_INLINE void for_each_vec(i64 size, F f) {
  constexpr int kWidth = Vec<T>::kWidth;
  i64 i = 0;
  if constexpr (kOneBody) {
    for (; i < size; i += kWidth) f(i, size - i < kWidth ? static_cast<int>(size - i) : kWidth);
  } else {
    for (; i + kWidth <= size; i += kWidth) f(i, kWidth);
    if (i < size) f(i, static_cast<int>(size - i));
  }
}

template <class T>
MUNDUR_INLINE T first_lane(Vec<T> a) {
  return static_cast<T>(a.v[0]);
}

// A full register's load must not pay for a mask. Nor must one or two elements: networks so small
// wait for each value as soon as it is stored, and processors hand a masked store on to the next
// load only through the cache.

/// The first n lanes from memory; what the others hold is of no use, but as finite as these.
template <class T>
MUNDUR_INLINE Vec<T> load_up_to(const T* p, int n) {
  if (Vec<T>::kWidth == 1 || n == Vec<T>::kWidth) return load(p);
  if (n > 2 || n == 0) return load_n(p, n);
  Vec<T> a = set<T>(p[n - 1]);
  a.v[0] = p[0];
  return a;
}

template <class T>
MUNDUR_INLINE void store_up_to(T* p, Vec<T> a, int n) {
  if constexpr (Vec<T>::kWidth == 1) {
    store(p, a);
  } else if (n == Vec<T>::kWidth) {
    store(p, a);
  } else if (n == 1) {
    p[0] = a.v[0];
  } else if (n == 2) {
    p[0] = a.v[0];
    p[1] = a.v[1];
  } else {
    store_n(p, a, n);
  }
}

/// y[i] = f(x[i], ...) for several x; y may be one of them.
template <class T, class F, class... X>
MUNDUR_INLINE void map(T* y, i64 size, F f, const X*... x) {
  for_each_vec<T>(
      size, [&](i64 i, int n) MUNDUR_BODY { store_up_to(y + i, f(load_up_to(x + i, n)...), n); });
}

/// 16 virtual lanes of a reduction: lane = index mod 16, whatever the width of the registers.
template <class T>
struct Lanes16 {
  static constexpr int kWidth = Vec<T>::kWidth;
  static constexpr int kParts = 16 / kWidth;
  Vec<T> part[kParts];

  static MUNDUR_INLINE Lanes16 all(T value) {
    Lanes16 lanes;
    for (int i = 0; i < kParts; ++i) lanes.part[i] = set<T>(value);
    return lanes;
  }

  /// Lanes joined by the tree +8, +4, +2, +1.
  MUNDUR_INLINE T sum() const {
    return half_sum(joined([](Vec<T> a, Vec<T> b) MUNDUR_BODY { return a + b; }));
  }
  MUNDUR_INLINE T maximum() const {
    return half_max(joined([](Vec<T> a, Vec<T> b) MUNDUR_BODY { return max(a, b); }));
  }

  template <class F>
  MUNDUR_INLINE Vec<T> joined(F join) const {
    Vec<T> left[kParts];
    for (int i = 0; i < kParts; ++i) left[i] = part[i];
    for (int half = kParts / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) left[i] = join(left[i], left[i + half]);
    }
    return left[0];
  }
};

/// Calls f(part, i, n) over [0, size): `part` is the register that holds the lanes of index i, n
/// how many of its lanes hold elements.
template <class T, class F>
MUNDUR_INLINE void for_each_lane(Lanes16<T>& lanes, i64 size, F f) {
  constexpr int kWidth = Vec<T>::kWidth;
  i64 i = 0;
  if constexpr (!kOneBody) {
    for (; i + 16 <= size; i += 16) {
      MUNDUR_ROLLED
      for (int part = 0; part < Lanes16<T>::kParts; ++part)
        f(lanes.part[part], i + part * kWidth, kWidth);
    }
  }
  do {
    MUNDUR_ROLLED
    for (int part = 0; part < Lanes16<T>::kParts && i < size; ++part, i += kWidth) {
      f(lanes.part[part], i, size - i < kWidth ? static_cast<int>(size - i) : kWidth);
    }
  } while (kOneBody && i < size);
}

/// part + value in the first n lanes, part in the others: padding never enters a sum.
template <class T>
MUNDUR_INLINE Vec<T> add_up_to(Vec<T> part, Vec<T> value, int n) {
  return n == Vec<T>::kWidth ? part + value : select(first_n<T>(n), part + value, part);
}

/// Σ f(x[i], ...) over the 16 lanes.
template <class T, class F, class... X>
MUNDUR_INLINE T lane_sum(i64 size, F f, const T* x, const X*... more) {
  auto lanes = Lanes16<T>::all(T(0));
  for_each_lane(lanes, size, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
    part = add_up_to(part, f(load_up_to(x + i, n), load_up_to(more + i, n)...), n);
  });
  return lanes.sum();
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

#pragma once

// Pairs of bfloat16 numbers, one in each 32-bit word, the earlier ("even") in its lower half: what
// AVX512_BF16 computes with, and the same to the bit for instruction sets without it.
//
// - consecutive(low, high): two registers of neighbours in memory, rounded to bfloat16, in order
// - interleaved(even, odd): lane i pairs even[i] with odd[i], rounded
// - dot(a, b, sum): for each lane sum = odd(a)·odd(b) + sum, then sum = even(a)·even(b) + sum, each
//   fused and rounded once; a subnormal result becomes a zero of its sign. Within a Flushing scope.
//
// Rounding is to nearest, ties to even; subnormal numbers become zeros of their sign, NaNs stay
// NaNs. So no operand of dot is ever subnormal, and what becomes of one needs no care.

#include "cpu/kernels/isa/vec.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE Vec<float> even(Words pair) { return floats(shifted_left<16>(pair)); }
MUNDUR_INLINE Vec<float> odd(Words pair) { return floats(pair & set_words(0xFFFF0000u)); }

#if !defined(__AVX512BF16__)

/// In the upper half of each word.
MUNDUR_INLINE Vec<float> rounded(Vec<float> x) {
  const Words bits = words(x);
  const Words last = shifted_right<16>(bits) & set_words(1);
  const Vec<float> nearest = floats((bits + set_words(0x7FFF) + last) & set_words(0xFFFF0000u));
  const Mask<float> is_tiny = less(abs(x), set(0x1p-126f));
  return select(is_nan(x), set(__builtin_nanf("")),
                select(is_tiny, copysign(zero<float>(), x), nearest));
}

MUNDUR_INLINE Words consecutive(Vec<float> low, Vec<float> high) {
  return upper_halves(words(rounded(low)), words(rounded(high)));
}

MUNDUR_INLINE Words interleaved(Vec<float> first, Vec<float> second) {
  return shifted_right<16>(words(rounded(first))) | words(rounded(second));
}

/// Whether a·b + c, which fma made ±2^-126, rounds to it with 24 bits too, and not only because
/// subnormal numbers lie farther apart. The product of two bfloat16 numbers is exact in double, and
/// the sum's error is a double.
inline bool stays_normal(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double sum = product + static_cast<double>(c);
  const double back = sum - product;
  const double error = (product - (sum - back)) + (static_cast<double>(c) - back);
  constexpr double kHalfway = 0x1p-126 - 0x1p-151;
  return sum < 0 ? -sum - kHalfway >= error : sum - kHalfway >= -error;
}

/// Lanes of `sum` = a·b + c at 2^-126 that flushing makes zeros.
[[maybe_unused]] __attribute__((noinline)) Vec<float> settled(Vec<float> a, Vec<float> b,
                                                              Vec<float> c, Vec<float> sum) {
  constexpr int kWidth = Vec<float>::kWidth;
  float lane[4][kWidth];
  store(lane[0], a);
  store(lane[1], b);
  store(lane[2], c);
  store(lane[3], sum);
  for (int i = 0; i < kWidth; ++i) {
    float& s = lane[3][i];
    if ((s == 0x1p-126f || s == -0x1p-126f) && !stays_normal(lane[0][i], lane[1][i], lane[2][i]))
      s = s < 0 ? -0.0f : 0.0f;
  }
  return load(lane[3]);
}

MUNDUR_INLINE Vec<float> flushed_fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  const Vec<float> sum = fma(a, b, c);
  if constexpr (kFlushes) {
    return sum;
  } else {
    const Vec<float> smallest = set(0x1p-126f);
    const Vec<float> size = abs(sum);
    const Vec<float> flushed = select(less(size, smallest), copysign(zero<float>(), sum), sum);
    return any(equal(size, smallest)) ? settled(a, b, c, flushed) : flushed;
  }
}

MUNDUR_INLINE Vec<float> dot(Words a, Words b, Vec<float> sum) {
  return flushed_fma(even(a), even(b), flushed_fma(odd(a), odd(b), sum));
}

#endif

}  // namespace
}  // namespace mundur::MUNDUR_ISA

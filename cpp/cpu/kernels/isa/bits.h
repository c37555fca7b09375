#pragma once

// Numbers as their bits: what registers of any width share. Included by registers.h and vec_lane.h.

namespace mundur::MUNDUR_ISA {
namespace {

/// Where a number's exponent lies in its bits.
template <class T>
struct Format;
template <>
struct Format<float> {
  static constexpr int kFraction = 23, kBias = 127;
  static constexpr float kMagic = 0x1.8p23f, kShifted = 0x1p23f;
};
template <>
struct Format<double> {
  static constexpr int kFraction = 52, kBias = 1023;
  static constexpr double kMagic = 0x1.8p52, kShifted = 0x1p52;
};

template <class T>
MUNDUR_INLINE Vec<T> copysign(Vec<T> magnitude, Vec<T> sign) {
  const auto kSign = Vec<T>(T(-0.0)).bits();
  return Vec<T>::of_bits((magnitude.bits() & ~kSign) | (sign.bits() & kSign));
}
template <class T>
MUNDUR_INLINE Vec<T> abs(Vec<T> a) {
  return Vec<T>::of_bits(a.bits() & ~Vec<T>(T(-0.0)).bits());
}

// n + 1.5·2^23 holds n in its lowest bits: adding the bias there too leaves the exponent field one
// shift away.
template <class T>
MUNDUR_INLINE Vec<T> pow2(Vec<T> n) {
  const Vec<T> shifted = n + (Format<T>::kMagic + T(Format<T>::kBias));
  return Vec<T>::of_bits(shifted.bits() << Format<T>::kFraction);
}
/// The field becomes the low bits of 2^23: not every instruction set converts 64-bit integers.
template <class T>
MUNDUR_INLINE Vec<T> exponent(Vec<T> a) {
  using F = Format<T>;
  const auto field = a.bits() >> F::kFraction;
  return Vec<T>::of_bits(field | Vec<T>(F::kShifted).bits()) - (F::kShifted + T(F::kBias));
}
template <class T>
MUNDUR_INLINE Vec<T> mantissa(Vec<T> a) {
  const auto kExponent = Vec<T>(T(__builtin_inf())).bits();
  return Vec<T>::of_bits((a.bits() & ~kExponent) | Vec<T>(T(1)).bits());
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

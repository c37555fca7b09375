#pragma once

// Registers as the compilers' own vector types: what is written alike for every instruction set.
// Included by vec_NAME.h, which says how wide they are.

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Mask;

/// The compilers' types, and where a number's exponent lies in its bits.
template <class T>
struct Layout;
template <>
struct Layout<float> {
  using Native __attribute__((vector_size(kBytes))) = float;
  using Bits __attribute__((vector_size(kBytes))) = std::uint32_t;
  static constexpr int kFraction = 23, kBias = 127;
  static constexpr float kMagic = 0x1.8p23f, kShifted = 0x1p23f;
};
template <>
struct Layout<double> {
  using Native __attribute__((vector_size(kBytes))) = double;
  using Bits __attribute__((vector_size(kBytes))) = std::uint64_t;
  static constexpr int kFraction = 52, kBias = 1023;
  static constexpr double kMagic = 0x1.8p52, kShifted = 0x1p52;
};

template <class T>
struct Vec {
  static constexpr int kWidth = kBytes / static_cast<int>(sizeof(T));
  using Native = typename Layout<T>::Native;
  using Bits = typename Layout<T>::Bits;
  Native v;

  Vec() = default;
  MUNDUR_INLINE Vec(Native lanes) : v(lanes) {}
  /// The same number in every lane: formulas may write 1 - x.
  MUNDUR_INLINE Vec(T x) : v(x - Native{}) {}  // not +: that would lose the sign of -0
  static MUNDUR_INLINE Vec of_bits(Bits bits) { return __builtin_bit_cast(Native, bits); }
  MUNDUR_INLINE Bits bits() const { return __builtin_bit_cast(Bits, v); }

  friend MUNDUR_INLINE Vec operator+(Vec a, Vec b) { return a.v + b.v; }
  friend MUNDUR_INLINE Vec operator-(Vec a, Vec b) { return a.v - b.v; }
  friend MUNDUR_INLINE Vec operator*(Vec a, Vec b) { return a.v * b.v; }
  friend MUNDUR_INLINE Vec operator/(Vec a, Vec b) { return a.v / b.v; }
  friend MUNDUR_INLINE Vec operator-(Vec a) { return -a.v; }

  /// b where b > a, else a: a NaN in a stays, one in b is passed over.
  friend MUNDUR_INLINE Vec max(Vec a, Vec b) { return select(less(a, b), b, a); }
  friend MUNDUR_INLINE Vec min(Vec a, Vec b) { return select(less(b, a), b, a); }
  friend MUNDUR_INLINE Mask<T> greater(Vec a, Vec b) { return less(b, a); }
};

using VecF = Vec<float>;
using VecD = Vec<double>;

template <class T>
MUNDUR_INLINE Vec<T> load(const T* p) {
  Vec<T> a;
  __builtin_memcpy(&a.v, p, sizeof a.v);
  return a;
}
template <class T>
MUNDUR_INLINE void store(T* p, Vec<T> a) {
  __builtin_memcpy(p, &a.v, sizeof a.v);
}

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
  const Vec<T> shifted = n + (Layout<T>::kMagic + T(Layout<T>::kBias));
  return Vec<T>::of_bits(shifted.bits() << Layout<T>::kFraction);
}
/// The field becomes the low bits of 2^23: not every instruction set converts 64-bit integers.
template <class T>
MUNDUR_INLINE Vec<T> exponent(Vec<T> a) {
  using L = Layout<T>;
  const auto field = a.bits() >> L::kFraction;
  return Vec<T>::of_bits(field | Vec<T>(L::kShifted).bits()) - (L::kShifted + T(L::kBias));
}
template <class T>
MUNDUR_INLINE Vec<T> mantissa(Vec<T> a) {
  const auto kExponent = Vec<T>(T(__builtin_inf())).bits();
  return Vec<T>::of_bits((a.bits() & ~kExponent) | Vec<T>(T(1)).bits());
}

struct Words {
  static constexpr int kWidth = VecF::kWidth;
  using Native = VecF::Bits;
  Native v;

  friend MUNDUR_INLINE Words operator+(Words a, Words b) { return {a.v + b.v}; }
  friend MUNDUR_INLINE Words operator&(Words a, Words b) { return {a.v & b.v}; }
  friend MUNDUR_INLINE Words operator|(Words a, Words b) { return {a.v | b.v}; }
  friend MUNDUR_INLINE Words operator^(Words a, Words b) { return {a.v ^ b.v}; }
};

MUNDUR_INLINE Words load_words(const std::uint32_t* p) {
  Words a;
  __builtin_memcpy(&a.v, p, sizeof a.v);
  return a;
}
MUNDUR_INLINE void store_words(std::uint32_t* p, Words a) { __builtin_memcpy(p, &a.v, sizeof a.v); }
MUNDUR_INLINE Words set_words(std::uint32_t x) { return {x + Words::Native{}}; }
template <int n>
MUNDUR_INLINE Words shifted_left(Words a) {
  return {a.v << n};
}
template <int n>
MUNDUR_INLINE Words shifted_right(Words a) {
  return {a.v >> n};
}
MUNDUR_INLINE Words words(VecF a) { return {a.bits()}; }
MUNDUR_INLINE VecF floats(Words a) { return VecF::of_bits(a.v); }

template <int... I>
struct Indices {};
template <int kCount, int... I>
struct CountingTo : CountingTo<kCount - 1, kCount - 1, I...> {};
template <int... I>
struct CountingTo<0, I...> {
  using Type = Indices<I...>;
};
/// 0, 1, ..., kCount - 1.
template <int kCount>
using Counting = typename CountingTo<kCount>::Type;

/// kCount lanes of a from kFrom on, and from the first again behind the last.
template <int kFrom, class Lanes, int... I>
MUNDUR_INLINE auto lanes_from(Lanes a, Indices<I...>) {
  return __builtin_shufflevector(a, a, kFrom + I...);
}

/// The first kLanes lanes joined by the tree +kLanes/2, ..., +2, +1: registers get narrower down to
/// 128 bits.
template <int kLanes, class Lanes, class Join>
MUNDUR_INLINE auto joined_lanes(Lanes a, Join join) {
  if constexpr (kLanes == 1) {
    return a[0];
  } else {
    constexpr int kHalf = kLanes / 2, kLeast = 16 / static_cast<int>(sizeof(a[0]));
    using Kept = Counting<(kHalf > kLeast ? kHalf : kLeast)>;
    return joined_lanes<kHalf>(join(lanes_from<0>(a, Kept{}), lanes_from<kHalf>(a, Kept{})), join);
  }
}
template <class T>
MUNDUR_INLINE T half_sum(Vec<T> a) {
  return joined_lanes<Vec<T>::kWidth>(a.v,
                                      [](auto low, auto high) MUNDUR_BODY { return low + high; });
}
template <class T>
MUNDUR_INLINE T half_max(Vec<T> a) {
  return joined_lanes<Vec<T>::kWidth>(
      a.v, [](auto low, auto high) MUNDUR_BODY { return low < high ? high : low; });
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

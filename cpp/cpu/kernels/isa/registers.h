#pragma once

// Registers as the compilers' own vector types: what is written alike for every instruction set.
// Included by vec_NAME.h, which says how wide they are.

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Mask;

/// The compilers' types.
template <class T>
struct Layout;
template <>
struct Layout<float> {
  using Native __attribute__((vector_size(kBytes))) = float;
  using Bits __attribute__((vector_size(kBytes))) = std::uint32_t;
  using Numbers __attribute__((vector_size(kBytes))) = std::int32_t;
  using Bytes __attribute__((vector_size(kBytes / 4))) = std::uint8_t;
};
template <>
struct Layout<double> {
  using Native __attribute__((vector_size(kBytes))) = double;
  using Bits __attribute__((vector_size(kBytes))) = std::uint64_t;
  using Numbers __attribute__((vector_size(kBytes / 2))) = std::int32_t;
  using Bytes __attribute__((vector_size(kBytes / 8))) = std::uint8_t;
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

/// The first n lanes, whole numbers below 256, as bytes, and back.
template <class T>
MUNDUR_INLINE void store_bytes(std::uint8_t* p, Vec<T> a, int n) {
  using Numbers = typename Layout<T>::Numbers;
  using Bytes = typename Layout<T>::Bytes;
  const Bytes bytes = __builtin_convertvector(__builtin_convertvector(a.v, Numbers), Bytes);
  __builtin_memcpy(p, &bytes, static_cast<std::size_t>(n));
}
template <class T>
MUNDUR_INLINE Vec<T> load_bytes(const std::uint8_t* p, int n) {
  using Numbers = typename Layout<T>::Numbers;
  typename Layout<T>::Bytes bytes{};
  __builtin_memcpy(&bytes, p, static_cast<std::size_t>(n));
  return __builtin_convertvector(__builtin_convertvector(bytes, Numbers), typename Vec<T>::Native);
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA
#include "cpu/kernels/isa/bits.h"

namespace mundur::MUNDUR_ISA {
namespace {

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

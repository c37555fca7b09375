#pragma once

// Any CPU: lanes in plain arrays, which compilers map to whatever registers there are. The fused
// multiply-add is the C library's where the CPU has none: correct before fast. Included by vec.h
// only.

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Bits;
template <>
struct Bits<float> {
  using Word = std::uint32_t;
  static constexpr int kLanes = 4, kFraction = 23, kBias = 127;
  static constexpr float kMagic = 0x1.8p23f;
};
template <>
struct Bits<double> {
  using Word = std::uint64_t;
  static constexpr int kLanes = 2, kFraction = 52, kBias = 1023;
  static constexpr double kMagic = 0x1.8p52;
};

MUNDUR_INLINE std::uint32_t to_bits(float a) { return __builtin_bit_cast(std::uint32_t, a); }
MUNDUR_INLINE std::uint64_t to_bits(double a) { return __builtin_bit_cast(std::uint64_t, a); }
MUNDUR_INLINE float from_bits(std::uint32_t a) { return __builtin_bit_cast(float, a); }
MUNDUR_INLINE double from_bits(std::uint64_t a) { return __builtin_bit_cast(double, a); }
MUNDUR_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
MUNDUR_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

template <class T>
struct Mask {
  bool m[Bits<T>::kLanes];
  static MUNDUR_INLINE Mask first_n(int n) {
    Mask r;
    for (int i = 0; i < Bits<T>::kLanes; ++i) r.m[i] = i < n;
    return r;
  }
};

template <class T>
struct Vec {
  static constexpr int kWidth = Bits<T>::kLanes;
  T v[kWidth];
  static MUNDUR_INLINE Vec load(const T* p) {
    Vec r;
    for (int i = 0; i < kWidth; ++i) r.v[i] = p[i];
    return r;
  }
  static MUNDUR_INLINE Vec load_masked(const T* p, Mask<T> m) {
    Vec r;
    for (int i = 0; i < kWidth; ++i) r.v[i] = m.m[i] ? p[i] : T(0);
    return r;
  }
  static MUNDUR_INLINE Vec set(T x) {
    Vec r;
    for (int i = 0; i < kWidth; ++i) r.v[i] = x;
    return r;
  }
};

/// One lane at a time: r[i] = f(i).
template <class T, class F>
MUNDUR_INLINE Vec<T> each(F f) {
  Vec<T> r;
  for (int i = 0; i < Vec<T>::kWidth; ++i) r.v[i] = f(i);
  return r;
}
template <class T, class F>
MUNDUR_INLINE Mask<T> test_each(F f) {
  Mask<T> r;
  for (int i = 0; i < Vec<T>::kWidth; ++i) r.m[i] = f(i);
  return r;
}

template <class T>
MUNDUR_INLINE Mask<T> operator&(Mask<T> a, Mask<T> b) {
  return test_each<T>([&](int i) { return a.m[i] && b.m[i]; });
}
template <class T>
MUNDUR_INLINE Mask<T> operator|(Mask<T> a, Mask<T> b) {
  return test_each<T>([&](int i) { return a.m[i] || b.m[i]; });
}
template <class T>
MUNDUR_INLINE Mask<T> operator~(Mask<T> a) {
  return test_each<T>([&](int i) { return !a.m[i]; });
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

template <class T>
MUNDUR_INLINE void store(T* p, Vec<T> a) {
  for (int i = 0; i < Vec<T>::kWidth; ++i) p[i] = a.v[i];
}
template <class T>
MUNDUR_INLINE void store_masked(T* p, Vec<T> a, Mask<T> m) {
  for (int i = 0; i < Vec<T>::kWidth; ++i) {
    if (m.m[i]) p[i] = a.v[i];
  }
}

template <class T>
MUNDUR_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) {
  return each<T>([&](int i) { return a.v[i] + b.v[i]; });
}
template <class T>
MUNDUR_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) {
  return each<T>([&](int i) { return a.v[i] - b.v[i]; });
}
template <class T>
MUNDUR_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) {
  return each<T>([&](int i) { return a.v[i] * b.v[i]; });
}
template <class T>
MUNDUR_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) {
  return each<T>([&](int i) { return a.v[i] / b.v[i]; });
}
template <class T>
MUNDUR_INLINE Vec<T> operator-(Vec<T> a) {
  return each<T>([&](int i) { return -a.v[i]; });
}
template <class T>
MUNDUR_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
  return each<T>([&](int i) { return fused(a.v[i], b.v[i], c.v[i]); });
}
template <class T>
MUNDUR_INLINE Vec<T> fnma(Vec<T> a, Vec<T> b, Vec<T> c) {
  return each<T>([&](int i) { return fused(-a.v[i], b.v[i], c.v[i]); });
}

MUNDUR_INLINE Vec<float> sqrt(Vec<float> a) {
  return each<float>([&](int i) { return __builtin_sqrtf(a.v[i]); });
}
MUNDUR_INLINE Vec<double> sqrt(Vec<double> a) {
  return each<double>([&](int i) { return __builtin_sqrt(a.v[i]); });
}
template <class T>
MUNDUR_INLINE Vec<T> copysign(Vec<T> magnitude, Vec<T> sign) {
  constexpr auto kSign = typename Bits<T>::Word(1) << (sizeof(T) * 8 - 1);
  return each<T>([&](int i) {
    return from_bits((to_bits(magnitude.v[i]) & ~kSign) | (to_bits(sign.v[i]) & kSign));
  });
}
template <class T>
MUNDUR_INLINE Vec<T> abs(Vec<T> a) {
  return copysign(a, Vec<T>::set(T(0)));
}

template <class T>
MUNDUR_INLINE Mask<T> less(Vec<T> a, Vec<T> b) {
  return test_each<T>([&](int i) { return a.v[i] < b.v[i]; });
}
template <class T>
MUNDUR_INLINE Mask<T> equal(Vec<T> a, Vec<T> b) {
  return test_each<T>([&](int i) { return a.v[i] == b.v[i]; });
}
template <class T>
MUNDUR_INLINE Mask<T> is_nan(Vec<T> a) {
  return test_each<T>([&](int i) { return a.v[i] != a.v[i]; });
}
template <class T>
MUNDUR_INLINE Vec<T> select(Mask<T> m, Vec<T> a, Vec<T> b) {
  return each<T>([&](int i) { return m.m[i] ? a.v[i] : b.v[i]; });
}

// n + 1.5·2^23 holds n in its lowest bits: adding the bias there too leaves the exponent field one
// shift away.
template <class T>
MUNDUR_INLINE Vec<T> pow2(Vec<T> n) {
  constexpr T kShifted = Bits<T>::kMagic + T(Bits<T>::kBias);
  return each<T>(
      [&](int i) { return from_bits(to_bits(n.v[i] + kShifted) << Bits<T>::kFraction); });
}
template <class T>
MUNDUR_INLINE Vec<T> exponent(Vec<T> a) {
  return each<T>([&](int i) {
    return static_cast<T>(static_cast<int>(to_bits(a.v[i]) >> Bits<T>::kFraction) - Bits<T>::kBias);
  });
}
template <class T>
MUNDUR_INLINE Vec<T> mantissa(Vec<T> a) {
  constexpr auto kFractionBits = (typename Bits<T>::Word(1) << Bits<T>::kFraction) - 1;
  return each<T>(
      [&](int i) { return from_bits((to_bits(a.v[i]) & kFractionBits) | to_bits(T(1))); });
}

template <class T>
MUNDUR_INLINE T half_sum(Vec<T> a) {
  for (int half = Vec<T>::kWidth / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] = a.v[i] + a.v[i + half];
  }
  return a.v[0];
}

template <class T>
MUNDUR_INLINE T half_max(Vec<T> a) {
  for (int half = Vec<T>::kWidth / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] = a.v[i] < a.v[i + half] ? a.v[i + half] : a.v[i];
  }
  return a.v[0];
}

/// Shifted into place a half's exponent is short by 112, which one exact product mends for
/// subnormals too.
MUNDUR_INLINE float half_to_float(std::uint16_t half) {
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7FFF) << 13;
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t finite = to_bits(from_bits(magnitude) * 0x1p112f);
  return from_bits(sign | (magnitude >= 0x0F800000u ? magnitude | 0x7F800000u : finite));
}
MUNDUR_INLINE Vec<float> load_half(const std::uint16_t* p) {
  return each<float>([&](int i) { return half_to_float(p[i]); });
}

struct Words {
  static constexpr int kWidth = 4;
  std::uint32_t v[kWidth];
};

MUNDUR_INLINE Words load_words(const std::uint32_t* p) { return {{p[0], p[1], p[2], p[3]}}; }
MUNDUR_INLINE void store_words(std::uint32_t* p, Words a) {
  for (int i = 0; i < Words::kWidth; ++i) p[i] = a.v[i];
}
MUNDUR_INLINE Words set_words(std::uint32_t x) { return {{x, x, x, x}}; }
MUNDUR_INLINE Words operator+(Words a, Words b) {
  for (int i = 0; i < Words::kWidth; ++i) a.v[i] += b.v[i];
  return a;
}
MUNDUR_INLINE Words operator&(Words a, Words b) {
  for (int i = 0; i < Words::kWidth; ++i) a.v[i] &= b.v[i];
  return a;
}
MUNDUR_INLINE Words operator|(Words a, Words b) {
  for (int i = 0; i < Words::kWidth; ++i) a.v[i] |= b.v[i];
  return a;
}
template <int n>
MUNDUR_INLINE Words shifted_left(Words a) {
  for (int i = 0; i < Words::kWidth; ++i) a.v[i] <<= n;
  return a;
}
template <int n>
MUNDUR_INLINE Words shifted_right(Words a) {
  for (int i = 0; i < Words::kWidth; ++i) a.v[i] >>= n;
  return a;
}
MUNDUR_INLINE Words words(Vec<float> a) { return __builtin_bit_cast(Words, a); }
MUNDUR_INLINE Vec<float> floats(Words a) { return __builtin_bit_cast(Vec<float>, a); }
MUNDUR_INLINE Words load_shorts(const std::uint16_t* p) {
  std::uint16_t shorts[Words::kWidth];
  __builtin_memcpy(shorts, p, sizeof shorts);  // whatever they were written as
  return {{shorts[0], shorts[1], shorts[2], shorts[3]}};
}
MUNDUR_INLINE Words upper_halves(Words a, Words b) {
  Words r;
  for (int i = 0; i < 2; ++i) {
    r.v[i] = a.v[2 * i] >> 16 | (a.v[2 * i + 1] & 0xFFFF0000u);
    r.v[2 + i] = b.v[2 * i] >> 16 | (b.v[2 * i + 1] & 0xFFFF0000u);
  }
  return r;
}

constexpr bool kFlushes = false;
struct Flushing {
  Flushing() {}
};

MUNDUR_INLINE Words operator^(Words a, Words b) {
  for (int i = 0; i < Words::kWidth; ++i) a.v[i] ^= b.v[i];
  return a;
}
MUNDUR_INLINE void multiply_wide(Words a, std::uint32_t by, Words& low, Words& high) {
  for (int i = 0; i < Words::kWidth; ++i) {
    const std::uint64_t product = std::uint64_t{a.v[i]} * by;
    low.v[i] = static_cast<std::uint32_t>(product);
    high.v[i] = static_cast<std::uint32_t>(product >> 32);
  }
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

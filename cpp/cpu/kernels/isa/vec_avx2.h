#pragma once

// AVX2 with FMA and F16C. Included by vec.h only.

#include <immintrin.h>

namespace mundur::MUNDUR_ISA {
namespace {

template <>
struct Mask<float> {
  __m256 m;
  static MUNDUR_INLINE Mask first_n(int n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane))};
  }
};

template <>
struct Mask<double> {
  __m256d m;
  static MUNDUR_INLINE Mask first_n(int n) {
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    return {_mm256_castsi256_pd(_mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lane))};
  }
};

template <>
struct Vec<float> {
  static constexpr int kWidth = 8;
  __m256 v;
  static MUNDUR_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static MUNDUR_INLINE Vec load_masked(const float* p, Mask<float> m) {
    return {_mm256_maskload_ps(p, _mm256_castps_si256(m.m))};
  }
  static MUNDUR_INLINE Vec set(float x) { return {_mm256_set1_ps(x)}; }
};

template <>
struct Vec<double> {
  static constexpr int kWidth = 4;
  __m256d v;
  static MUNDUR_INLINE Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static MUNDUR_INLINE Vec load_masked(const double* p, Mask<double> m) {
    return {_mm256_maskload_pd(p, _mm256_castpd_si256(m.m))};
  }
  static MUNDUR_INLINE Vec set(double x) { return {_mm256_set1_pd(x)}; }
};

using VecF = Vec<float>;
using VecD = Vec<double>;

MUNDUR_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) {
  return {_mm256_and_ps(a.m, b.m)};
}
MUNDUR_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) {
  return {_mm256_or_ps(a.m, b.m)};
}
MUNDUR_INLINE Mask<float> operator~(Mask<float> a) {
  return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
MUNDUR_INLINE bool any(Mask<float> a) { return _mm256_movemask_ps(a.m) != 0; }
MUNDUR_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) {
  return {_mm256_and_pd(a.m, b.m)};
}
MUNDUR_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) {
  return {_mm256_or_pd(a.m, b.m)};
}
MUNDUR_INLINE Mask<double> operator~(Mask<double> a) {
  return {_mm256_xor_pd(a.m, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))};
}
MUNDUR_INLINE bool any(Mask<double> a) { return _mm256_movemask_pd(a.m) != 0; }
MUNDUR_INLINE int first_true(Mask<float> a) {
  return __builtin_ctz(static_cast<unsigned>(_mm256_movemask_ps(a.m)));
}
MUNDUR_INLINE int first_true(Mask<double> a) {
  return __builtin_ctz(static_cast<unsigned>(_mm256_movemask_pd(a.m)));
}

MUNDUR_INLINE void store(float* p, VecF a) { _mm256_storeu_ps(p, a.v); }
MUNDUR_INLINE void store(double* p, VecD a) { _mm256_storeu_pd(p, a.v); }
MUNDUR_INLINE void store_masked(float* p, VecF a, Mask<float> m) {
  _mm256_maskstore_ps(p, _mm256_castps_si256(m.m), a.v);
}
MUNDUR_INLINE void store_masked(double* p, VecD a, Mask<double> m) {
  _mm256_maskstore_pd(p, _mm256_castpd_si256(m.m), a.v);
}

MUNDUR_INLINE VecF operator+(VecF a, VecF b) { return {_mm256_add_ps(a.v, b.v)}; }
MUNDUR_INLINE VecF operator-(VecF a, VecF b) { return {_mm256_sub_ps(a.v, b.v)}; }
MUNDUR_INLINE VecF operator*(VecF a, VecF b) { return {_mm256_mul_ps(a.v, b.v)}; }
MUNDUR_INLINE VecF operator/(VecF a, VecF b) { return {_mm256_div_ps(a.v, b.v)}; }
MUNDUR_INLINE VecF operator-(VecF a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
MUNDUR_INLINE VecF fma(VecF a, VecF b, VecF c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
MUNDUR_INLINE VecF fnma(VecF a, VecF b, VecF c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
MUNDUR_INLINE VecD operator+(VecD a, VecD b) { return {_mm256_add_pd(a.v, b.v)}; }
MUNDUR_INLINE VecD operator-(VecD a, VecD b) { return {_mm256_sub_pd(a.v, b.v)}; }
MUNDUR_INLINE VecD operator*(VecD a, VecD b) { return {_mm256_mul_pd(a.v, b.v)}; }
MUNDUR_INLINE VecD operator/(VecD a, VecD b) { return {_mm256_div_pd(a.v, b.v)}; }
MUNDUR_INLINE VecD operator-(VecD a) { return {_mm256_xor_pd(a.v, _mm256_set1_pd(-0.0))}; }
MUNDUR_INLINE VecD fma(VecD a, VecD b, VecD c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
MUNDUR_INLINE VecD fnma(VecD a, VecD b, VecD c) { return {_mm256_fnmadd_pd(a.v, b.v, c.v)}; }

MUNDUR_INLINE VecF sqrt(VecF a) { return {_mm256_sqrt_ps(a.v)}; }
MUNDUR_INLINE VecD sqrt(VecD a) { return {_mm256_sqrt_pd(a.v)}; }
MUNDUR_INLINE VecF abs(VecF a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
MUNDUR_INLINE VecD abs(VecD a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }
MUNDUR_INLINE VecF copysign(VecF magnitude, VecF sign) {
  return {_mm256_or_ps(abs(magnitude).v, _mm256_and_ps(_mm256_set1_ps(-0.0f), sign.v))};
}
MUNDUR_INLINE VecD copysign(VecD magnitude, VecD sign) {
  return {_mm256_or_pd(abs(magnitude).v, _mm256_and_pd(_mm256_set1_pd(-0.0), sign.v))};
}

MUNDUR_INLINE Mask<float> less(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
MUNDUR_INLINE Mask<double> less(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
MUNDUR_INLINE Mask<float> equal(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
MUNDUR_INLINE Mask<double> equal(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
MUNDUR_INLINE Mask<float> is_nan(VecF a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
MUNDUR_INLINE Mask<double> is_nan(VecD a) { return {_mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q)}; }
MUNDUR_INLINE VecF select(Mask<float> m, VecF a, VecF b) {
  return {_mm256_blendv_ps(b.v, a.v, m.m)};
}
MUNDUR_INLINE VecD select(Mask<double> m, VecD a, VecD b) {
  return {_mm256_blendv_pd(b.v, a.v, m.m)};
}

// n + 1.5·2^23 holds n in its lowest bits: adding the bias there too leaves the exponent field one
// shift away.
MUNDUR_INLINE VecF pow2(VecF n) {
  const __m256 shifted = _mm256_add_ps(n.v, _mm256_set1_ps(0x1.8p23f + 127.0f));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23))};
}
MUNDUR_INLINE VecD pow2(VecD n) {
  const __m256d shifted = _mm256_add_pd(n.v, _mm256_set1_pd(0x1.8p52 + 1023.0));
  return {_mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(shifted), 52))};
}
MUNDUR_INLINE VecF exponent(VecF a) {
  const __m256i field = _mm256_srli_epi32(_mm256_castps_si256(a.v), 23);
  return {_mm256_cvtepi32_ps(_mm256_sub_epi32(field, _mm256_set1_epi32(127)))};
}
// AVX2 converts no 64-bit integers: the field becomes the low bits of 2^52.
MUNDUR_INLINE VecD exponent(VecD a) {
  const __m256i field = _mm256_srli_epi64(_mm256_castpd_si256(a.v), 52);
  const __m256d shifted = _mm256_or_pd(_mm256_castsi256_pd(field), _mm256_set1_pd(0x1p52));
  return {_mm256_sub_pd(shifted, _mm256_set1_pd(0x1p52 + 1023.0))};
}
MUNDUR_INLINE VecF mantissa(VecF a) {
  const __m256 fraction = _mm256_and_ps(a.v, _mm256_castsi256_ps(_mm256_set1_epi32(0x007FFFFF)));
  return {_mm256_or_ps(fraction, _mm256_set1_ps(1.0f))};
}
MUNDUR_INLINE VecD mantissa(VecD a) {
  const __m256d fraction =
      _mm256_and_pd(a.v, _mm256_castsi256_pd(_mm256_set1_epi64x(0x000FFFFFFFFFFFFF)));
  return {_mm256_or_pd(fraction, _mm256_set1_pd(1.0))};
}

MUNDUR_INLINE float half_sum(VecF a) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
MUNDUR_INLINE double half_sum(VecD a) {
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

// maxps(b, a) is b > a ? b : a, NaNs included.
MUNDUR_INLINE float half_max(VecF a) {
  const __m128 four = _mm_max_ps(_mm256_extractf128_ps(a.v, 1), _mm256_castps256_ps128(a.v));
  const __m128 two = _mm_max_ps(_mm_movehl_ps(four, four), four);
  return _mm_cvtss_f32(_mm_max_ss(_mm_movehdup_ps(two), two));
}
MUNDUR_INLINE double half_max(VecD a) {
  const __m128d two = _mm_max_pd(_mm256_extractf128_pd(a.v, 1), _mm256_castpd256_pd128(a.v));
  return _mm_cvtsd_f64(_mm_max_sd(_mm_unpackhi_pd(two, two), two));
}

MUNDUR_INLINE VecF load_half(const std::uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}

struct Words {
  static constexpr int kWidth = 8;
  __m256i v;
};

MUNDUR_INLINE Words load_words(const std::uint32_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
}
MUNDUR_INLINE void store_words(std::uint32_t* p, Words a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v);
}
MUNDUR_INLINE Words set_words(std::uint32_t x) { return {_mm256_set1_epi32(static_cast<int>(x))}; }
MUNDUR_INLINE Words operator+(Words a, Words b) { return {_mm256_add_epi32(a.v, b.v)}; }
MUNDUR_INLINE Words operator&(Words a, Words b) { return {_mm256_and_si256(a.v, b.v)}; }
MUNDUR_INLINE Words operator|(Words a, Words b) { return {_mm256_or_si256(a.v, b.v)}; }
MUNDUR_INLINE Words operator^(Words a, Words b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int n>
MUNDUR_INLINE Words shifted_left(Words a) {
  return {_mm256_slli_epi32(a.v, n)};
}
template <int n>
MUNDUR_INLINE Words shifted_right(Words a) {
  return {_mm256_srli_epi32(a.v, n)};
}
MUNDUR_INLINE Words words(VecF a) { return {_mm256_castps_si256(a.v)}; }
MUNDUR_INLINE VecF floats(Words a) { return {_mm256_castsi256_ps(a.v)}; }
MUNDUR_INLINE Words load_shorts(const std::uint16_t* p) {
  return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
// The instruction packs group by group of 128 bits.
MUNDUR_INLINE Words upper_halves(Words a, Words b) {
  const __m256i packed =
      _mm256_packus_epi32(_mm256_srli_epi32(a.v, 16), _mm256_srli_epi32(b.v, 16));
  return {_mm256_permute4x64_epi64(packed, _MM_SHUFFLE(3, 1, 2, 0))};
}

// The instruction multiplies the even words; the odd ones come down for it and go back.
MUNDUR_INLINE void multiply_wide(Words a, std::uint32_t by, Words& low, Words& high) {
  const __m256i factor = set_words(by).v;
  const __m256i even = _mm256_mul_epu32(a.v, factor);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), factor);
  low = {_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA)};
  high = {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA)};
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

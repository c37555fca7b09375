#pragma once

// AVX-512 F, DQ, BW, VL. Included by vec.h only.

// GCC 12 warns of the deliberately undefined registers inside its own intrinsics.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace mundur::MUNDUR_ISA {
namespace {

template <>
struct Mask<float> {
  __mmask16 m;
  static MUNDUR_INLINE Mask first_n(int n) { return {static_cast<__mmask16>((1u << n) - 1u)}; }
};

template <>
struct Mask<double> {
  __mmask8 m;
  static MUNDUR_INLINE Mask first_n(int n) { return {static_cast<__mmask8>((1u << n) - 1u)}; }
};

template <>
struct Vec<float> {
  static constexpr int kWidth = 16;
  __m512 v;
  static MUNDUR_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static MUNDUR_INLINE Vec load_masked(const float* p, Mask<float> m) {
    return {_mm512_maskz_loadu_ps(m.m, p)};
  }
  static MUNDUR_INLINE Vec set(float x) { return {_mm512_set1_ps(x)}; }
};

template <>
struct Vec<double> {
  static constexpr int kWidth = 8;
  __m512d v;
  static MUNDUR_INLINE Vec load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static MUNDUR_INLINE Vec load_masked(const double* p, Mask<double> m) {
    return {_mm512_maskz_loadu_pd(m.m, p)};
  }
  static MUNDUR_INLINE Vec set(double x) { return {_mm512_set1_pd(x)}; }
};

using VecF = Vec<float>;
using VecD = Vec<double>;

MUNDUR_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) {
  return {static_cast<__mmask16>(a.m & b.m)};
}
MUNDUR_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) {
  return {static_cast<__mmask16>(a.m | b.m)};
}
MUNDUR_INLINE Mask<float> operator~(Mask<float> a) { return {static_cast<__mmask16>(~a.m)}; }
MUNDUR_INLINE bool any(Mask<float> a) { return a.m != 0; }
MUNDUR_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) {
  return {static_cast<__mmask8>(a.m & b.m)};
}
MUNDUR_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) {
  return {static_cast<__mmask8>(a.m | b.m)};
}
MUNDUR_INLINE Mask<double> operator~(Mask<double> a) { return {static_cast<__mmask8>(~a.m)}; }
MUNDUR_INLINE bool any(Mask<double> a) { return a.m != 0; }
MUNDUR_INLINE int first_true(Mask<float> a) { return __builtin_ctz(a.m); }
MUNDUR_INLINE int first_true(Mask<double> a) { return __builtin_ctz(a.m); }

MUNDUR_INLINE void store(float* p, VecF a) { _mm512_storeu_ps(p, a.v); }
MUNDUR_INLINE void store(double* p, VecD a) { _mm512_storeu_pd(p, a.v); }
MUNDUR_INLINE void store_masked(float* p, VecF a, Mask<float> m) {
  _mm512_mask_storeu_ps(p, m.m, a.v);
}
MUNDUR_INLINE void store_masked(double* p, VecD a, Mask<double> m) {
  _mm512_mask_storeu_pd(p, m.m, a.v);
}

MUNDUR_INLINE VecF operator+(VecF a, VecF b) { return {_mm512_add_ps(a.v, b.v)}; }
MUNDUR_INLINE VecF operator-(VecF a, VecF b) { return {_mm512_sub_ps(a.v, b.v)}; }
MUNDUR_INLINE VecF operator*(VecF a, VecF b) { return {_mm512_mul_ps(a.v, b.v)}; }
MUNDUR_INLINE VecF operator/(VecF a, VecF b) { return {_mm512_div_ps(a.v, b.v)}; }
MUNDUR_INLINE VecF operator-(VecF a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
MUNDUR_INLINE VecF fma(VecF a, VecF b, VecF c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
MUNDUR_INLINE VecF fnma(VecF a, VecF b, VecF c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
MUNDUR_INLINE VecD operator+(VecD a, VecD b) { return {_mm512_add_pd(a.v, b.v)}; }
MUNDUR_INLINE VecD operator-(VecD a, VecD b) { return {_mm512_sub_pd(a.v, b.v)}; }
MUNDUR_INLINE VecD operator*(VecD a, VecD b) { return {_mm512_mul_pd(a.v, b.v)}; }
MUNDUR_INLINE VecD operator/(VecD a, VecD b) { return {_mm512_div_pd(a.v, b.v)}; }
MUNDUR_INLINE VecD operator-(VecD a) { return {_mm512_xor_pd(a.v, _mm512_set1_pd(-0.0))}; }
MUNDUR_INLINE VecD fma(VecD a, VecD b, VecD c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
MUNDUR_INLINE VecD fnma(VecD a, VecD b, VecD c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }

MUNDUR_INLINE VecF sqrt(VecF a) { return {_mm512_sqrt_ps(a.v)}; }
MUNDUR_INLINE VecD sqrt(VecD a) { return {_mm512_sqrt_pd(a.v)}; }
MUNDUR_INLINE VecF abs(VecF a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
MUNDUR_INLINE VecD abs(VecD a) { return {_mm512_andnot_pd(_mm512_set1_pd(-0.0), a.v)}; }
MUNDUR_INLINE VecF copysign(VecF magnitude, VecF sign) {
  return {_mm512_or_ps(abs(magnitude).v, _mm512_and_ps(_mm512_set1_ps(-0.0f), sign.v))};
}
MUNDUR_INLINE VecD copysign(VecD magnitude, VecD sign) {
  return {_mm512_or_pd(abs(magnitude).v, _mm512_and_pd(_mm512_set1_pd(-0.0), sign.v))};
}

MUNDUR_INLINE Mask<float> less(VecF a, VecF b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
MUNDUR_INLINE Mask<double> less(VecD a, VecD b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)};
}
MUNDUR_INLINE Mask<float> equal(VecF a, VecF b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
}
MUNDUR_INLINE Mask<double> equal(VecD a, VecD b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)};
}
MUNDUR_INLINE Mask<float> is_nan(VecF a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
MUNDUR_INLINE Mask<double> is_nan(VecD a) { return {_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q)}; }
MUNDUR_INLINE VecF select(Mask<float> m, VecF a, VecF b) {
  return {_mm512_mask_blend_ps(m.m, b.v, a.v)};
}
MUNDUR_INLINE VecD select(Mask<double> m, VecD a, VecD b) {
  return {_mm512_mask_blend_pd(m.m, b.v, a.v)};
}

MUNDUR_INLINE VecF pow2(VecF n) {
  const __m512 shifted = _mm512_add_ps(n.v, _mm512_set1_ps(0x1.8p23f + 127.0f));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(shifted), 23))};
}
MUNDUR_INLINE VecD pow2(VecD n) {
  const __m512d shifted = _mm512_add_pd(n.v, _mm512_set1_pd(0x1.8p52 + 1023.0));
  return {_mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(shifted), 52))};
}
MUNDUR_INLINE VecF scale(VecF a, VecF n) { return {_mm512_scalef_ps(a.v, n.v)}; }
MUNDUR_INLINE VecD scale(VecD a, VecD n) { return {_mm512_scalef_pd(a.v, n.v)}; }
MUNDUR_INLINE VecF exponent(VecF a) { return {_mm512_getexp_ps(a.v)}; }
MUNDUR_INLINE VecD exponent(VecD a) { return {_mm512_getexp_pd(a.v)}; }
MUNDUR_INLINE VecF mantissa(VecF a) {
  return {_mm512_getmant_ps(a.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src)};
}
MUNDUR_INLINE VecD mantissa(VecD a) {
  return {_mm512_getmant_pd(a.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src)};
}

MUNDUR_INLINE float half_sum(VecF a) {
  const __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a.v), 1));
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), upper);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
MUNDUR_INLINE double half_sum(VecD a) {
  const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

MUNDUR_INLINE float half_max(VecF a) {
  const __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a.v), 1));
  const __m256 eight = _mm256_max_ps(upper, _mm512_castps512_ps256(a.v));
  const __m128 four = _mm_max_ps(_mm256_extractf128_ps(eight, 1), _mm256_castps256_ps128(eight));
  const __m128 two = _mm_max_ps(_mm_movehl_ps(four, four), four);
  return _mm_cvtss_f32(_mm_max_ss(_mm_movehdup_ps(two), two));
}
MUNDUR_INLINE double half_max(VecD a) {
  const __m256d four = _mm256_max_pd(_mm512_extractf64x4_pd(a.v, 1), _mm512_castpd512_pd256(a.v));
  const __m128d two = _mm_max_pd(_mm256_extractf128_pd(four, 1), _mm256_castpd256_pd128(four));
  return _mm_cvtsd_f64(_mm_max_sd(_mm_unpackhi_pd(two, two), two));
}

MUNDUR_INLINE VecF load_half(const std::uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}

struct Words {
  static constexpr int kWidth = 16;
  __m512i v;
};

MUNDUR_INLINE Words load_words(const std::uint32_t* p) { return {_mm512_loadu_si512(p)}; }
MUNDUR_INLINE void store_words(std::uint32_t* p, Words a) { _mm512_storeu_si512(p, a.v); }
MUNDUR_INLINE Words set_words(std::uint32_t x) { return {_mm512_set1_epi32(static_cast<int>(x))}; }
MUNDUR_INLINE Words operator+(Words a, Words b) { return {_mm512_add_epi32(a.v, b.v)}; }
MUNDUR_INLINE Words operator&(Words a, Words b) { return {_mm512_and_si512(a.v, b.v)}; }
MUNDUR_INLINE Words operator|(Words a, Words b) { return {_mm512_or_si512(a.v, b.v)}; }
MUNDUR_INLINE Words operator^(Words a, Words b) { return {_mm512_xor_si512(a.v, b.v)}; }
template <int n>
MUNDUR_INLINE Words shifted_left(Words a) {
  return {_mm512_slli_epi32(a.v, n)};
}
template <int n>
MUNDUR_INLINE Words shifted_right(Words a) {
  return {_mm512_srli_epi32(a.v, n)};
}
MUNDUR_INLINE Words words(VecF a) { return {_mm512_castps_si512(a.v)}; }
MUNDUR_INLINE VecF floats(Words a) { return {_mm512_castsi512_ps(a.v)}; }
MUNDUR_INLINE Words load_shorts(const std::uint16_t* p) {
  return {_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
// The instruction packs group by group of 128 bits.
MUNDUR_INLINE Words upper_halves(Words a, Words b) {
  const __m512i packed =
      _mm512_packus_epi32(_mm512_srli_epi32(a.v, 16), _mm512_srli_epi32(b.v, 16));
  return {_mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), packed)};
}
// The instruction multiplies the even words; the odd ones come down for it and go back.
MUNDUR_INLINE void multiply_wide(Words a, std::uint32_t by, Words& low, Words& high) {
  const __m512i factor = set_words(by).v;
  const __m512i even = _mm512_mul_epu32(a.v, factor);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), factor);
  low = {_mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32))};
  high = {_mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd)};
}

#if defined(__AVX512BF16__)

// The compilers' bfloat16 registers convert to nothing: their bits pass through memory that is not
// there once compiled.
MUNDUR_INLINE Words words(__m512bh a) { return __builtin_bit_cast(Words, a); }

MUNDUR_INLINE VecF dot(Words a, Words b, VecF sum) {
  return {
      _mm512_dpbf16_ps(sum.v, __builtin_bit_cast(__m512bh, a), __builtin_bit_cast(__m512bh, b))};
}
MUNDUR_INLINE Words consecutive(VecF low, VecF high) {
  return words(_mm512_cvtne2ps_pbh(high.v, low.v));
}
MUNDUR_INLINE Words interleaved(VecF even, VecF odd) {
  const __m512i pick = _mm512_set_epi32(0x1F000F, 0x1E000E, 0x1D000D, 0x1C000C, 0x1B000B, 0x1A000A,
                                        0x190009, 0x180008, 0x170007, 0x160006, 0x150005, 0x140004,
                                        0x130003, 0x120002, 0x110001, 0x100000);
  return {_mm512_permutexvar_epi16(pick, consecutive(even, odd).v)};
}

#endif

}  // namespace
}  // namespace mundur::MUNDUR_ISA

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
constexpr int kBytes = 64;
}
#include "cpu/kernels/isa/registers.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE __m512i integers(Words a) { return __builtin_bit_cast(__m512i, a.v); }
MUNDUR_INLINE Words words(__m512i a) { return {__builtin_bit_cast(Words::Native, a)}; }

/// A bit for each lane.
template <class T>
struct Mask {
  using Native = decltype([] {
    if constexpr (Vec<T>::kWidth == 16) {
      return __mmask16{};
    } else {
      return __mmask8{};
    }
  }());
  Native m;

  static MUNDUR_INLINE Mask of(unsigned bits) { return {static_cast<Native>(bits)}; }
  static MUNDUR_INLINE Mask first_n(int n) { return of((1u << n) - 1u); }
  friend MUNDUR_INLINE Mask operator&(Mask a, Mask b) { return of(a.m & b.m); }
  friend MUNDUR_INLINE Mask operator|(Mask a, Mask b) { return of(a.m | b.m); }
  friend MUNDUR_INLINE Mask operator~(Mask a) { return of(~unsigned{a.m}); }
  friend MUNDUR_INLINE bool any(Mask a) { return a.m != 0; }
  friend MUNDUR_INLINE int first_true(Mask a) { return __builtin_ctz(a.m); }
};

MUNDUR_INLINE VecF load_masked(const float* p, Mask<float> m) {
  return _mm512_maskz_loadu_ps(m.m, p);
}
MUNDUR_INLINE VecD load_masked(const double* p, Mask<double> m) {
  return _mm512_maskz_loadu_pd(m.m, p);
}
MUNDUR_INLINE void store_masked(float* p, VecF a, Mask<float> m) {
  _mm512_mask_storeu_ps(p, m.m, a.v);
}
MUNDUR_INLINE void store_masked(double* p, VecD a, Mask<double> m) {
  _mm512_mask_storeu_pd(p, m.m, a.v);
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
  return _mm512_mask_blend_ps(m.m, b.v, a.v);
}
MUNDUR_INLINE VecD select(Mask<double> m, VecD a, VecD b) {
  return _mm512_mask_blend_pd(m.m, b.v, a.v);
}

MUNDUR_INLINE VecF fma(VecF a, VecF b, VecF c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
MUNDUR_INLINE VecD fma(VecD a, VecD b, VecD c) { return _mm512_fmadd_pd(a.v, b.v, c.v); }
MUNDUR_INLINE VecF fnma(VecF a, VecF b, VecF c) { return _mm512_fnmadd_ps(a.v, b.v, c.v); }
MUNDUR_INLINE VecD fnma(VecD a, VecD b, VecD c) { return _mm512_fnmadd_pd(a.v, b.v, c.v); }
MUNDUR_INLINE VecF sqrt(VecF a) { return _mm512_sqrt_ps(a.v); }
MUNDUR_INLINE VecD sqrt(VecD a) { return _mm512_sqrt_pd(a.v); }
MUNDUR_INLINE VecF scale(VecF a, VecF n) { return _mm512_scalef_ps(a.v, n.v); }
MUNDUR_INLINE VecD scale(VecD a, VecD n) { return _mm512_scalef_pd(a.v, n.v); }
MUNDUR_INLINE VecF exponent(VecF a) { return _mm512_getexp_ps(a.v); }
MUNDUR_INLINE VecD exponent(VecD a) { return _mm512_getexp_pd(a.v); }
MUNDUR_INLINE VecF mantissa(VecF a) {
  return _mm512_getmant_ps(a.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
}
MUNDUR_INLINE VecD mantissa(VecD a) {
  return _mm512_getmant_pd(a.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
}

MUNDUR_INLINE VecF load_half(const std::uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MUNDUR_INLINE Words load_shorts(const std::uint16_t* p) {
  return words(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
}
// The instruction packs group by group of 128 bits.
MUNDUR_INLINE Words upper_halves(Words a, Words b) {
  const __m512i packed =
      _mm512_packus_epi32(_mm512_srli_epi32(integers(a), 16), _mm512_srli_epi32(integers(b), 16));
  return words(_mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), packed));
}
// The instruction multiplies the even words; the odd ones come down for it and go back.
MUNDUR_INLINE void multiply_wide(Words a, std::uint32_t by, Words& low, Words& high) {
  const __m512i factor = integers(set_words(by));
  const __m512i even = _mm512_mul_epu32(integers(a), factor);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(integers(a), 32), factor);
  low = words(_mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32)));
  high = words(_mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd));
}

#if defined(__AVX512BF16__)

// The compilers' bfloat16 registers convert to nothing: their bits pass through memory that is not
// there once compiled.
MUNDUR_INLINE Words words(__m512bh a) { return {__builtin_bit_cast(Words::Native, a)}; }

MUNDUR_INLINE VecF dot(Words a, Words b, VecF sum) {
  return _mm512_dpbf16_ps(sum.v, __builtin_bit_cast(__m512bh, a.v),
                          __builtin_bit_cast(__m512bh, b.v));
}
MUNDUR_INLINE Words consecutive(VecF low, VecF high) {
  return words(_mm512_cvtne2ps_pbh(high.v, low.v));
}
MUNDUR_INLINE Words interleaved(VecF even, VecF odd) {
  const __m512i pick = _mm512_set_epi32(0x1F000F, 0x1E000E, 0x1D000D, 0x1C000C, 0x1B000B, 0x1A000A,
                                        0x190009, 0x180008, 0x170007, 0x160006, 0x150005, 0x140004,
                                        0x130003, 0x120002, 0x110001, 0x100000);
  return words(_mm512_permutexvar_epi16(pick, integers(consecutive(even, odd))));
}

#endif

}  // namespace
}  // namespace mundur::MUNDUR_ISA

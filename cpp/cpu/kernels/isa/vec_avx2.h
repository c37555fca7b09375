#pragma once

// AVX2 with FMA and F16C. Included by vec.h only.

#include <immintrin.h>

namespace mundur::MUNDUR_ISA {
constexpr int kBytes = 32;
}
#include "cpu/kernels/isa/registers.h"
// Masks are registers of lanes.
#include "cpu/kernels/isa/lane_masks.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE __m256i integers(Mask<float> a) { return __builtin_bit_cast(__m256i, a.m); }
MUNDUR_INLINE __m256i integers(Mask<double> a) { return __builtin_bit_cast(__m256i, a.m); }
MUNDUR_INLINE __m256i integers(Words a) { return __builtin_bit_cast(__m256i, a.v); }
MUNDUR_INLINE Words words(__m256i a) { return {__builtin_bit_cast(Words::Native, a)}; }

MUNDUR_INLINE VecF load_masked(const float* p, Mask<float> m) {
  return _mm256_maskload_ps(p, integers(m));
}
MUNDUR_INLINE VecD load_masked(const double* p, Mask<double> m) {
  return _mm256_maskload_pd(p, integers(m));
}
MUNDUR_INLINE void store_masked(float* p, VecF a, Mask<float> m) {
  _mm256_maskstore_ps(p, integers(m), a.v);
}
MUNDUR_INLINE void store_masked(double* p, VecD a, Mask<double> m) {
  _mm256_maskstore_pd(p, integers(m), a.v);
}
MUNDUR_INLINE int bits_of(Mask<float> a) {
  return _mm256_movemask_ps(_mm256_castsi256_ps(integers(a)));
}
MUNDUR_INLINE int bits_of(Mask<double> a) {
  return _mm256_movemask_pd(_mm256_castsi256_pd(integers(a)));
}
template <class T>
MUNDUR_INLINE bool any(Mask<T> a) {
  return bits_of(a) != 0;
}
template <class T>
MUNDUR_INLINE int first_true(Mask<T> a) {
  return __builtin_ctz(static_cast<unsigned>(bits_of(a)));
}
MUNDUR_INLINE VecF select(Mask<float> m, VecF a, VecF b) {
  return _mm256_blendv_ps(b.v, a.v, _mm256_castsi256_ps(integers(m)));
}
MUNDUR_INLINE VecD select(Mask<double> m, VecD a, VecD b) {
  return _mm256_blendv_pd(b.v, a.v, _mm256_castsi256_pd(integers(m)));
}

MUNDUR_INLINE VecF fma(VecF a, VecF b, VecF c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }
MUNDUR_INLINE VecD fma(VecD a, VecD b, VecD c) { return _mm256_fmadd_pd(a.v, b.v, c.v); }
MUNDUR_INLINE VecF fnma(VecF a, VecF b, VecF c) { return _mm256_fnmadd_ps(a.v, b.v, c.v); }
MUNDUR_INLINE VecD fnma(VecD a, VecD b, VecD c) { return _mm256_fnmadd_pd(a.v, b.v, c.v); }
MUNDUR_INLINE VecF sqrt(VecF a) { return _mm256_sqrt_ps(a.v); }
MUNDUR_INLINE VecD sqrt(VecD a) { return _mm256_sqrt_pd(a.v); }

MUNDUR_INLINE VecF load_half(const std::uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MUNDUR_INLINE Words load_shorts(const std::uint16_t* p) {
  return words(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
// The instruction packs group by group of 128 bits.
MUNDUR_INLINE Words upper_halves(Words a, Words b) {
  const __m256i packed =
      _mm256_packus_epi32(_mm256_srli_epi32(integers(a), 16), _mm256_srli_epi32(integers(b), 16));
  return words(_mm256_permute4x64_epi64(packed, _MM_SHUFFLE(3, 1, 2, 0)));
}
// The instruction multiplies the even words; the odd ones come down for it and go back.
MUNDUR_INLINE void multiply_wide(Words a, std::uint32_t by, Words& low, Words& high) {
  const __m256i factor = integers(set_words(by));
  const __m256i even = _mm256_mul_epu32(integers(a), factor);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(integers(a), 32), factor);
  low = words(_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA));
  high = words(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA));
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

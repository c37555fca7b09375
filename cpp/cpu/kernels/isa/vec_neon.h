#pragma once

// AArch64 Advanced SIMD, which every AArch64 CPU has. Included by vec.h only.

#include <arm_neon.h>

namespace mundur::MUNDUR_ISA {
namespace {

template <>
struct Mask<float> {
  uint32x4_t m;
  static MUNDUR_INLINE Mask first_n(int n) {
    const uint32x4_t lane = {0, 1, 2, 3};
    return {vcltq_u32(lane, vdupq_n_u32(static_cast<std::uint32_t>(n)))};
  }
};

template <>
struct Mask<double> {
  uint64x2_t m;
  static MUNDUR_INLINE Mask first_n(int n) {
    const uint64x2_t lane = {0, 1};
    return {vcltq_u64(lane, vdupq_n_u64(static_cast<std::uint64_t>(n)))};
  }
};

// NEON has no masked loads: lanes that are on are read one by one.
template <>
struct Vec<float> {
  static constexpr int kWidth = 4;
  float32x4_t v;
  static MUNDUR_INLINE Vec load(const float* p) { return {vld1q_f32(p)}; }
  static MUNDUR_INLINE Vec load_masked(const float* p, Mask<float> m) {
    float32x4_t v = vdupq_n_f32(0.0f);
    if (vgetq_lane_u32(m.m, 0)) v = vld1q_lane_f32(p, v, 0);
    if (vgetq_lane_u32(m.m, 1)) v = vld1q_lane_f32(p + 1, v, 1);
    if (vgetq_lane_u32(m.m, 2)) v = vld1q_lane_f32(p + 2, v, 2);
    if (vgetq_lane_u32(m.m, 3)) v = vld1q_lane_f32(p + 3, v, 3);
    return {v};
  }
  static MUNDUR_INLINE Vec set(float x) { return {vdupq_n_f32(x)}; }
};

template <>
struct Vec<double> {
  static constexpr int kWidth = 2;
  float64x2_t v;
  static MUNDUR_INLINE Vec load(const double* p) { return {vld1q_f64(p)}; }
  static MUNDUR_INLINE Vec load_masked(const double* p, Mask<double> m) {
    float64x2_t v = vdupq_n_f64(0.0);
    if (vgetq_lane_u64(m.m, 0)) v = vld1q_lane_f64(p, v, 0);
    if (vgetq_lane_u64(m.m, 1)) v = vld1q_lane_f64(p + 1, v, 1);
    return {v};
  }
  static MUNDUR_INLINE Vec set(double x) { return {vdupq_n_f64(x)}; }
};

using VecF = Vec<float>;
using VecD = Vec<double>;

MUNDUR_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) { return {vandq_u32(a.m, b.m)}; }
MUNDUR_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) { return {vorrq_u32(a.m, b.m)}; }
MUNDUR_INLINE Mask<float> operator~(Mask<float> a) { return {vmvnq_u32(a.m)}; }
MUNDUR_INLINE bool any(Mask<float> a) { return vmaxvq_u32(a.m) != 0; }
MUNDUR_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) {
  return {vandq_u64(a.m, b.m)};
}
MUNDUR_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) {
  return {vorrq_u64(a.m, b.m)};
}
MUNDUR_INLINE Mask<double> operator~(Mask<double> a) {
  return {veorq_u64(a.m, vdupq_n_u64(~std::uint64_t{0}))};
}
MUNDUR_INLINE bool any(Mask<double> a) { return vmaxvq_u32(vreinterpretq_u32_u64(a.m)) != 0; }

MUNDUR_INLINE int first_true(Mask<float> a) {
  if (vgetq_lane_u32(a.m, 0)) return 0;
  if (vgetq_lane_u32(a.m, 1)) return 1;
  return vgetq_lane_u32(a.m, 2) ? 2 : 3;
}
MUNDUR_INLINE int first_true(Mask<double> a) { return vgetq_lane_u64(a.m, 0) ? 0 : 1; }

MUNDUR_INLINE void store(float* p, VecF a) { vst1q_f32(p, a.v); }
MUNDUR_INLINE void store(double* p, VecD a) { vst1q_f64(p, a.v); }
MUNDUR_INLINE void store_masked(float* p, VecF a, Mask<float> m) {
  if (vgetq_lane_u32(m.m, 0)) vst1q_lane_f32(p, a.v, 0);
  if (vgetq_lane_u32(m.m, 1)) vst1q_lane_f32(p + 1, a.v, 1);
  if (vgetq_lane_u32(m.m, 2)) vst1q_lane_f32(p + 2, a.v, 2);
  if (vgetq_lane_u32(m.m, 3)) vst1q_lane_f32(p + 3, a.v, 3);
}
MUNDUR_INLINE void store_masked(double* p, VecD a, Mask<double> m) {
  if (vgetq_lane_u64(m.m, 0)) vst1q_lane_f64(p, a.v, 0);
  if (vgetq_lane_u64(m.m, 1)) vst1q_lane_f64(p + 1, a.v, 1);
}

MUNDUR_INLINE VecF operator+(VecF a, VecF b) { return {vaddq_f32(a.v, b.v)}; }
MUNDUR_INLINE VecF operator-(VecF a, VecF b) { return {vsubq_f32(a.v, b.v)}; }
MUNDUR_INLINE VecF operator*(VecF a, VecF b) { return {vmulq_f32(a.v, b.v)}; }
MUNDUR_INLINE VecF operator/(VecF a, VecF b) { return {vdivq_f32(a.v, b.v)}; }
MUNDUR_INLINE VecF operator-(VecF a) { return {vnegq_f32(a.v)}; }
MUNDUR_INLINE VecF fma(VecF a, VecF b, VecF c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
MUNDUR_INLINE VecF fnma(VecF a, VecF b, VecF c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
MUNDUR_INLINE VecD operator+(VecD a, VecD b) { return {vaddq_f64(a.v, b.v)}; }
MUNDUR_INLINE VecD operator-(VecD a, VecD b) { return {vsubq_f64(a.v, b.v)}; }
MUNDUR_INLINE VecD operator*(VecD a, VecD b) { return {vmulq_f64(a.v, b.v)}; }
MUNDUR_INLINE VecD operator/(VecD a, VecD b) { return {vdivq_f64(a.v, b.v)}; }
MUNDUR_INLINE VecD operator-(VecD a) { return {vnegq_f64(a.v)}; }
MUNDUR_INLINE VecD fma(VecD a, VecD b, VecD c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
MUNDUR_INLINE VecD fnma(VecD a, VecD b, VecD c) { return {vfmsq_f64(c.v, a.v, b.v)}; }

MUNDUR_INLINE VecF sqrt(VecF a) { return {vsqrtq_f32(a.v)}; }
MUNDUR_INLINE VecD sqrt(VecD a) { return {vsqrtq_f64(a.v)}; }
MUNDUR_INLINE VecF abs(VecF a) { return {vabsq_f32(a.v)}; }
MUNDUR_INLINE VecD abs(VecD a) { return {vabsq_f64(a.v)}; }
MUNDUR_INLINE VecF copysign(VecF magnitude, VecF sign) {
  return {vbslq_f32(vdupq_n_u32(0x80000000u), sign.v, magnitude.v)};
}
MUNDUR_INLINE VecD copysign(VecD magnitude, VecD sign) {
  return {vbslq_f64(vdupq_n_u64(std::uint64_t{1} << 63), sign.v, magnitude.v)};
}

MUNDUR_INLINE Mask<float> less(VecF a, VecF b) { return {vcltq_f32(a.v, b.v)}; }
MUNDUR_INLINE Mask<double> less(VecD a, VecD b) { return {vcltq_f64(a.v, b.v)}; }
MUNDUR_INLINE Mask<float> equal(VecF a, VecF b) { return {vceqq_f32(a.v, b.v)}; }
MUNDUR_INLINE Mask<double> equal(VecD a, VecD b) { return {vceqq_f64(a.v, b.v)}; }
MUNDUR_INLINE Mask<float> is_nan(VecF a) { return ~equal(a, a); }
MUNDUR_INLINE Mask<double> is_nan(VecD a) { return ~equal(a, a); }
MUNDUR_INLINE VecF select(Mask<float> m, VecF a, VecF b) { return {vbslq_f32(m.m, a.v, b.v)}; }
MUNDUR_INLINE VecD select(Mask<double> m, VecD a, VecD b) { return {vbslq_f64(m.m, a.v, b.v)}; }

// n + 1.5·2^23 holds n in its lowest bits: adding the bias there too leaves the exponent field one
// shift away.
MUNDUR_INLINE VecF pow2(VecF n) {
  const float32x4_t shifted = vaddq_f32(n.v, vdupq_n_f32(0x1.8p23f + 127.0f));
  return {vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(shifted), 23))};
}
MUNDUR_INLINE VecD pow2(VecD n) {
  const float64x2_t shifted = vaddq_f64(n.v, vdupq_n_f64(0x1.8p52 + 1023.0));
  return {vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(shifted), 52))};
}
MUNDUR_INLINE VecF exponent(VecF a) {
  const int32x4_t field = vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_f32(a.v), 23));
  return {vcvtq_f32_s32(vsubq_s32(field, vdupq_n_s32(127)))};
}
MUNDUR_INLINE VecD exponent(VecD a) {
  const int64x2_t field = vreinterpretq_s64_u64(vshrq_n_u64(vreinterpretq_u64_f64(a.v), 52));
  return {vcvtq_f64_s64(vsubq_s64(field, vdupq_n_s64(1023)))};
}
MUNDUR_INLINE VecF mantissa(VecF a) {
  return {vbslq_f32(vdupq_n_u32(0x007FFFFFu), a.v, vdupq_n_f32(1.0f))};
}
MUNDUR_INLINE VecD mantissa(VecD a) {
  return {vbslq_f64(vdupq_n_u64(0x000FFFFFFFFFFFFFu), a.v, vdupq_n_f64(1.0))};
}

MUNDUR_INLINE float half_sum(VecF a) {
  const float32x2_t two = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
MUNDUR_INLINE double half_sum(VecD a) { return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1); }

MUNDUR_INLINE float half_max(VecF a) {
  const float32x2_t low = vget_low_f32(a.v), high = vget_high_f32(a.v);
  const float32x2_t two = vbsl_f32(vclt_f32(low, high), high, low);
  const float first = vget_lane_f32(two, 0), second = vget_lane_f32(two, 1);
  return first < second ? second : first;
}
MUNDUR_INLINE double half_max(VecD a) {
  const double first = vgetq_lane_f64(a.v, 0), second = vgetq_lane_f64(a.v, 1);
  return first < second ? second : first;
}

MUNDUR_INLINE VecF load_half(const std::uint16_t* p) {
  return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))};
}

struct Words {
  static constexpr int kWidth = 4;
  uint32x4_t v;
};

MUNDUR_INLINE Words load_words(const std::uint32_t* p) { return {vld1q_u32(p)}; }
MUNDUR_INLINE void store_words(std::uint32_t* p, Words a) { vst1q_u32(p, a.v); }
MUNDUR_INLINE Words set_words(std::uint32_t x) { return {vdupq_n_u32(x)}; }
MUNDUR_INLINE Words operator+(Words a, Words b) { return {vaddq_u32(a.v, b.v)}; }
MUNDUR_INLINE Words operator&(Words a, Words b) { return {vandq_u32(a.v, b.v)}; }
MUNDUR_INLINE Words operator|(Words a, Words b) { return {vorrq_u32(a.v, b.v)}; }
MUNDUR_INLINE Words operator^(Words a, Words b) { return {veorq_u32(a.v, b.v)}; }
template <int n>
MUNDUR_INLINE Words shifted_left(Words a) {
  return {vshlq_n_u32(a.v, n)};
}
template <int n>
MUNDUR_INLINE Words shifted_right(Words a) {
  return {vshrq_n_u32(a.v, n)};
}
MUNDUR_INLINE Words words(VecF a) { return {vreinterpretq_u32_f32(a.v)}; }
MUNDUR_INLINE VecF floats(Words a) { return {vreinterpretq_f32_u32(a.v)}; }
MUNDUR_INLINE Words load_shorts(const std::uint16_t* p) { return {vmovl_u16(vld1_u16(p))}; }
MUNDUR_INLINE Words upper_halves(Words a, Words b) {
  return {
      vreinterpretq_u32_u16(vuzp2q_u16(vreinterpretq_u16_u32(a.v), vreinterpretq_u16_u32(b.v)))};
}

// FPCR.FZ asks how small a result is before it is rounded.
constexpr bool kFlushes = false;
struct Flushing {
  Flushing() {}
};

MUNDUR_INLINE void multiply_wide(Words a, std::uint32_t by, Words& low, Words& high) {
  const uint32x4_t lower = vreinterpretq_u32_u64(vmull_n_u32(vget_low_u32(a.v), by));
  const uint32x4_t upper = vreinterpretq_u32_u64(vmull_n_u32(vget_high_u32(a.v), by));
  low = {vuzp1q_u32(lower, upper)};
  high = {vuzp2q_u32(lower, upper)};
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

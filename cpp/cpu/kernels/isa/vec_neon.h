#pragma once

// AArch64 Advanced SIMD, which every AArch64 CPU has. Included by vec.h only.

#include <arm_neon.h>

namespace mundur::MUNDUR_ISA {
constexpr int kBytes = 16;
}
#include "cpu/kernels/isa/registers.h"
// Masks are registers of lanes, and there are no masked loads: lanes that are on are read one by
// one.
#include "cpu/kernels/isa/lane_masks.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE VecF fma(VecF a, VecF b, VecF c) { return vfmaq_f32(c.v, a.v, b.v); }
MUNDUR_INLINE VecD fma(VecD a, VecD b, VecD c) { return vfmaq_f64(c.v, a.v, b.v); }
MUNDUR_INLINE VecF fnma(VecF a, VecF b, VecF c) { return vfmsq_f32(c.v, a.v, b.v); }
MUNDUR_INLINE VecD fnma(VecD a, VecD b, VecD c) { return vfmsq_f64(c.v, a.v, b.v); }
MUNDUR_INLINE VecF sqrt(VecF a) { return vsqrtq_f32(a.v); }
MUNDUR_INLINE VecD sqrt(VecD a) { return vsqrtq_f64(a.v); }
MUNDUR_INLINE VecF select(Mask<float> m, VecF a, VecF b) {
  return vbslq_f32(__builtin_bit_cast(uint32x4_t, m.m), a.v, b.v);
}
MUNDUR_INLINE VecD select(Mask<double> m, VecD a, VecD b) {
  return vbslq_f64(__builtin_bit_cast(uint64x2_t, m.m), a.v, b.v);
}

MUNDUR_INLINE VecF load_half(const std::uint16_t* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
MUNDUR_INLINE Words load_shorts(const std::uint16_t* p) { return {vmovl_u16(vld1_u16(p))}; }
MUNDUR_INLINE Words upper_halves(Words a, Words b) {
  return {
      vreinterpretq_u32_u16(vuzp2q_u16(vreinterpretq_u16_u32(a.v), vreinterpretq_u16_u32(b.v)))};
}
MUNDUR_INLINE void multiply_wide(Words a, std::uint32_t by, Words& low, Words& high) {
  const uint32x4_t lower = vreinterpretq_u32_u64(vmull_n_u32(vget_low_u32(a.v), by));
  const uint32x4_t upper = vreinterpretq_u32_u64(vmull_n_u32(vget_high_u32(a.v), by));
  low = {vuzp1q_u32(lower, upper)};
  high = {vuzp2q_u32(lower, upper)};
}

// FPCR.FZ asks how small a result is before it is rounded.
constexpr bool kFlushes = false;
struct Flushing {
  Flushing() {}
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

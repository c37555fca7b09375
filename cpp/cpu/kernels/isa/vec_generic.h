#pragma once

// Any CPU: 128 bits, which compilers map to whatever registers there are. The fused multiply-add is
// the C library's where compiler and CPU have none: correct before fast. Included by vec.h only.

namespace mundur::MUNDUR_ISA {
constexpr int kBytes = 16;
}
#include "cpu/kernels/isa/registers.h"
// Masks are registers of lanes.
#include "cpu/kernels/isa/half.h"
#include "cpu/kernels/isa/lane_masks.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
MUNDUR_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
MUNDUR_INLINE float root(float a) { return __builtin_sqrtf(a); }
MUNDUR_INLINE double root(double a) { return __builtin_sqrt(a); }

/// One lane at a time: r[i] = f(i).
template <class T, class F>
MUNDUR_INLINE Vec<T> each(F f) {
  Vec<T> r;
  for (int i = 0; i < Vec<T>::kWidth; ++i) r.v[i] = f(i);
  return r;
}
template <class T>
MUNDUR_INLINE Vec<T> fused(Vec<T> a, Vec<T> b, Vec<T> c) {
  return each<T>([&](int i) { return fused(a.v[i], b.v[i], c.v[i]); });
}
#ifdef __x86_64__
// By the instruction, for CPUs that have it though this code is for those that have not, too.
[[gnu::noinline, gnu::target("fma")]] VecF fma_of_cpu(VecF a, VecF b, VecF c) {
  return {__builtin_ia32_vfmaddps(a.v, b.v, c.v)};
}
[[gnu::noinline, gnu::target("fma")]] VecD fma_of_cpu(VecD a, VecD b, VecD c) {
  return {__builtin_ia32_vfmaddpd(a.v, b.v, c.v)};
}
template <class T>
MUNDUR_INLINE Vec<T> fused_by_any(Vec<T> a, Vec<T> b, Vec<T> c) {
  return __builtin_cpu_supports("fma") ? fma_of_cpu(a, b, c) : fused(a, b, c);
}
#else
template <class T>
MUNDUR_INLINE Vec<T> fused_by_any(Vec<T> a, Vec<T> b, Vec<T> c) {
  return fused(a, b, c);
}
#endif
// A call for each register, not one for each lane wherever there is one.
[[gnu::noinline]] VecF fma(VecF a, VecF b, VecF c) { return fused_by_any(a, b, c); }
[[gnu::noinline]] VecD fma(VecD a, VecD b, VecD c) { return fused_by_any(a, b, c); }
MUNDUR_INLINE VecF fnma(VecF a, VecF b, VecF c) { return fma(-a, b, c); }
MUNDUR_INLINE VecD fnma(VecD a, VecD b, VecD c) { return fma(-a, b, c); }
template <class T>
MUNDUR_INLINE Vec<T> sqrt(Vec<T> a) {
  return each<T>([&](int i) { return root(a.v[i]); });
}

template <class T>
MUNDUR_INLINE Vec<T> chosen(Mask<T> m, Vec<T> a, Vec<T> b) {
  const auto on = __builtin_bit_cast(typename Vec<T>::Bits, m.m);
  return Vec<T>::of_bits((a.bits() & on) | (b.bits() & ~on));
}
MUNDUR_INLINE VecF select(Mask<float> m, VecF a, VecF b) { return chosen(m, a, b); }
MUNDUR_INLINE VecD select(Mask<double> m, VecD a, VecD b) { return chosen(m, a, b); }

MUNDUR_INLINE VecF load_half(const std::uint16_t* p) {
  return each<float>([&](int i) { return half_to_float(p[i]); });
}

MUNDUR_INLINE Words load_shorts(const std::uint16_t* p) {
  std::uint16_t shorts[Words::kWidth];
  __builtin_memcpy(shorts, p, sizeof shorts);  // whatever they were written as
  return {Words::Native{shorts[0], shorts[1], shorts[2], shorts[3]}};
}
MUNDUR_INLINE Words upper_halves(Words a, Words b) {
  const auto pair = [](Words from, int i) {
    return from.v[2 * i] >> 16 | (from.v[2 * i + 1] & 0xFFFF0000u);
  };
  return {Words::Native{pair(a, 0), pair(a, 1), pair(b, 0), pair(b, 1)}};
}
MUNDUR_INLINE void multiply_wide(Words a, std::uint32_t by, Words& low, Words& high) {
  for (int i = 0; i < Words::kWidth; ++i) {
    const std::uint64_t product = std::uint64_t{a.v[i]} * by;
    low.v[i] = static_cast<std::uint32_t>(product);
    high.v[i] = static_cast<std::uint32_t>(product >> 32);
  }
}

constexpr bool kFlushes = false;
struct Flushing {
  Flushing() {}
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

// The loops behind peak.h, built once per instruction set on the same vector
// headers as the kernels.

#include "cpu/kernels/isa/pairs.h"

namespace mundur::MUNDUR_ISA {
namespace {

// More than latency 4 times two units, and they fit into 16 registers.
constexpr int kChains = 12;

/// `chains` that don't wait for one another; returns the floating-point operations done. sink: 12
/// registers.
template <int chains, class T>
i64 run(T* sink, i64 steps) {
  Vec<T> sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = load(sink + i * Vec<T>::kWidth);
  const Vec<T> a = set<T>(T(0.999)), b = set<T>(T(0.001));
  for (i64 n = 0; n < steps; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < chains; ++i) sum[i] = fma(sum[i], a, b);
  }
  for (int i = 0; i < chains; ++i) store(sink + i * Vec<T>::kWidth, sum[i]);
  return steps * chains * Vec<T>::kWidth * 2;
}

}  // namespace

i64 run_peak(float* sink, i64 steps) { return run<kChains>(sink, steps); }
i64 run_peak(double* sink, i64 steps) { return run<kChains>(sink, steps); }
i64 run_chain(float* sink, i64 steps) { return run<1>(sink, steps); }
i64 run_chain(double* sink, i64 steps) { return run<1>(sink, steps); }

i64 run_pairs_peak(float* sink, i64 steps) {
  Vec<float> sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = load(sink + i * Vec<float>::kWidth);
  const Words a = set_words(0x3F803F80), b = set_words(0x3C003C00);  // 1, 1 and 2^-7, 2^-7
  const Flushing flushing;
  for (i64 n = 0; n < steps; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) sum[i] = dot(a, b, sum[i]);
  }
  for (int i = 0; i < kChains; ++i) store(sink + i * Vec<float>::kWidth, sum[i]);
  return steps * kChains * Vec<float>::kWidth * 4;
}

#if defined(__AMX_BF16__)
/// Four tiles of sums, as products have them.
i64 run_tiles_peak(float* sink, i64 steps) {
  struct alignas(64) {
    std::uint8_t palette = 1, start = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16};
  } shape;
  alignas(64) std::uint32_t ones[16 * 16];
  for (std::uint32_t& one : ones) one = 0x3F803C00u;  // 2^-7, 1
  alignas(64) float sums[16 * 16];
  _tile_loadconfig(&shape);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, ones, 64);
  _tile_loadd(5, ones, 64);
  for (i64 n = 0; n < steps; ++n) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(3, 4, 5);
  }
  _tile_stored(0, sums, 64);
  _tile_release();
  sink[0] = sums[0];
  return steps * 4 * 16 * 16 * 32 * 2;
}
#else
/// Tiles are computed with fused multiply-adds.
i64 run_tiles_peak(float* sink, i64 steps) { return run<kChains>(sink, steps); }
#endif

/// Adds x up so many times, whole groups of 12 registers and not what is left behind them. Returns
/// the bytes read.
i64 run_read(float* sink, const float* x, i64 size, i64 times) {
  constexpr i64 kGroup = kChains * Vec<float>::kWidth;
  const i64 whole = size / kGroup * kGroup;
  Vec<float> sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = load(sink + i * Vec<float>::kWidth);
  for (i64 n = 0; n < times; ++n) {
    for (i64 at = 0; at < whole; at += kGroup) {
#pragma GCC unroll 16
      for (int i = 0; i < kChains; ++i) sum[i] = sum[i] + load(x + at + i * Vec<float>::kWidth);
    }
  }
  for (int i = 0; i < kChains; ++i) store(sink + i * Vec<float>::kWidth, sum[i]);
  return times * whole * static_cast<i64>(sizeof(float));
}

}  // namespace mundur::MUNDUR_ISA

// The loops behind fma_peak and read_rate, built once per instruction set on the same vector
// headers as the kernels.

#include "kernels/isa/vec.h"

namespace mundur::MUNDUR_ISA {
namespace {

// More than latency 4 times two units, and they fit into 16 registers.
constexpr int kChains = 12;

/// Returns the floating-point operations done. sink: 12 registers.
template <class T>
i64 run(T* sink, i64 steps) {
  Vec<T> sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = load(sink + i * Vec<T>::kWidth);
  const Vec<T> a = set<T>(T(0.999)), b = set<T>(T(0.001));
  for (i64 n = 0; n < steps; ++n) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) sum[i] = fma(sum[i], a, b);
  }
  for (int i = 0; i < kChains; ++i) store(sink + i * Vec<T>::kWidth, sum[i]);
  return steps * kChains * Vec<T>::kWidth * 2;
}

}  // namespace

i64 run_peak(float* sink, i64 steps) { return run(sink, steps); }
i64 run_peak(double* sink, i64 steps) { return run(sink, steps); }

/// Adds x up, which holds whole groups of 12 registers and a rest that stays unread. Returns the
/// bytes read.
i64 run_read(float* sink, const float* x, i64 size) {
  constexpr i64 kGroup = kChains * Vec<float>::kWidth;
  Vec<float> sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = load(sink + i * Vec<float>::kWidth);
  i64 at = 0;
  for (; at + kGroup <= size; at += kGroup) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) sum[i] = sum[i] + load(x + at + i * Vec<float>::kWidth);
  }
  for (int i = 0; i < kChains; ++i) store(sink + i * Vec<float>::kWidth, sum[i]);
  return at * static_cast<i64>(sizeof(float));
}

}  // namespace mundur::MUNDUR_ISA

// The loop behind fma_peak, built once per instruction set on the same vector headers as the
// kernels.

#include "kernels/isa/vec.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// Returns the floating-point operations done. sink: 12 registers.
template <class T>
i64 run(T* sink, i64 steps) {
  // 12 chains: more than latency 4 times two units, and they fit into 16 registers.
  constexpr int kChains = 12;
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

}  // namespace mundur::MUNDUR_ISA

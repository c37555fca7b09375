#pragma once

// A tile of a product's result, one to a block, whose threads have steps of both operands in common
// memory.

#include "cpu/kernels/formulas/activations.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
MUNDUR_INLINE T activated(T z, Function f) {
  Vec<T> y = z;
  if (f == Function::linear) return z;
  with_function<T>(f, [&](auto one) { y = decltype(one)::value(y); });
  return first_lane(y);
}

/// kSide rows and columns; each thread has kOwn by kOwn of its elements.
template <class T, int kSide, int kOwn>
struct TileOf {
  static constexpr int kSteps = launches::kTileSteps, kSize = kSteps * kSide;
  static constexpr int kAcross = kSide / kOwn, kThreads = kAcross * kAcross;
  struct Sums {
    T of[kOwn][kOwn];
  };

  /// Row and column of number `i` of the thread's elements.
  MUNDUR_DEVICE static int row_of(int thread, int i) { return thread / kAcross * kOwn + i / kOwn; }
  MUNDUR_DEVICE static int column_of(int thread, int i) {
    return thread % kAcross * kOwn + i % kOwn;
  }

  /// Step d of row, or column, i lies at d·kSide + i.
  MUNDUR_DEVICE static void multiply(Sums& sums, const T* left, const T* right, std::int64_t steps,
                                     int thread) {
    const T* const l = left + row_of(thread, 0);
    const T* const r = right + column_of(thread, 0);
    for (int k = 0; k < steps; ++k) {
      MUNDUR_UNROLL
      for (int i = 0; i < kOwn; ++i) {
        MUNDUR_UNROLL
        for (int j = 0; j < kOwn; ++j) {
          sums.of[i][j] = fused(l[k * kSide + i], r[k * kSide + j], sums.of[i][j]);
        }
      }
    }
  }
  /// The same without those steps of a row where `there` is 0.
  MUNDUR_DEVICE static void multiply_there(Sums& sums, const T* left, const unsigned char* there,
                                           const T* right, std::int64_t steps, int thread) {
    const int row = row_of(thread, 0), column = column_of(thread, 0);
    for (int k = 0; k < steps; ++k) {
      MUNDUR_UNROLL
      for (int i = 0; i < kOwn; ++i) {
        const T l = left[k * kSide + row + i];
        const bool is_there = there[k * kSide + row + i] != 0;
        MUNDUR_UNROLL
        for (int j = 0; j < kOwn; ++j) {
          const T longer = fused(l, right[k * kSide + column + j], sums.of[i][j]);
          sums.of[i][j] = is_there ? longer : sums.of[i][j];
        }
      }
    }
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

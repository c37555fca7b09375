#pragma once

// Products whose inner sums run over 16 virtual lanes instead of one chain: too few columns would
// starve the vector units (uses_lanes). Registers run along the inner index.

#include "cpu/kernels/isa/blocking.h"
#include "cpu/kernels/isa/pieces.h"
#include "cpu/kernels/isa/tile.h"
#include "cpu/kernels/isa/transpose.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// lanes[r][k mod 16] += x[r, k] · w[k] for kRows rows.
template <class T, int kRows>
MUNDUR_INLINE void add_lanes(T (*lanes)[16], const T* x, i64 ldx, const T* w, i64 depth) {
  constexpr int kWidth = Vec<T>::kWidth;
  constexpr int kParts = Lanes16<T>::kParts;
  Lanes16<T> sum[kRows];
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kParts; ++p) sum[r].part[p] = load(lanes[r] + p * kWidth);
  }
  i64 k = 0;
  for (; k + 16 <= depth; k += 16) {
    for (int p = 0; p < kParts; ++p) {
      const Vec<T> column = load(w + k + p * kWidth);
      for (int r = 0; r < kRows; ++r)
        sum[r].part[p] = fma(load(x + r * ldx + k + p * kWidth), column, sum[r].part[p]);
    }
  }
  for (int p = 0; p < kParts && k < depth; ++p, k += kWidth) {
    const int n = static_cast<int>(least(kWidth, depth - k));
    const Mask<T> mask = first_n<T>(n);
    const Vec<T> column = load_masked(w + k, mask);
    for (int r = 0; r < kRows; ++r) {
      // Lanes beyond the end keep their state: + 0·0 would make +0 of -0.
      const Vec<T> longer = fma(load_masked(x + r * ldx + k, mask), column, sum[r].part[p]);
      sum[r].part[p] = select(mask, longer, sum[r].part[p]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int p = 0; p < kParts; ++p) store(lanes[r] + p * kWidth, sum[r].part[p]);
  }
}

/// The lanes joined by the tree +8, +4, +2, +1.
template <class T>
MUNDUR_INLINE T joined(const T* lanes) {
  Lanes16<T> sum;
  for (int p = 0; p < Lanes16<T>::kParts; ++p) sum.part[p] = load(lanes + p * Vec<T>::kWidth);
  return sum.sum();
}

constexpr i64 kLanesGroup = 32;  // rows whose lanes wait while columns are packed piece by piece
constexpr i64 kLanesMost = 4;    // columns, by uses_lanes

/// Of a column, packed in scratch behind the lanes that wait.
template <class T>
MUNDUR_INLINE i64 lanes_capacity(i64 depth) {
  constexpr i64 kThere = (Scratch<T>::kSize - kLanesGroup * kLanesMost * 16) / kLanesMost;
  return least(divided_up(depth, 16), kThere / 16) * 16;
}

/// to[r, c] = f(Σ_k a[r, k] · b[c, k] + bias[c]) over 16 lanes. Element (c, k) of b lies at
/// w_column·c + w_step·k; where w_step isn't 1 the columns are packed first.
template <class T>
void run_lanes(const Product<T>& p, i64 w_column, i64 w_step) {
  const i64 rows = p.rows, columns = p.columns, depth = p.depth, ldx = p.a.ld, ldy = p.to.ld;
  const T *const x = p.a.p, *const w = p.b.p;
  T *const y = p.to.p, *const scratch = p.scratch;
  constexpr i64 kGroup = kLanesGroup, kMost = kLanesMost;
  constexpr int kRows = 16 / Lanes16<T>::kParts >= 8 ? 4 : 2;
  T(*lanes)[16] = reinterpret_cast<T(*)[16]>(scratch);
  T* const packed = scratch + kGroup * kMost * 16;
  const i64 capacity = lanes_capacity<T>(depth);
  const bool packs = w_step != 1;
  const i64 piece = packs ? least(depth, capacity) : depth;

  for (i64 i = 0; i < rows; i += kGroup) {
    const i64 group = least(kGroup, rows - i);
    for (i64 c0 = 0; c0 < columns; c0 += kMost) {
      const i64 wide = least(kMost, columns - c0);
      for (i64 n = 0; n < wide * kGroup * 16; ++n) scratch[n] = T(0);
      for (i64 k = 0; k < depth; k += piece) {
        const i64 size = least(piece, depth - k);
        if (packs && (i == 0 || piece < depth || columns > kMost)) {
          transpose(packed, w + c0 * w_column + k * w_step, size, wide, capacity, w_step, false);
        }
        for (i64 c = 0; c < wide; ++c) {
          const T* column = packs ? packed + c * capacity : w + (c0 + c) * w_column + k;
          i64 r = 0;
          for (; r + kRows <= group; r += kRows)
            add_lanes<T, kRows>(lanes + c * kGroup + r, x + (i + r) * ldx + k, ldx, column, size);
          for (; r < group; ++r)
            add_lanes<T, 1>(lanes + c * kGroup + r, x + (i + r) * ldx + k, ldx, column, size);
        }
      }
      for (i64 r = 0; r < group; ++r) {
        for (i64 c = 0; c < wide; ++c) {
          const T sum = joined(lanes[c * kGroup + r]);
          y[(i + r) * ldy + c0 + c] = p.bias ? sum + p.bias[c0 + c] : sum;
        }
      }
    }
    if (p.f != Function::linear) activate(y + i * ldy, ldy, group, columns, p.f);
  }
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

#pragma once

// What products in bfloat16 share: operands rounded and laid out by pairs, and sums in float32 on
// their way out of a tile.

#include "cpu/kernels/isa/pairs.h"
#include "cpu/kernels/isa/pieces.h"
#include "cpu/kernels/isa/tile.h"
#include "cpu/kernels/isa/transpose.h"

namespace mundur::MUNDUR_ISA {
namespace {

// The caller's copies are written by pairs and read both ways.
using Short [[gnu::may_alias]] = std::uint16_t;
using Pair [[gnu::may_alias]] = std::uint32_t;
using B = Blocking<float>;
constexpr int kWidth = B::kWidth;
constexpr int kColumns = B::kColumns;
constexpr i64 kLine = 16;  // words in a cache line

constexpr i64 pairs_of(i64 elements) { return (elements + 1) / 2; }

// ---- operands -----------------------------------------------------------------------------------

/// to[p, c] = (w[2p, c], w[2p + 1, c]), c up to whole registers, +0 where w has no element.
inline void pair_rows(Pair* to, i64 ld_to, const float* w, i64 ldw, i64 rows, i64 columns) {
  for (i64 r = 0; r < rows; r += 2) {
    const float* even = w + r * ldw;
    const bool alone = r + 1 == rows;
    for_each_vec<float>(columns, [&](i64 c, int n) MUNDUR_BODY {
      const Vec<float> high = alone ? zero<float>() : load_up_to(even + ldw + c, n);
      store_words(to + r / 2 * ld_to + c, interleaved(load_up_to(even + c, n), high));
    });
  }
}

/// to[p, c] = (w[c, 2p], w[c, 2p + 1]), c up to whole registers, +0 where w has no element.
inline void transpose_pairs(Pair* to, i64 ld_to, const float* w, i64 ldw, i64 rows, i64 columns) {
  for (i64 c = 0; c < columns; c += kWidth) {
    for (i64 r = 0; r < rows; r += 2 * kWidth) {
      const float* from = w + c * ldw + r;
      Pair* const out = to + r / 2 * ld_to + c;
      const i64 rest = rows - r;
      Vec<float> row[kWidth];
      if (rest >= 2 * kWidth && columns - c >= kWidth) {
#pragma GCC unroll 16
        for (int i = 0; i < kWidth; ++i)
          row[i] = floats(consecutive(load(from + i * ldw), load(from + i * ldw + kWidth)));
        transpose(row);
#pragma GCC unroll 16
        for (int p = 0; p < kWidth; ++p) store_words(out + p * ld_to, words(row[p]));
      } else {
        const int low = static_cast<int>(least(rest, kWidth));
        const int high = static_cast<int>(least(rest - low, kWidth));
        for (int i = 0; i < kWidth; ++i, from += ldw) {
          row[i] = c + i < columns
                       ? floats(consecutive(load_n(from, low), load_n(from + low, high)))
                       : zero<float>();
        }
        transpose(row);
        for (i64 p = 0; p < least(pairs_of(rest), kWidth); ++p)
          store_words(out + p * ld_to, words(row[p]));
      }
    }
  }
}

// ---- sums ---------------------------------------------------------------------------------------

struct alignas(64) Sums {
  float of[B::kRows * kColumns];
};

/// c = f(sums + bias).
inline void finish(float* c, i64 ldc, const Sums& sums, i64 rows, i64 columns, const float* bias,
                   Function f) {
  for (i64 r = 0; r < rows; ++r) {
    for_each_vec<float>(columns, [&](i64 i, int n) MUNDUR_BODY {
      Vec<float> z = load(sums.of + r * kColumns + i);
      if (bias) z = z + load_up_to(bias + i, n);
      store_up_to(c + r * ldc + i, activated(z, f), n);
    });
  }
}

/// sums of an earlier block, from where finish left them.
inline void resume(Sums& sums, const float* c, i64 ldc, i64 rows, i64 columns) {
  for (i64 r = 0; r < rows; ++r) {
    for_each_vec<float>(columns, [&](i64 i, int n) MUNDUR_BODY {
      store(sums.of + r * kColumns + i, load_up_to(c + r * ldc + i, n));
    });
  }
}

/// Asks for a tile of c, to be written: its lines arrive while the sums are made.
MUNDUR_INLINE void prefetch(const float* c, i64 ldc, i64 rows, i64 columns) {
  for (i64 r = 0; r < rows; ++r) {
    for (i64 i = 0; i < columns; i += kLine) __builtin_prefetch(c + r * ldc + i, 1, 3);
  }
}

/// sums = waiting + sums, the earlier first.
MUNDUR_INLINE void join(Sums& sums, const float* waiting, i64 ld, i64 rows, int vecs) {
  for (i64 r = 0; r < rows; ++r) {
    for (int v = 0; v < vecs; ++v) {
      float* const sum = sums.of + r * kColumns + v * kWidth;
      store(sum, load(waiting + r * ld + v * kWidth) + load(sum));
    }
  }
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

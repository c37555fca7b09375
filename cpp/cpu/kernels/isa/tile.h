#pragma once

// The tile: a few rows by a few registers of C, held in registers along the inner index.

#include "cpu/kernels/formulas/functions.h"
#include "cpu/kernels/isa/blocking.h"
#include "cpu/kernels/isa/pieces.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// C[rows, columns] from A[rows, depth] and B[depth, columns].
template <class T>
struct Tile {
  const T* a;  // element (r, k) at a[r·a_row + k·a_step]
  i64 a_row, a_step;
  const T* b;  // element (k, c) at b[k·b_step + c]
  i64 b_step;
  i64 depth;
  T* c;
  i64 ldc;
  int last;     // columns in the last register
  bool resume;  // the chains go on from what c holds, instead of from +0
  T* panel;     // where the packing tile leaves its columns of B, registers filled up with +0

  // What happens to the sums before they are stored.
  int joins;                       // sum = partial[joins - 1] + (... + (partial[0] + sum))
  const Matrix<const T>* partial;  // of c's elements, in whole registers
  bool joins_c;                    // sum = c + sum
  const T* bias;                   // null: none
  bool relu;
};

/// x > 0 ? x : NaN ? x : +0. One comparison, since comparing costs most here: a NaN isn't less, and
/// adding +0 makes +0 of -0.
template <class T>
MUNDUR_INLINE Vec<T> relu(Vec<T> x) {
  return select(less(x, zero<T>()), zero<T>(), x) + zero<T>();
}

template <class T>
MUNDUR_INLINE Vec<T> activated(Vec<T> z, Function f) {
  switch (f) {
    case Function::linear:
      return z;
    case Function::relu:
      return relu(z);
    case Function::sigmoid:
      return sigmoid(z);
    case Function::tanh:
      return tanh(z);
  }
  return z;
}

/// The activation of what tiles have stored.
template <class T>
__attribute__((noinline)) void activate(T* y, i64 ldy, i64 rows, i64 columns, Function f) {
  if (ldy == columns) {
    columns *= rows;
    rows = 1;
  }
  for (i64 r = 0; r < rows; ++r) {
    T* row = y + r * ldy;
    for_each_vec<T>(columns, [&](i64 i, int n) MUNDUR_BODY {
      store_up_to(row + i, activated(load_up_to(row + i, n), f), n);
    });
  }
}

/// Where a tile's chains begin. `kMasked`: as run_tile's.
template <class T, int kRows, int kVecs, bool kMasked>
MUNDUR_INLINE void start_tile(const Tile<T>& t, Vec<T> (&sum)[kRows][kVecs]) {
  constexpr int kWidth = Vec<T>::kWidth;
  const Mask<T> mask = first_n<T>(t.last);
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) sum[r][v] = zero<T>();
  }
  if (!t.resume) return;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) {
      const T* from = t.c + r * t.ldc + v * kWidth;
      sum[r][v] = kMasked && v == kVecs - 1 ? load_masked(from, mask) : load(from);
    }
  }
}

/// What comes behind a tile's sums. `kMasked`: as run_tile's.
template <class T, int kRows, int kVecs, bool kMasked>
MUNDUR_INLINE void finish_tile(const Tile<T>& t, Vec<T> (&sum)[kRows][kVecs]) {
  constexpr int kWidth = Vec<T>::kWidth;
  const Mask<T> mask = first_n<T>(t.last);
  const auto get = [&](const T* p, int v) MUNDUR_BODY {
    return kMasked && v == kVecs - 1 ? load_masked(p + v * kWidth, mask) : load(p + v * kWidth);
  };
  for (int j = 0; j < t.joins; ++j) {
    const Matrix<const T> partial = t.partial[j];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v)
        sum[r][v] = load(partial.p + r * partial.ld + v * kWidth) + sum[r][v];
    }
  }
  if (t.joins_c) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) sum[r][v] = get(t.c + r * t.ldc, v) + sum[r][v];
    }
  }
  if (t.bias) {
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) {
      const Vec<T> bias = get(t.bias, v);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) sum[r][v] = sum[r][v] + bias;
    }
  }
  if (t.relu) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) sum[r][v] = relu(sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) {
      T* out = t.c + r * t.ldc + v * kWidth;
      if (kMasked && v == kVecs - 1) {
        store_masked(out, sum[r][v], mask);
      } else {
        store(out, sum[r][v]);
      }
    }
  }
}

/// `kMasked`: the last register holds fewer columns than lanes, and memory beyond them isn't ours.
/// `kPack`: leaves the columns of B packed for the tiles below.
template <class T, int kRows, int kVecs, bool kMasked, bool kPack>
void run_tile(const Tile<T>& t) {
  constexpr int kWidth = Vec<T>::kWidth;
  const Mask<T> mask = first_n<T>(t.last);
  const auto get = [&](const T* p, int v) MUNDUR_BODY {
    return kMasked && v == kVecs - 1 ? load_masked(p + v * kWidth, mask) : load(p + v * kWidth);
  };

  Vec<T> sum[kRows][kVecs];
  start_tile<T, kRows, kVecs, kMasked>(t, sum);

  const T* a = t.a;
  const T* b = t.b;
  T* panel = t.panel;
  const i64 a_row = t.a_row, a_step = t.a_step, b_step = t.b_step;
  for (i64 k = t.depth; k > 0; --k) {
    Vec<T> column[kVecs];
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) column[v] = get(b, v);
    if constexpr (kPack) {
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) store(panel + v * kWidth, column[v]);
      panel += kVecs * kWidth;
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec<T> element = set<T>(a[r * a_row]);
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) sum[r][v] = fma(element, column[v], sum[r][v]);
    }
    a += a_step;
    b += b_step;
  }

  finish_tile<T, kRows, kVecs, kMasked>(t, sum);
}

/// The tiles of every size, to be chosen at run time.
template <class T>
struct Tiles {
  using Run = void (*)(const Tile<T>&);
  using B = Blocking<T>;
  Run plain[B::kRows][B::kMaxVecs][2];  // [rows - 1][vecs - 1][masked]
  Run pack[B::kVecs][2];                // of kRows rows

  template <int kRows, int kVecs>
  constexpr void add() {
    if constexpr (kVecs <= B::max_vecs(kRows)) {
      plain[kRows - 1][kVecs - 1][0] = run_tile<T, kRows, kVecs, false, false>;
      plain[kRows - 1][kVecs - 1][1] = run_tile<T, kRows, kVecs, true, false>;
      if constexpr (kRows == B::kRows && kVecs <= B::kVecs) {
        pack[kVecs - 1][0] = run_tile<T, kRows, kVecs, false, true>;
        pack[kVecs - 1][1] = run_tile<T, kRows, kVecs, true, true>;
      }
      add<kRows, kVecs + 1>();
    } else if constexpr (kRows < B::kRows) {
      add<kRows + 1, 1>();
    }
  }
  constexpr Tiles() : plain{}, pack{} { add<1, 1>(); }
};

template <class T>
constexpr Tiles<T> kTiles{};

/// Where A and B go on farther away: behind `until` steps, then behind each `period`.
struct Jumps {
  i64 until, period, a, b;
};

/// A tile with jumps, behind which its chains go on from c. `width` is that of the panel.
template <class T>
void run_with(Tile<T> tile, const Jumps& jumps, i64 width, typename Tiles<T>::Run run) {
  const int joins = tile.joins;
  i64 left = tile.depth;
  for (i64 n = jumps.until;; n = least(jumps.period, left)) {
    left -= n;
    tile.depth = n;
    tile.joins = left == 0 ? joins : 0;
    run(tile);
    if (left == 0) return;
    tile.resume = true;
    tile.a += n * tile.a_step + jumps.a;
    tile.b += n * tile.b_step + jumps.b;
    tile.panel += n * width;
  }
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

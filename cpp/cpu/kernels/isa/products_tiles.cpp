// Products in bfloat16 by tiles, as the instruction TDPBF16PS of AMX has them, where there is no
// such instruction. Of each 32 numbers of the inner index, from its begin on, the even and the odd
// ones make a chain of fused multiply-adds each, from +0; their sum is added to the sum of those
// before. Numbers that the last 32 lack are +0 in both operands: they could only make a zero
// positive, so one pair of them is enough. A subnormal result becomes a zero of its sign.
//
// A and B are spread out to floats, as which their elements are what a chain reads.
//
//            A                      B                      C
//   product  x, rows                w                      y
//   dx       dy, rows               wᵀ                     dx
//   dw       xᵀ, left               dy, right              dw

#include "cpu/kernels/isa/bfloat16_products.h"

namespace mundur::MUNDUR_ISA {
namespace {

constexpr i64 whole(i64 numbers) { return divided_up(numbers, kTileDepth) * kTileDepth; }

/// Numbers as the upper halves of words, to floats.
void spread(float* to, const Short* from, i64 n) {
  for (i64 i = 0; i < n; i += kWidth)
    store(to + i, floats(shifted_left<16>(load_shorts(from + i))));
}

MUNDUR_INLINE Vec<float> flushed_sum(Vec<float> a, Vec<float> b) {
  const Vec<float> sum = a + b;
  if constexpr (kFlushes) {
    return sum;
  } else {
    return select(less(abs(sum), set(0x1p-126f)), copysign(zero<float>(), sum), sum);
  }
}

struct Floats {
  using Word = float;
};

struct BlockTile {
  Operand<Floats> a;
  const float* b;  // the panel: register (k, v) at b[(k·kVecs + v)·kWidth]
  i64 steps;
  float* sums;  // element (r, c) at sums[r·kColumns + c]
  bool resume;  // the sums go on from what is there, instead of from +0
};

struct Blocks : Floats {
  using A = Operand<Floats>;
  static constexpr i64 kPerStep = 1;
  static constexpr int kRows = B::kRows, kTileRows = kRows;
  static constexpr i64 kRowBlock = 256, kDepth = 512;
  static constexpr i64 kTogether = 2;
  static constexpr int kNearSlots = 1;
  static constexpr bool kCopiesRows = true;
  static constexpr i64 steps(i64 k) {
    return least(whole(k), k / kTileDepth * kTileDepth + 2 * (pairs_of(k % kTileDepth) + 1));
  }

  static A rows(Matrix<const std::uint16_t> a, i64 rows, i64 depth, float* room) {
    const i64 ld = whole(depth) + kLine;
    for (i64 r = 0; r < rows; ++r) spread(room + r * ld, a.p + r * a.ld, whole(depth));
    return {room, ld, 1};
  }
  static A left(const RoundedSum& p, i64 first, i64 count, i64 i0, i64 rows, float* room) {
    const i64 ld = whole(count) + kLine;
    for (i64 r = 0; r < rows; ++r) {
      const i64 i = i0 + r;
      const Short* from = p.x.p + i / kTileSide * p.x.ld + i % kTileSide * kTileDepth;
      for (i64 n = 0; n < count; n += kTileDepth)
        spread(room + r * ld + n, from + (first + n) / kTileDepth * kTileSize, kTileDepth);
    }
    return {room, ld, 1};
  }
  static void right(const RoundedSum& p, float* panel, i64 ld, i64 first, i64 count, i64 column,
                    i64 columns) {
    for (i64 c = 0; c < columns; c += kWidth) {
      const i64 o = column + c;
      const auto* from =
          reinterpret_cast<const Pair*>(p.dy.p + o / kTileSide * p.dy.ld) + o % kTileSide;
      for (i64 n = 0; n < whole(count); n += 2) {
        const i64 at = (first + n) / kTileDepth * kTileSize / 2;
        const Words pair = load_words(from + at + n % kTileDepth / 2 * kTileSide);
        store(panel + n * ld + c, even(pair));
        store(panel + (n + 1) * ld + c, odd(pair));
      }
    }
  }

  /// Of a block the even numbers first, then the odd ones: so a tile has as many rows as one of one
  /// chain, whose loads the units need not wait for.
  template <int kHigh, int kVecs>
  static void run_tile(const BlockTile& t) {
    alignas(64) float evens[kHigh * kVecs * kWidth];
    const float* a = t.a.p;
    const float* b = t.b;
    const i64 a_row = t.a.row;
    if (!t.resume) {
      for (int r = 0; r < kHigh; ++r) {
        for (int v = 0; v < kVecs; ++v) store(t.sums + r * kColumns + v * kWidth, zero<float>());
      }
    }
    for (i64 left = t.steps; left > 0; left -= kTileDepth) {
      const i64 pairs = least(left, kTileDepth) / 2;
#pragma GCC unroll 2
      for (int side = 0; side < 2; ++side) {
        Vec<float> sum[kHigh][kVecs];
#pragma GCC unroll 16
        for (int r = 0; r < kHigh; ++r) {
#pragma GCC unroll 16
          for (int v = 0; v < kVecs; ++v) sum[r][v] = zero<float>();
        }
        const float* own_a = a + side;
        const float* own_b = b + side * kVecs * kWidth;
        for (i64 pair = pairs; pair > 0; --pair) {
          Vec<float> column[kVecs];
#pragma GCC unroll 16
          for (int v = 0; v < kVecs; ++v) column[v] = load(own_b + v * kWidth);
#pragma GCC unroll 16
          for (int r = 0; r < kHigh; ++r) {
            const Vec<float> element = set(own_a[r * a_row]);
#pragma GCC unroll 16
            for (int v = 0; v < kVecs; ++v) sum[r][v] = flushed_fma(element, column[v], sum[r][v]);
          }
          own_a += 2;
          own_b += 2 * kVecs * kWidth;
        }
#pragma GCC unroll 16
        for (int r = 0; r < kHigh; ++r) {
#pragma GCC unroll 16
          for (int v = 0; v < kVecs; ++v) {
            float* const even = evens + (r * kVecs + v) * kWidth;
            float* const to = t.sums + r * kColumns + v * kWidth;
            if (side == 0) {
              store(even, sum[r][v]);
            } else {
              store(to, flushed_sum(load(to), flushed_sum(load(even), sum[r][v])));
            }
          }
        }
      }
      a += kTileDepth;
      b += kTileDepth * kVecs * kWidth;
    }
  }
  static void run(const A& a, const float* b, i64 steps, float* sums, bool resume, i64 rows,
                  int vecs);
};

constexpr TilesOf<Blocks, BlockTile> kBlockTiles{};

MUNDUR_INLINE void Blocks::run(const A& a, const float* b, i64 steps, float* sums, bool resume,
                               i64 rows, int vecs) {
  const Flushing flushing;
  kBlockTiles.of[rows - 1][vecs - 1]({a, b, steps, sums, resume});
}

/// The rows behind a panel's last, up to whole blocks of 32.
MUNDUR_INLINE void fill_up(float* panel, i64 ld, i64 depth) {
  for (i64 i = depth * ld; i < whole(depth) * ld; i += kWidth) store(panel + i, zero<float>());
}

/// B = w, as it lies.
struct Plain : PlainW {
  MUNDUR_INLINE void operator()(float* panel, i64 ld, i64 k, i64 depth, i64 column,
                                i64 columns) const {
    for (i64 r = 0; r < depth; ++r) {
      for_each_vec<float>(columns, [&](i64 c, int n) MUNDUR_BODY {
        store(panel + r * ld + c, rounded(load_up_to(w.p + (k + r) * w.ld + column + c, n)));
      });
    }
    fill_up(panel, ld, depth);
  }
};

/// B = wᵀ.
struct Transposed : TransposedW {
  MUNDUR_INLINE void operator()(float* panel, i64 ld, i64 k, i64 depth, i64 column,
                                i64 columns) const {
    transpose(panel, w.p + column * w.ld + k, columns, depth, ld, w.ld, true);
    for (i64 i = 0; i < depth * ld; i += kWidth) store(panel + i, rounded(load(panel + i)));
    fill_up(panel, ld, depth);
  }
};

void product(const Rounded& p) { run_chains<Blocks>(p, Plain{{p.b}}); }
void product_dx(const Rounded& p) { run_chains<Blocks>(p, Transposed{{p.b}}); }
void product_dw(const RoundedSum& p) { run_sums<Blocks>(p); }

}  // namespace

void fill_products_tiles(Kernels<float>& table) {
  constexpr i64 kSize = RoundedScratch<Blocks>::kSize;
  if (table.scratch < kSize) table.scratch = kSize;
  table.tiles = {scratch_of<Blocks>, product, product_dx, product_dw};
}

}  // namespace mundur::MUNDUR_ISA

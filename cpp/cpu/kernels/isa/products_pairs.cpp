// Products in bfloat16 by pairs, as AVX512_BF16 has them: each step broadcasts a pair of A and adds
// two products to each sum, the odd element's first (pairs.h). A last element without a partner is
// paired with +0 in both operands.
//
//            A                      B                      C
//   product  x, as it lies          w, rows interleaved    y
//   dx       dy, as it lies         wᵀ                     dx
//   dw       xᵀ, rows interleaved   dy, rows interleaved   dw

#include "cpu/kernels/isa/bfloat16_products.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// kWidth numbers, +0 beyond the first n.
MUNDUR_INLINE Words load_shorts_up_to(const Short* p, int n) {
  if (n == kWidth) return load_shorts(p);
  Short some[kWidth] = {};
  for (int i = 0; i < n; ++i) some[i] = p[i];
  return load_shorts(some);
}

/// to[p, c] = (x[2p, c], x[2p + 1, c]), c up to whole registers, +0 where x has no element.
void interleave(Pair* to, i64 ld_to, const Short* x, i64 ldx, i64 rows, i64 columns) {
  for (i64 r = 0; r < rows; r += 2) {
    const Short* even = x + r * ldx;
    const bool alone = r + 1 == rows;
    for_each_vec<float>(columns, [&](i64 c, int n) MUNDUR_BODY {
      const Words low = load_shorts_up_to(even + c, n);
      const Words high = alone ? set_words(0) : load_shorts_up_to(even + ldx + c, n);
      store_words(to + r / 2 * ld_to + c, low | shifted_left<16>(high));
    });
  }
}

struct PairWords {
  using Word = Pair;
};

struct PairTile {
  Operand<PairWords> a;
  const Pair* b;  // the panel: register (k, v) at b[(k·kVecs + v)·kWidth]
  i64 steps;
  float* sums;  // element (r, c) at sums[r·kColumns + c]
  bool resume;  // the chains go on from what sums holds, instead of from +0
};

struct Pairs : PairWords {
  using A = Operand<PairWords>;
  static constexpr i64 kPerStep = 2;
  static constexpr int kRows = B::kRows, kTileRows = kRows;
  // The panel (96 KB with AVX-512) streams from L2 at 8 bytes a cycle.
  static constexpr i64 kRowBlock = 512, kDepth = 512;
  static constexpr i64 kTogether = 4;
  static constexpr int kNearSlots = 2;
  static constexpr bool kCopiesRows = false;
  static constexpr i64 steps(i64 k) { return pairs_of(k); }

  static A rows(Matrix<const std::uint16_t> a, i64, i64, Pair*) {
    return {reinterpret_cast<const Pair*>(a.p), a.ld / 2, 1};
  }
  static A left(const RoundedSum& p, i64 first, i64 count, i64 i0, i64 rows, Pair* room) {
    const i64 ld = divided_up(rows, kLine) * kLine + kLine;
    interleave(room, ld, p.x.p + first * p.x.ld + i0, p.x.ld, count, rows);
    return {room, 1, ld};
  }
  static void right(const RoundedSum& p, Pair* panel, i64 ld, i64 first, i64 count, i64 column,
                    i64 columns) {
    interleave(panel, ld, p.dy.p + first * p.dy.ld + column, p.dy.ld, count, columns);
  }

  template <int kRows, int kVecs>
  static void run_tile(const PairTile& t) {
    Vec<float> sum[kRows][kVecs];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v)
        sum[r][v] = t.resume ? load(t.sums + r * kColumns + v * kWidth) : zero<float>();
    }
    const Pair* a = t.a.p;
    const Pair* b = t.b;
    const i64 a_row = t.a.row, a_step = t.a.step;
    for (i64 k = t.steps; k > 0; --k) {
      Words column[kVecs];
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) column[v] = load_words(b + v * kWidth);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Words element = set_words(a[r * a_row]);
#pragma GCC unroll 16
        for (int v = 0; v < kVecs; ++v) sum[r][v] = dot(element, column[v], sum[r][v]);
      }
      a += a_step;
      b += kVecs * kWidth;
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) store(t.sums + r * kColumns + v * kWidth, sum[r][v]);
    }
  }
  static void run(const A& a, const Pair* b, i64 steps, float* sums, bool resume, i64 rows,
                  int vecs);
};

constexpr TilesOf<Pairs, PairTile> kPairTiles{};

MUNDUR_INLINE void Pairs::run(const A& a, const Pair* b, i64 steps, float* sums, bool resume,
                              i64 rows, int vecs) {
  const Flushing flushing;
  kPairTiles.of[rows - 1][vecs - 1]({a, b, steps, sums, resume});
}

/// B = w, as it lies.
struct Plain : PlainW {
  MUNDUR_INLINE void operator()(Pair* panel, i64 ld, i64 k, i64 depth, i64 column,
                                i64 columns) const {
    pair_rows(panel, ld, w.p + k * w.ld + column, w.ld, depth, columns);
  }
};

/// B = wᵀ.
struct Transposed : TransposedW {
  MUNDUR_INLINE void operator()(Pair* panel, i64 ld, i64 k, i64 depth, i64 column,
                                i64 columns) const {
    transpose_pairs(panel, ld, w.p + column * w.ld + k, w.ld, depth, columns);
  }
};

void product(const Rounded& p) { run_chains<Pairs>(p, Plain{{p.b}}); }
void product_dx(const Rounded& p) { run_chains<Pairs>(p, Transposed{{p.b}}); }
void product_dw(const RoundedSum& p) { run_sums<Pairs>(p); }

}  // namespace

void fill_products_pairs(Kernels<float>& table) {
  constexpr i64 kSize = RoundedScratch<Pairs>::kSize;
  if (table.scratch < kSize) table.scratch = kSize;
  table.pairs = {scratch_of<Pairs>, product, product_dx, product_dw};
}

}  // namespace mundur::MUNDUR_ISA

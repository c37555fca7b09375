// The dense product in its three forms, with operands in bfloat16 and sums in float32.
//
// All forms are C[rows, columns] = A[rows, depth] · B[depth, columns] in tiles, as products.cpp has
// them, but the inner index runs over pairs: each step broadcasts a pair of A and adds two products
// to each sum, the odd element's first (pairs.h). A last element without a partner is paired with
// +0 in both operands.
//
//            A                      B                      C
//   product  x, as it lies          w, rows interleaved    y
//   dx       dy, as it lies         wᵀ                     dx
//   dw       xᵀ, rows interleaved   dy, rows interleaved   dw
//
// B is packed panel by panel into the pairs that a tile reads; w is rounded on the way, so the only
// copies in bfloat16 that outlive a call are the caller's x and dy.
//
// Which way blocks are cut never shows in the result, as in products.cpp: blocks of depth end
// between pairs, and shards have an even number of samples.

#include "cpu/kernels/isa/pairs.h"
#include "cpu/kernels/isa/pieces.h"
#include "cpu/kernels/isa/tile.h"
#include "cpu/kernels/isa/transpose.h"
#include "cpu/kernels/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

// The caller's copies are written by pairs and read both ways.
using Short [[gnu::may_alias]] = std::uint16_t;
using Pair [[gnu::may_alias]] = std::uint32_t;
using B = Blocking<float>;
constexpr int kWidth = B::kWidth;
constexpr int kColumns = B::kColumns;

/// Pairs in a block of depth. The panel (96 KB with AVX-512) streams from L2 at 8 bytes a cycle.
constexpr i64 kDepth = 512;
constexpr i64 kShardPairs = kShard / 2;
/// Shards that are made together, so that their sums are joined within a tile's own memory: of
/// groups with fewer shards whole ones. None of the first slots waits for more.
constexpr i64 kTogether = 4;
constexpr int kNearSlots = 2;
constexpr i64 kRowBlock = 512;
constexpr i64 kLine = 16;  // words in a cache line

// The most that the parts of a worker's scratch take, in words of 32 bits.
constexpr i64 kPanelSize = kDepth * kColumns;
constexpr i64 kBlockSize = kDepth * (256 + kLine);  // 256 rows of so many shards
constexpr i64 kPartialsSize = 256 * 1024;
constexpr i64 kScratch = kPanelSize + kBlockSize + kPartialsSize;
static_assert(kTogether * kShardPairs <= kDepth, "a panel holds the rows of so many shards");

/// Whether it pays to fetch ahead by hand.
constexpr bool exceeds_l2(i64 rows, i64 columns, i64 depth) {
  return rows * (columns + depth) + columns * depth > kUsualL2 / 4;
}

constexpr i64 pairs_of(i64 elements) { return (elements + 1) / 2; }

// ---- operands -----------------------------------------------------------------------------------

/// y[b, :] = x[b, :] rounded to bfloat16, an odd row's end filled up with one +0.
void to_bfloat16(Short* y, const float* x, i64 rows, i64 columns, i64 ldy, i64 ldx) {
  for (i64 r = 0; r < rows; ++r) {
    const float* from = x + r * ldx;
    Short* to = y + r * ldy;
    i64 c = 0;
    for (; c + 2 * kWidth <= columns; c += 2 * kWidth)
      store_words(reinterpret_cast<Pair*>(to + c),
                  consecutive(load(from + c), load(from + c + kWidth)));
    if (c == columns) continue;
    const int rest = static_cast<int>(columns - c);
    const int low = rest < kWidth ? rest : kWidth;
    Pair tail[kWidth];
    store_words(tail, consecutive(load_n(from + c, low), load_n(from + c + low, rest - low)));
    for (int p = 0; p < (rest + 1) / 2; ++p) reinterpret_cast<Pair*>(to + c)[p] = tail[p];
  }
}

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

void interleave(Pair* to, i64 ld_to, const float* w, i64 ldw, i64 rows, i64 columns) {
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
void transpose_pairs(Pair* to, i64 ld_to, const float* w, i64 ldw, i64 rows, i64 columns) {
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

// ---- the tile -----------------------------------------------------------------------------------

struct PairTile {
  const Pair* a;  // pair (r, k) at a[r·a_row + k·a_step]
  i64 a_row, a_step;
  const Pair* b;  // the panel: register (k, v) at b[(k·kVecs + v)·kWidth]
  i64 depth;      // in pairs
  float* sums;    // element (r, c) at sums[r·kColumns + c]
  bool resume;    // the chains go on from what sums holds, instead of from +0
};

template <int kRows, int kVecs>
void run_tile(const PairTile& t) {
  Vec<float> sum[kRows][kVecs];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v)
      sum[r][v] = t.resume ? load(t.sums + r * kColumns + v * kWidth) : zero<float>();
  }
  const Pair* a = t.a;
  const Pair* b = t.b;
  const i64 a_row = t.a_row, a_step = t.a_step;
  for (i64 k = t.depth; k > 0; --k) {
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

struct PairTiles {
  using Run = void (*)(const PairTile&);
  Run of[B::kRows][B::kVecs];  // [rows - 1][vecs - 1]

  template <int kRows, int kVecs>
  constexpr void add() {
    of[kRows - 1][kVecs - 1] = run_tile<kRows, kVecs>;
    if constexpr (kVecs < B::kVecs) {
      add<kRows, kVecs + 1>();
    } else if constexpr (kRows < B::kRows) {
      add<kRows + 1, 1>();
    }
  }
  constexpr PairTiles() : of{} { add<1, 1>(); }
};

constexpr PairTiles kPairTiles{};

MUNDUR_INLINE void run(const PairTile& tile, i64 rows, int vecs) {
  const Flushing flushing;
  kPairTiles.of[rows - 1][vecs - 1](tile);
}

struct alignas(64) Sums {
  float of[B::kRows * kColumns];
};

/// c = f(sums + bias).
void finish(float* c, i64 ldc, const Sums& sums, i64 rows, i64 columns, const float* bias,
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
void resume(Sums& sums, const float* c, i64 ldc, i64 rows, i64 columns) {
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

/// Fetches what the next panel is made of little by little, while the tiles of this one are
/// computed.
struct Ahead {
  const float* w;
  i64 rows, columns, ld;  // still to fetch
  i64 share;              // rows for each tile

  MUNDUR_INLINE void fetch_some() {
    for (i64 n = least(share, rows); n > 0; --n, --rows, w += ld) {
      for (i64 i = 0; i < columns; i += kLine) __builtin_prefetch(w + i, 0, 2);
    }
  }
};

// ---- chains: product and dx ---------------------------------------------------------------------

/// c[rows, columns] = f(a · B + bias). pack(panel, ld, k, depth, column, columns) fills in a panel.
template <class Pack>
MUNDUR_INLINE void run_chains(const Product<float, std::uint16_t>& p, Pack pack) {
  const i64 rows = p.rows, columns = p.columns, depth = p.depth, ldc = p.to.ld;
  Pair* const panel = reinterpret_cast<Pair*>(p.scratch);
  const i64 block = depth == 0 ? 1 : even_piece(depth, 2 * kDepth, 32);
  const i64 row_block = even_piece(rows, kRowBlock, B::kRows);
  const bool is_large = exceeds_l2(rows, columns, depth);
  for (i64 i0 = 0; i0 < rows; i0 += row_block) {
    const i64 end = least(rows, i0 + row_block);
    for (i64 k = 0; k == 0 || k < depth; k += block) {
      const i64 deep = least(block, depth - k);
      const bool last = k + deep == depth;
      for (i64 j = 0; j < columns;) {
        const int vecs = static_cast<int>(next_piece(divided_up(columns - j, kWidth), B::kVecs));
        const i64 wide = least(vecs * kWidth, columns - j);
        pack(panel, vecs * kWidth, k, deep, j, wide);
        Ahead next = pack.ahead(k, deep, j + wide, least(wide, columns - j - wide));
        next.share = divided_up(next.rows * B::kRows, end - i0);
        for (i64 i = i0; i < end;) {
          const i64 high = next_piece(end - i, B::kRows);
          float* const out = p.to.p + i * ldc + j;
          Sums sums;
          if (is_large) {
            next.fetch_some();
            prefetch(out, ldc, high, wide);
          }
          if (k > 0) resume(sums, out, ldc, high, wide);
          run({reinterpret_cast<const Pair*>(p.a.p + i * p.a.ld + k), p.a.ld / 2, 1, panel,
               pairs_of(deep), sums.of, k > 0},
              high, vecs);
          finish(out, ldc, sums, high, wide, last && p.bias ? p.bias + j : nullptr,
                 last ? p.f : Function::linear);
          i += high;
        }
        j += wide;
      }
    }
  }
}

/// B = w, as it lies.
struct Plain {
  const float* w;
  i64 ld;

  MUNDUR_INLINE void operator()(Pair* panel, i64 ld_panel, i64 k, i64 depth, i64 column,
                                i64 columns) const {
    interleave(panel, ld_panel, w + k * ld + column, ld, depth, columns);
  }
  MUNDUR_INLINE Ahead ahead(i64 k, i64 depth, i64 column, i64 columns) const {
    return {w + k * ld + column, depth, columns, ld, 0};
  }
};

/// B = wᵀ.
struct Transposed {
  const float* w;
  i64 ld;

  MUNDUR_INLINE void operator()(Pair* panel, i64 ld_panel, i64 k, i64 depth, i64 column,
                                i64 columns) const {
    transpose_pairs(panel, ld_panel, w + column * ld + k, ld, depth, columns);
  }
  MUNDUR_INLINE Ahead ahead(i64 k, i64 depth, i64 column, i64 columns) const {
    return {w + column * ld + k, columns, depth, ld, 0};
  }
};

void product(const Product<float, std::uint16_t>& p) { run_chains(p, Plain{p.b.p, p.b.ld}); }
void product_dx(const Product<float, std::uint16_t>& p) {
  run_chains(p, Transposed{p.b.p, p.b.ld});
}

// ---- sums over samples: dw ----------------------------------------------------------------------

/// sums = waiting + sums, the earlier first.
MUNDUR_INLINE void join(Sums& sums, const float* waiting, i64 ld, i64 rows, int vecs) {
  for (i64 r = 0; r < rows; ++r) {
    for (int v = 0; v < vecs; ++v) {
      float* const sum = sums.of + r * kColumns + v * kWidth;
      store(sum, load(waiting + r * ld + v * kWidth) + load(sum));
    }
  }
}

/// Where sums wait for their partner: those in the first slots beside the tile, the others in a
/// block for each slot.
struct Waiting {
  Sums near[kNearSlots];
  float* far;  // of slot kNearSlots, the tile's own corner
  i64 ld_far, slot_far;

  MUNDUR_INLINE float* of(int slot) {
    return slot < kNearSlots ? near[slot].of : far + (slot - kNearSlots) * slot_far;
  }
  MUNDUR_INLINE i64 ld(int slot) const { return slot < kNearSlots ? kColumns : ld_far; }
};

/// Behind the shards that are made together from shard n on.
MUNDUR_INLINE i64 end_of_block(i64 n, i64 each) {
  if (each < kTogether) return n + kTogether / each * each;
  return least(n + kTogether, (n / each + 1) * each);
}

void product_dw(const SampleProduct<float, std::uint16_t>& p) {
  const auto [dw, lddw] = p.dw;
  const auto [x, ldx] = p.x;
  const auto [dy, lddy] = p.dy;
  const i64 I = p.I, O = p.O, samples = p.rows.count, each = p.rows.each;
  float* const scratch = p.scratch;
  const ShardTree tree(samples, each);
  const i64 shards = tree.shards();
  const i64 in_block = least(samples, kTogether * kShard);
  const i64 slots = tree.slots() > kNearSlots ? tree.slots() - kNearSlots : 0;  // in blocks
  const i64 most = kBlockSize / (in_block > 0 ? pairs_of(in_block) : 1) / kLine * kLine - kLine;
  i64 row_block = even_piece(I, most, kLine);
  i64 column_block = O;
  if (slots != 0) {
    row_block = least(row_block, kPartialsSize / (slots * kColumns) / kLine * kLine);
    column_block = least(O, kPartialsSize / (slots * row_block) / kColumns * kColumns);
  }
  const bool is_large = exceeds_l2(I, O, samples);
  const i64 lda = divided_up(row_block, kLine) * kLine + kLine;
  Pair* const panel = reinterpret_cast<Pair*>(scratch);
  Pair* const block = panel + pairs_of(in_block) * kColumns;
  float* const partials = scratch + pairs_of(in_block) * (kColumns + lda);
  Waiting waiting;
  waiting.ld_far = divided_up(column_block, kColumns) * kColumns;
  waiting.slot_far = row_block * waiting.ld_far;

  for (i64 i0 = 0; i0 < I; i0 += row_block) {
    const i64 rows = least(row_block, I - i0);
    for (i64 j0 = 0; j0 < O; j0 += column_block) {
      const i64 columns = least(column_block, O - j0);
      for (i64 begin = 0, end; begin < shards; begin = end) {
        end = least(end_of_block(begin, each), shards);
        const i64 first = begin * kShard;
        const i64 count = least(end * kShard, samples) - first;
        interleave(block, lda, x + first * ldx + i0, ldx, count, rows);
        for (i64 j = 0; j < columns;) {
          const int vecs = static_cast<int>(next_piece(divided_up(columns - j, kWidth), B::kVecs));
          const i64 wide = least(vecs * kWidth, columns - j);
          interleave(panel, vecs * kWidth, dy + first * lddy + j0 + j, lddy, count, wide);
          for (i64 i = 0; i < rows;) {
            const i64 high = next_piece(rows - i, B::kRows);
            if (is_large) prefetch(dw + (i0 + i) * lddw + j0 + j, lddw, high, wide);
            waiting.far = partials + i * waiting.ld_far + j;
            for (i64 n = begin; n < end; ++n) {
              const i64 at = (n - begin) * kShardPairs;
              Sums sums;
              run({block + at * lda + i, 1, lda, panel + at * vecs * kWidth,
                   least(kShardPairs, pairs_of(count) - at), sums.of, false},
                  high, vecs);
              const int slot = tree.after(n, [&](int earlier) MUNDUR_BODY {
                join(sums, waiting.of(earlier), waiting.ld(earlier), high, vecs);
              });
              if (slot < 0) {
                finish(dw + (i0 + i) * lddw + j0 + j, lddw, sums, high, wide, nullptr,
                       Function::linear);
              } else {
                finish(waiting.of(slot), waiting.ld(slot), sums, high, vecs * kWidth, nullptr,
                       Function::linear);
              }
            }
            i += high;
          }
          j += wide;
        }
      }
    }
  }
}

/// See the other products' scratch_of.
i64 scratch_of(i64 samples, i64 O, i64 I, i64 /*l2*/) {
  const auto padded = [](i64 n) MUNDUR_BODY { return divided_up(n, kColumns) * kColumns + kLine; };
  const i64 wide = O > I ? O : I;
  const i64 chains = pairs_of(least(divided_up(wide, 32) * 32, 2 * kDepth)) * kColumns;
  const i64 in_block = pairs_of(least(samples, kTogether * kShard));
  const i64 slots = samples > kShard ? ShardTree::most_slots(samples) : 0;
  const i64 sums = in_block * kColumns + least(in_block * (padded(I) + kLine), kBlockSize) +
                   least(slots * padded(I) * padded(O), kPartialsSize);
  return least(kScratch, chains > sums ? chains : sums);
}

}  // namespace

void fill_products_bf16(Kernels<float>& table) {
  if (table.scratch < kScratch) table.scratch = kScratch;
  table.scratch_of_bf16 = scratch_of;
  table.to_bfloat16 = to_bfloat16;
  table.product_bf16 = product;
  table.product_dx_bf16 = product_dx;
  table.product_dw_bf16 = product_dw;
}

}  // namespace mundur::MUNDUR_ISA

#pragma once

// The dense product in its three forms, with operands in bfloat16 and sums in float32: what the
// kinds that vector registers compute have in common.
//
// All forms are C[rows, columns] = A[rows, depth] · B[depth, columns] in tiles, as products.cpp has
// them. B is packed panel by panel into the words that a tile reads; w is rounded on the way, so
// the only copies in bfloat16 that outlive a call are the caller's x and dy.
//
// A kind tells
// - Word: 32 bits, what one step of a tile takes of A and of each column of B: a pair of numbers,
// or
//   one of them as a float; kPerStep numbers of the inner index
// - kRows, kRowBlock, kDepth: rows that run() takes at most, of a block of A; steps of a panel
// - kTogether: shards that are made together, so that their sums are joined within a tile's own
//   memory, of groups with fewer shards whole ones; kNearSlots, of which none waits for more
// - steps(k): for so many numbers of the inner index
// - rows(a, ...), left(p, ...): A as a tile reads it, in `room` or where it lies
// - Plain, Transposed, right(p, ...): panels of w, wᵀ and dy
// - run(a, b, steps, sums, resume, rows, vecs): tiles of kTileRows rows at most
//
// Which way blocks are cut never shows in the result, as in products.cpp: blocks of depth are whole
// multiples of 32 numbers, and so are shards.

#include "cpu/kernels/isa/bfloat16.h"
#include "cpu/kernels/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

using Rounded = Product<float, std::uint16_t>;
using RoundedSum = SampleProduct<float, std::uint16_t>;

/// A as a tile reads it: step k of row r at p[r·row + k·step]. Of, and not a word itself, because
/// template arguments forget that words may alias.
template <class Of>
struct Operand {
  const typename Of::Word* p;
  i64 row, step;
  MUNDUR_INLINE Operand at(i64 r, i64 k) const { return {p + r * row + k * step, row, step}; }
};

/// Tiles of up to K::kTileRows rows, K::run_tile<rows, vecs>, by [rows - 1][vecs - 1].
template <class K, class Tile>
struct TilesOf {
  using Run = void (*)(const Tile&);
  Run of[K::kTileRows][B::kVecs];

  template <int kRows, int kVecs>
  constexpr void add() {
    of[kRows - 1][kVecs - 1] = K::template run_tile<kRows, kVecs>;
    if constexpr (kVecs < B::kVecs) {
      add<kRows, kVecs + 1>();
    } else if constexpr (kRows < K::kTileRows) {
      add<kRows + 1, 1>();
    }
  }
  constexpr TilesOf() : of{} { add<1, 1>(); }
};

/// The most that the parts of a worker's scratch take, in words of 32 bits.
template <class K>
struct RoundedScratch {
  static constexpr i64 kPanel = K::kDepth * kColumns;
  static constexpr i64 kBlock = (K::kDepth + kLine) * (256 + kLine);  // 256 rows of so many steps
  static constexpr i64 kPartials = 256 * 1024;
  static constexpr i64 kSize = kPanel + kBlock + kPartials;
  static_assert(K::kTogether * kShard <= K::kDepth * K::kPerStep,
                "a panel holds the rows of so many shards");
};

/// Whether it pays to fetch ahead by hand.
constexpr bool exceeds_l2(i64 rows, i64 columns, i64 depth) {
  return rows * (columns + depth) + columns * depth > kUsualL2 / 4;
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

/// What panels are made of: w as it lies, or its transpose.
struct PlainW {
  Matrix<const float> w;
  MUNDUR_INLINE Ahead ahead(i64 k, i64 depth, i64 column, i64 columns) const {
    return {w.p + k * w.ld + column, depth, columns, w.ld, 0};
  }
};
struct TransposedW {
  Matrix<const float> w;
  MUNDUR_INLINE Ahead ahead(i64 k, i64 depth, i64 column, i64 columns) const {
    return {w.p + column * w.ld + k, columns, depth, w.ld, 0};
  }
};

// ---- chains: product and dx ---------------------------------------------------------------------

/// c[rows, columns] = f(a · B + bias), B the panels that `pack` makes.
template <class K, class Pack>
MUNDUR_INLINE void run_chains(const Rounded& p, Pack pack) {
  using Word = typename K::Word;
  const i64 rows = p.rows, columns = p.columns, depth = p.depth, ldc = p.to.ld;
  Word* const panel = reinterpret_cast<Word*>(p.scratch);
  const i64 block = depth == 0 ? 1 : even_piece(depth, K::kDepth * K::kPerStep, 32);
  Word* const room = panel + divided_up(block, 32) * 32 / K::kPerStep * kColumns;
  const i64 row_block = even_piece(rows, K::kRowBlock, K::kRows);
  const bool is_large = exceeds_l2(rows, columns, depth);
  for (i64 i0 = 0; i0 < rows; i0 += row_block) {
    const i64 end = least(rows, i0 + row_block);
    for (i64 k = 0; k == 0 || k < depth; k += block) {
      const i64 deep = least(block, depth - k);
      const bool last = k + deep == depth;
      const auto a = K::rows({p.a.p + i0 * p.a.ld + k, p.a.ld}, end - i0, deep, room);
      for (i64 j = 0; j < columns;) {
        const int vecs = static_cast<int>(next_piece(divided_up(columns - j, kWidth), B::kVecs));
        const i64 wide = least(vecs * kWidth, columns - j);
        pack(panel, vecs * kWidth, k, deep, j, wide);
        Ahead next = pack.ahead(k, deep, j + wide, least(wide, columns - j - wide));
        next.share = divided_up(next.rows * K::kRows, end - i0);
        for (i64 i = i0; i < end;) {
          const i64 high = next_piece(end - i, K::kRows);
          float* const out = p.to.p + i * ldc + j;
          Sums sums;
          if (is_large) {
            next.fetch_some();
            prefetch(out, ldc, high, wide);
          }
          if (k > 0) resume(sums, out, ldc, high, wide);
          K::run(a.at(i - i0, 0), panel, K::steps(deep), sums.of, k > 0, high, vecs);
          finish(out, ldc, sums, high, wide, last && p.bias ? p.bias + j : nullptr,
                 last ? p.f : Function::linear);
          i += high;
        }
        j += wide;
      }
    }
  }
}

// ---- sums over samples: dw ----------------------------------------------------------------------

/// Where sums wait for their partner: those in the first slots beside the tile, the others in a
/// block for each slot.
template <int kNear>
struct Waiting {
  Sums near[kNear];
  float* far;  // of slot kNear, the tile's own corner
  i64 ld_far, slot_far;

  MUNDUR_INLINE float* of(int slot) {
    return slot < kNear ? near[slot].of : far + (slot - kNear) * slot_far;
  }
  MUNDUR_INLINE i64 ld(int slot) const { return slot < kNear ? kColumns : ld_far; }
};

/// Behind the shards that are made together from shard n on.
constexpr i64 end_of_block(i64 n, i64 each, i64 together) {
  if (each < together) return n + together / each * each;
  return least(n + together, (n / each + 1) * each);
}

template <class K>
MUNDUR_INLINE void run_sums(const RoundedSum& p) {
  using Word = typename K::Word;
  using Room = RoundedScratch<K>;
  const auto [dw, lddw] = p.dw;
  const i64 I = p.I, O = p.O, samples = p.rows.count, each = p.rows.each;
  const ShardTree tree(samples, each);
  const i64 shards = tree.shards();
  const i64 in_block = least(divided_up(samples, 32) * 32, K::kTogether * kShard);
  const i64 steps = in_block / K::kPerStep;
  const i64 slots = tree.slots() > K::kNearSlots ? tree.slots() - K::kNearSlots : 0;  // in blocks
  const i64 most = Room::kBlock / (steps + kLine) / kLine * kLine - kLine;
  i64 row_block = even_piece(I, least(most, K::kRowBlock), kLine);
  i64 column_block = O;
  if (slots != 0) {
    row_block = least(row_block, Room::kPartials / (slots * kColumns) / kLine * kLine);
    column_block = least(O, Room::kPartials / (slots * row_block) / kColumns * kColumns);
  }
  const bool is_large = exceeds_l2(I, O, samples);
  Word* const panel = reinterpret_cast<Word*>(p.scratch);
  Word* const room = panel + steps * kColumns;
  float* const partials = p.scratch + steps * kColumns +
                          (steps + kLine) * (divided_up(row_block, kLine) * kLine + kLine);
  Waiting<K::kNearSlots> waiting;
  waiting.ld_far = divided_up(column_block, kColumns) * kColumns;
  waiting.slot_far = row_block * waiting.ld_far;

  for (i64 i0 = 0; i0 < I; i0 += row_block) {
    const i64 rows = least(row_block, I - i0);
    for (i64 j0 = 0; j0 < O; j0 += column_block) {
      const i64 columns = least(column_block, O - j0);
      for (i64 begin = 0, end; begin < shards; begin = end) {
        end = least(end_of_block(begin, each, K::kTogether), shards);
        const i64 first = begin * kShard;
        const i64 count = least(end * kShard, samples) - first;
        const auto a = K::left(p, first, count, i0, rows, room);
        for (i64 j = 0; j < columns;) {
          const int vecs = static_cast<int>(next_piece(divided_up(columns - j, kWidth), B::kVecs));
          const i64 wide = least(vecs * kWidth, columns - j);
          K::right(p, panel, vecs * kWidth, first, count, j0 + j, wide);
          for (i64 i = 0; i < rows;) {
            const i64 high = next_piece(rows - i, K::kRows);
            if (is_large) prefetch(dw + (i0 + i) * lddw + j0 + j, lddw, high, wide);
            waiting.far = partials + i * waiting.ld_far + j;
            for (i64 n = begin; n < end; ++n) {
              const i64 at = (n - begin) * kShard;
              Sums sums;
              K::run(a.at(i, at / K::kPerStep), panel + at / K::kPerStep * vecs * kWidth,
                     K::steps(least(kShard, count - at)), sums.of, false, high, vecs);
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
template <class K>
i64 scratch_of(i64 samples, i64 O, i64 I, i64 /*l2*/) {
  using Room = RoundedScratch<K>;
  const auto padded = [](i64 n) MUNDUR_BODY { return divided_up(n, kColumns) * kColumns + kLine; };
  const i64 wide = divided_up(O > I ? O : I, 32) * 32 / K::kPerStep;
  const i64 deep = least(wide, K::kDepth);
  const i64 copied = K::kCopiesRows ? (deep + kLine) * least(samples, K::kRowBlock) : 0;
  const i64 chains = deep * kColumns + copied;
  const i64 steps = least(divided_up(samples, 32) * 32, K::kTogether * kShard) / K::kPerStep;
  const i64 slots = samples > kShard ? ShardTree::most_slots(samples) : 0;
  const i64 partials = least(slots * padded(I) * padded(O), Room::kPartials);
  const i64 block = least((steps + kLine) * (padded(I) + kLine), Room::kBlock);
  const i64 sums = steps * kColumns + block + partials;
  return least(Room::kSize, chains > sums ? chains : sums);
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

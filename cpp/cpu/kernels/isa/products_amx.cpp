// Products in bfloat16 by tiles, with the instruction that defines them: TDPBF16PS multiplies a
// tile of A, 16 rows of 32 numbers, with one of B, 16 pairs of 16 columns, onto one of C (see
// products_tiles.cpp for its arithmetic).
//
//            A                      B                               C
//   product  x, rows                w, right                        y
//   dx       dy, rows               wᵀ, right                       dx
//   dw       xᵀ, left               dy, right                       dw
//
// Four tiles of C, two of A and two of B: each step of 32 reads four tiles and multiplies four
// times. Of w a group of columns is rounded and packed, once, and stays in L2 while all rows pass;
// of A a chunk of 32 rows stays in L1 while it passes the group. Sums wait in a strip of scratch
// from chunk to chunk, which never shows in the result.

#include "cpu/kernels/isa/bfloat16.h"
#include "cpu/kernels/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// Of a block of C that one go of the tiles computes.
constexpr i64 kSide = 2 * kTileSide;
/// Numbers of the inner index in a chunk of A: 20 KB.
constexpr i64 kChunk = 10 * kTileDepth;
/// ... that are packed at once; a deeper product goes on from what C holds.
constexpr i64 kDepth = 8192;
constexpr i64 kGroup = 256;  // columns, at most
constexpr i64 kBlockSize = kSide * kSide;

/// The most columns of a group, which takes half of L2.
i64 most_columns(i64 depth, i64 l2) {
  const i64 fits = l2 / 4 / (divided_up(depth, kTileDepth) + 1) / kTileDepth / kSide * kSide;
  return fits < kSide ? kSide : least(fits, kGroup);
}

/// The tiles' shapes, while a product runs: what a thread has configured is its own. Rows beyond
/// those of A are in none.
class TileRegisters {
 public:
  TileRegisters() = default;
  ~TileRegisters() {
    if (rows_ != 0) _tile_release();
  }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;

  void configure(i64 rows) {
    if (rows == rows_) return;
    rows_ = rows;
    struct alignas(64) {
      std::uint8_t palette = 1, start = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {};
      std::uint8_t rows[16] = {};
    } shape;
    const auto set = [&](int tile, i64 high) {
      shape.row_bytes[tile] = 64;
      shape.rows[tile] = static_cast<std::uint8_t>(high);
    };
    const i64 upper = least(rows, kTileSide), lower = rows > kTileSide ? rows - kTileSide : 1;
    for (int tile : {0, 1, 4}) set(tile, upper);
    for (int tile : {2, 3, 5}) set(tile, lower);
    for (int tile : {6, 7}) set(tile, kTileSide);
    _tile_loadconfig(&shape);
  }

 private:
  i64 rows_ = 0;
};

/// Memory that is fetched to L2 while tiles multiply, a few lines in each step: rows of matrices
/// alike, line by line.
struct Ahead {
  static constexpr int kMost = SampleProduct<float>::kSoon;
  const char* p[kMost];
  int matrices = 0;
  i64 rows = 0, columns = 0, ld = 0;  // still to fetch; in bytes
  i64 column = 0;

  void add(const void* first) {
    if (first) p[matrices++] = static_cast<const char*>(first);
  }
  MUNDUR_INLINE void fetch_some() {
    constexpr int kLines = 4;
    if (matrices == 0) return;
    for (int line = 0; line < kLines && rows > 0; ++line) {
      for (int i = 0; i < matrices; ++i) __builtin_prefetch(p[i] + column, 0, 2);
      column += 64;
      if (column < columns) continue;
      column = 0;
      --rows;
      for (int i = 0; i < matrices; ++i) p[i] += ld;
    }
  }
};

/// c[rows, columns] (+)= a · b over so many blocks of kTileDepth.
struct Go {
  const Short* a;  // row r of block k at a + k·a_step + (r / 16)·a_half + (r % 16)·a_row
  i64 a_row, a_half, a_step;
  const Pair* b;  // columns' half h of block k at b + k·256 + h·b_half
  i64 b_half;
  i64 blocks;
  float* c;  // [32, 32]
  bool resume;
  Ahead* ahead;
};

template <bool kLower, bool kRight>
void run_go(const Go& g) {
  constexpr int kRow = kSide * sizeof(float);
  float* const lower = g.c + kTileSide * kSide;
  if (g.resume) {
    _tile_loadd(0, g.c, kRow);
    if constexpr (kRight) _tile_loadd(1, g.c + kTileSide, kRow);
    if constexpr (kLower) _tile_loadd(2, lower, kRow);
    if constexpr (kLower && kRight) _tile_loadd(3, lower + kTileSide, kRow);
  } else {
    _tile_zero(0);
    if constexpr (kRight) _tile_zero(1);
    if constexpr (kLower) _tile_zero(2);
    if constexpr (kLower && kRight) _tile_zero(3);
  }
  const Short* a = g.a;
  const Pair* b = g.b;
  const i64 row = g.a_row * 2;
  Ahead ahead = *g.ahead;
  for (i64 k = g.blocks; k > 0; --k) {
    _tile_loadd(6, b, 64);
    _tile_loadd(4, a, row);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kRight) {
      _tile_loadd(7, b + g.b_half, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (kLower) {
      _tile_loadd(5, a + g.a_half, row);
      _tile_dpbf16ps(2, 5, 6);
      if constexpr (kRight) _tile_dpbf16ps(3, 5, 7);
    }
    ahead.fetch_some();
    a += g.a_step;
    b += kTileSize / 2;
  }
  *g.ahead = ahead;
  _tile_stored(0, g.c, kRow);
  if constexpr (kRight) _tile_stored(1, g.c + kTileSide, kRow);
  if constexpr (kLower) _tile_stored(2, lower, kRow);
  if constexpr (kLower && kRight) _tile_stored(3, lower + kTileSide, kRow);
}

void run(TileRegisters& tiles, const Go& g, i64 rows, i64 columns) {
  using Run = void (*)(const Go&);
  constexpr Run kRuns[2][2] = {{run_go<false, false>, run_go<false, true>},
                               {run_go<true, false>, run_go<true, true>}};
  tiles.configure(rows);
  kRuns[rows > kTileSide][columns > kTileSide](g);
}

/// c = f(sums + bias).
void emit(float* c, i64 ldc, const float* sums, i64 rows, i64 columns, const float* bias,
          Function f) {
  for (i64 r = 0; r < rows; ++r) {
    for_each_vec<float>(columns, [&](i64 i, int n) MUNDUR_BODY {
      Vec<float> z = load(sums + r * kSide + i);
      if (bias) z = z + load_up_to(bias + i, n);
      store_up_to(c + r * ldc + i, activated(z, f), n);
    });
  }
}

// ---- chains: product and dx ---------------------------------------------------------------------

/// Sums of an earlier part of the inner index, from where emit left them.
void resume(float* sums, const float* c, i64 ldc, i64 rows, i64 columns) {
  for (i64 r = 0; r < rows; ++r) {
    for_each_vec<float>(columns, [&](i64 i, int n) MUNDUR_BODY {
      store(sums + r * kSide + i, load_up_to(c + r * ldc + i, n));
    });
  }
}

/// pack(to, stack, k, depth, column, columns): a part of B in stacks of tiles, one for each 16
/// columns.
template <class Pack>
MUNDUR_INLINE void run_chains(const Product<float, std::uint16_t>& p, Pack pack) {
  const i64 deepest = least(p.depth, kDepth);
  const i64 fair = even_piece(p.columns, most_columns(deepest, p.l2_bytes), kSide);
  const i64 group = divided_up(fair, kSide) * kSide;
  const i64 stack = divided_up(deepest, kTileDepth) * kTileSize / 2;
  auto* const packed = reinterpret_cast<Pair*>(p.scratch);
  float* const strip = p.scratch + group / kTileSide * stack;
  const bool is_large = 2 * deepest * (p.rows + group) > p.l2_bytes / 4 * 3;
  TileRegisters tiles;
  for (i64 k0 = 0; k0 == 0 || k0 < p.depth; k0 += kDepth) {
    const i64 deep = least(kDepth, p.depth - k0);
    const i64 chunk = deep == 0 ? 1 : even_piece(deep, kChunk, kTileDepth);
    const bool last = k0 + deep == p.depth;
    for (i64 j0 = 0; j0 < p.columns; j0 += group) {
      const i64 wide = least(group, p.columns - j0);
      pack(packed, stack, k0, deep, j0, wide);
      for (i64 i = 0; i < p.rows; i += kSide) {
        const i64 high = least(kSide, p.rows - i);
        float* const c = p.to.p + i * p.to.ld + j0;
        for (i64 j = 0; j < wide && k0 > 0; j += kSide)
          resume(strip + j * kSide, c + j, p.to.ld, high, least(kSide, wide - j));
        for (i64 k = 0; k == 0 || k < deep; k += chunk) {
          const i64 length = least(chunk, deep - k);
          const std::uint16_t* const a = p.a.p + i * p.a.ld + k0 + k;
          Ahead ahead;
          if (is_large) {
            const bool goes_on = k + length < deep;
            ahead.add(goes_on ? a + length : p.a.p + (i + kSide) * p.a.ld + k0);
            ahead.rows = goes_on ? high : least(kSide, p.rows - i - high);
            ahead.columns = 2 * (goes_on ? least(chunk, deep - k - length) : chunk);
            ahead.ld = 2 * p.a.ld;
          }
          for (i64 j = 0; j < wide; j += kSide) {
            run(tiles,
                {a, p.a.ld, kTileSide * p.a.ld, kTileDepth,
                 packed + j / kTileSide * stack + k / kTileDepth * kTileSize / 2, stack,
                 divided_up(length, kTileDepth), strip + j * kSide, k0 + k > 0, &ahead},
                high, least(kSide, wide - j));
          }
        }
        for (i64 j = 0; j < wide; j += kSide)
          emit(c + j, p.to.ld, strip + j * kSide, high, least(kSide, wide - j),
               last && p.bias ? p.bias + j0 + j : nullptr, last ? p.f : Function::linear);
      }
    }
  }
}

/// The pairs behind the last one, up to a whole tile.
MUNDUR_INLINE void fill_up(Pair* to, i64 depth) {
  for (i64 i = pairs_of(depth); i < divided_up(depth, kTileDepth) * kTileDepth / 2; ++i)
    store_words(to + i * kTileSide, set_words(0));
}

/// B = w, as it lies: some of its rows at a time.
struct Plain {
  Matrix<const float> w;

  MUNDUR_INLINE void operator()(Pair* to, i64 stack, i64 k, i64 depth, i64 column,
                                i64 columns) const {
    for (i64 r = 0; r < depth; r += kTileDepth) {
      const i64 high = least(kTileDepth, depth - r);
      for (i64 c = 0; c < columns; c += kTileSide) {
        Pair* const tile = to + c / kTileSide * stack + r / kTileDepth * kTileSize / 2;
        pair_rows(tile, kTileSide, w.p + (k + r) * w.ld + column + c, w.ld, high,
                  least(kTileSide, columns - c));
        fill_up(tile, high);
      }
    }
  }
};

/// B = wᵀ: some of its columns, which are rows of w, at a time.
struct Transposed {
  Matrix<const float> w;

  MUNDUR_INLINE void operator()(Pair* to, i64 stack, i64 k, i64 depth, i64 column,
                                i64 columns) const {
    for (i64 c = 0; c < columns; c += kTileSide) {
      Pair* const tiles = to + c / kTileSide * stack;
      transpose_pairs(tiles, kTileSide, w.p + (column + c) * w.ld + k, w.ld, depth,
                      least(kTileSide, columns - c));
      fill_up(tiles, depth);
    }
  }
};

void product(const Product<float, std::uint16_t>& p) { run_chains(p, Plain{p.b}); }
void product_dx(const Product<float, std::uint16_t>& p) { run_chains(p, Transposed{p.b}); }

// ---- sums over samples: dw ----------------------------------------------------------------------

void product_dw(const SampleProduct<float, std::uint16_t>& p) {
  const ShardTree tree(p.rows.count, p.rows.each);
  const i64 shards = tree.shards();
  float* const sums = p.scratch;
  float* const waiting = sums + kBlockSize;
  // Columns of B that stay in L2 while all rows pass.
  const i64 samples = p.rows.count > 0 ? p.rows.count : 1;
  const i64 fits = p.l2_bytes / 2 / (2 * samples) / kSide * kSide;
  const i64 column_block = even_piece(p.O, fits < kSide ? kSide : fits, kSide);
  TileRegisters tiles;
  for (i64 j0 = 0; j0 < p.O; j0 += column_block) {
    const i64 end = least(p.O, j0 + column_block);
    for (i64 i = 0; i < p.I; i += kSide) {
      const i64 high = least(kSide, p.I - i);
      for (i64 j = j0; j < end; j += kSide) {
        const i64 wide = least(kSide, end - j);
        Ahead ahead;
        for (const float* soon : p.soon) ahead.add(soon ? soon + i * p.ld_soon + j : soon);
        ahead.rows = high;
        ahead.columns = 4 * wide;
        ahead.ld = 4 * p.ld_soon;
        for (i64 n = 0; n < shards; ++n) {
          const i64 count = least(kShard, p.rows.count - n * kShard);
          const i64 at = n * (kShard / kTileDepth) * kTileSize;
          run(tiles,
              {p.x.p + i / kTileSide * p.x.ld + at, kTileDepth, p.x.ld, kTileSize,
               reinterpret_cast<const Pair*>(p.dy.p + j / kTileSide * p.dy.ld + at), p.dy.ld / 2,
               divided_up(count, kTileDepth), sums, false, &ahead},
              high, wide);
          const int slot = tree.after(n, [&](int earlier) MUNDUR_BODY {
            const float* const before = waiting + earlier * kBlockSize;
            for (i64 e = 0; e < high * kSide; e += kWidth)
              store(sums + e, load(before + e) + load(sums + e));
          });
          if (slot < 0) {
            emit(p.dw.p + i * p.dw.ld + j, p.dw.ld, sums, high, wide, nullptr, Function::linear);
          } else {
            for (i64 e = 0; e < high * kSide; e += kWidth)
              store(waiting + slot * kBlockSize + e, load(sums + e));
          }
        }
      }
    }
  }
}

/// See the other products' scratch_of.
i64 scratch_of(i64 samples, i64 O, i64 I, i64 l2) {
  // Of product and dx, whichever has the more.
  const auto chains = [&](i64 depth, i64 columns) {
    depth = least(depth, kDepth);
    const i64 group = least(most_columns(depth, l2), divided_up(columns, kSide) * kSide);
    return group * (divided_up(depth, kTileDepth) * kTileDepth / 2 + kSide);
  };
  const i64 slots = samples > kShard ? ShardTree::most_slots(samples) : 0;
  i64 most = kBlockSize * (1 + slots);
  for (const i64 other : {chains(I, O), chains(O, I)}) most = other > most ? other : most;
  return most;
}

}  // namespace

void fill_products_tiles(Kernels<float>& table) {
  table.tiles = {scratch_of, product, product_dx, product_dw};
}

}  // namespace mundur::MUNDUR_ISA

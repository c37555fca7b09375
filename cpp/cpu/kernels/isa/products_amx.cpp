// Products in bfloat16 by tiles, with the instruction that defines them: TDPBF16PS multiplies a
// tile of A, 16 rows of 32 numbers, with one of B, 16 pairs of 16 columns, onto one of C (see
// products_tiles.cpp for its arithmetic).
//
//            A                      B                               C
//   product  x, rows                w, pairs of rows, by chunks     y
//   dx       dy, rows               wᵀ, likewise                    dx
//   dw       xᵀ, left               dy, right                       dw
//
// Four tiles of C, two of A and two of B: each step of 32 reads four tiles and multiplies four
// times. A chunk of B and the rows of A beside it stay in L1 while the chunk passes all rows of a
// block; sums wait in a strip of scratch from chunk to chunk, which never shows in the result.

#include "cpu/kernels/isa/bfloat16.h"
#include "cpu/kernels/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// Of a block of C that one go of the tiles computes.
constexpr i64 kSide = 2 * kTileSide;
/// Numbers of the inner index in a chunk: 16 KB of A, and of B.
constexpr i64 kChunk = 8 * kTileDepth;
constexpr i64 kChunkSize = kChunk * kSide / 2;  // words
constexpr i64 kMostRows = 512;                  // of a block of A
constexpr i64 kBlockSize = kSide * kSide;

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
  const float* p[kMost];
  int matrices = 0;
  i64 rows = 0, columns = 0, ld = 0;
  i64 column = 0;

  void add(const float* first) {
    if (first) p[matrices++] = first;
  }
  MUNDUR_INLINE void fetch_some() {
    constexpr int kLines = 4;
    if (matrices == 0) return;
    for (int line = 0; line < kLines && rows > 0; ++line) {
      for (int i = 0; i < matrices; ++i) __builtin_prefetch(p[i] + column, 0, 2);
      column += kLine;
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

/// pack(chunk, k, depth, column, columns): pairs of B's rows from k on, half by half of 16 columns;
/// pack.ahead(...), where these lie.
template <class Pack>
MUNDUR_INLINE void run_chains(const Product<float, std::uint16_t>& p, Pack pack) {
  auto* const chunk = reinterpret_cast<Pair*>(p.scratch);
  float* const strip = p.scratch + kChunkSize;
  const i64 fits = p.l2_bytes / 2 / (2 * (p.depth > 0 ? p.depth : 1)) / kSide * kSide;
  const i64 most = fits < 4 * kSide ? 4 * kSide : least(fits, kMostRows);
  const i64 row_block = even_piece(p.rows, most, kSide);
  const bool is_large = p.depth * p.columns * 4 > p.l2_bytes / 4;
  TileRegisters tiles;
  for (i64 i0 = 0; i0 < p.rows; i0 += row_block) {
    const i64 rows = least(row_block, p.rows - i0);
    for (i64 j = 0; j < p.columns; j += kSide) {
      const i64 wide = least(kSide, p.columns - j);
      for (i64 k = 0; k == 0 || k < p.depth; k += kChunk) {
        const i64 deep = least(kChunk, p.depth - k);
        const i64 blocks = divided_up(deep, kTileDepth);
        for (i64 h = 0; h < wide; h += kTileSide) {
          Pair* const to = chunk + h / kTileSide * (kChunkSize / 2);
          pack(to, k, deep, j + h, least(kTileSide, wide - h));
          for (i64 i = pairs_of(deep); i < blocks * kTileDepth / 2; ++i)
            store_words(to + i * kTileSide, set_words(0));
        }
        Ahead ahead;
        if (is_large) {
          const bool goes_on = k + deep < p.depth;
          const i64 next = goes_on ? j : j + kSide, from = goes_on ? k + deep : 0;
          if (next < p.columns)
            ahead = pack.ahead(from, least(kChunk, p.depth - from), next,
                               least(kSide, p.columns - next));
        }
        for (i64 i = 0; i < rows; i += kSide) {
          run(tiles,
              {p.a.p + (i0 + i) * p.a.ld + k, p.a.ld, kTileSide * p.a.ld, kTileDepth, chunk,
               kChunkSize / 2, blocks, strip + i * kSide, k > 0, &ahead},
              least(kSide, rows - i), wide);
        }
      }
      emit(p.to.p + i0 * p.to.ld + j, p.to.ld, strip, rows, wide, p.bias ? p.bias + j : nullptr,
           p.f);
    }
  }
}

/// B = w, as it lies.
struct Plain {
  Matrix<const float> w;

  MUNDUR_INLINE void operator()(Pair* to, i64 k, i64 depth, i64 column, i64 columns) const {
    pair_rows(to, kTileSide, w.p + k * w.ld + column, w.ld, depth, columns);
  }
  MUNDUR_INLINE Ahead ahead(i64 k, i64 depth, i64 column, i64 columns) const {
    return {{w.p + k * w.ld + column}, 1, depth, columns, w.ld};
  }
};

/// B = wᵀ.
struct Transposed {
  Matrix<const float> w;

  MUNDUR_INLINE void operator()(Pair* to, i64 k, i64 depth, i64 column, i64 columns) const {
    transpose_pairs(to, kTileSide, w.p + column * w.ld + k, w.ld, depth, columns);
  }
  MUNDUR_INLINE Ahead ahead(i64 k, i64 depth, i64 column, i64 columns) const {
    return {{w.p + column * w.ld + k}, 1, columns, depth, w.ld};
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
        ahead.columns = wide;
        ahead.ld = p.ld_soon;
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
i64 scratch_of(i64 samples, i64 /*O*/, i64 /*I*/, i64 /*l2*/) {
  const i64 chains = kChunkSize + divided_up(least(samples, kMostRows), kSide) * kBlockSize;
  const i64 slots = samples > kShard ? ShardTree::most_slots(samples) : 0;
  const i64 sums = kBlockSize * (1 + slots);
  return chains > sums ? chains : sums;
}

}  // namespace

void fill_products_tiles(Kernels<float>& table) {
  const i64 size = kChunkSize + kBlockSize * (1 + kMaxSlots);
  if (table.scratch < size) table.scratch = size;
  table.tiles = {scratch_of, product, product_dx, product_dw};
}

}  // namespace mundur::MUNDUR_ISA

// Numbers rounded to bfloat16, in the forms in which products read them.

#include "cpu/kernels/isa/bfloat16.h"

namespace mundur::MUNDUR_ISA {
namespace {

void to_bfloat16(std::uint16_t* y, const float* x, i64 rows, i64 columns, i64 ldy, i64 ldx,
                 i64 filled) {
  for (i64 r = 0; r < rows; ++r) {
    const float* from = x + r * ldx;
    std::uint16_t* to = y + r * ldy;
    i64 c = 0;
    for (; c + 2 * kWidth <= columns; c += 2 * kWidth)
      store_words(reinterpret_cast<Pair*>(to + c),
                  consecutive(load(from + c), load(from + c + kWidth)));
    for (; c < filled; c += 2 * kWidth) {
      const int rest = static_cast<int>(columns > c ? columns - c : 0);
      const int low = rest < kWidth ? rest : kWidth;
      Pair tail[kWidth];
      store_words(tail, consecutive(load_n(from + c, low), load_n(from + c + low, rest - low)));
      for (i64 p = 0; p < kWidth && c + 2 * p < filled; ++p)
        reinterpret_cast<Pair*>(to + c)[p] = tail[p];
    }
  }
}

/// A tile of the right form, of up to kTileDepth rows and kTileSide columns.
MUNDUR_INLINE void pair_tile(Pair* to, const float* x, i64 ldx, i64 rows, i64 columns) {
  pair_rows(to, kTileSide, x, ldx, rows, columns);
  for (i64 p = 0; p < kTileDepth / 2; ++p) {
    for (i64 c = p < pairs_of(rows) ? divided_up(columns, kWidth) * kWidth : 0; c < kTileSide;
         c += kWidth)
      store_words(to + p * kTileSide + c, set_words(0));
  }
}

/// Calls f(tile, x, rows, columns) for each tile.
template <class F>
MUNDUR_INLINE void for_each_tile(std::uint16_t* y, const float* x, i64 rows, i64 columns, i64 ldy,
                                 i64 ldx, F f) {
  for (i64 n = 0; n < rows; n += kTileDepth) {
    for (i64 c = 0; c < columns; c += kTileSide) {
      f(reinterpret_cast<Pair*>(y + c / kTileSide * ldy + n / kTileDepth * kTileSize),
        x + n * ldx + c, least(rows - n, kTileDepth), least(columns - c, kTileSide));
    }
  }
}

void to_left(std::uint16_t* y, const float* x, i64 rows, i64 columns, i64 ldy, i64 ldx) {
  for_each_tile(y, x, rows, columns, ldy, ldx,
                [&](Pair* to, const float* from, i64 high, i64 wide) MUNDUR_BODY {
                  alignas(64) Pair tile[kTileSize / 2];
                  pair_tile(tile, from, ldx, high, wide);
                  for (i64 p = 0; p < kTileSide; p += kWidth) {
                    for (i64 c = 0; c < kTileSide; c += kWidth) {
                      Vec<float> row[kWidth];
                      for (int i = 0; i < kWidth; ++i)
                        row[i] = floats(load_words(tile + (p + i) * kTileSide + c));
                      transpose(row);
                      for (int i = 0; i < kWidth; ++i)
                        store_words(to + (c + i) * kTileSide + p, words(row[i]));
                    }
                  }
                });
}

void to_right(std::uint16_t* y, const float* x, i64 rows, i64 columns, i64 ldy, i64 ldx) {
  for_each_tile(y, x, rows, columns, ldy, ldx,
                [&](Pair* to, const float* from, i64 high, i64 wide)
                    MUNDUR_BODY { pair_tile(to, from, ldx, high, wide); });
}

}  // namespace

void fill_rounding(Kernels<float>& table) {
  table.to_bfloat16 = to_bfloat16;
  table.to_left = to_left;
  table.to_right = to_right;
}

}  // namespace mundur::MUNDUR_ISA

#pragma once

// A matrix packed whole, panel by panel, and the product with it.

#include "cpu/kernels/isa/pieces.h"
#include "cpu/kernels/isa/tile.h"
#include "cpu/kernels/isa/transpose.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
void copy_block(T* to, const T* from, i64 rows, i64 columns, i64 ld_to, i64 ld_from) {
  for (i64 r = 0; r < rows; ++r) {
    for_each_vec<T>(columns, [&](i64 i, int n) MUNDUR_BODY {
      store_up_to(to + r * ld_to + i, load_up_to(from + r * ld_from + i, n), n);
    });
  }
}

/// use(j, columns, vecs): the panels of a matrix of O columns, of so many registers each, for
/// products of at most B rows. A panel's rows lie behind one another, in whole registers; the panel
/// of column j begins at I·j.
template <class T, class Use>
MUNDUR_INLINE void for_each_panel(i64 O, i64 B, Use use) {
  using Size = Blocking<T>;
  const i64 most = B < Size::kRows ? Size::max_vecs(static_cast<int>(B)) : Size::kVecs;
  for (i64 j = 0; j < O;) {
    const i64 vecs = next_piece(divided_up(O - j, Size::kWidth), most);
    const i64 columns = least(vecs * Size::kWidth, O - j);
    use(j, columns, vecs);
    j += columns;
  }
}

template <class T>
void pack(T* panels, Matrix<const T> w, i64 I, i64 O, bool is_transposed, i64 k, i64 rows, i64 B) {
  for_each_panel<T>(O, B, [&](i64 j, i64 columns, i64 vecs) MUNDUR_BODY {
    const i64 width = vecs * Vec<T>::kWidth;
    T* const to = panels + I * j + k * width;
    if (is_transposed) {
      transpose(to, w.p + j * w.ld + k, columns, rows, width, w.ld, false);
    } else {
      copy_block(to, w.p + k * w.ld + j, rows, columns, width, w.ld);
    }
  });
}

template <class T>
void product_panels(Matrix<T> y, Matrix<const T> x, const T* panels, const T* bias, i64 B, i64 O,
                    i64 I, i64 most, bool onto) {
  constexpr i64 kWidth = Vec<T>::kWidth;
  Tile<T> tile;
  tile.a_row = x.ld;
  tile.a_step = 1;
  tile.depth = I;
  tile.ldc = y.ld;
  tile.resume = onto;
  tile.joins = 0;
  tile.joins_c = false;
  tile.relu = false;
  for_each_panel<T>(O, most, [&](i64 j, i64 columns, i64 vecs) MUNDUR_BODY {
    tile.b = panels + I * j;
    tile.b_step = vecs * kWidth;
    tile.last = static_cast<int>(columns - (vecs - 1) * kWidth);
    tile.bias = bias ? bias + j : nullptr;
    for (i64 i = 0; i < B;) {
      const i64 rows = next_piece(B - i, Blocking<T>::kRows);
      tile.a = x.p + i * x.ld;
      tile.c = y.p + i * y.ld + j;
      kTiles<T>.plain[rows - 1][vecs - 1][columns < vecs * kWidth](tile);
      i += rows;
    }
  });
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

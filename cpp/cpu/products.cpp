// Products of rows. A worker takes a block of the result, or the part of a parameter that it owns.

#include <algorithm>

#include "cpu/resolver.h"

namespace mundur {

namespace {

/// `touch(writes)` touches the parameter.
template <class T, class Touch>
Following<T> followed(Resolver<T>& r, const After& after, Touch touch) {
  Following<T> f;
  if (!after.w) return f;
  f.penalty = after.penalty;
  f.updates = after.update;
  if (f.any()) touch(f.updates);
  f.w = r.at(after.w);
  f.place = r[after.w].place;
  return f;
}

}  // namespace

template <class T>
Following<T> following(Resolver<T>& r, const After& after, const Block& block) {
  return followed(
      r, after, [&](bool writes) { writes ? r.writes(after.w, block) : r.reads(after.w, block); });
}
template <class T>
Following<T> following(Resolver<T>& r, const After& after, std::int64_t rows, std::int64_t columns,
                       const Block& block) {
  return followed(r, after,
                  [&](bool writes) { r.touch_matrix(after.w, rows, columns, block, writes); });
}
template <class T>
Following<T> following_flat(Resolver<T>& r, const After& after, Range part) {
  return followed(r, after, [&](bool writes) {
    r.touch_matrix(after.w, 1, r.size(after.w), {{0, 1}, part}, writes);
  });
}
template Following<float> following(Resolver<float>&, const After&, const Block&);
template Following<double> following(Resolver<double>&, const After&, const Block&);
template Following<float> following(Resolver<float>&, const After&, std::int64_t, std::int64_t,
                                    const Block&);
template Following<double> following(Resolver<double>&, const After&, std::int64_t, std::int64_t,
                                     const Block&);
template Following<float> following_flat(Resolver<float>&, const After&, Range);
template Following<double> following_flat(Resolver<double>&, const After&, Range);

namespace {

/// Rows and columns of a worker's block of what a product makes, at least: its tiles'.
struct Grain {
  std::int64_t rows, columns;
  template <class T>
  Grain(const Resolver<T>& r, Value operand, std::int64_t own_rows)
      : rows(own_rows), columns(r.kernels.column_grain) {
    if (r[operand].element == Element::bfloat16 || r[operand].element == Element::bfloat16_left)
      rows = columns = 2 * kTileSide;
  }
};

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Product& o) {
  const std::int64_t B = r.rows(o.y), O = r.columns(o.y), I = r.columns(o.x);
  const Grain grain(r, o.x, kTileRows);
  const Block part = o.whole_rows ? Block{share(B, 1, r.worker), {0, O}}
                                  : share(B, grain.rows, O, grain.columns, r.worker);
  r.writes(o.y, part);
  r.reads(o.x, part.rows);
  r.reads(o.w, {{0, I}, part.columns});
  if (o.bias) r.reads(o.bias, {{0, 1}, part.columns});
  if (part.empty()) return;
  const auto call = [&]<class A>(void (*kernel)(const Product<T, A>&), std::int64_t ldx) {
    Product<T, A> p;
    p.to = {r.at(o.y) + part.rows.begin * O + part.columns.begin, O};
    p.a = {r.template at<A>(o.x) + part.rows.begin * ldx, ldx};
    p.b = {r.at(o.w) + part.columns.begin, O};
    p.rows = part.rows.size();
    p.columns = part.columns.size();
    p.depth = I;
    p.scratch = r.scratch;
    if (o.bias) p.bias = r.at(o.bias) + part.columns.begin;
    p.f = o.f;
    p.lanes = uses_lanes(I, O);
    p.l2_bytes = r.kernels.l2_bytes;
    r.call([=](Now<T>&, Worker&) { kernel(p); });
  };
  const auto* const low = bfloat16_of(r, o.x, "Product");
  low ? call(low->product, bfloat16_stride(I)) : call(r.kernels.product, I);
}
MUNDUR_RESOLVED(Product);

template <class T>
void resolve(Resolver<T>& r, const op::ProductDx& o) {
  const std::int64_t B = r.rows(o.dx), I = r.columns(o.dx), O = r.columns(o.dy);
  // Where time went through samples, their rows go on.
  const Range rows_of_dy = r.share_rows_as(o.dy);
  const bool follows = r.stays_with_rows(o.dy);
  const Grain grain(r, o.dy, kTileRows);
  const Block part =
      follows ? Block{rows_of_dy, {0, I}} : share(B, grain.rows, I, grain.columns, r.worker);
  r.writes(o.dx, part);
  r.reads(o.dy, part.rows);
  r.reads(o.w, {part.columns, {0, O}});
  if (part.empty()) return;
  const auto call = [&]<class A>(void (*kernel)(const Product<T, A>&), std::int64_t lddy) {
    Product<T, A> p;
    p.to = {r.at(o.dx) + part.rows.begin * I + part.columns.begin, I};
    p.a = {r.template at<A>(o.dy) + part.rows.begin * lddy, lddy};
    p.b = {r.at(o.w) + part.columns.begin * O, O};
    p.rows = part.rows.size();
    p.columns = part.columns.size();
    p.depth = O;
    p.scratch = r.scratch;
    p.lanes = uses_lanes(O, I);
    p.l2_bytes = r.kernels.l2_bytes;
    r.call([=](Now<T>&, Worker&) { kernel(p); });
  };
  const auto* const low = bfloat16_of(r, o.dy, "ProductDx");
  low ? call(low->product_dx, bfloat16_stride(O)) : call(r.kernels.product_dx, O);
}
MUNDUR_RESOLVED(ProductDx);

namespace {

/// A gradient at a time.
struct Strip {
  std::int64_t rows, columns;

  Strip(std::int64_t all_rows, std::int64_t all_columns, bool followed, std::int64_t grain) {
    columns = all_columns;
    rows = followed ? std::max(kStripRows, kStripElements / columns / grain * grain)
                    : std::max<std::int64_t>(all_rows, 1);
  }
  /// In tiles: its operand on the right stays in L2, beside what follows.
  Strip(std::int64_t samples, std::int64_t l2_bytes) : rows(kTiledRows) {
    const std::int64_t fits = l2_bytes / 8 / std::max<std::int64_t>(samples, 1);
    columns =
        std::clamp<std::int64_t>(fits / kTiledGrain * kTiledGrain, kTiledGrain, kTiledColumns);
  }
};

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::ProductDw& o) {
  const std::int64_t I = r.columns(o.x), O = r.columns(o.dy), ld = r.columns(o.dw);
  const SampleRows samples{r.rows(o.dy), r.rows_of_sample(o.dy)};
  const std::int64_t width = o.columns < 0 ? O : o.columns;
  const Grain grain(r, o.x, kParameterRows);
  Block part = own(I, grain.rows, width, grain.columns, r.worker);
  const Range taken = part.columns;  // of dy
  part.columns = {taken.begin + o.column, taken.end + o.column};
  r.writes(o.dw, part);
  const Following<T> then = following(r, o.after, part);
  const auto* const low = bfloat16_of(r, o.dy, "ProductDw");
  r.reads(o.x, {{0, samples.count}, part.rows});
  r.reads(o.dy, {{0, samples.count}, taken});
  if (part.empty()) return;
  const bool in_tiles = r[o.x].element == Element::bfloat16_left;
  // Where an update follows at once nobody reads the gradient, which then need not leave the cache.
  const std::int64_t l2 = r.kernels.l2_bytes,
                     passes = then.updates ? passing<T>(r[o.dw].shape, in_tiles, l2) : 0;
  const Strip strip = in_tiles && passes
                          ? Strip(samples.count, l2)
                          : Strip(part.rows.size(), taken.size(), then.any(), grain.rows);
  const auto at = [=](std::int64_t column) {
    return in_tiles ? column / kTileSide * tiles_stride(samples.count) : column;
  };
  const auto call = [&]<class A>(void (*kernel)(const SampleProduct<T, A>&), std::int64_t ldx,
                                 std::int64_t lddy, std::int64_t row, std::int64_t column) {
    const std::int64_t first = row * ld + column + o.column;
    SampleProduct<T, A> p;
    p.I = std::min(strip.rows, part.rows.end - row);
    p.O = std::min(strip.columns, taken.end - column);
    p.dw = passes ? Matrix<T>{r.scratch, p.O} : Matrix<T>{r.at(o.dw) + first, ld};
    p.x = {r.template at<A>(o.x) + at(row), ldx};
    p.dy = {r.template at<A>(o.dy) + at(column), lddy};
    p.rows = samples;
    p.scratch = r.scratch + passes;
    p.l2_bytes = l2;
    p.ld_soon = ld;
    r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
      SampleProduct<T, A> own = p;
      if (passes) {
        for (int i = 0; i < p.kSoon; ++i) own.soon[i] = then.soon(now, first, i);
      }
      kernel(own);
      then(*k, now, p.dw.p, first, p.I, p.O, ld, p.dw.ld);
    });
  };
  const std::int64_t tiles = tiles_stride(samples.count);
  for (std::int64_t column = taken.begin; column < taken.end; column += strip.columns) {
    for (std::int64_t row = part.rows.begin; row < part.rows.end; row += strip.rows) {
      if (!low) {
        call(r.kernels.product_dw, I, O, row, column);
      } else if (in_tiles) {
        call(low->product_dw, tiles, tiles, row, column);
      } else {
        call(low->product_dw, bfloat16_stride(I), bfloat16_stride(O), row, column);
      }
    }
  }
}
MUNDUR_RESOLVED(ProductDw);

template <class T>
void resolve(Resolver<T>& r, const op::SumRows& o) {
  const std::int64_t N = r.rows(o.dy), each = r.rows_of_sample(o.dy), O = r.columns(o.dy);
  const std::int64_t width = o.columns < 0 ? O : o.columns;
  const Range taken = own(1, kParameterRows, width, r.kernels.column_grain, r.worker).columns;
  // Biases may have two rows, one behind the other.
  const std::int64_t first = taken.begin + o.column;
  const Range part{first, taken.end + o.column};
  r.touch_matrix(o.db, 1, r.size(o.db), {{0, 1}, part}, true);
  const Following<T> then = following_flat(r, o.after, part);
  r.reads(o.dy, {{0, N}, taken});
  if (part.empty()) return;
  T* const db = r.at(o.db) + first;
  const T* const dy = r.at(o.dy) + taken.begin;
  const std::int64_t columns = taken.size();
  r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
    k->sum_rows(db, dy, columns, N, each, O);
    then(*k, now, db, first, 1, columns, columns);
  });
}
MUNDUR_RESOLVED(SumRows);

template <class T>
void resolve(Resolver<T>& r, const op::ToBfloat16& o) {
  const std::int64_t I = r.columns(o.x), N = r.rows(o.x);
  const Element form = r[o.y].element;
  const bool in_tiles = form == Element::bfloat16_left || form == Element::bfloat16_right;
  const Range rows = in_tiles ? share(N, kTileDepth, r.worker) : r.share_rows_as(o.x);
  r.writes(o.y, rows);
  r.reads(o.x, rows);
  if (!bfloat16_of(r, o.y, "ToBfloat16") || rows.empty()) return;
  const T* const x = r.at(o.x) + rows.begin * I;
  auto* const y = r.template at<std::uint16_t>(o.y);
  if (in_tiles) {
    auto* const first = y + rows.begin / kTileDepth * kTileSize;
    const auto k = form == Element::bfloat16_left ? r.kernels.to_left : r.kernels.to_right;
    return r.call(
        [=, n = rows.size()](Now<T>&, Worker&) { k(first, x, n, I, tiles_stride(N), I); });
  }
  const std::int64_t ldy = bfloat16_stride(I), filled = bfloat16_filled(I, form);
  r.call([=, first = y + rows.begin * ldy, n = rows.size(), k = r.kernels.to_bfloat16](
             Now<T>&, Worker&) { k(first, x, n, I, ldy, I, filled); });
}
MUNDUR_RESOLVED(ToBfloat16);

}  // namespace mundur

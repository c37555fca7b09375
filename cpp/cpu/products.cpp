// Products of rows. A worker takes a block of the result, or the part of a parameter that it owns.

#include <algorithm>
#include <stdexcept>
#include <string>

#include "cpu/resolver.h"

namespace mundur {

namespace {

/// `touch(writes)` touches the parameter.
template <class T, class Touch>
Following<T> followed(Resolver<T>& r, const After& after, Touch touch) {
  Following<T> f;
  if (!after.w) return f;
  f.penalises = after.l1 != 0.0 || after.l2 != 0.0;
  f.updates = after.update;
  if (f.any()) touch(f.updates);
  f.w = r.at(after.w);
  f.place = r[after.w].place;
  f.l1 = static_cast<T>(after.l1);
  f.two_l2 = static_cast<T>(2.0 * after.l2);
  return f;
}

}  // namespace

template <class T>
Following<T> following(Resolver<T>& r, const After& after, const Block& block) {
  return followed(
      r, after, [&](bool writes) { writes ? r.writes(after.w, block) : r.reads(after.w, block); });
}
template <class T>
Following<T> following_flat(Resolver<T>& r, const After& after, Range part) {
  return followed(r, after, [&](bool writes) {
    r.touch_matrix(after.w, 1, r.size(after.w), {{0, 1}, part}, writes);
  });
}
template Following<float> following(Resolver<float>&, const After&, const Block&);
template Following<double> following(Resolver<double>&, const After&, const Block&);
template Following<float> following_flat(Resolver<float>&, const After&, Range);
template Following<double> following_flat(Resolver<double>&, const After&, Range);

namespace {

/// Whether an operand is bfloat16. Throws std::invalid_argument beside float64, which lacks that.
template <class T>
bool is_bfloat16(const ValueInfo& operand, const char* operation) {
  if (operand.element != Element::bfloat16) return false;
  if constexpr (!std::is_same_v<T, float>) {
    throw std::invalid_argument(std::string(operation) + " of " + operand.name +
                                ": the CPU has it in bfloat16 beside float32 only");
  }
  return true;
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Product& o) {
  const std::int64_t B = r.rows(o.y), O = r.columns(o.y), I = r.columns(o.x);
  const Block part = o.whole_rows ? Block{share(B, 1, r.worker), {0, O}}
                                  : share(B, kTileRows, O, r.kernels.column_grain, r.worker);
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
  if (is_bfloat16<T>(r[o.x], "Product")) return call(r.kernels.product_bf16, bfloat16_stride(I));
  call(r.kernels.product, I);
}
MUNDUR_RESOLVED(Product);

template <class T>
void resolve(Resolver<T>& r, const op::ProductDx& o) {
  const std::int64_t B = r.rows(o.dx), I = r.columns(o.dx), O = r.columns(o.dy);
  // Where time went through samples, their rows go on.
  const Range rows_of_dy = r.share_rows_as(o.dy);
  const bool follows = r.stays_with_rows(o.dy);
  const Block part = follows ? Block{rows_of_dy, {0, I}}
                             : share(B, kTileRows, I, r.kernels.column_grain, r.worker);
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
  if (is_bfloat16<T>(r[o.dy], "ProductDx")) {
    return call(r.kernels.product_dx_bf16, bfloat16_stride(O));
  }
  call(r.kernels.product_dx, O);
}
MUNDUR_RESOLVED(ProductDx);

namespace {

/// Rows of a gradient at a time: as many as keep the product busy, and no more than the cache
/// holds, where something follows.
std::int64_t strip_rows(std::int64_t rows, std::int64_t columns, bool followed) {
  constexpr std::int64_t kLeast = 256;
  constexpr std::int64_t kElements = 1 << 18;
  if (!followed) return std::max<std::int64_t>(rows, 1);
  return std::max(kLeast, kElements / columns / kParameterRows * kParameterRows);
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::ProductDw& o) {
  const std::int64_t I = r.columns(o.x), O = r.columns(o.dy), ld = r.columns(o.dw);
  const SampleRows samples{r.rows(o.dy), r.rows_of_sample(o.dy)};
  const std::int64_t width = o.columns < 0 ? O : o.columns;
  Block part = own(I, kParameterRows, width, r.kernels.column_grain, r.worker);
  const Range taken = part.columns;  // of dy
  part.columns = {taken.begin + o.column, taken.end + o.column};
  r.writes(o.dw, part);
  const Following<T> then = following(r, o.after, part);
  r.reads(o.x, {{0, samples.count}, part.rows});
  r.reads(o.dy, {{0, samples.count}, taken});
  if (part.empty()) return;
  const std::int64_t strip = strip_rows(part.rows.size(), taken.size(), then.any());
  const auto call = [&]<class A>(void (*kernel)(const SampleProduct<T, A>&), std::int64_t ldx,
                                 std::int64_t lddy) {
    for (std::int64_t row = part.rows.begin; row < part.rows.end; row += strip) {
      const std::int64_t first = row * ld + part.columns.begin;
      SampleProduct<T, A> p;
      p.dw = {r.at(o.dw) + first, ld};
      p.x = {r.template at<A>(o.x) + row, ldx};
      p.dy = {r.template at<A>(o.dy) + taken.begin, lddy};
      p.I = std::min(strip, part.rows.end - row);
      p.O = taken.size();
      p.rows = samples;
      p.scratch = r.scratch;
      p.l2_bytes = r.kernels.l2_bytes;
      r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
        kernel(p);
        then(*k, now, p.dw.p, first, p.I, p.O, ld);
      });
    }
  };
  if (is_bfloat16<T>(r[o.dy], "ProductDw")) {
    return call(r.kernels.product_dw_bf16, bfloat16_stride(I), bfloat16_stride(O));
  }
  call(r.kernels.product_dw, I, O);
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
  const std::int64_t I = r.columns(o.x);
  const Range rows = r.share_rows_as(o.x);
  r.writes(o.y, rows);
  r.reads(o.x, rows);
  if (!is_bfloat16<T>(r[o.y], "ToBfloat16")) return;
  const std::int64_t ldy = bfloat16_stride(I);
  auto* const y = r.template at<std::uint16_t>(o.y) + rows.begin * ldy;
  const T* const x = r.at(o.x) + rows.begin * I;
  r.call(
      [=, k = r.kernels.to_bfloat16, n = rows.size()](Now<T>&, Worker&) { k(y, x, n, I, ldy, I); });
}
MUNDUR_RESOLVED(ToBfloat16);

}  // namespace mundur

// Normalisations: statistics of columns by whoever owns them, of rows by whoever has the rows.

#include <algorithm>

#include "cpu/resolver.h"

namespace mundur {
namespace {

/// The columns that a worker sums, the same every time.
template <class T>
Range own_columns(const Resolver<T>& r, std::int64_t C) {
  return own(1, kParameterRows, C, r.kernels.column_grain, r.worker).columns;
}

template <class T>
void touch(Resolver<T>& r, Value value, Range columns, bool writes) {
  if (value) r.touch_matrix(value, 1, r.size(value), {{0, 1}, columns}, writes);
}

/// The rows of x that count: how many there are stands in `rows`, or all do.
struct CountedRows {
  const std::uint8_t* mask;
  std::int64_t each = 1, all;
  const double* count;
  template <class T>
  CountedRows(Resolver<T>& r, Value x, Value of, Value rows)
      : mask(r.template at<std::uint8_t>(of)), all(r.rows(x)), count(r.template at<double>(rows)) {
    if (of) each = r.rows_of_sample(x) / (r[of].samples * r[of].size());
    if (of) r.reads(of);
    if (rows) r.reads(rows);
  }
  Counted operator()() const {
    return {mask, each, count ? static_cast<std::int64_t>(*count) : all};
  }
};

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::CountRows& o) {
  r.writes(o.rows);
  if (o.mask) r.reads(o.mask);
  if (!r.worker.first()) return;
  const std::int64_t N = r.rows(o.x), steps = o.mask ? r.size(o.mask) : N;
  const std::int64_t each = N / std::max<std::int64_t>(steps, 1);
  r.call([=, mask = r.template at<std::uint8_t>(o.mask), rows = r.template at<double>(o.rows)](
             Now<T>&, Worker&) {
    *rows = static_cast<double>(mask ? each * std::count(mask, mask + steps, 1) : N);
  });
}
MUNDUR_RESOLVED(CountRows);

template <class T>
void resolve(Resolver<T>& r, const op::ColumnSums& o) {
  const std::int64_t C = r.columns(o.x), N = r.rows(o.x), each = r.rows_of_sample(o.x);
  const Range part = own_columns(r, C);
  touch(r, o.sum, part, true);
  r.reads(o.x, {{0, N}, part});
  const CountedRows counted(r, o.x, o.mask, {});
  r.call([=, k = r.kernels.column_sums, sum = r.at(o.sum) + part.begin, x = r.at(o.x) + part.begin](
             Now<T>&, Worker&) { k(sum, x, part.size(), N, each, C, counted()); });
}
MUNDUR_RESOLVED(ColumnSums);

template <class T>
void resolve(Resolver<T>& r, const op::ColumnDeviations& o) {
  const std::int64_t C = r.columns(o.x), N = r.rows(o.x), each = r.rows_of_sample(o.x);
  const Range part = own_columns(r, C);
  touch(r, o.off, part, true);
  touch(r, o.squares, part, true);
  touch(r, o.sum, part, false);
  r.reads(o.x, {{0, N}, part});
  const CountedRows counted(r, o.x, o.mask, o.rows);
  r.call([=, k = r.kernels.column_deviations, off = r.at(o.off) + part.begin,
          squares = r.at(o.squares) + part.begin, x = r.at(o.x) + part.begin,
          sum = r.at(o.sum) + part.begin](Now<T>&, Worker&) {
    k(off, squares, x, sum, part.size(), N, each, C, counted());
  });
}
MUNDUR_RESOLVED(ColumnDeviations);

template <class T>
void resolve(Resolver<T>& r, const op::ColumnMoments& o) {
  const Range part = own_columns(r, r.columns(o.mean));
  for (Value value : {o.mean, o.variance, o.moving_mean, o.moving_variance}) {
    touch(r, value, part, true);
  }
  for (Value value : {o.sum, o.off, o.squares}) touch(r, value, part, false);
  const CountedRows counted(r, o.x, {}, o.rows);
  T* const mean = r.at(o.mean) + part.begin;
  T* const variance = r.at(o.variance) + part.begin;
  T* const moving_mean = r.at(o.moving_mean) + part.begin;
  T* const moving_variance = r.at(o.moving_variance) + part.begin;
  const T momentum = static_cast<T>(o.momentum), rest = static_cast<T>(1.0 - o.momentum);
  r.call([=, k = &r.kernels, n = part.size(), sum = r.at(o.sum) + part.begin,
          off = r.at(o.off) + part.begin,
          squares = r.at(o.squares) + part.begin](Now<T>&, Worker&) {
    const std::int64_t rows = counted().rows;
    if (rows == 0) {
      std::copy_n(moving_mean, n, mean);
      std::copy_n(moving_variance, n, variance);
      return;
    }
    k->column_moments(mean, variance, sum, off, squares, n, rows);
    k->moving_average(moving_mean, mean, n, momentum, rest);
    k->moving_average(moving_variance, variance, n, momentum, rest);
  });
}
MUNDUR_RESOLVED(ColumnMoments);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizationScale& o) {
  const Range part = own_columns(r, r.columns(o.variance));
  touch(r, o.inverse, part, true);
  touch(r, o.scale, part, true);
  touch(r, o.variance, part, false);
  touch(r, o.gamma, part, false);
  if (part.empty()) return;
  const T* const gamma = o.gamma ? r.at(o.gamma) + part.begin : nullptr;
  r.call([=, inverse = r.at(o.inverse) + part.begin, scale = r.at(o.scale) + part.begin,
          variance = r.at(o.variance) + part.begin, k = r.kernels.normalization_scale,
          epsilon = static_cast<T>(o.epsilon)](Now<T>&, Worker&) {
    k(inverse, scale, variance, gamma, part.size(), epsilon);
  });
}
MUNDUR_RESOLVED(NormalizationScale);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeColumns& o) {
  const std::int64_t C = r.columns(o.x);
  const Range rows = r.share_rows(o.x);
  r.writes(o.y, rows);
  r.reads(o.x, rows);
  for (Value value : {o.mean, o.scale, o.beta}) {
    if (value) r.reads(value);
  }
  r.call([=, y = r.at(o.y) + rows.begin * C, x = r.at(o.x) + rows.begin * C, mean = r.at(o.mean),
          scale = r.at(o.scale), beta = r.at(o.beta), k = &r.kernels, f = o.f](Now<T>&, Worker&) {
    in_chunks(rows.size(), C, [&](std::int64_t row, std::int64_t some) {
      k->normalize_columns(y + row * C, x + row * C, mean, scale, beta, some, C);
      k->activation(y + row * C, y + row * C, some * C, f);
    });
  });
}
MUNDUR_RESOLVED(NormalizeColumns);

namespace {

/// Sums over samples of dy and dy·x̂, with moments of columns or of rows.
template <class T, class O, class Kernel>
void resolve_sums(Resolver<T>& r, const O& o, Kernel kernel, bool of_columns) {
  const std::int64_t C = r.columns(o.x), N = r.rows(o.x), each = r.rows_of_sample(o.x);
  const Range part = own_columns(r, C);
  touch(r, o.dbeta, part, true);
  touch(r, o.dgamma, part, true);
  r.reads(o.dy, {{0, N}, part});
  r.reads(o.x, {{0, N}, part});
  r.reads(o.mean);
  r.reads(o.inverse);
  if (part.empty()) return;
  const std::int64_t own = of_columns ? part.begin : 0;
  r.call([=, dbeta = r.at(o.dbeta) + part.begin, dgamma = r.at(o.dgamma) + part.begin,
          dy = r.at(o.dy) + part.begin, x = r.at(o.x) + part.begin, mean = r.at(o.mean) + own,
          inverse = r.at(o.inverse) + own](Now<T>&, Worker&) {
    kernel(dbeta, dgamma, dy, x, mean, inverse, part.size(), N, each, C);
  });
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeColumnsSums& o) {
  resolve_sums(r, o, r.kernels.normalize_columns_sums, true);
}
MUNDUR_RESOLVED(NormalizeColumnsSums);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeColumnsDx& o) {
  const std::int64_t C = r.columns(o.x), N = r.rows(o.x);
  const CountedRows counted_rows(r, o.x, o.mask, o.rows);
  const Range rows = share(N, counted_rows.each, r.worker);
  r.writes(o.dx, rows);
  r.reads(o.dy, rows);
  r.reads(o.x, rows);
  for (Value value : {o.mean, o.inverse, o.scale, o.dbeta, o.dgamma}) {
    if (value) r.reads(value);
  }
  const std::int64_t at = rows.begin * C;
  r.call([=, dx = r.at(o.dx) + at, dy = r.at(o.dy) + at, x = r.at(o.x) + at, mean = r.at(o.mean),
          inverse = r.at(o.inverse), scale = r.at(o.scale), dbeta = r.at(o.dbeta),
          dgamma = r.at(o.dgamma), k = r.kernels.normalize_columns_backward](Now<T>&, Worker&) {
    const Counted counted = dbeta ? counted_rows() : Counted{};
    const bool depends = counted.rows > 0;
    k(dx, dy, x, mean, inverse, scale, depends ? dbeta : nullptr, depends ? dgamma : nullptr,
      rows.size(), C, counted.from(rows.begin));
  });
}
MUNDUR_RESOLVED(NormalizeColumnsDx);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeRows& o) {
  const std::int64_t C = r.columns(o.x);
  const Range rows = r.share_rows_as(o.x);
  r.writes(o.y, rows);
  r.touch_matrix(o.mean, 1, r.size(o.mean), {{0, 1}, rows}, true);
  r.touch_matrix(o.inverse, 1, r.size(o.inverse), {{0, 1}, rows}, true);
  r.reads(o.x, rows);
  if (o.gamma) r.reads(o.gamma);
  if (o.beta) r.reads(o.beta);
  const std::int64_t at = rows.begin * C;
  r.call([=, y = r.at(o.y) + at, mean = r.at(o.mean) + rows.begin,
          inverse = r.at(o.inverse) + rows.begin, x = r.at(o.x) + at, gamma = r.at(o.gamma),
          beta = r.at(o.beta), k = r.kernels.normalize_rows, epsilon = static_cast<T>(o.epsilon)](
             Now<T>&, Worker&) { k(y, mean, inverse, x, gamma, beta, rows.size(), C, epsilon); });
}
MUNDUR_RESOLVED(NormalizeRows);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeRowsSums& o) {
  resolve_sums(r, o, r.kernels.normalize_rows_sums, false);
}
MUNDUR_RESOLVED(NormalizeRowsSums);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeRowsDx& o) {
  const std::int64_t C = r.columns(o.x);
  const Range rows = r.share_rows_as(o.dy);
  r.writes(o.dx, rows);
  r.reads(o.dy, rows);
  r.reads(o.x, rows);
  r.touch_matrix(o.mean, 1, r.size(o.mean), {{0, 1}, rows}, false);
  r.touch_matrix(o.inverse, 1, r.size(o.inverse), {{0, 1}, rows}, false);
  if (o.gamma) r.reads(o.gamma);
  const std::int64_t at = rows.begin * C;
  r.call([=, dx = r.at(o.dx) + at, dy = r.at(o.dy) + at, x = r.at(o.x) + at,
          mean = r.at(o.mean) + rows.begin, inverse = r.at(o.inverse) + rows.begin,
          gamma = r.at(o.gamma), k = r.kernels.normalize_rows_backward](Now<T>&, Worker&) {
    k(dx, dy, x, mean, inverse, gamma, rows.size(), C);
  });
}
MUNDUR_RESOLVED(NormalizeRowsDx);

template <class T>
void resolve(Resolver<T>& r, const op::UnitRows& o) {
  const std::int64_t C = r.columns(o.x);
  const Range rows = r.share_rows_as(o.x);
  r.writes(o.y, rows);
  r.touch_matrix(o.inverse, 1, r.size(o.inverse), {{0, 1}, rows}, true);
  r.reads(o.x, rows);
  const std::int64_t at = rows.begin * C;
  r.call([=, y = r.at(o.y) + at, inverse = r.at(o.inverse) + rows.begin, x = r.at(o.x) + at,
          k = r.kernels.unit_rows, most = static_cast<T>(o.most)](Now<T>&, Worker&) {
    k(y, inverse, x, rows.size(), C, most);
  });
}
MUNDUR_RESOLVED(UnitRows);

template <class T>
void resolve(Resolver<T>& r, const op::UnitRowsDx& o) {
  const std::int64_t C = r.columns(o.dy);
  const Range rows = r.share_rows_as(o.dy);
  r.writes(o.dx, rows);
  r.reads(o.dy, rows);
  r.reads(o.y, rows);
  r.touch_matrix(o.inverse, 1, r.size(o.inverse), {{0, 1}, rows}, false);
  const std::int64_t at = rows.begin * C;
  r.call([=, dx = r.at(o.dx) + at, dy = r.at(o.dy) + at, y = r.at(o.y) + at,
          inverse = r.at(o.inverse) + rows.begin, k = r.kernels.unit_rows_backward,
          most = static_cast<T>(o.most)](Now<T>&, Worker&) {
    k(dx, dy, y, inverse, rows.size(), C, most);
  });
}
MUNDUR_RESOLVED(UnitRowsDx);

}  // namespace mundur

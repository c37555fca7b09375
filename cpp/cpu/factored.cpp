// Adafactor's step, which looks at whole parameters: means of squares of a matrix's rows and
// columns, then how long the step and the parameter are, then the step. Whoever has a row or a
// column has it the same way each time, and its state with it.

#include <algorithm>
#include <cmath>

#include "cpu/gradients.h"

namespace mundur {
namespace {

/// Of one matrix: the mean of its rows' means.
template <class T>
double mean_of(const T* rows, std::int64_t n) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(rows[i]);
  return sum / static_cast<double>(n);
}

/// Those of some strips.
Range elements(const Strips& strips, Range part) {
  return {std::min(part.begin * strips.columns, strips.size),
          std::min(part.end * strips.columns, strips.size)};
}

/// One parameter, and where what is known of it lies.
template <class T>
struct Factored {
  Strips strips;
  Gradient<T> gradient;
  Norms norms;
  std::int64_t place;
  T *rows, *columns;  // of its matrices
  double* sizes;      // Σ s² and Σ w² of each strip

  T* state(const Now<T>& now) const { return now.update.state[0] + place; }
  static T blended(const mundur::Update<T>& u, T old, T mean) {
    return u.beta2 * old + u.one_minus_beta2 * (mean + u.epsilon);
  }
  /// Calls work(update, g, v, row, strip) for each of these strips: its step is g·row / √v.
  template <class Work>
  void each(const Now<T>& now, Range part, Work work) const {
    std::int64_t known = -1;
    double mean = 0.0;
    const T scale = norms.scale(now);
    for (std::int64_t strip = part.begin; strip < part.end; ++strip) {
      const std::int64_t first = strip * strips.columns;
      mundur::Update<T> update = now.update.at(place + first);
      update.scale = scale;
      T* const g = gradient.of(now) + first;
      if (!strips.rows) {
        work(update, g, state(now) + first, T{1}, strip);
        continue;
      }
      const std::int64_t matrix = strip / strips.rows;
      if (matrix != known) mean = mean_of(rows + matrix * strips.rows, strips.rows);
      known = matrix;
      const double share = static_cast<double>(rows[strip]) / mean;
      work(update, g, columns + matrix * strips.columns, static_cast<T>(1.0 / std::sqrt(share)),
           strip);
    }
  }
};

/// Calls use(parameter's number, what is known of it) for each; `rows` and `columns` are counted
/// up.
template <class T, class Use>
void each_parameter(Resolver<T>& r, const Factors& o, Use use) {
  T *rows = r.at(o.rows), *columns = r.at(o.columns);
  auto* sizes = r.template at<double>(o.sizes);
  EachNorm norms(r, o.squares, o.gradients);
  for (std::size_t i = 0; i < o.parameters.size(); ++i) {
    const Strips strips(r[o.parameters[i]].shape);
    const std::int64_t place = r[o.parameters[i]].place;
    const Gradient<T> gradient(r, o.gradients[i]);
    use(i, Factored<T>{strips, gradient, norms.next(r.size(o.gradients[i])), place, rows, columns,
                       sizes});
    rows += strips.rows ? strips.count() : 0;
    columns += strips.matrices() * strips.columns;
    sizes += 2 * strips.count();
  }
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::FactorMeans& o) {
  r.reads(o.of.squares);
  T *const all_rows = r.at(o.of.rows), *const all_columns = r.at(o.of.columns);
  each_parameter<T>(r, o.of, [&](std::size_t i, const Factored<T>& one) {
    const Strips strips = one.strips;
    r.reads(o.of.gradients[i]);
    if (!strips.rows) return;
    constexpr std::int64_t kColumns = 16;
    const std::int64_t C = strips.columns, R = strips.rows;
    const Range rows = share(strips.count(), 1, r.worker);
    const Range columns = share(strips.matrices() * C, kColumns, r.worker);
    const auto from = [](Range part, std::int64_t first) {
      return Range{first + part.begin, first + part.end};
    };
    r.writes_flat(o.of.rows, from(rows, one.rows - all_rows));
    r.writes_flat(o.of.columns, from(columns, one.columns - all_columns));
    r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
      if (!now.gathering.updates) return;
      mundur::Update<T> update = now.update;
      update.scale = one.norms.scale(now);
      const T* const g = one.gradient.of(now);
      T* const a = one.state(now);
      for (std::int64_t row = rows.begin; row < rows.end; ++row) {
        const T sum = k->squares_of_row(update, g + row * C, C);
        one.rows[row] = a[row] = one.blended(update, a[row], sum / static_cast<T>(C));
      }
      T* const b = a + strips.count();
      for (std::int64_t at = columns.begin; at < columns.end;) {
        const std::int64_t matrix = at / C, first = at % C;
        const std::int64_t n = std::min(C - first, columns.end - at);
        T* const sums = one.columns + at;
        k->squares_of_columns(sums, update, g + matrix * R * C + first, R, n, C);
        for (std::int64_t c = 0; c < n; ++c) {
          sums[c] = b[at + c] = one.blended(update, b[at + c], sums[c] / static_cast<T>(R));
        }
        at += n;
      }
    });
  });
}
MUNDUR_RESOLVED(FactorMeans);

template <class T>
void resolve(Resolver<T>& r, const op::FactorSizes& o) {
  for (Value value : {o.of.squares, o.of.rows, o.of.columns}) r.reads(value);
  auto* const all_sizes = r.template at<double>(o.of.sizes);
  each_parameter<T>(r, o.of, [&](std::size_t i, const Factored<T>& one) {
    const Range part = share(one.strips.count(), 1, r.worker);
    const std::int64_t first = one.sizes - all_sizes;
    r.template writes_flat<double>(o.of.sizes, {first + 2 * part.begin, first + 2 * part.end});
    r.reads_flat(o.of.parameters[i], elements(one.strips, part));
    r.reads_flat(o.of.gradients[i], elements(one.strips, part));
    r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
      if (!now.gathering.updates) return;
      one.each(now, part, [&](const auto& u, const T* g, T* v, T row, std::int64_t strip) {
        const std::int64_t n = one.strips.size_of_strip(strip);
        if (!one.strips.rows) k->blend_squares(v, u, g, n);
        one.sizes[2 * strip] = static_cast<double>(k->squares_of_steps(u, g, v, row, n));
        one.sizes[2 * strip + 1] = k->sum_squares(u.w, n);
      });
    });
  });
}
MUNDUR_RESOLVED(FactorSizes);

template <class T>
void resolve(Resolver<T>& r, const op::FactorUpdate& o) {
  for (Value value : {o.of.squares, o.of.rows, o.of.columns, o.of.sizes}) r.reads(value);
  each_parameter<T>(r, o.of, [&](std::size_t i, const Factored<T>& one) {
    const Range part = share(one.strips.count(), 1, r.worker);
    r.writes_flat(o.of.parameters[i], elements(one.strips, part));
    o.of.sums ? r.writes_flat(o.of.gradients[i], elements(one.strips, part))
              : r.reads_flat(o.of.gradients[i], elements(one.strips, part));
    r.call([=, sums = o.of.sums, k = &r.kernels](Now<T>& now, Worker&) {
      if (!now.gathering.updates) return;
      double steps = 0.0, weights = 0.0;
      for (std::int64_t strip = 0; strip < one.strips.count(); ++strip) {
        steps += one.sizes[2 * strip];
        weights += one.sizes[2 * strip + 1];
      }
      const auto size = static_cast<double>(one.strips.size);
      const double rms = std::sqrt(steps / size);
      one.each(now, part, [&](auto u, T* g, const T* v, T row, std::int64_t strip) {
        const double length = std::fabs(static_cast<double>(u.keep)) * std::sqrt(weights / size);
        u.lr = static_cast<T>(static_cast<double>(u.lr) *
                              std::max(static_cast<double>(u.least), length) /
                              std::max(1.0, rms / static_cast<double>(u.most)));
        const std::int64_t n = one.strips.size_of_strip(strip);
        k->update_factored(u, g, v, row, n);
        if (sums) std::fill_n(g, n, T{0});
      });
    });
  });
}
MUNDUR_RESOLVED(FactorUpdate);

}  // namespace mundur

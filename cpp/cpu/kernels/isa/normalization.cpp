// Normalisation: moments of columns (over samples) and of rows, and what forward and backward make
// of them.

#include "cpu/kernels/formulas/rules.h"
#include "cpu/kernels/isa/pieces.h"
#include "cpu/kernels/isa/rows.h"
#include "cpu/kernels/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// sum[v] = Σ over samples of what add(b, sum) adds to it.
template <class T, int kSums, class Add>
MUNDUR_INLINE void sum_samples(Vec<T> (&sum)[kSums], i64 B, i64 each, Add add) {
  const ShardTree tree(B, each);
  Vec<T> waiting[kMaxSlots][kSums];
  for (i64 n = 0;; ++n) {
    for (int v = 0; v < kSums; ++v) sum[v] = zero<T>();
    const i64 end = least(B, (n + 1) * kShard);
    for (i64 b = n * kShard; b < end; ++b) add(b, sum);
    const int slot = tree.after(n, [&](int earlier) MUNDUR_BODY {
      for (int v = 0; v < kSums; ++v) sum[v] = waiting[earlier][v] + sum[v];
    });
    if (slot < 0) return;
    for (int v = 0; v < kSums; ++v) waiting[slot][v] = sum[v];
  }
}

template <class T>
struct Moments {
  Vec<T> mean, variance;
};

/// From a mean m that carries the rounding of its sum, Σ (x - m) and Σ (x - m)². Two passes, as
/// E[x²] - mean² cancels for large offsets; the second corrects the first (Chan, Golub and LeVeque,
/// "Algorithms for computing the sample variance", The American Statistician 37, 1983).
template <class T>
MUNDUR_INLINE Moments<T> corrected(Vec<T> m, Vec<T> sum, Vec<T> squares, Vec<T> count) {
  const Vec<T> off = sum / count;
  return {m + off, max(fnma(off, sum, squares) / count, zero<T>())};
}

MUNDUR_INLINE bool is_counted(const Counted& counted, i64 b) {
  return !counted.keep || counted.keep[b / counted.each] != 0;
}

template <class T>
MUNDUR_DEVICE void column_sums(T* sum, const T* x, i64 O, i64 B, i64 each, i64 ldx,
                               const Counted& counted) {
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    Vec<T> total[1];
    sum_samples(total, B, each, [&](i64 b, Vec<T>(&to)[1]) MUNDUR_BODY {
      if (!is_counted(counted, b)) return;
      to[0] = to[0] + load_up_to(x + b * ldx + o, n);
    });
    store_up_to(sum + o, total[0], n);
  });
}

template <class T>
MUNDUR_DEVICE void column_deviations(T* off, T* squares, const T* x, const T* sum, i64 O, i64 B,
                                     i64 each, i64 ldx, const Counted& counted) {
  const Vec<T> count = set<T>(static_cast<T>(counted.rows));
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    const Vec<T> m = load_up_to(sum + o, n) / count;
    Vec<T> total[2];
    sum_samples(total, B, each, [&](i64 b, Vec<T>(&to)[2]) MUNDUR_BODY {
      if (!is_counted(counted, b)) return;
      const Vec<T> d = load_up_to(x + b * ldx + o, n) - m;
      to[0] = to[0] + d;
      to[1] = fma(d, d, to[1]);
    });
    store_up_to(off + o, total[0], n);
    store_up_to(squares + o, total[1], n);
  });
}

template <class T>
MUNDUR_DEVICE void column_moments(T* mean, T* variance, const T* sum, const T* off,
                                  const T* squares, i64 O, i64 rows) {
  const Vec<T> count = set<T>(static_cast<T>(rows));
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    const Moments<T> found = corrected(load_up_to(sum + o, n) / count, load_up_to(off + o, n),
                                       load_up_to(squares + o, n), count);
    store_up_to(mean + o, found.mean, n);
    store_up_to(variance + o, found.variance, n);
  });
}

template <class T>
MUNDUR_DEVICE void moving_average(T* average, const T* x, i64 size, T momentum,
                                  T one_minus_momentum) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    const Vec<T> kept = set<T>(momentum) * load_up_to(average + i, n);
    const Vec<T> moved = flush(fma(set<T>(one_minus_momentum), load_up_to(x + i, n), kept));
    store_up_to(average + i, moved, n);
  });
}

template <class T>
MUNDUR_DEVICE void normalization_scale(T* inverse, T* scale, const T* variance, const T* gamma,
                                       i64 size, T epsilon) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    const Vec<T> one = set<T>(T(1));
    const Vec<T> found = one / sqrt(load_up_to(variance + i, n) + set<T>(epsilon));
    store_up_to(inverse + i, found, n);
    store_up_to(scale + i, gamma ? found * load_up_to(gamma + i, n) : found, n);
  });
}

template <class T>
MUNDUR_DEVICE void normalize_columns(T* y, const T* x, const T* mean, const T* scale, const T* beta,
                                     i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, y += O, x += O) {
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      const Vec<T> shift = beta ? load_up_to(beta + o, n) : zero<T>();
      const Vec<T> d = load_up_to(x + o, n) - load_up_to(mean + o, n);
      store_up_to(y + o, fma(d, load_up_to(scale + o, n), shift), n);
    });
  }
}

template <class T, bool kRows>
MUNDUR_DEVICE void normalized_sums(T* dbeta, T* dgamma, const T* dy, const T* x, const T* mean,
                                   const T* inverse, i64 O, i64 B, i64 each, i64 ldx) {
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    const Vec<T> column_mean = kRows ? zero<T>() : load_up_to(mean + o, n);
    const Vec<T> column_inverse = kRows ? zero<T>() : load_up_to(inverse + o, n);
    Vec<T> total[2];
    sum_samples(total, B, each, [&](i64 b, Vec<T>(&sum)[2]) MUNDUR_BODY {
      const Vec<T> g = load_up_to(dy + b * ldx + o, n);
      const Vec<T> d = load_up_to(x + b * ldx + o, n) - (kRows ? set<T>(mean[b]) : column_mean);
      sum[0] = sum[0] + g;
      sum[1] = fma(g, d * (kRows ? set<T>(inverse[b]) : column_inverse), sum[1]);
    });
    store_up_to(dbeta + o, total[0], n);
    store_up_to(dgamma + o, total[1], n);
  });
}

template <class T>
MUNDUR_DEVICE void normalize_columns_backward(T* dx, const T* dy, const T* x, const T* mean,
                                              const T* inverse, const T* scale, const T* dbeta,
                                              const T* dgamma, i64 B, i64 O,
                                              const Counted& counted) {
  const Vec<T> share = set<T>(T(1) / static_cast<T>(counted.rows));
  for (i64 b = 0; b < B; ++b, dx += O, dy += O, x += O) {
    const bool depends = dgamma && is_counted(counted, b);
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      Vec<T> g = load_up_to(dy + o, n);
      if (depends) {
        const Vec<T> d = load_up_to(x + o, n) - load_up_to(mean + o, n);
        const Vec<T> along = fma(d * load_up_to(inverse + o, n), load_up_to(dgamma + o, n),
                                 load_up_to(dbeta + o, n));
        g = fnma(share, along, g);
      }
      store_up_to(dx + o, load_up_to(scale + o, n) * g, n);
    });
  }
}

template <class T>
MUNDUR_INLINE Moments<T> row_moments(const T* x, i64 O) {
  const Vec<T> count = set<T>(static_cast<T>(O));
  const Vec<T> m = set<T>(row_sum(x, O)) / count;
  auto sum = Lanes16<T>::all(T(0));
  auto squares = Lanes16<T>::all(T(0));
  for_each_lane(sum, O, [&](Vec<T>& part, i64 o, int n) MUNDUR_BODY {
    const Vec<T> d = load_up_to(x + o, n) - m;
    Vec<T>& square = squares.part[static_cast<int>(o % 16) / Vec<T>::kWidth];
    part = add_up_to(part, d, n);
    const Vec<T> added = fma(d, d, square);
    square = n == Vec<T>::kWidth ? added : select(first_n<T>(n), added, square);
  });
  return corrected(m, set<T>(sum.sum()), set<T>(squares.sum()), count);
}

template <class T>
MUNDUR_DEVICE void normalize_rows(T* y, T* mean, T* inverse, const T* x, const T* gamma,
                                  const T* beta, i64 B, i64 O, T epsilon) {
  for (i64 b = 0; b < B; ++b, y += O, x += O) {
    const Moments<T> found = row_moments(x, O);
    const Vec<T> inverse_b = set<T>(T(1)) / sqrt(found.variance + set<T>(epsilon));
    mean[b] = first_lane(found.mean);
    inverse[b] = first_lane(inverse_b);
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      Vec<T> value = (load_up_to(x + o, n) - found.mean) * inverse_b;
      if (gamma) value = value * load_up_to(gamma + o, n);
      if (beta) value = value + load_up_to(beta + o, n);
      store_up_to(y + o, value, n);
    });
  }
}

template <class T>
MUNDUR_DEVICE void normalize_rows_backward(T* dx, const T* dy, const T* x, const T* mean,
                                           const T* inverse, const T* gamma, i64 B, i64 O) {
  const Vec<T> share = set<T>(T(1) / static_cast<T>(O));
  for (i64 b = 0; b < B; ++b, dx += O, dy += O, x += O) {
    const Vec<T> m = set<T>(mean[b]), inverse_b = set<T>(inverse[b]);
    const auto slope = [&](i64 o, int n) MUNDUR_BODY {
      const Vec<T> g = load_up_to(dy + o, n);
      return gamma ? g * load_up_to(gamma + o, n) : g;
    };
    const auto normalized = [&](i64 o, int n)
                                MUNDUR_BODY { return (load_up_to(x + o, n) - m) * inverse_b; };
    auto lanes = Lanes16<T>::all(T(0));
    auto along = Lanes16<T>::all(T(0));
    for_each_lane(lanes, O, [&](Vec<T>& part, i64 o, int n) MUNDUR_BODY {
      const Vec<T> g = slope(o, n);
      Vec<T>& other = along.part[static_cast<int>(o % 16) / Vec<T>::kWidth];
      part = add_up_to(part, g, n);
      const Vec<T> added = fma(g, normalized(o, n), other);
      other = n == Vec<T>::kWidth ? added : select(first_n<T>(n), added, other);
    });
    const Vec<T> sum = set<T>(lanes.sum()), along_sum = set<T>(along.sum());
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      const Vec<T> mean_part = fma(normalized(o, n), along_sum, sum);
      store_up_to(dx + o, inverse_b * fnma(share, mean_part, slope(o, n)), n);
    });
  }
}

template <class T>
MUNDUR_DEVICE void unit_rows(T* y, T* inverse, const T* x, i64 B, i64 O, T most) {
  const auto square = [](Vec<T> a) MUNDUR_BODY { return a * a; };
  for (i64 b = 0; b < B; ++b) {
    const T* const row = x + b * O;
    const T found = first_lane(1 / sqrt(Vec<T>(lane_sum(O, square, row))));
    const T factor = inverse[b] = found > most ? most : found;
    map(y + b * O, O, [=](Vec<T> a) MUNDUR_BODY { return a * factor; }, row);
  }
}

template <class T>
MUNDUR_DEVICE void unit_rows_backward(T* dx, const T* dy, const T* y, const T* inverse, i64 B,
                                      i64 O, T most) {
  const auto product = [](Vec<T> a, Vec<T> b) MUNDUR_BODY { return a * b; };
  for (i64 b = 0; b < B; ++b) {
    const T factor = inverse[b];
    const T along = factor == most ? T(0) : lane_sum(O, product, dy + b * O, y + b * O);
    const auto slope = [=](Vec<T> d, Vec<T> a) MUNDUR_BODY { return fnma(a, along, d) * factor; };
    map(dx + b * O, O, slope, dy + b * O, y + b * O);
  }
}

template <class T>
MUNDUR_DEVICE void add(T* y, const T* a, const T* b, i64 size) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    store_up_to(y + i, load_up_to(a + i, n) + load_up_to(b + i, n), n);
  });
}

template <class T>
MUNDUR_DEVICE void multiply(T* y, const T* a, const T* b, i64 size) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    store_up_to(y + i, load_up_to(a + i, n) * load_up_to(b + i, n), n);
  });
}

/// Where the larger, or the smaller, of a and b is a.
template <class T>
MUNDUR_INLINE Mask<T> is_first(Vec<T> a, Vec<T> b, bool smaller) {
  const Mask<T> beyond = smaller ? less(b, a) : less(a, b);
  return ~(beyond | (is_nan(b) & ~is_nan(a)));
}

template <class T>
void larger(T* y, const T* a, const T* b, i64 size, bool smaller) {
  map(
      y, size,
      [=](Vec<T> p, Vec<T> q) MUNDUR_BODY { return select(is_first<T>(p, q, smaller), p, q); }, a,
      b);
}

template <class T>
void larger_backward(T* dx, const T* dy, const T* a, const T* b, i64 size, bool smaller,
                     bool first) {
  map(
      dx, size,
      [=](Vec<T> d, Vec<T> p, Vec<T> q) MUNDUR_BODY {
        const Mask<T> taken = is_first<T>(p, q, smaller);
        return first ? select(taken, d, zero<T>()) : select(taken, zero<T>(), d);
      },
      dy, a, b);
}

template <class T>
MUNDUR_INLINE Vec<T> load_apart(const T* p, i64 step, int n) {
  if (step == 1) return load_up_to(p, n);
  Vec<T> all = zero<T>();
  for (int i = 0; i < n; ++i) all.v[i] = p[i * step];
  return all;
}

template <class T>
void contract(T* y, const T* a, const T* b, const Contraction& how) {
  for (i64 i = 0; i < how.a.rows; ++i) {
    for_each_vec<T>(how.b.rows, [&](i64 j, int n) {
      Vec<T> sum = zero<T>();
      for (i64 k = 0; k < how.a.depth; ++k) {
        const T* const column = b + j * how.b.row_step + k * how.b.step;
        const Vec<T> factor = set(a[i * how.a.row_step + k * how.a.step]);
        sum = fma(factor, load_apart(column, how.b.row_step, n), sum);
      }
      T* const row = y + i * how.y.row_step + j * how.y.step;
      if (how.y.step == 1) return store_up_to(row, sum, n);
      for (int c = 0; c < n; ++c) row[c * how.y.step] = static_cast<T>(sum.v[c]);
    });
  }
}

template <class T>
void fill_normalization_rows(Kernels<T>& table) {
  table.column_sums = column_sums<T>;
  table.column_deviations = column_deviations<T>;
  table.column_moments = column_moments<T>;
  table.moving_average = moving_average<T>;
  table.normalization_scale = normalization_scale<T>;
  table.normalize_columns = normalize_columns<T>;
  table.normalize_columns_sums = normalized_sums<T, false>;
  table.normalize_columns_backward = normalize_columns_backward<T>;
  table.normalize_rows = normalize_rows<T>;
  table.normalize_rows_sums = normalized_sums<T, true>;
  table.normalize_rows_backward = normalize_rows_backward<T>;
  table.unit_rows = unit_rows<T>;
  table.unit_rows_backward = unit_rows_backward<T>;
  table.add = add<T>;
  table.multiply = multiply<T>;
  table.larger = larger<T>;
  table.larger_backward = larger_backward<T>;
  table.contract = contract<T>;
}

}  // namespace

void fill_normalization(Kernels<float>& table) { fill_normalization_rows(table); }
void fill_normalization(Kernels<double>& table) { fill_normalization_rows(table); }

}  // namespace mundur::MUNDUR_ISA

// Updates of parameters whose gradients are known, and what comes before those that wait for all.

#include "cpu/kernels/formulas/rules.h"
#include "cpu/kernels/isa/rows.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <Rule kRule, bool kPlain, class T>
void update_rows(const Update<T>& update, const T* g, i64 rows, i64 columns, i64 ldw, i64 ldg) {
  const Update<T> u = update;  // nothing that is stored can change it
  if (ldw == columns && ldg == columns) {
    columns *= rows;
    rows = 1;
  }
  for (i64 r = 0; r < rows; ++r) {
    for_each_vec<T>(columns, [&](i64 i, int n) MUNDUR_BODY {
      update_some<kRule, kPlain>(u, r * ldw + i, load_up_to(g + r * ldg + i, n), n);
    });
  }
}

template <class T, int... R>
MUNDUR_INLINE void update_by_rule(const Update<T>& u, const T* g, i64 rows, i64 columns, i64 ldw,
                                  i64 ldg, Indices<R...>) {
  using Run = void (*)(const Update<T>&, const T*, i64, i64, i64, i64);
  static constexpr Run kRuns[][2] = {
      {update_rows<static_cast<Rule>(R), false, T>, update_rows<static_cast<Rule>(R), true, T>}...};
  kRuns[static_cast<int>(u.rule)][u.plain](u, g, rows, columns, ldw, ldg);
}

template <class T>
void update(const Update<T>& u, const T* g, i64 rows, i64 columns, i64 ldw, i64 ldg) {
  update_by_rule(u, g, rows, columns, ldw, ldg, Counting<kRules>{});
}

template <class T>
void accumulate(T* sum, const T* g, i64 n) {
  map(sum, n, [](Vec<T> a, Vec<T> b) MUNDUR_BODY { return a + b; }, sum, g);
}

// ---- adafactor ----------------------------------------------------------------------------------

template <class T>
T squares_of_row(const Update<T>& u, const T* g, i64 n) {
  const auto square = [&](Vec<T> a) MUNDUR_BODY {
    const Vec<T> limit = limited(u, a);
    return limit * limit;
  };
  return lane_sum(n, square, g);
}

template <class T>
void squares_of_columns(T* sums, const Update<T>& u, const T* g, i64 rows, i64 columns, i64 ld) {
  for_each_vec<T>(columns, [&](i64 c, int n) MUNDUR_BODY {
    Vec<T> sum = zero<T>();
    for (i64 r = 0; r < rows; ++r) {
      const Vec<T> a = limited(u, load_up_to(g + r * ld + c, n));
      sum = fma(a, a, sum);
    }
    store_up_to(sums + c, sum, n);
  });
}

template <class T>
void blend_squares(T* v, const Update<T>& update, const T* g, i64 n) {
  const Update<T> u = update;
  const auto blended = [&](Vec<T> old, Vec<T> a) MUNDUR_BODY {
    const Vec<T> limit = limited(u, a);
    return blend(u.beta2, old, u.one_minus_beta2, fma(limit, limit, u.epsilon));
  };
  map(v, n, blended, v, g);
}

/// The two factors apart: their product would underflow where both are small.
template <class T>
MUNDUR_INLINE Vec<T> factored_step(const Update<T>& u, Vec<T> g, Vec<T> v, T row) {
  return limited(u, g) * row / sqrt(v);
}

template <class T>
T squares_of_steps(const Update<T>& u, const T* g, const T* v, T row, i64 n) {
  const auto square = [&](Vec<T> a, Vec<T> b) MUNDUR_BODY {
    const Vec<T> step = factored_step(u, a, b, row);
    return step * step;
  };
  return lane_sum(n, square, g, v);
}

template <class T>
void update_factored(const Update<T>& update, const T* g, const T* v, T row, i64 columns) {
  const Update<T> u = update;
  for_each_vec<T>(columns, [&](i64 i, int n) MUNDUR_BODY {
    const Vec<T> step = factored_step(u, load_up_to(g + i, n), load_up_to(v + i, n), row);
    Vec<T> w = fnma(u.lr, step, load_up_to(u.w + i, n) * u.keep);
    if (u.average) w = averaged(u, i, w, n);
    store_up_to(u.w + i, w, n);
  });
}

template <class T>
T power(T base, T exponent) {
  return first_lane(power_of(Vec<T>(base), exponent));
}

template <class T>
void fill_any(Kernels<T>& table) {
  table.update = update<T>;
  table.accumulate = accumulate<T>;
  table.sum_squares = sum_squares<T>;
  table.squares_of_row = squares_of_row<T>;
  table.squares_of_columns = squares_of_columns<T>;
  table.blend_squares = blend_squares<T>;
  table.squares_of_steps = squares_of_steps<T>;
  table.update_factored = update_factored<T>;
  table.power = power<T>;
}

}  // namespace

void fill_updates(Kernels<float>& table) { fill_any(table); }
void fill_updates(Kernels<double>& table) { fill_any(table); }

}  // namespace mundur::MUNDUR_ISA

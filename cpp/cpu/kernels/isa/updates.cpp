// Updates of parameters whose gradients are known, and what comes before those that wait for all.

#include "cpu/kernels/isa/factored.h"
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

template <class T>
void update_factored(const Update<T>& update, const T* g, const T* v, T row, i64 columns) {
  const Update<T> u = update;
  for_each_vec<T>(columns, [&](i64 i, int n) MUNDUR_BODY {
    update_factored_some(u, i, load_up_to(g + i, n), load_up_to(v + i, n), row, n);
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

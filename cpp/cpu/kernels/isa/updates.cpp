// Updates of parameters whose gradients are known, and what comes before those that wait for all.

#include "cpu/kernels/formulas/rules.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// `kPlain`: nothing stands around the rule.
template <Rule kRule, bool kPlain, class T>
MUNDUR_INLINE void update_some(const Update<T>& u, i64 i, Vec<T> g, int n) {
  Vec<T> state[3];
  const auto kept = [&](int k) MUNDUR_BODY {
    return k < states_of(kRule) || (kRule == Rule::rmsprop && u.state[k]);
  };
  for (int k = 0; k < 3; ++k) {
    if (kept(k)) state[k] = load_up_to(u.state[k] + i, n);
  }
  if constexpr (!kPlain) g = min(max(g * u.scale, -u.limit), u.limit);
  const Vec<T> step = step_of<kRule>(u, g, state);
  for (int k = 0; k < 3; ++k) {
    if (kept(k)) store_up_to(u.state[k] + i, state[k], n);
  }
  Vec<T> w = load_up_to(u.w + i, n);
  if constexpr (!kPlain) w = w * u.keep;
  w = fnma(u.lr, step, w);
  if (!kPlain && u.average) {
    const Vec<T> average = blend(u.ema, load_up_to(u.average + i, n), u.one_minus_ema, w);
    store_up_to(u.average + i, average, n);
    if (u.overwrite) w = average;
  }
  store_up_to(u.w + i, w, n);
}

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
double sum_squares(const T* g, i64 n) {
  double lanes[16] = {};
  i64 i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int lane = 0; lane < 16; ++lane) {
      const auto value = static_cast<double>(g[i + lane]);
      lanes[lane] += value * value;
    }
  }
  for (int lane = 0; i + lane < n; ++lane) {
    const auto value = static_cast<double>(g[i + lane]);
    lanes[lane] += value * value;
  }
  for (int half = 8; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

template <class T>
void fill_any(Kernels<T>& table) {
  table.update = update<T>;
  table.accumulate = accumulate<T>;
  table.sum_squares = sum_squares<T>;
}

}  // namespace

void fill_updates(Kernels<float>& table) { fill_any(table); }
void fill_updates(Kernels<double>& table) { fill_any(table); }

}  // namespace mundur::MUNDUR_ISA

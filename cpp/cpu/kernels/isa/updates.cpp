// Updates of parameters whose gradients are known, and what comes before those that wait for all.

#include "cpu/kernels/isa/updates.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
void accumulate(T* sum, const T* g, i64 n) {
  for_each_vec<T>(n, [&](i64 i, int some) MUNDUR_BODY {
    store_up_to(sum + i, load_up_to(sum + i, some) + load_up_to(g + i, some), some);
  });
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

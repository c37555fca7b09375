// Updates of the flat parameter vector, one pass each.

#include "kernels/isa/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// State that decays towards zero would linger in the subnormals, where a CPU is a hundred times
/// slower: below the smallest normal number it becomes +0. NaN stays.
template <class T>
MUNDUR_INLINE Vec<T> flush(Vec<T> state) {
  return select(less(abs(state), set<T>(Constants<T>::kSmallestNormal)), zero<T>(), state);
}

template <class T>
void sgd_plain(T* w, const T* g, i64 size, T lr) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    store_up_to(w + i, fnma(set<T>(lr), load_up_to(g + i, n), load_up_to(w + i, n)), n);
  });
}

template <bool kNesterov, class T>
void sgd_momentum(T* w, T* v, const T* g, i64 size, T lr, T momentum) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    const Vec<T> gradient = load_up_to(g + i, n);
    const Vec<T> velocity = flush(fma(set<T>(momentum), load_up_to(v + i, n), gradient));
    const Vec<T> step = kNesterov ? fma(set<T>(momentum), velocity, gradient) : velocity;
    store_up_to(v + i, velocity, n);
    store_up_to(w + i, fnma(set<T>(lr), step, load_up_to(w + i, n)), n);
  });
}

template <class T>
void sgd(T* w, T* v, const T* g, i64 size, T lr, T momentum, bool nesterov) {
  if (!v) return sgd_plain(w, g, size, lr);
  if (nesterov) return sgd_momentum<true>(w, v, g, size, lr, momentum);
  sgd_momentum<false>(w, v, g, size, lr, momentum);
}

template <class T>
void adam(T* w, T* m, T* v, const T* g, i64 size, T lr, T beta1, T beta2, T one_minus_beta1,
          T one_minus_beta2, T epsilon, T correction1, T correction2) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    const Vec<T> gradient = load_up_to(g + i, n);
    const Vec<T> mean =
        flush(fma(set<T>(one_minus_beta1), gradient, set<T>(beta1) * load_up_to(m + i, n)));
    // (1-β2)·g first: g² alone would overflow earlier.
    const Vec<T> square = flush(
        fma(set<T>(one_minus_beta2) * gradient, gradient, set<T>(beta2) * load_up_to(v + i, n)));
    const Vec<T> root = sqrt(square * set<T>(correction2)) + set<T>(epsilon);
    const Vec<T> step = mean * set<T>(correction1) / root;
    store_up_to(m + i, mean, n);
    store_up_to(v + i, square, n);
    store_up_to(w + i, fnma(set<T>(lr), step, load_up_to(w + i, n)), n);
  });
}

template <class T>
void fill_rows(Kernels<T>& table) {
  table.sgd = sgd<T>;
  table.adam = adam<T>;
}

}  // namespace

void fill_updates(Kernels<float>& table) { fill_rows(table); }
void fill_updates(Kernels<double>& table) { fill_rows(table); }

}  // namespace mundur::MUNDUR_ISA

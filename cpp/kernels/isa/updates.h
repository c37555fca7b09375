#pragma once

// The optimizers' rules on one register of parameters, and on a block of a matrix: for the update
// of all parameters in one pass, and for the tile that has just finished their gradient.

#include "kernels/isa/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// State that decays towards zero would linger in the subnormals, where a CPU is a hundred times
/// slower: below the smallest normal number it becomes +0. NaN stays.
template <class T>
MUNDUR_INLINE Vec<T> flush(Vec<T> state) {
  return select(less(abs(state), set<T>(Constants<T>::kSmallestNormal)), zero<T>(), state);
}

template <Rule kRule, class T>
MUNDUR_INLINE void update_some(const Update<T>& u, i64 i, Vec<T> gradient, int n) {
  Vec<T> step = gradient;
  if constexpr (kRule == Rule::momentum || kRule == Rule::nesterov) {
    T* v = u.state[0] + i;
    const Vec<T> velocity = flush(fma(set<T>(u.momentum), load_up_to(v, n), gradient));
    step = kRule == Rule::nesterov ? fma(set<T>(u.momentum), velocity, gradient) : velocity;
    store_up_to(v, velocity, n);
  } else if constexpr (kRule == Rule::adam) {
    T* m = u.state[0] + i;
    T* v = u.state[1] + i;
    const Vec<T> mean =
        flush(fma(set<T>(u.one_minus_beta1), gradient, set<T>(u.beta1) * load_up_to(m, n)));
    // (1-β2)·g first: g² alone would overflow earlier.
    const Vec<T> square = flush(
        fma(set<T>(u.one_minus_beta2) * gradient, gradient, set<T>(u.beta2) * load_up_to(v, n)));
    const Vec<T> root = sqrt(square * set<T>(u.correction2)) + set<T>(u.epsilon);
    step = mean * set<T>(u.correction1) / root;
    store_up_to(m, mean, n);
    store_up_to(v, square, n);
  }
  store_up_to(u.w + i, fnma(set<T>(u.lr), step, load_up_to(u.w + i, n)), n);
}

template <Rule kRule, class T>
void update_rows(const Update<T>& update, const T* g, i64 rows, i64 columns, i64 ldw, i64 ldg) {
  const Update<T> u = update;  // nothing that is stored can change it
  if (ldw == columns && ldg == columns) {
    columns *= rows;
    rows = 1;
  }
  for (i64 r = 0; r < rows; ++r) {
    for_each_vec<T>(columns, [&](i64 i, int n) MUNDUR_BODY {
      update_some<kRule>(u, r * ldw + i, load_up_to(g + r * ldg + i, n), n);
    });
  }
}

template <class T>
void update(const Update<T>& u, const T* g, i64 rows, i64 columns, i64 ldw, i64 ldg) {
  switch (u.rule) {
    case Rule::sgd:
      return update_rows<Rule::sgd>(u, g, rows, columns, ldw, ldg);
    case Rule::momentum:
      return update_rows<Rule::momentum>(u, g, rows, columns, ldw, ldg);
    case Rule::nesterov:
      return update_rows<Rule::nesterov>(u, g, rows, columns, ldw, ldg);
    case Rule::adam:
      return update_rows<Rule::adam>(u, g, rows, columns, ldw, ldg);
  }
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

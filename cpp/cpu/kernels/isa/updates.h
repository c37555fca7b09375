#pragma once

// The optimizers' rules on one register of parameters, and on a block of a matrix: for the update
// of all parameters in one pass, and for the tile that has just finished their gradient.

#include "cpu/kernels/isa/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// State that decays towards zero would linger in the subnormals, where a CPU is a hundred times
/// slower: below the smallest normal number it becomes +0. NaN stays.
template <class T>
MUNDUR_INLINE Vec<T> flush(Vec<T> state) {
  return select(less(abs(state), set<T>(Constants<T>::kSmallestNormal)), zero<T>(), state);
}

/// A running mean: keep·old + share·value.
template <class T>
MUNDUR_INLINE Vec<T> blend(T keep, const T* old, T share, Vec<T> value, int n) {
  return flush(fma(set<T>(share), value, set<T>(keep) * load_up_to(old, n)));
}

/// A running mean of squares. share·g first: g² alone would overflow earlier.
template <class T>
MUNDUR_INLINE Vec<T> blend_square(T keep, const T* old, T share, Vec<T> value, int n) {
  return flush(fma(set<T>(share) * value, value, set<T>(keep) * load_up_to(old, n)));
}

/// The sign as -1, +1 or a zero; NaN stays.
template <class T>
MUNDUR_INLINE Vec<T> sign(Vec<T> a) {
  const Vec<T> not_below = select(less(zero<T>(), a), set<T>(T(1)), a);
  return select(less(a, zero<T>()), set<T>(T(-1)), not_below);
}

/// What a rule subtracts from the parameters, over lr; moves its state on.
template <Rule kRule, class T>
MUNDUR_INLINE Vec<T> step_of(const Update<T>& u, i64 i, Vec<T> g, int n) {
  if constexpr (kRule == Rule::sgd) return g;
  T* const first = u.state[0] + i;
  // Null in some rules, which must not add to it.
  const auto second_at = [&]() MUNDUR_BODY { return u.state[1] + i; };
  if constexpr (kRule == Rule::momentum || kRule == Rule::nesterov) {
    const Vec<T> velocity = flush(fma(set<T>(u.momentum), load_up_to(first, n), g));
    store_up_to(first, velocity, n);
    return kRule == Rule::nesterov ? fma(set<T>(u.momentum), velocity, g) : velocity;
  } else if constexpr (kRule == Rule::adam || kRule == Rule::amsgrad || kRule == Rule::nadam) {
    T* const second = second_at();
    const Vec<T> mean = blend(u.beta1, first, u.one_minus_beta1, g, n);
    const Vec<T> square = blend_square(u.beta2, second, u.one_minus_beta2, g, n);
    Vec<T> most = square;
    if constexpr (kRule == Rule::amsgrad) {
      T* const greatest = u.state[2] + i;
      most = max(square, load_up_to(greatest, n));
      store_up_to(greatest, most, n);
    }
    const Vec<T> root = sqrt(most * set<T>(u.correction2)) + set<T>(u.epsilon);
    store_up_to(first, mean, n);
    store_up_to(second, square, n);
    Vec<T> ahead = mean * set<T>(u.correction1);
    if constexpr (kRule == Rule::nadam) ahead = fma(g, set<T>(u.share), ahead);
    return ahead / root;
  } else if constexpr (kRule == Rule::adamax) {
    T* const second = second_at();
    const Vec<T> mean = blend(u.beta1, first, u.one_minus_beta1, g, n);
    const Vec<T> most = max(abs(g) + set<T>(u.epsilon), set<T>(u.beta2) * load_up_to(second, n));
    store_up_to(first, mean, n);
    store_up_to(second, most, n);
    return mean * set<T>(u.correction1) / most;
  } else if constexpr (kRule == Rule::rmsprop) {
    const Vec<T> square = blend_square(u.beta2, first, u.one_minus_beta2, g, n);
    store_up_to(first, square, n);
    Vec<T> variance = square;
    if (u.state[2]) {
      T* const at = u.state[2] + i;
      const Vec<T> mean = blend(u.beta2, at, u.one_minus_beta2, g, n);
      store_up_to(at, mean, n);
      variance = max(fnma(mean, mean, square), zero<T>());
    }
    Vec<T> step = g / (sqrt(variance) + set<T>(u.epsilon));
    if (u.state[1]) {
      T* const second = second_at();
      step = flush(fma(set<T>(u.momentum), load_up_to(second, n), step));
      store_up_to(second, step, n);
    }
    return step;
  } else if constexpr (kRule == Rule::adagrad) {
    const Vec<T> sum = fma(g, g, load_up_to(first, n));
    store_up_to(first, sum, n);
    return g / (sqrt(sum) + set<T>(u.epsilon));
  } else if constexpr (kRule == Rule::adadelta) {
    T* const second = second_at();
    const Vec<T> epsilon = set<T>(u.epsilon);
    const Vec<T> square = blend_square(u.beta2, first, u.one_minus_beta2, g, n);
    store_up_to(first, square, n);
    const Vec<T> step = sqrt(load_up_to(second, n) + epsilon) / sqrt(square + epsilon) * g;
    store_up_to(second, blend_square(u.beta2, second, u.one_minus_beta2, step, n), n);
    return step;
  } else if constexpr (kRule == Rule::lion) {
    const Vec<T> old = load_up_to(first, n);
    store_up_to(first, blend(u.beta2, first, u.one_minus_beta2, g, n), n);
    return sign(fma(set<T>(u.one_minus_beta1), g, set<T>(u.beta1) * old));
  }
}

template <Rule kRule, bool kPlain, class T>
MUNDUR_INLINE void update_some(const Update<T>& u, i64 i, Vec<T> g, int n) {
  if constexpr (kPlain) {
    const Vec<T> step = step_of<kRule>(u, i, g, n);
    store_up_to(u.w + i, fnma(set<T>(u.lr), step, load_up_to(u.w + i, n)), n);
  } else {
    const Vec<T> limit = set<T>(u.limit);
    const Vec<T> step = step_of<kRule>(u, i, min(max(g * set<T>(u.scale), -limit), limit), n);
    Vec<T> w = fnma(set<T>(u.lr), step, load_up_to(u.w + i, n) * set<T>(u.keep));
    if (u.average) {
      const Vec<T> average = blend(u.ema, u.average + i, u.one_minus_ema, w, n);
      store_up_to(u.average + i, average, n);
      if (u.overwrite) w = average;
    }
    store_up_to(u.w + i, w, n);
  }
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

template <Rule kRule, class T>
void update_by(const Update<T>& u, const T* g, i64 rows, i64 columns, i64 ldw, i64 ldg) {
  return u.plain ? update_rows<kRule, true>(u, g, rows, columns, ldw, ldg)
                 : update_rows<kRule, false>(u, g, rows, columns, ldw, ldg);
}

template <class T>
void update(const Update<T>& u, const T* g, i64 rows, i64 columns, i64 ldw, i64 ldg) {
  switch (u.rule) {
    case Rule::sgd:
      return update_by<Rule::sgd>(u, g, rows, columns, ldw, ldg);
    case Rule::momentum:
      return update_by<Rule::momentum>(u, g, rows, columns, ldw, ldg);
    case Rule::nesterov:
      return update_by<Rule::nesterov>(u, g, rows, columns, ldw, ldg);
    case Rule::adam:
      return update_by<Rule::adam>(u, g, rows, columns, ldw, ldg);
    case Rule::amsgrad:
      return update_by<Rule::amsgrad>(u, g, rows, columns, ldw, ldg);
    case Rule::nadam:
      return update_by<Rule::nadam>(u, g, rows, columns, ldw, ldg);
    case Rule::adamax:
      return update_by<Rule::adamax>(u, g, rows, columns, ldw, ldg);
    case Rule::rmsprop:
      return update_by<Rule::rmsprop>(u, g, rows, columns, ldw, ldg);
    case Rule::adagrad:
      return update_by<Rule::adagrad>(u, g, rows, columns, ldw, ldg);
    case Rule::adadelta:
      return update_by<Rule::adadelta>(u, g, rows, columns, ldw, ldg);
    case Rule::lion:
      return update_by<Rule::lion>(u, g, rows, columns, ldw, ldg);
  }
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

#pragma once

// The optimizers' rules on one register of parameters; see Rule in cpu/kernels/table.h.

#include "cpu/kernels/formulas/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// State that decays towards zero would linger in the subnormals, where a CPU is a hundred times
/// slower: below the smallest normal number it becomes +0. NaN stays.
template <class T>
MUNDUR_INLINE Vec<T> flush(Vec<T> state) {
  return select(less(abs(state), Constants<T>::kSmallestNormal), 0, state);
}

/// A running mean: keep·old + share·value.
template <class T>
MUNDUR_INLINE Vec<T> blend(T keep, Vec<T> old, T share, Vec<T> value) {
  return flush(fma(share, value, keep * old));
}

/// A running mean of squares. share·g first: g² alone would overflow earlier.
template <class T>
MUNDUR_INLINE Vec<T> blend_square(T keep, Vec<T> old, T share, Vec<T> value) {
  return flush(fma(share * value, value, keep * old));
}

/// How many vectors of state a rule has in any case.
constexpr int states_of(Rule rule) {
  switch (rule) {
    case Rule::sgd:
      return 0;
    case Rule::amsgrad:
      return 3;
    case Rule::adam:
    case Rule::nadam:
    case Rule::adamax:
    case Rule::adadelta:
    case Rule::ftrl:
      return 2;
    default:
      return 1;
  }
}

/// a^p for a >= 0; √a to the last bit.
template <class T>
MUNDUR_INLINE Vec<T> power_of(Vec<T> a, T p) {
  if (p == T(0)) return 1;
  return p == T(0.5) ? sqrt(a) : exp(p * log(a));
}

/// What ftrl makes of w; moves its state s on.
template <class T>
MUNDUR_INLINE Vec<T> ftrl_step(const Update<T>& u, Vec<T> g, Vec<T> w, Vec<T> (&s)[3]) {
  if (u.lr == T(0)) return w;
  const Vec<T> before = power_of(s[0], u.power);
  s[0] = fma(g, g, s[0]);
  const Vec<T> after = power_of(s[0], u.power);
  s[1] = s[1] + fnma((after - before) / u.lr, w, fma(u.two_shrinkage, w, g));
  const Vec<T> clipped = min(max(s[1], -u.l1), u.l1);
  return (clipped - s[1]) / ((after + u.beta) / u.lr + u.two_l2);
}

/// The gradient as the limits leave it.
template <class T>
MUNDUR_INLINE Vec<T> limited(const Update<T>& u, Vec<T> g) {
  return min(max(g * u.scale, -u.limit), u.limit);
}

/// What a rule subtracts from the parameters, over lr; moves its state s on.
template <Rule kRule, class T>
MUNDUR_INLINE Vec<T> step_of(const Update<T>& u, Vec<T> g, Vec<T> (&s)[3]) {
  if constexpr (kRule == Rule::sgd) {
    return g;
  } else if constexpr (kRule == Rule::momentum || kRule == Rule::nesterov) {
    s[0] = flush(fma(u.momentum, s[0], g));
    return kRule == Rule::nesterov ? fma(u.momentum, s[0], g) : s[0];
  } else if constexpr (kRule == Rule::adam || kRule == Rule::amsgrad || kRule == Rule::nadam) {
    s[0] = blend(u.beta1, s[0], u.one_minus_beta1, g);
    s[1] = blend_square(u.beta2, s[1], u.one_minus_beta2, g);
    if constexpr (kRule == Rule::amsgrad) s[2] = max(s[1], s[2]);
    const Vec<T> most = kRule == Rule::amsgrad ? s[2] : s[1];
    Vec<T> ahead = s[0] * u.correction1;
    if constexpr (kRule == Rule::nadam) ahead = fma(g, u.share, ahead);
    return ahead / (sqrt(most * u.correction2) + u.epsilon);
  } else if constexpr (kRule == Rule::adamax) {
    s[0] = blend(u.beta1, s[0], u.one_minus_beta1, g);
    s[1] = max(abs(g) + u.epsilon, u.beta2 * s[1]);
    return s[0] * u.correction1 / s[1];
  } else if constexpr (kRule == Rule::rmsprop) {
    s[0] = blend_square(u.beta2, s[0], u.one_minus_beta2, g);
    Vec<T> variance = s[0];
    if (u.state[2]) {
      s[2] = blend(u.beta2, s[2], u.one_minus_beta2, g);
      variance = max(fnma(s[2], s[2], s[0]), 0);
    }
    const Vec<T> step = g / (sqrt(variance) + u.epsilon);
    return u.state[1] ? s[1] = flush(fma(u.momentum, s[1], step)) : step;
  } else if constexpr (kRule == Rule::adagrad) {
    s[0] = fma(g, g, s[0]);
    return g / (sqrt(s[0]) + u.epsilon);
  } else if constexpr (kRule == Rule::adadelta) {
    s[0] = blend_square(u.beta2, s[0], u.one_minus_beta2, g);
    const Vec<T> step = sqrt(s[1] + u.epsilon) / sqrt(s[0] + u.epsilon) * g;
    s[1] = blend_square(u.beta2, s[1], u.one_minus_beta2, step);
    return step;
  } else if constexpr (kRule == Rule::lion) {
    const Vec<T> step = sign(fma(u.one_minus_beta1, g, u.beta1 * s[0]));
    s[0] = blend(u.beta2, s[0], u.one_minus_beta2, g);
    return step;
  }
}

/// w of the n parameters from number i on goes into their mean, or becomes it.
template <class T>
MUNDUR_INLINE Vec<T> averaged(const Update<T>& u, i64 i, Vec<T> w, int n) {
  const Vec<T> average = blend(u.ema, load_up_to(u.average + i, n), u.one_minus_ema, w);
  store_up_to(u.average + i, average, n);
  return u.overwrite ? average : w;
}

/// The rule and what stands around it, on the n parameters from number i on. `kPlain`: nothing
/// does.
template <Rule kRule, bool kPlain, class T>
MUNDUR_INLINE void update_some(const Update<T>& u, i64 i, Vec<T> g, int n) {
  Vec<T> state[3];
  const auto kept = [&](int k) MUNDUR_BODY {
    return k < states_of(kRule) || (kRule == Rule::rmsprop && u.state[k]);
  };
  for (int k = 0; k < 3; ++k) {
    if (kept(k)) state[k] = load_up_to(u.state[k] + i, n);
  }
  if constexpr (!kPlain) g = limited(u, g);
  Vec<T> w = load_up_to(u.w + i, n);
  if constexpr (!kPlain) w = w * u.keep;
  if constexpr (kRule == Rule::ftrl) {
    w = ftrl_step(u, g, w, state);
  } else {
    w = fnma(u.lr, step_of<kRule>(u, g, state), w);
  }
  for (int k = 0; k < 3; ++k) {
    if (kept(k)) store_up_to(u.state[k] + i, state[k], n);
  }
  if (!kPlain && u.average) w = averaged(u, i, w, n);
  store_up_to(u.w + i, w, n);
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

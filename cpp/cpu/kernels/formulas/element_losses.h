#pragma once

// Losses of one element: the value, and the derivative with respect to the prediction p.

#include "cpu/kernels/formulas/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// Where logarithms and quotients would end; Keras's number.
template <class T>
constexpr T kEpsilon = T(1e-7);

// Probabilities are clipped for the value; the gradient is that of the clipped function, 0 outside.
template <class T>
MUNDUR_INLINE Vec<T> clip(Vec<T> p) {
  return min(max(p, kEpsilon<T>), T(1) - kEpsilon<T>);
}

template <class T>
MUNDUR_INLINE Vec<T> zero_where_clipped(Vec<T> p, Vec<T> derivative) {
  const Mask<T> outside = less(p, kEpsilon<T>) | less(T(1) - kEpsilon<T>, p);
  return select(outside, 0, derivative);
}

/// Targets drawn towards the even ones: y·keep + share. Without smoothing that is y itself.
template <class T>
struct Smoothing {
  T keep = T(1), share = T(0);
  static MUNDUR_INLINE Smoothing of(double smoothing, i64 classes) {
    return {static_cast<T>(1.0 - smoothing),
            static_cast<T>(smoothing / static_cast<double>(classes))};
  }
  MUNDUR_INLINE Vec<T> operator()(Vec<T> y) const { return fma(y, keep, share); }
};

// ---- numbers ------------------------------------------------------------------------------------

template <class T>
struct SquaredError {
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const { return (p - y) * (p - y); }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const { return (p - y) + (p - y); }
};

template <class T>
struct AbsoluteError {
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const { return abs(p - y); }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const { return sign(p - y); }
};

template <class T>
struct AbsolutePercentageError {
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    return 100 * (abs(p - y) / max(abs(y), kEpsilon<T>));
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    return 100 * (sign(p - y) / max(abs(y), kEpsilon<T>));
  }
};

template <class T>
struct SquaredLogarithmicError {
  static MUNDUR_INLINE Vec<T> error(Vec<T> p, Vec<T> y) {
    return log1p(max(p, kEpsilon<T>)) - log1p(max(y, kEpsilon<T>));
  }
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    const Vec<T> e = error(p, y);
    return e * e;
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    const Vec<T> e = error(p, y);
    return select(less(p, kEpsilon<T>), 0, (e + e) / (1 + p));
  }
};

template <class T>
struct Huber {
  T delta;
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    const Vec<T> half = 0.5, end = delta, e = abs(p - y);
    return select(less(end, e), end * fnma(half, end, e), half * e * e);
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    return min(max(p - y, -delta), delta);
  }
};

template <class T>
struct LogCosh {
  /// log cosh e = |e| - log(1 + tanh |e|) = -log(1 - tanh² e) / 2: the first form for large errors,
  /// where cosh would overflow, the second for small ones, whose digits the first would cancel.
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    const Vec<T> half = 0.5, e = abs(p - y), t = tanh(e);
    const Mask<T> small = less(e, half);
    const Vec<T> part = log1p(select(small, -(t * t), t));
    return select(small, -(half * part), e - part);
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const { return tanh(p - y); }
};

template <class T>
struct Poisson {
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const { return fnma(y, log(p + kEpsilon<T>), p); }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const { return 1 - y / (p + kEpsilon<T>); }
};

// ---- classes ------------------------------------------------------------------------------------

template <class T>
struct BinaryCrossentropy {
  Smoothing<T> smooth;
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> target) const {
    const Vec<T> inside = clip(p), one = 1, y = smooth(target);
    return -fma(y, log(inside), (one - y) * log(one - inside));
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> target) const {
    return zero_where_clipped(p, (p - smooth(target)) / (p * (1 - p)));
  }
};

template <class T>
struct BinaryCrossentropyLogits {
  Smoothing<T> smooth;
  MUNDUR_INLINE Vec<T> value(Vec<T> z, Vec<T> y) const {
    return fnma(z, smooth(y), max(z, 0)) + log1p(exp(-abs(z)));
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> z, Vec<T> y) const { return sigmoid(z) - smooth(y); }
};

/// Sigmoid with binary cross-entropy behind p: the derivative with respect to the logits.
template <class T>
struct FusedBinaryCrossentropy {
  Smoothing<T> smooth;
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const { return p - smooth(y); }
};

template <class T>
struct CategoricalCrossentropy {
  Smoothing<T> smooth;
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const { return -(smooth(y) * log(clip(p))); }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    return zero_where_clipped(p, 0 - smooth(y) / p);
  }
};

/// q^γ for q in [0, 1], and that over q; 0 for q = 0.
template <class T>
struct Focus {
  T gamma;
  MUNDUR_INLINE Vec<T> power(Vec<T> q) const {
    if (gamma == T(0)) return 1;
    return exp(gamma * log(q));
  }
  static MUNDUR_INLINE Vec<T> over(Vec<T> a, Vec<T> q) { return select(equal(q, 0), 0, a / q); }
};

/// q^γ times the cross-entropy, q = y (1 - p) + (1 - y) p: what is wrong with the answer p.
template <class T>
struct BinaryFocal {
  Smoothing<T> smooth;
  Focus<T> focus;
  T positive, negative;
  MUNDUR_INLINE Vec<T> balance(Vec<T> y) const { return fma(y, positive, (1 - y) * negative); }
  static MUNDUR_INLINE Vec<T> wrong(Vec<T> p, Vec<T> rest, Vec<T> y) {
    return fma(y, rest, (1 - y) * p);
  }
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> target) const {
    const Vec<T> y = smooth(target);
    const Vec<T> ce = BinaryCrossentropy<T>{}.value(p, y);
    return balance(y) * (focus.power(wrong(p, 1 - p, y)) * ce);
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> target) const {
    const Vec<T> one = 1, y = smooth(target), q = wrong(p, one - p, y);
    const Vec<T> ce = BinaryCrossentropy<T>{}.value(p, y), power = focus.power(q);
    const Vec<T> bend = focus.gamma * (one - (y + y)) * Focus<T>::over(power, q);
    const Vec<T> slope = BinaryCrossentropy<T>{}.derivative(p, y);
    return zero_where_clipped(p, balance(y) * fma(bend, ce, power * slope));
  }
};

template <class T>
struct BinaryFocalLogits {
  BinaryFocal<T> focal;
  MUNDUR_INLINE Vec<T> value(Vec<T> z, Vec<T> target) const {
    const Vec<T> y = focal.smooth(target), q = focal.wrong(sigmoid(z), sigmoid(-z), y);
    const Vec<T> ce = BinaryCrossentropyLogits<T>{}.value(z, y);
    return focal.balance(y) * (focal.focus.power(q) * ce);
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> z, Vec<T> target) const {
    const Vec<T> one = 1, y = focal.smooth(target);
    const Vec<T> p = sigmoid(z), rest = sigmoid(-z), q = focal.wrong(p, rest, y);
    const Vec<T> ce = BinaryCrossentropyLogits<T>{}.value(z, y), power = focal.focus.power(q);
    // q is never below the smaller of p and 1 - p: their product over it stays below 1.
    const Vec<T> bend = focal.focus.gamma * (one - (y + y)) * (power * Focus<T>::over(p * rest, q));
    return focal.balance(y) * fma(bend, ce, power * (p - y));
  }
};

/// α (1 - p)^γ times each term of the cross-entropy.
template <class T>
struct CategoricalFocal {
  Smoothing<T> smooth;
  Focus<T> focus;
  T positive;
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    const Vec<T> inside = clip(p);
    const Vec<T> factor = positive * focus.power(1 - inside);
    return -(smooth(y) * (factor * log(inside)));
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    const Vec<T> inside = clip(p), q = 1 - inside, power = focus.power(q);
    const Vec<T> bend = focus.gamma * Focus<T>::over(power, q) * log(inside);
    return zero_where_clipped(p, positive * (smooth(y) * (bend - power / inside)));
  }
};

/// The same from logits, with log p = (z - max) - log Σ exp(z - max), finite for any finite z, and
/// p = exp(log p).
template <class T>
struct LogFocal {
  CategoricalFocal<T> focal;
  T top, log_sum;
  MUNDUR_INLINE Vec<T> log_p(Vec<T> z) const { return (z - top) - log_sum; }
  MUNDUR_INLINE Vec<T> value(Vec<T> z, Vec<T> y) const {
    const Vec<T> log = log_p(z), power = focal.focus.power(1 - exp(log));
    return -(focal.smooth(y) * (focal.positive * (power * log)));
  }
  /// p times its derivative by p.
  MUNDUR_INLINE Vec<T> pull(Vec<T> z, Vec<T> y) const {
    const Vec<T> log = log_p(z), p = exp(log), q = 1 - p, power = focal.focus.power(q);
    const Vec<T> bend = focal.focus.gamma * (Focus<T>::over(power, q) * (p * log));
    return focal.positive * (focal.smooth(y) * (bend - power));
  }
};

/// Both clipped to [1e-7, 1], as in Keras.
template <class T>
struct KLDivergence {
  static MUNDUR_INLINE Vec<T> inside(Vec<T> p) { return min(max(p, kEpsilon<T>), 1); }
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    return inside(y) * log(inside(y) / inside(p));
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    const Mask<T> outside = less(p, kEpsilon<T>) | less(1, p);
    return select(outside, 0, -(inside(y) / p));
  }
};

/// Targets of 0 and 1 count as -1 and 1.
template <class T>
struct Hinge {
  static MUNDUR_INLINE Vec<T> signs(Vec<T> y) { return select(equal(y, 0), -1, y); }
  static MUNDUR_INLINE Vec<T> margin(Vec<T> p, Vec<T> y) { return fnma(signs(y), p, 1); }
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const { return max(margin(p, y), 0); }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    // Of a NaN the margin itself.
    const Vec<T> m = margin(p, y);
    return select(greater(m, 0), -signs(y), max(m, 0));
  }
};

template <class T>
struct SquaredHinge {
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    const Vec<T> m = max(Hinge<T>::margin(p, y), 0);
    return m * m;
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    const Vec<T> m = max(Hinge<T>::margin(p, y), 0);
    return -(Hinge<T>::signs(y) * (m + m));
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

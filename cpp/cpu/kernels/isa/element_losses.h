#pragma once

// Losses of one element: the value, and the derivative with respect to the prediction p.

#include "cpu/kernels/isa/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// Where logarithms and quotients would end; Keras's number.
inline constexpr double kLossEpsilon = 1e-7;

template <class T>
MUNDUR_INLINE Vec<T> epsilon() {
  return set<T>(T(kLossEpsilon));
}

// Probabilities are clipped for the value; the gradient is that of the clipped function, 0 outside.
template <class T>
struct Clip {
  static constexpr T kLow = T(kLossEpsilon);
  static constexpr T kHigh = T(1) - T(kLossEpsilon);
};

template <class T>
MUNDUR_INLINE Vec<T> clip(Vec<T> p) {
  return min(max(p, set<T>(Clip<T>::kLow)), set<T>(Clip<T>::kHigh));
}

template <class T>
MUNDUR_INLINE Vec<T> zero_where_clipped(Vec<T> p, Vec<T> derivative) {
  const Mask<T> outside = less(p, set<T>(Clip<T>::kLow)) | less(set<T>(Clip<T>::kHigh), p);
  return select(outside, zero<T>(), derivative);
}

/// -1, ±0 or 1; NaN of NaN.
template <class T>
MUNDUR_INLINE Vec<T> sign(Vec<T> x) {
  const Vec<T> one = set<T>(T(1));
  return select(less(x, zero<T>()), -one, select(less(zero<T>(), x), one, x));
}

/// Targets drawn towards the even ones: y·keep + share. Without smoothing that is y itself.
template <class T>
struct Smoothing {
  T keep = T(1), share = T(0);
  static Smoothing of(double smoothing, i64 classes) {
    return {static_cast<T>(1.0 - smoothing),
            static_cast<T>(smoothing / static_cast<double>(classes))};
  }
  MUNDUR_INLINE Vec<T> operator()(Vec<T> y) const { return fma(y, set<T>(keep), set<T>(share)); }
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
    return set<T>(T(100)) * (abs(p - y) / max(abs(y), epsilon<T>()));
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    return set<T>(T(100)) * (sign(p - y) / max(abs(y), epsilon<T>()));
  }
};

template <class T>
struct SquaredLogarithmicError {
  static MUNDUR_INLINE Vec<T> error(Vec<T> p, Vec<T> y) {
    return log1p(max(p, epsilon<T>())) - log1p(max(y, epsilon<T>()));
  }
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    const Vec<T> e = error(p, y);
    return e * e;
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    const Vec<T> e = error(p, y);
    return select(less(p, epsilon<T>()), zero<T>(), (e + e) / (set<T>(T(1)) + p));
  }
};

template <class T>
struct Huber {
  T delta;
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    const Vec<T> half = set<T>(T(0.5)), end = set<T>(delta), e = abs(p - y);
    return select(less(end, e), end * fnma(half, end, e), half * e * e);
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    return min(max(p - y, set<T>(-delta)), set<T>(delta));
  }
};

template <class T>
struct LogCosh {
  /// log cosh e = |e| - log(1 + tanh |e|) = -log(1 - tanh² e) / 2: the first form for large errors,
  /// where cosh would overflow, the second for small ones, whose digits the first would cancel.
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    const Vec<T> half = set<T>(T(0.5)), e = abs(p - y), t = tanh(e);
    const Mask<T> small = less(e, half);
    const Vec<T> part = log1p(select(small, -(t * t), t));
    return select(small, -(half * part), e - part);
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const { return tanh(p - y); }
};

template <class T>
struct Poisson {
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const { return fnma(y, log(p + epsilon<T>()), p); }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    return set<T>(T(1)) - y / (p + epsilon<T>());
  }
};

// ---- classes ------------------------------------------------------------------------------------

template <class T>
struct BinaryCrossentropy {
  Smoothing<T> smooth;
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> target) const {
    const Vec<T> inside = clip(p), one = set<T>(T(1)), y = smooth(target);
    return -fma(y, log(inside), (one - y) * log(one - inside));
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> target) const {
    return zero_where_clipped(p, (p - smooth(target)) / (p * (set<T>(T(1)) - p)));
  }
};

template <class T>
struct BinaryCrossentropyLogits {
  Smoothing<T> smooth;
  MUNDUR_INLINE Vec<T> value(Vec<T> z, Vec<T> y) const {
    return fnma(z, smooth(y), max(z, zero<T>())) + log1p(exp(-abs(z)));
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
    return zero_where_clipped(p, zero<T>() - smooth(y) / p);
  }
};

/// q^γ for q in [0, 1], and that over q; 0 for q = 0.
template <class T>
struct Focus {
  T gamma;
  MUNDUR_INLINE Vec<T> power(Vec<T> q) const {
    if (gamma == T(0)) return set<T>(T(1));
    return exp(set<T>(gamma) * log(q));
  }
  static MUNDUR_INLINE Vec<T> over(Vec<T> a, Vec<T> q) {
    return select(equal(q, zero<T>()), zero<T>(), a / q);
  }
};

/// q^γ times the cross-entropy, q = y (1 - p) + (1 - y) p: what is wrong with the answer p.
template <class T>
struct BinaryFocal {
  Smoothing<T> smooth;
  Focus<T> focus;
  T positive, negative;
  MUNDUR_INLINE Vec<T> balance(Vec<T> y) const {
    return fma(y, set<T>(positive), (set<T>(T(1)) - y) * set<T>(negative));
  }
  static MUNDUR_INLINE Vec<T> wrong(Vec<T> p, Vec<T> rest, Vec<T> y) {
    return fma(y, rest, (set<T>(T(1)) - y) * p);
  }
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> target) const {
    const Vec<T> y = smooth(target);
    const Vec<T> ce = BinaryCrossentropy<T>{}.value(p, y);
    return balance(y) * (focus.power(wrong(p, set<T>(T(1)) - p, y)) * ce);
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> target) const {
    const Vec<T> one = set<T>(T(1)), y = smooth(target), q = wrong(p, one - p, y);
    const Vec<T> ce = BinaryCrossentropy<T>{}.value(p, y), power = focus.power(q);
    const Vec<T> bend = set<T>(focus.gamma) * (one - (y + y)) * Focus<T>::over(power, q);
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
    const Vec<T> one = set<T>(T(1)), y = focal.smooth(target);
    const Vec<T> p = sigmoid(z), rest = sigmoid(-z), q = focal.wrong(p, rest, y);
    const Vec<T> ce = BinaryCrossentropyLogits<T>{}.value(z, y), power = focal.focus.power(q);
    // q is never below the smaller of p and 1 - p: their product over it stays below 1.
    const Vec<T> bend =
        set<T>(focal.focus.gamma) * (one - (y + y)) * (power * Focus<T>::over(p * rest, q));
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
    const Vec<T> factor = set<T>(positive) * focus.power(set<T>(T(1)) - inside);
    return -(smooth(y) * (factor * log(inside)));
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    const Vec<T> inside = clip(p), q = set<T>(T(1)) - inside, power = focus.power(q);
    const Vec<T> bend = set<T>(focus.gamma) * Focus<T>::over(power, q) * log(inside);
    return zero_where_clipped(p, set<T>(positive) * (smooth(y) * (bend - power / inside)));
  }
};

/// Both clipped to [1e-7, 1], as in Keras.
template <class T>
struct KLDivergence {
  static MUNDUR_INLINE Vec<T> inside(Vec<T> p) { return min(max(p, epsilon<T>()), set<T>(T(1))); }
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    return inside(y) * log(inside(y) / inside(p));
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    const Mask<T> outside = less(p, epsilon<T>()) | less(set<T>(T(1)), p);
    return select(outside, zero<T>(), -(inside(y) / p));
  }
};

/// Targets of 0 and 1 count as -1 and 1.
template <class T>
struct Hinge {
  static MUNDUR_INLINE Vec<T> signs(Vec<T> y) {
    return select(equal(y, zero<T>()), set<T>(T(-1)), y);
  }
  static MUNDUR_INLINE Vec<T> margin(Vec<T> p, Vec<T> y) { return fnma(signs(y), p, set<T>(T(1))); }
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const { return max(margin(p, y), zero<T>()); }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    // Of a NaN the margin itself.
    const Vec<T> m = margin(p, y);
    return select(less(zero<T>(), m), -signs(y), max(m, zero<T>()));
  }
};

template <class T>
struct SquaredHinge {
  MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) const {
    const Vec<T> m = max(Hinge<T>::margin(p, y), zero<T>());
    return m * m;
  }
  MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) const {
    const Vec<T> m = max(Hinge<T>::margin(p, y), zero<T>());
    return -(Hinge<T>::signs(y) * (m + m));
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

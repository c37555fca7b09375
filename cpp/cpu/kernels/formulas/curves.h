#pragma once

// Activations whose derivative is written through x (see Curve in mundur/types.h).
//
// Many are x·g(x) with a g that falls to 0 faster than x grows. There x is held at an end beyond
// which the product is 0 (or g' is): an infinite x would make 0·inf of it.

#include "cpu/kernels/formulas/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// x where exp is neither 0 nor infinite; a NaN stays.
template <class T>
MUNDUR_INLINE Vec<T> held(Vec<T> x) {
  using C = Constants<T>;
  return min(max(x, C::kExpLow), C::kExpHigh);
}
template <class T>
MUNDUR_INLINE Vec<T> held_below(Vec<T> x) {
  return max(x, Constants<T>::kExpLow);
}

/// `slope` where x is a number, else x.
template <class T>
MUNDUR_INLINE Vec<T> unless_nan(Vec<T> slope, Vec<T> x) {
  return select(is_nan(x), x, slope);
}

template <class T>
struct Rectifier {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T* p) {
    const Vec<T> slope = p[0], threshold = p[1];
    // Comparing the slope keeps 0·(-inf) and -0 away.
    const Vec<T> below = select(equal(slope, 0), unless_nan(Vec<T>(0), x), slope * (x - threshold));
    return select(greater(x, threshold), min(x, p[2]), below);
  }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T* p) {
    const Vec<T> above = select(less(x, p[2]), 1, 0);
    return unless_nan(select(greater(x, p[1]), above, p[0]), x);
  }
};

template <class T>
struct Elu {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T* p) {
    return select(less(x, 0), p[0] * expm1(x), x);
  }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T* p) {
    return unless_nan(select(less(x, 0), p[0] * exp(x), 1), x);
  }
};

template <class T>
struct Selu {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T* p) { return p[1] * Elu<T>::value(x, p); }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T* p) { return p[1] * Elu<T>::slope(x, p); }
};

/// Φ(x) = (1 + erf(x/√2)) / 2, the normal distribution function; Φ'(x) = e^(-x²/2) / √(2π).
template <class T>
struct Gelu {
  static constexpr double kHalfRoot = 0x1.6a09e667f3bcdp-1;     // √½
  static constexpr double kInverseRoot = 0x1.9884533d43651p-2;  // 1/√(2π)
  static MUNDUR_INLINE Vec<T> distribution(Vec<T> x) {
    const Vec<T> half = 0.5;
    return fma(half, erf(x * T(kHalfRoot)), half);
  }
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) { return held_below(x) * distribution(x); }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> a = held(x);
    const Vec<T> density = T(kInverseRoot) * exp(-0.5 * a * a);
    return fma(a, density, distribution(x));
  }
};

/// (1 + tanh u) / 2 = sigmoid(2u), which keeps its digits where it is small.
template <class T>
struct GeluTanh {
  static constexpr double kLinear = 0x1.9884533d43651p+0;  // 2√(2/π)
  static constexpr double kCubic = kLinear * 0.044715;
  static MUNDUR_INLINE Vec<T> share(Vec<T> a) {
    return sigmoid(a * fma(T(kCubic), a * a, T(kLinear)));
  }
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) { return held_below(x) * share(held(x)); }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> a = held(x), s = share(a);
    const Vec<T> inner = fma(T(3 * kCubic), a * a, T(kLinear));
    return fma(a * s * (1 - s), inner, s);
  }
};

template <class T>
struct Silu {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) { return held_below(x) * sigmoid(x); }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> s = sigmoid(x);
    return fma(held(x) * s, 1 - s, s);
  }
};

/// max(x, 0) + log(1 + e^-|x|): no exponential overflows.
template <class T>
struct Softplus {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) { return max(x, 0) + log1p(exp(-abs(x))); }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) { return sigmoid(x); }
};

template <class T>
struct Softsign {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    const Vec<T> a = abs(x), one = 1;
    const Mask<T> infinite = equal(a, Constants<T>::kInfinity);
    return select(infinite, copysign(one, x), x / (one + a));
  }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> one = 1, inverse = one / (one + abs(x));
    return inverse * inverse;
  }
};

/// With e = e^x and n = e (e + 2): tanh(log(1 + e)) = n / (n + 2), whose derivative by x is
/// 4 e (1 + e) / (n + 2)².
template <class T>
struct Mish {
  static MUNDUR_INLINE Vec<T> power(Vec<T> x) { return exp(min(x, Constants<T>::kTanhEnd)); }
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    const Vec<T> two = 2, e = power(x), n = e * (e + two);
    return held_below(x) * (n / (n + two));
  }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> two = 2, e = power(x), n = e * (e + two), sum = n + two;
    const Vec<T> steepness = 4 * (e / sum) * ((1 + e) / sum);
    const Vec<T> a = min(held_below(x), Constants<T>::kTanhEnd);
    return fma(a, steepness, n / sum);
  }
};

template <class T>
struct HardSigmoid {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    const Vec<T> six = 6;
    return min(max(x + 3, 0), six) / six;
  }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Mask<T> inside = less(abs(x), 3);
    return unless_nan(select(inside, T(1) / T(6), 0), x);
  }
};

template <class T>
struct HardSilu {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T* p) {
    return held_below(x) * HardSigmoid<T>::value(x, p);
  }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T* p) {
    return fma(held(x), HardSigmoid<T>::slope(x, p), HardSigmoid<T>::value(x, p));
  }
};

template <class T>
struct Exponential {
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) { return exp(x); }
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) { return exp(x); }
};

/// use(the struct of the curve).
template <class T, class Use>
MUNDUR_INLINE void with_curve(Curve f, Use use) {
#define MUNDUR_CASE(name, Struct) \
  case Curve::name:               \
    return use(Struct<T>{});
  switch (f) { MUNDUR_CURVES(MUNDUR_CASE) }
#undef MUNDUR_CASE
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

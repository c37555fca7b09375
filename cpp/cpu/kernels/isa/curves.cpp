// Activations whose derivative is written through x (see Curve in mundur/types.h).
//
// Many are x·g(x) with a g that falls to 0 faster than x grows. There x is held at an end beyond
// which the product is 0 (or g' is): an infinite x would make 0·inf of it.

#include "cpu/kernels/isa/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// x where exp is neither 0 nor infinite; a NaN stays.
template <class T>
MUNDUR_INLINE Vec<T> held(Vec<T> x) {
  using C = Constants<T>;
  return min(max(x, set<T>(C::kExpLow)), set<T>(C::kExpHigh));
}
template <class T>
MUNDUR_INLINE Vec<T> held_below(Vec<T> x) {
  return max(x, set<T>(Constants<T>::kExpLow));
}

/// `slope` where x is a number, else x.
template <class T>
MUNDUR_INLINE Vec<T> unless_nan(Vec<T> slope, Vec<T> x) {
  return select(is_nan(x), x, slope);
}

struct Rectifier {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T* p) {
    const Vec<T> slope = set<T>(p[0]), threshold = set<T>(p[1]);
    // Comparing the slope keeps 0·(-inf) and -0 away.
    const Vec<T> below =
        select(equal(slope, zero<T>()), unless_nan(zero<T>(), x), slope * (x - threshold));
    return select(greater(x, threshold), min(x, set<T>(p[2])), below);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T* p) {
    const Vec<T> above = select(less(x, set<T>(p[2])), set<T>(T(1)), zero<T>());
    return unless_nan(select(greater(x, set<T>(p[1])), above, set<T>(p[0])), x);
  }
};

struct Elu {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T* p) {
    return select(less(x, zero<T>()), set<T>(p[0]) * expm1(x), x);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T* p) {
    return unless_nan(select(less(x, zero<T>()), set<T>(p[0]) * exp(x), set<T>(T(1))), x);
  }
};

struct Selu {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T* p) {
    return set<T>(p[1]) * Elu::value(x, p);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T* p) {
    return set<T>(p[1]) * Elu::slope(x, p);
  }
};

/// Φ(x) = (1 + erf(x/√2)) / 2, the normal distribution function; Φ'(x) = e^(-x²/2) / √(2π).
struct Gelu {
  static constexpr double kHalfRoot = 0x1.6a09e667f3bcdp-1;     // √½
  static constexpr double kInverseRoot = 0x1.9884533d43651p-2;  // 1/√(2π)
  template <class T>
  static MUNDUR_INLINE Vec<T> distribution(Vec<T> x) {
    const Vec<T> half = set<T>(T(0.5));
    return fma(half, erf(x * set<T>(T(kHalfRoot))), half);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    return held_below(x) * distribution(x);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> a = held(x);
    const Vec<T> density = set<T>(T(kInverseRoot)) * exp(set<T>(T(-0.5)) * a * a);
    return fma(a, density, distribution(x));
  }
};

/// (1 + tanh u) / 2 = sigmoid(2u), which keeps its digits where it is small.
struct GeluTanh {
  static constexpr double kLinear = 0x1.9884533d43651p+0;  // 2√(2/π)
  static constexpr double kCubic = kLinear * 0.044715;
  template <class T>
  static MUNDUR_INLINE Vec<T> share(Vec<T> a) {
    return sigmoid(a * fma(set<T>(T(kCubic)), a * a, set<T>(T(kLinear))));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    return held_below(x) * share(held(x));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> a = held(x), s = share(a);
    const Vec<T> inner = fma(set<T>(T(3 * kCubic)), a * a, set<T>(T(kLinear)));
    return fma(a * s * (set<T>(T(1)) - s), inner, s);
  }
};

struct Silu {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    return held_below(x) * sigmoid(x);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> s = sigmoid(x);
    return fma(held(x) * s, set<T>(T(1)) - s, s);
  }
};

/// max(x, 0) + log(1 + e^-|x|): no exponential overflows.
struct Softplus {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    return max(x, zero<T>()) + log1p(exp(-abs(x)));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    return sigmoid(x);
  }
};

struct Softsign {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    const Vec<T> a = abs(x), one = set<T>(T(1));
    const Mask<T> infinite = equal(a, set<T>(Constants<T>::kInfinity));
    return select(infinite, copysign(one, x), x / (one + a));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> one = set<T>(T(1)), inverse = one / (one + abs(x));
    return inverse * inverse;
  }
};

/// With e = e^x and n = e (e + 2): tanh(log(1 + e)) = n / (n + 2), whose derivative by x is
/// 4 e (1 + e) / (n + 2)².
struct Mish {
  template <class T>
  static MUNDUR_INLINE Vec<T> power(Vec<T> x) {
    return exp(min(x, set<T>(Constants<T>::kTanhEnd)));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    const Vec<T> two = set<T>(T(2)), e = power(x), n = e * (e + two);
    return held_below(x) * (n / (n + two));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Vec<T> two = set<T>(T(2)), e = power(x), n = e * (e + two), sum = n + two;
    const Vec<T> steepness = set<T>(T(4)) * (e / sum) * ((set<T>(T(1)) + e) / sum);
    const Vec<T> a = min(held_below(x), set<T>(Constants<T>::kTanhEnd));
    return fma(a, steepness, n / sum);
  }
};

struct HardSigmoid {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    const Vec<T> six = set<T>(T(6));
    return min(max(x + set<T>(T(3)), zero<T>()), six) / six;
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    const Mask<T> inside = less(abs(x), set<T>(T(3)));
    return unless_nan(select(inside, set<T>(T(1) / T(6)), zero<T>()), x);
  }
};

struct HardSilu {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T* p) {
    return held_below(x) * HardSigmoid::value(x, p);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T* p) {
    return fma(held(x), HardSigmoid::slope(x, p), HardSigmoid::value(x, p));
  }
};

struct Exponential {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x, const T*) {
    return exp(x);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> slope(Vec<T> x, const T*) {
    return exp(x);
  }
};

template <class F, class T>
void apply(T* y, const T* x, i64 size, const T* p) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    store_up_to(y + i, F::value(load_up_to(x + i, n), p), n);
  });
}

template <class F, class T>
void apply_backward(T* dx, const T* x, const T* dy, i64 size, const T* p) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    store_up_to(dx + i, load_up_to(dy + i, n) * F::slope(load_up_to(x + i, n), p), n);
  });
}

/// f(the struct of the curve).
template <class F>
MUNDUR_INLINE void with(Curve curve, F f) {
  switch (curve) {
    case Curve::rectifier:
      return f(Rectifier{});
    case Curve::elu:
      return f(Elu{});
    case Curve::selu:
      return f(Selu{});
    case Curve::gelu:
      return f(Gelu{});
    case Curve::gelu_tanh:
      return f(GeluTanh{});
    case Curve::silu:
      return f(Silu{});
    case Curve::softplus:
      return f(Softplus{});
    case Curve::softsign:
      return f(Softsign{});
    case Curve::mish:
      return f(Mish{});
    case Curve::hard_sigmoid:
      return f(HardSigmoid{});
    case Curve::hard_silu:
      return f(HardSilu{});
    case Curve::exponential:
      return f(Exponential{});
  }
}

template <class T>
void curve(T* y, const T* x, i64 size, Curve curve, const T* p) {
  with(curve, [&](auto f) { apply<decltype(f)>(y, x, size, p); });
}

template <class T>
void curve_backward(T* dx, const T* x, const T* dy, i64 size, Curve curve, const T* p) {
  with(curve, [&](auto f) { apply_backward<decltype(f)>(dx, x, dy, size, p); });
}

template <class T>
void fill_rows(Kernels<T>& table) {
  table.curve = curve<T>;
  table.curve_backward = curve_backward<T>;
}

}  // namespace

void fill_curves(Kernels<float>& table) { fill_rows(table); }
void fill_curves(Kernels<double>& table) { fill_rows(table); }

}  // namespace mundur::MUNDUR_ISA

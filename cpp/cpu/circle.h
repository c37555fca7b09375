#pragma once

// Sine and cosine of whole turns, by exact reduction and Taylor's series in plain IEEE operations:
// the same bits wherever they are computed.

#include <cmath>
#include <initializer_list>

#include "cpu/kernels/inline.h"

namespace mundur {

struct OnCircle {
  double cosine, sine;
};

/// cos 2πt and sin 2πt within 1 ulp, for |t| <= 2^40; at quarter turns they are 0, 1 and -1.
inline MUNDUR_DEVICE OnCircle on_circle(double t) {
  // What is left of t is no more than an eighth; both steps are exact.
  const double quarters = std::floor(4.0 * t + 0.5);
  const double r = t - 0.25 * quarters;
  // a + b = 2πr in twice the precision
  constexpr double kTurn = 6.283185307179586, kRest = 2.4492935982947064e-16;
  const double a = kTurn * r;
  const double b = std::fma(kTurn, r, -a) + kRest * r;
  const double aa = a * a;
  // sin a = a - a³/3! + a⁵/5! - ..., cos a = 1 - a²/2! + a⁴/4! - ...: n! up to 17! and 16!
  double p = 1.0 / 355687428096000.0;
  for (double term : {-1.0 / 1307674368000.0, 1.0 / 6227020800.0, -1.0 / 39916800.0, 1.0 / 362880.0,
                      -1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0}) {
    p = term + aa * p;
  }
  double q = 1.0 / 20922789888000.0;
  for (double term : {-1.0 / 87178291200.0, 1.0 / 479001600.0, -1.0 / 3628800.0, 1.0 / 40320.0,
                      -1.0 / 720.0, 1.0 / 24.0}) {
    q = term + aa * q;
  }
  // of a + b: sin a + b cos a, cos a - b sin a; 1 - a²/2 with what its rounding leaves
  const double sine = a + (aa * a * p + b * (1.0 - 0.5 * aa));
  const double half = 0.5 * aa, rest = 0.5 * std::fma(a, a, -aa);
  const double cosine_first = 1.0 - half;
  const double cosine =
      cosine_first + (((1.0 - cosine_first) - half) + (aa * aa * q - rest - a * b));
  const double turned = quarters - 4.0 * std::floor(0.25 * quarters);
  if (turned == 0.0) return {cosine, sine};
  if (turned == 1.0) return {-sine, cosine};
  if (turned == 2.0) return {-cosine, -sine};
  return {sine, -cosine};
}

}  // namespace mundur

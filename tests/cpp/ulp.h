#pragma once

// How far a kernel's exp, log, tanh, sigmoid or erf is from the truth, in units of the last place.
// The truth is libm's, in a type so much wider that its own error (below an ulp of that type) does
// not show in the digits printed.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "cpu/kernels/table.h"

namespace ulp {

inline constexpr const char* kNames[] = {"exp", "log", "tanh", "sigmoid", "erf"};
inline constexpr int kFunctions = 5;

template <class T>
struct Wider;
template <>
struct Wider<float> {
  using Type = double;
};
template <>
struct Wider<double> {
  using Type = long double;
};
static_assert(std::numeric_limits<long double>::digits >= 64, "long double is no wider here");

template <class Wide>
Wide exact(int function, Wide x) {
  switch (function) {
    case 0:
      return std::exp(x);
    case 1:
      return std::log(x);
    case 2:
      return std::tanh(x);
    case 3:
      return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
    default:
      return std::erf(x);
  }
}

/// Distance of `found` from `wide` in units of the last place of T at `wide`; 0.5 where it is the
/// nearest T, which takes no measuring; 1e9 where one is finite or a NaN and the other is not.
template <class T, class Wide>
double error(T found, Wide wide) {
  using Limits = std::numeric_limits<T>;
  const T rounded = static_cast<T>(wide);
  if (found == rounded || (found != found && rounded != rounded)) return 0.5;
  if (!std::isfinite(found) || !std::isfinite(rounded)) return 1e9;
  int exponent;
  std::frexp(wide, &exponent);
  const int lowest = Limits::min_exponent - Limits::digits;
  const Wide unit = std::ldexp(Wide(1), std::max(exponent - Limits::digits, lowest));
  return static_cast<double>(std::fabs(static_cast<Wide>(found) - wide) / unit);
}

/// The largest error of y[n] as the function of x[n].
template <class T>
double worst(int function, const T* y, const T* x, std::int64_t n) {
  using Wide = typename Wider<T>::Type;
  double largest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    largest = std::max(largest, error(y[i], exact(function, static_cast<Wide>(x[i]))));
  }
  return largest;
}

}  // namespace ulp

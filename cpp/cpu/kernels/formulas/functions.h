#pragma once

// exp, log, tanh, sigmoid and erf of one register: our own polynomials in explicit fused
// multiply-adds, so that every instruction set gives the same bits. The coefficients are minimax
// fits (Remez exchange in 50 digits of the weighted relative error; coefficients rounded one after
// another, the lowest first, the rest fitted again). The bounds beside them are those of the
// polynomial, as a share of the function's value.
//
// Largest error in units of the last place, subnormal results included; infinities and NaN exact:
//
//            float32, every value    float64, 12 million samples
//   exp      0.990                   0.980
//   log      0.827                   0.829
//   tanh     1.640                   1.909
//   sigmoid  0.981                   0.966
//   erf      1.159                   1.173

#include "cpu/kernels/isa/vec.h"

// Where lanes are plain arrays a call costs nothing beside the arithmetic, and inlining everything
// everywhere costs the compiler minutes.
#if defined(MUNDUR_ISA_generic) || defined(MUNDUR_ISA_lane)
#define MUNDUR_FUNCTION MUNDUR_DEVICE __attribute__((noinline))
#else
#define MUNDUR_FUNCTION MUNDUR_INLINE
#endif

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Constants;

template <>
struct Constants<float> {
  static constexpr float kInfinity = __builtin_inff();
  static constexpr float kNan = __builtin_nanf("");
  static constexpr float kSmallestNormal = 0x1p-126f;
  static constexpr float kLog2E = 0x1.715476p+0f;
  static constexpr float kSqrt2 = 0x1.6a09e6p+0f;
  // ln 2 in two parts; the high one times a whole number below 2^9 is exact.
  static constexpr float kLn2High = 0x1.62e4p-1f;
  static constexpr float kLn2Low = 0x1.7f7d1cp-20f;
  // exp is 0 below and infinity above; tanh is 1 beyond half of kTanhEnd, erf beyond kErfEnd.
  static constexpr float kExpLow = -104.5f, kExpHigh = 89.0f, kTanhEnd = 20.0f, kErfEnd = 4.0f;
  // What lifts every subnormal into the normal range, and its exponent.
  static constexpr float kLift = 0x1p25f, kLiftExponent = 25.0f;

  // (e^r - 1 - r) / r² on |r| <= ln 2 / 2: 2^-28.2 of e^r - 1.
  static constexpr float kExp[] = {0x1p-1f,        0x1.55552cp-3f,  0x1.555502p-5f,
                                   0x1.115684p-7f, 0x1.6d2e3ap-10f, 0x1.38fbfcp-13f};
  // (2 artanh(s)/s - 2) / s² in s², s = f / (2 + f), 1 + f between √½ and √2: 2^-30.2 of log(1 +
  // f).
  static constexpr float kLog[] = {0x1.55557ap-1f, 0x1.995ec2p-2f, 0x1.31e3fap-2f};
  // erf(x)/x - 1 in x² on [0, 1]: 2^-29.4 of erf x.
  static constexpr float kErfSmall[] = {0x1.06eba8p-3f,  -0x1.81273ep-2f, 0x1.ce2ce6p-4f,
                                        -0x1.b7f71ap-6f, 0x1.53f224p-8f,  -0x1.a3515cp-11f,
                                        0x1.4771eap-14f};
  // -log(erfc(2 + t)) on -1 <= t <= 2: 2^-30.4 of erf(2 + t).
  static constexpr float kErfLarge[] = {0x1.575b32p+2f,   0x1.1ac322p+2f,  0x1.d8f624p-1f,
                                        0x1.0e01b2p-6f,   -0x1.d1fa18p-9f, 0x1.77d05cp-11f,
                                        -0x1.60b7a2p-13f, 0x1.1e7b58p-17f};
};

template <>
struct Constants<double> {
  static constexpr double kInfinity = __builtin_inf();
  static constexpr double kNan = __builtin_nan("");
  static constexpr double kSmallestNormal = 0x1p-1022;
  static constexpr double kLog2E = 0x1.71547652b82fep+0;
  static constexpr double kSqrt2 = 0x1.6a09e667f3bcdp+0;
  static constexpr double kLn2High = 0x1.62e42feep-1;
  static constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  static constexpr double kExpLow = -746.0, kExpHigh = 710.0, kTanhEnd = 44.0, kErfEnd = 6.0;
  static constexpr double kLift = 0x1p54, kLiftExponent = 54.0;

  // As above; 2^-61.4.
  static constexpr double kExp[] = {0x1p-1,
                                    0x1.5555555555559p-3,
                                    0x1.5555555555559p-5,
                                    0x1.111111110f6f5p-7,
                                    0x1.6c16c16c16458p-10,
                                    0x1.a01a01afa48fbp-13,
                                    0x1.a01a019ff5993p-16,
                                    0x1.71ddf938e9e56p-19,
                                    0x1.27e4f52b5ab03p-22,
                                    0x1.af5cd41127170p-26,
                                    0x1.1f3db3a63ca66p-29};
  // 2^-59.5.
  static constexpr double kLog[] = {
      0x1.5555555555593p-1, 0x1.999999997f98bp-2, 0x1.24924942340f6p-2, 0x1.c71c51cd9754ap-3,
      0x1.74664c28bc453p-3, 0x1.39a04d64a2222p-3, 0x1.2f14a0cc4eadcp-3};
  // 2^-56.0.
  static constexpr double kErfSmall[] = {
      0x1.06eba8214db68p-3,  -0x1.812746b0379a9p-2,  0x1.ce2f21a040748p-4,  -0x1.b82ce311f8df5p-6,
      0x1.565bccfaeb429p-8,  -0x1.c02db0b4eb7fdp-11, 0x1.f9a2c911e71dap-14, -0x1.f4cb4c798d62dp-17,
      0x1.b98a81f245025p-20, -0x1.5c4bdd6ef8dbfp-23, 0x1.d9041b7725bc2p-27, -0x1.b177ff7adcf9dp-31};
  // On -1 <= t <= 4: 2^-57.6.
  static constexpr double kErfLarge[] = {
      0x1.575b329b1f516p+2,   0x1.1ac3258a8dc27p+2,   0x1.d8f5dece92186p-1,
      0x1.0dc3b5fb11d66p-6,   -0x1.d406b37103d38p-9,  0x1.7ffcfb527d97ep-11,
      -0x1.1bc3a70a4586fp-13, 0x1.5b6562f3201b6p-16,  -0x1.0603ac8fa1537p-19,
      -0x1.b536594faabc0p-23, 0x1.73d7851a84e8dp-23,  -0x1.f12325aae0d11p-25,
      0x1.e10d7a2dce358p-27,  -0x1.546acb9bc64a2p-29, 0x1.091a9aa3b8647p-32,
      0x1.400d91db2ca7dp-36,  -0x1.90f041ea471c9p-36, 0x1.d4019f210e7d4p-37,
      -0x1.1ba12d634cfb6p-38, 0x1.fc7b749ef06ddp-42};
};

/// The nearest whole number, ties to even; |a| < 2^22 (float), 2^51 (double).
template <class T>
MUNDUR_INLINE Vec<T> round_even(Vec<T> a) {
  return (a + Format<T>::kMagic) - Format<T>::kMagic;
}

/// a · 2^n, rounded once, for normal a near 1 and whole |n| below 250 (float), 2000 (double). In
/// two steps, since 2^n itself may lie outside the range; the first is exact. (AVX-512 has an
/// instruction for it.)
template <class T>
MUNDUR_INLINE Vec<T> scale(Vec<T> a, Vec<T> n) {
  const Vec<T> half = round_even(n * T(0.5));
  return a * pow2(half) * pow2(n - half);
}

/// -1, ±0 or 1; NaN of NaN.
template <class T>
MUNDUR_INLINE Vec<T> sign(Vec<T> x) {
  return select(less(x, 0), -1, select(greater(x, 0), 1, x));
}

/// c[i] + c[i + 1] x + c[i + 2] x² + ... The coefficients are constants of the code: a GPU's
/// threads have no memory of the host's.
template <const auto& c, int i = 0, class T>
MUNDUR_INLINE Vec<T> polynomial(Vec<T> x) {
  constexpr T kFirst = c[i];
  if constexpr (i + 1 == sizeof c / sizeof c[0]) {
    return kFirst;
  } else {
    return fma(polynomial<c, i + 1>(x), x, kFirst);
  }
}

/// e^x = 2^n (1 + q), n whole, |q| below about 0.42; for x within exp's range.
template <class T>
struct ExpParts {
  Vec<T> n, q;
};
template <class T>
MUNDUR_INLINE ExpParts<T> exp_parts(Vec<T> x) {
  using C = Constants<T>;
  const Vec<T> n = round_even(x * C::kLog2E);
  const Vec<T> r = fnma(n, C::kLn2Low, fnma(n, C::kLn2High, x));
  return {n, fma(r * r, polynomial<C::kExp>(r), r)};
}

template <class T>
MUNDUR_FUNCTION Vec<T> exp(Vec<T> x) {
  using C = Constants<T>;
  const ExpParts<T> e = exp_parts(min(max(x, C::kExpLow), C::kExpHigh));
  return scale(1 + e.q, e.n);
}

/// e^x - 1 for x <= 0.
template <class T>
MUNDUR_FUNCTION Vec<T> expm1(Vec<T> x) {
  const ExpParts<T> e = exp_parts(max(x, -Constants<T>::kTanhEnd));
  const Vec<T> power = pow2(e.n);
  return fma(power, e.q, power - 1);
}

/// log(x) for normal, positive, finite x, as x = 2^e (1 + f): the sum of fdlibm's e_log.c, f -
/// (f²/2 - s (f²/2 + R)).
template <class T>
MUNDUR_INLINE Vec<T> log_normal(Vec<T> x, Vec<T> exponent_shift) {
  using C = Constants<T>;
  const Mask<T> upper = greater(mantissa(x), C::kSqrt2);
  const Vec<T> m = select(upper, mantissa(x) * 0.5, mantissa(x));
  const Vec<T> e = exponent(x) - select(upper, exponent_shift - 1, exponent_shift);
  const Vec<T> f = m - 1;
  const Vec<T> s = f / (f + 2);
  const Vec<T> z = s * s;
  const Vec<T> half_square = 0.5 * f * f;
  const Vec<T> tail = fma(s, fma(z, polynomial<C::kLog>(z), half_square), e * C::kLn2Low);
  return fma(e, C::kLn2High, f - (half_square - tail));
}

template <class T>
MUNDUR_FUNCTION Vec<T> log(Vec<T> x) {
  using C = Constants<T>;
  const Mask<T> small = less(x, C::kSmallestNormal);
  const Vec<T> lifted = select(small, x * C::kLift, x);
  Vec<T> y = log_normal(lifted, select(small, C::kLiftExponent, 0));
  y = select(less(x, C::kInfinity), y, x);
  y = select(equal(x, 0), -C::kInfinity, y);
  return select(less(x, 0), C::kNan, y);
}

/// log(1 + x) for x >= 0: what rounding 1 + x lost comes back through the derivative.
template <class T>
MUNDUR_FUNCTION Vec<T> log1p(Vec<T> x) {
  const Vec<T> one = 1;
  const Vec<T> sum = x + one;
  const Vec<T> lost = select(less(x, one), x - (sum - one), one - (sum - x));
  return log(sum) + lost / sum;
}

/// (a + a_low) / (b + b_low) to little more than half an ulp: the plain quotient and its remainder.
template <class T>
MUNDUR_INLINE Vec<T> refined_ratio(Vec<T> a, Vec<T> a_low, Vec<T> b, Vec<T> b_low) {
  const Vec<T> inverse = 1 / b;
  const Vec<T> ratio = a * inverse;
  const Vec<T> remainder = fnma(ratio, b, a) + fnma(ratio, b_low, a_low);
  return fma(remainder, inverse, ratio);
}

/// (e^2|x| - 1) / (e^2|x| + 1) with the sign of x.
template <class T>
MUNDUR_FUNCTION Vec<T> tanh(Vec<T> x) {
  using C = Constants<T>;
  const Vec<T> two = 2;
  const ExpParts<T> e = exp_parts(min(abs(x) + abs(x), C::kTanhEnd));
  const Vec<T> power = pow2(e.n);
  const Vec<T> expm1 = fma(power, e.q, power - 1);
  const Vec<T> sum = expm1 + two;
  return copysign(refined_ratio(expm1, Vec<T>(0), sum, expm1 - (sum - two)), x);
}

/// 1 / (1 + e^-x), for negative x as e^x / (1 + e^x): small results keep their digits.
template <class T>
MUNDUR_FUNCTION Vec<T> sigmoid(Vec<T> x) {
  const Vec<T> one = 1;
  const ExpParts<T> parts = exp_parts(max(-abs(x), Constants<T>::kExpLow));
  const Vec<T> rounded = one + parts.q;
  const Vec<T> e = scale(rounded, parts.n);
  const Vec<T> e_low = scale(parts.q - (rounded - one), parts.n);
  const Vec<T> sum = one + e;
  const Vec<T> sum_low = (e - (sum - one)) + e_low;
  const Mask<T> negative = less(x, 0);
  return refined_ratio(select(negative, e, one), select(negative, e_low, 0), sum, sum_low);
}

/// x + x·P(x²) below 1, 1 - e^-Q(|x|) above.
template <class T>
MUNDUR_FUNCTION Vec<T> erf(Vec<T> x) {
  using C = Constants<T>;
  const Vec<T> a = min(abs(x), C::kErfEnd);
  const Vec<T> near = fma(a, polynomial<C::kErfSmall>(a * a), a);
  const Vec<T> far = 1 - exp(-polynomial<C::kErfLarge>(a - 2));
  return copysign(select(less(a, 1), near, far), x);
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

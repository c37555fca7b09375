// Activations: values and derivatives against plain formulas, and equal bits in every build.

#include <algorithm>
#include <cmath>

#include "check.h"

namespace {

using check::Numbers;
using check::Output;
using mundur::Curve;
using mundur::Function;
using mundur::Kernels;

constexpr Function kFunctions[] = {Function::linear, Function::relu, Function::sigmoid,
                                   Function::tanh};

double value(Function f, double x) {
  switch (f) {
    case Function::linear:
      return x;
    case Function::relu:
      return x > 0 ? x : 0;
    case Function::sigmoid:
      return 1 / (1 + std::exp(-x));
    default:
      return std::tanh(x);
  }
}

double derivative(Function f, double y) {
  switch (f) {
    case Function::linear:
      return 1;
    case Function::relu:
      return y > 0 ? 1 : 0;
    case Function::sigmoid:
      return y * (1 - y);
    default:
      return 1 - y * y;
  }
}

template <class T>
void test_elementwise(std::int64_t n, Function f) {
  Numbers numbers(static_cast<std::uint64_t>(n) + 1);
  const std::vector<T> x = numbers.vector<T>(n, -4, 4), dy = numbers.vector<T>(n, -2, 2);
  const auto y = check::same_everywhere<T>("activation", [&](const Kernels<T>& k) {
    Output<T> out(n), in_place(x);
    k.activation(out.data(), x.data(), n, f);
    k.activation(in_place.data(), in_place.data(), n, f);
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    return result;
  });
  const auto dx = check::same_everywhere<T>("activation_backward", [&](const Kernels<T>& k) {
    Output<T> out(n), in_place(dy);
    k.activation_backward(out.data(), y.data(), dy.data(), n, f);
    k.activation_backward(in_place.data(), y.data(), in_place.data(), n, f);
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    return result;
  });
  std::vector<double> expected, expected_dx;
  for (std::size_t i = 0; i < x.size(); ++i) {
    expected.push_back(value(f, static_cast<double>(x[i])));
    expected_dx.push_back(static_cast<double>(dy[i]) * derivative(f, expected.back()));
  }
  CHECK(check::distance(y, expected) <= check::kTolerance<T>);
  CHECK(check::distance(dx, expected_dx) <= check::kTolerance<T>);
}

template <class T>
void test_special_values() {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const std::vector<T> x = {T(-0.0), T(0), inf, -inf, nan, T(-3), T(3)};
  const auto n = static_cast<std::int64_t>(x.size());
  const auto run = [&](Function f) {
    return check::same_everywhere<T>("special values", [&](const Kernels<T>& k) {
      Output<T> out(n);
      k.activation(out.data(), x.data(), n, f);
      return out.take();
    });
  };
  CHECK(check::same_bits(run(Function::relu), {T(0), T(0), inf, T(0), nan, T(0), T(3)}));
  const auto sigmoid = run(Function::sigmoid), tanh = run(Function::tanh);
  CHECK(sigmoid[0] == T(0.5) && sigmoid[2] == T(1) && sigmoid[3] == T(0) && std::isnan(sigmoid[4]));
  CHECK(check::same_bits(tanh[0], T(-0.0)) && tanh[2] == T(1) && tanh[3] == T(-1));
  CHECK(std::isnan(tanh[4]));
  const std::vector<T> dy(x.size(), T(5));
  const auto dx = check::same_everywhere<T>("relu's derivative", [&](const Kernels<T>& k) {
    Output<T> out(n);
    k.activation_backward(out.data(), x.data(), dy.data(), n, Function::relu);
    return out.take();
  });
  CHECK(check::same_bits(dx, {T(0), T(0), T(5), T(0), nan, T(0), T(5)}));
}

template <class T>
void test_softmax(std::int64_t O) {
  const std::int64_t B = 3;
  Numbers numbers(static_cast<std::uint64_t>(O) + 7);
  const std::vector<T> x = numbers.vector<T>(B * O, -8, 8), dy = numbers.vector<T>(B * O, -2, 2);
  const auto y = check::same_everywhere<T>("softmax", [&](const Kernels<T>& k) {
    Output<T> out(B * O), in_place(x);
    k.softmax(out.data(), x.data(), B, O);
    k.softmax(in_place.data(), in_place.data(), B, O);
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    return result;
  });
  const auto dx = check::same_everywhere<T>("softmax_backward", [&](const Kernels<T>& k) {
    Output<T> out(B * O), in_place(dy);
    k.softmax_backward(out.data(), y.data(), dy.data(), B, O);
    k.softmax_backward(in_place.data(), y.data(), in_place.data(), B, O);
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    return result;
  });
  std::vector<double> expected, expected_dx;
  for (std::size_t b = 0; b < x.size(); b += static_cast<std::size_t>(O)) {
    double sum = 0, dot = 0;
    for (std::size_t o = 0; o < static_cast<std::size_t>(O); ++o) {
      sum += std::exp(static_cast<double>(x[b + o]));
    }
    for (std::size_t o = 0; o < static_cast<std::size_t>(O); ++o) {
      expected.push_back(std::exp(static_cast<double>(x[b + o])) / sum);
      dot += expected.back() * static_cast<double>(dy[b + o]);
    }
    for (std::size_t o = 0; o < static_cast<std::size_t>(O); ++o) {
      expected_dx.push_back(expected[b + o] * (static_cast<double>(dy[b + o]) - dot));
    }
  }
  CHECK(check::distance(y, expected) <= check::kTolerance<T>);
  if (O > 1) CHECK(check::distance(dx, expected_dx) <= 4 * check::kTolerance<T>);
}

template <class T>
void test_softmax_of_a_nan() {
  const std::vector<T> x = {T(1), std::numeric_limits<T>::quiet_NaN(), T(2)};
  const auto y = check::same_everywhere<T>("softmax of a NaN", [&](const Kernels<T>& k) {
    Output<T> out(3);
    k.softmax(out.data(), x.data(), 1, 3);
    return out.take();
  });
  CHECK(std::isnan(y[0]) && std::isnan(y[1]) && std::isnan(y[2]));
}

constexpr Curve kCurves[] = {Curve::rectifier,    Curve::elu,       Curve::selu,
                             Curve::gelu,         Curve::gelu_tanh, Curve::silu,
                             Curve::softplus,     Curve::softsign,  Curve::mish,
                             Curve::hard_sigmoid, Curve::hard_silu, Curve::exponential};
constexpr double kParameters[] = {0.5, 0.25, 3.0};  // of a rectifier; alpha, and selu's scale

double value(Curve f, double x) {
  const double* p = kParameters;
  switch (f) {
    case Curve::rectifier:
      return x > p[1] ? std::min(x, p[2]) : p[0] * (x - p[1]);
    case Curve::elu:
      return x < 0 ? p[0] * std::expm1(x) : x;
    case Curve::selu:
      return p[1] * (x < 0 ? p[0] * std::expm1(x) : x);
    case Curve::gelu:
      return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
    case Curve::gelu_tanh:
      return x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))) / 2;
    case Curve::silu:
      return x / (1 + std::exp(-x));
    case Curve::softplus:
      return std::log1p(std::exp(x));
    case Curve::softsign:
      return x / (1 + std::abs(x));
    case Curve::mish:
      return x * std::tanh(std::log1p(std::exp(x)));
    case Curve::hard_sigmoid:
      return std::clamp(x + 3, 0.0, 6.0) / 6;
    case Curve::hard_silu:
      return x * value(Curve::hard_sigmoid, x);
    default:
      return std::exp(x);
  }
}

double slope(Curve f, double x) {
  constexpr double kStep = 1e-6;
  return (value(f, x + kStep) - value(f, x - kStep)) / (2 * kStep);
}

template <class T>
void test_curve(std::int64_t n, Curve f) {
  Numbers numbers(static_cast<std::uint64_t>(n) + 3);
  const std::vector<T> x = numbers.vector<T>(n, -4, 4), dy = numbers.vector<T>(n, -2, 2);
  const T p[] = {T(kParameters[0]), T(kParameters[1]), T(kParameters[2])};
  const auto y = check::same_everywhere<T>("curve", [&](const Kernels<T>& k) {
    Output<T> out(n), in_place(x);
    k.curve(out.data(), x.data(), n, f, p);
    k.curve(in_place.data(), in_place.data(), n, f, p);
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    return result;
  });
  const auto dx = check::same_everywhere<T>("curve_backward", [&](const Kernels<T>& k) {
    Output<T> out(n), in_place(dy);
    k.curve_backward(out.data(), x.data(), dy.data(), n, f, p);
    k.curve_backward(in_place.data(), x.data(), in_place.data(), n, f, p);
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    return result;
  });
  std::vector<double> expected, expected_dx;
  for (std::size_t i = 0; i < x.size(); ++i) {
    expected.push_back(value(f, static_cast<double>(x[i])));
    expected_dx.push_back(static_cast<double>(dy[i]) * slope(f, static_cast<double>(x[i])));
  }
  CHECK(check::distance(y, expected) <= check::kTolerance<T>);
  CHECK(check::distance(dx, expected_dx) <= 1e-5);  // of the differences
}

/// Infinities go to the limit, a NaN stays, in value and slope.
template <class T>
void test_ends(Curve f, T left, T right, T left_slope, T right_slope) {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T most = std::numeric_limits<T>::max();
  const std::vector<T> x = {-inf, -most, inf, nan, most, T(0), T(-0.0)}, dy(x.size(), T(1));
  const T p[] = {T(kParameters[0]), T(kParameters[1]), T(kParameters[2])};
  const auto n = static_cast<std::int64_t>(x.size());
  const auto y = check::same_everywhere<T>("ends", [&](const Kernels<T>& k) {
    Output<T> out(n);
    k.curve(out.data(), x.data(), n, f, p);
    return out.take();
  });
  const auto dx = check::same_everywhere<T>("slopes at the ends", [&](const Kernels<T>& k) {
    Output<T> out(n);
    k.curve_backward(out.data(), x.data(), dy.data(), n, f, p);
    return out.take();
  });
  CHECK(y[0] == left && y[2] == right && std::isnan(y[3]));
  CHECK(dx[0] == left_slope && dx[2] == right_slope && std::isnan(dx[3]));
  CHECK(y[1] == (left == -inf ? p[0] * -most : left) && dx[1] == left_slope);
  CHECK(y[4] == (right == inf && f != Curve::exponential ? (f == Curve::selu ? p[1] : T(1)) * most
                                                         : right));
  CHECK(dx[4] == right_slope && y[5] == y[6] && dx[5] == dx[6]);
}

template <class T>
void test_all_ends() {
  const T inf = std::numeric_limits<T>::infinity();
  const T half = T(0.5), quarter = T(0.25);
  test_ends<T>(Curve::rectifier, -inf, T(3), half, T(0));
  test_ends<T>(Curve::elu, -half, inf, T(0), T(1));
  test_ends<T>(Curve::selu, -half * quarter, inf, T(0), quarter);
  test_ends<T>(Curve::softplus, T(0), inf, T(0), T(1));
  test_ends<T>(Curve::softsign, T(-1), T(1), T(0), T(0));
  test_ends<T>(Curve::hard_sigmoid, T(0), T(1), T(0), T(0));
  test_ends<T>(Curve::exponential, T(0), inf, T(0), inf);
  for (Curve f : {Curve::gelu, Curve::gelu_tanh, Curve::silu, Curve::mish, Curve::hard_silu}) {
    test_ends<T>(f, T(0), inf, T(0), T(1));
  }
  // Without a slope, zeros are positive, as relu's are.
  const std::vector<T> x = {-inf, T(-1), T(-0.0)};
  const T p[] = {T(0), T(0), inf};
  const auto y = check::same_everywhere<T>("zeros", [&](const Kernels<T>& k) {
    Output<T> out(3);
    k.curve(out.data(), x.data(), 3, Curve::rectifier, p);
    return out.take();
  });
  CHECK(check::same_bits(y, {T(0), T(0), T(0)}));
}

template <class T>
void test_log_softmax(std::int64_t O) {
  const std::int64_t B = 3;
  Numbers numbers(static_cast<std::uint64_t>(O) + 11);
  const std::vector<T> x = numbers.vector<T>(B * O, -8, 8), dy = numbers.vector<T>(B * O, -2, 2);
  const auto y = check::same_everywhere<T>("log_softmax", [&](const Kernels<T>& k) {
    Output<T> out(B * O), in_place(x);
    k.log_softmax(out.data(), x.data(), B, O);
    k.log_softmax(in_place.data(), in_place.data(), B, O);
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    return result;
  });
  const auto dx = check::same_everywhere<T>("log_softmax_backward", [&](const Kernels<T>& k) {
    Output<T> out(B * O), in_place(dy);
    k.log_softmax_backward(out.data(), y.data(), dy.data(), B, O);
    k.log_softmax_backward(in_place.data(), y.data(), in_place.data(), B, O);
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    return result;
  });
  std::vector<double> expected, expected_dx;
  for (std::size_t b = 0; b < x.size(); b += static_cast<std::size_t>(O)) {
    double sum = 0, total = 0;
    for (std::size_t o = 0; o < static_cast<std::size_t>(O); ++o) {
      sum += std::exp(static_cast<double>(x[b + o]));
      total += static_cast<double>(dy[b + o]);
    }
    for (std::size_t o = 0; o < static_cast<std::size_t>(O); ++o) {
      expected.push_back(static_cast<double>(x[b + o]) - std::log(sum));
      expected_dx.push_back(static_cast<double>(dy[b + o]) - std::exp(expected.back()) * total);
    }
  }
  if (O > 1) CHECK(check::distance(y, expected) <= check::kTolerance<T>);
  if (O > 1) CHECK(check::distance(dx, expected_dx) <= 4 * check::kTolerance<T>);
}

template <class T>
void test_all() {
  for (std::int64_t n : check::kSizes) {
    for (Function f : kFunctions) test_elementwise<T>(n, f);
    for (Curve f : kCurves) test_curve<T>(n, f);
    if (n > 0) test_softmax<T>(n);
    if (n > 0) test_log_softmax<T>(n);
  }
  test_special_values<T>();
  test_all_ends<T>();
  test_softmax_of_a_nan<T>();
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  return check::result(0xD4410CBA7A6141E2u);
}

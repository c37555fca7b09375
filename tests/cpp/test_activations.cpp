// Activations: values and derivatives against plain formulas, and equal bits in every build.

#include "check.h"

namespace {

using check::Numbers;
using check::Output;
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

template <class T>
void test_all() {
  for (std::int64_t n : check::kSizes) {
    for (Function f : kFunctions) test_elementwise<T>(n, f);
    if (n > 0) test_softmax<T>(n);
  }
  test_special_values<T>();
  test_softmax_of_a_nan<T>();
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  return check::result(0x20227120F6A4507Au);
}

// Losses: values and gradients against plain formulas, the laws between them, and equal bits.

#include "check.h"

namespace {

using check::Numbers;
using check::Output;
using mundur::Kernels;
using mundur::LossKind;

constexpr LossKind kKinds[] = {LossKind::mean_squared_error,
                               LossKind::binary_crossentropy,
                               LossKind::binary_crossentropy_logits,
                               LossKind::categorical_crossentropy,
                               LossKind::categorical_crossentropy_logits,
                               LossKind::sparse_crossentropy,
                               LossKind::sparse_crossentropy_logits};

bool is_sparse(LossKind kind) {
  return kind == LossKind::sparse_crossentropy || kind == LossKind::sparse_crossentropy_logits;
}

bool takes_logits(LossKind kind) {
  return kind == LossKind::binary_crossentropy_logits ||
         kind == LossKind::categorical_crossentropy_logits ||
         kind == LossKind::sparse_crossentropy_logits;
}

/// One sample of every kind, as the course notes write it.
double value(LossKind kind, const double* p, const double* y, std::size_t O) {
  double sum = 0, exp_sum = 0;
  for (std::size_t o = 0; o < O; ++o) exp_sum += std::exp(p[o]);
  for (std::size_t o = 0; o < O; ++o) {
    switch (kind) {
      case LossKind::mean_squared_error:
        sum += (p[o] - y[o]) * (p[o] - y[o]);
        break;
      case LossKind::binary_crossentropy:
        sum -= y[o] * std::log(p[o]) + (1 - y[o]) * std::log(1 - p[o]);
        break;
      case LossKind::binary_crossentropy_logits:
        sum += std::log1p(std::exp(p[o])) - p[o] * y[o];
        break;
      case LossKind::categorical_crossentropy:
      case LossKind::sparse_crossentropy:
        sum -= y[o] * std::log(p[o]);
        break;
      default:
        sum += y[o] * (std::log(exp_sum) - p[o]);
    }
  }
  return sum;
}

double derivative(LossKind kind, const double* p, const double* y, std::size_t O, std::size_t o) {
  double exp_sum = 0, y_sum = 0;
  for (std::size_t i = 0; i < O; ++i) exp_sum += std::exp(p[i]), y_sum += y[i];
  switch (kind) {
    case LossKind::mean_squared_error:
      return 2 * (p[o] - y[o]);
    case LossKind::binary_crossentropy:
      return (p[o] - y[o]) / (p[o] * (1 - p[o]));
    case LossKind::binary_crossentropy_logits:
      return 1 / (1 + std::exp(-p[o])) - y[o];
    case LossKind::categorical_crossentropy:
    case LossKind::sparse_crossentropy:
      return -y[o] / p[o];
    default:
      return std::exp(p[o]) / exp_sum * y_sum - y[o];
  }
}

template <class T>
struct Problem {
  std::int64_t B, O;
  std::vector<T> p, y, weight;
  std::vector<std::int32_t> labels;

  Problem(LossKind kind, std::int64_t batch, std::int64_t outputs) : B(batch), O(outputs) {
    Numbers numbers(static_cast<std::uint64_t>(O * 16) + static_cast<std::uint64_t>(kind));
    p = takes_logits(kind) || kind == LossKind::mean_squared_error
            ? numbers.vector<T>(B * O, -5, 5)
            : numbers.vector<T>(B * O, 0.01, 0.99);
    y = numbers.vector<T>(B * O, 0, 1);
    weight = numbers.vector<T>(B, 0.5, 2);
    for (std::int64_t b = 0; b < B; ++b) {
      labels.push_back(static_cast<std::int32_t>(numbers.bits() % static_cast<std::uint64_t>(O)));
      if (!is_sparse(kind)) continue;
      for (std::int64_t o = 0; o < O; ++o) {
        y[static_cast<std::size_t>(b * O + o)] = o == labels.back() ? T(1) : T(0);
      }
    }
  }
};

template <class T>
std::vector<double> values(const Problem<T>& a, LossKind kind, const Kernels<T>& k) {
  Output<double> out(a.B);
  const bool sparse = is_sparse(kind);
  k.loss_value(out.data(), a.p.data(), sparse ? nullptr : a.y.data(),
               sparse ? a.labels.data() : nullptr, a.B, a.O, kind, {});
  return out.take();
}

template <class T>
std::vector<T> gradient(const Problem<T>& a, LossKind kind, const Kernels<T>& k, bool weighted,
                        bool fused = false) {
  Output<T> out(a.B * a.O), in_place(a.p);
  const bool sparse = is_sparse(kind);
  for (Output<T>* target : {&out, &in_place}) {
    k.loss_gradient(target->data(), target == &out ? a.p.data() : in_place.data(),
                    sparse ? nullptr : a.y.data(), sparse ? a.labels.data() : nullptr,
                    weighted ? a.weight.data() : nullptr, a.B, a.O, T(0.375), kind, {}, fused);
  }
  const auto result = out.take();
  CHECK(check::same_bits(in_place.take(), result));
  return result;
}

template <class T>
void test_against_formulas(LossKind kind, std::int64_t O) {
  const Problem<T> a(kind, 5, O);
  const std::vector<double> p(a.p.begin(), a.p.end()), y(a.y.begin(), a.y.end());
  const auto found = check::same_everywhere<T>(
      "loss_value", [&](const Kernels<T>& k) { return values(a, kind, k); });
  const auto slope = check::same_everywhere<T>(
      "loss_gradient", [&](const Kernels<T>& k) { return gradient(a, kind, k, false); });
  const auto weighted = check::same_everywhere<T>(
      "loss_gradient weighted", [&](const Kernels<T>& k) { return gradient(a, kind, k, true); });
  std::vector<double> expected, expected_slope, expected_weighted;
  const auto outputs = static_cast<std::size_t>(O);
  for (std::size_t b = 0; b < static_cast<std::size_t>(a.B); ++b) {
    const double *pb = p.data() + b * outputs, *yb = y.data() + b * outputs;
    expected.push_back(value(kind, pb, yb, outputs));
    for (std::size_t o = 0; o < outputs; ++o) {
      expected_slope.push_back(0.375 * derivative(kind, pb, yb, outputs, o));
      expected_weighted.push_back(expected_slope.back() * static_cast<double>(a.weight[b]));
    }
  }
  check::context = "loss " + std::to_string(static_cast<int>(kind)) + " outputs " +
                   std::to_string(O) + (sizeof(T) == 4 ? " float32" : " float64");
  CHECK(check::distance(found, expected) <= check::kTolerance<T>);
  CHECK(check::distance(slope, expected_slope) <= check::kTolerance<T>);
  CHECK(check::distance(weighted, expected_weighted) <= check::kTolerance<T>);
}

/// Softmax or sigmoid, then the fused gradient: the bits of the gradient from logits.
template <class T>
void test_fused(LossKind kind, std::int64_t O) {
  const Problem<T> a(kind, 5, O);
  const Kernels<T>& k = mundur::kernels<T>();
  Problem<T> b = a;
  if (kind == LossKind::binary_crossentropy_logits) {
    k.activation(b.p.data(), a.p.data(), a.B * a.O, mundur::Function::sigmoid);
  } else {
    k.softmax(b.p.data(), a.p.data(), a.B, a.O);
  }
  for (bool weighted : {false, true}) {
    CHECK(check::same_bits(gradient(b, kind, k, weighted, true), gradient(a, kind, k, weighted)));
  }
}

/// A label is a one-hot row.
template <class T>
void test_sparse_is_one_hot(LossKind sparse, LossKind dense, std::int64_t O) {
  const Problem<T> a(sparse, 5, O);
  const Kernels<T>& k = mundur::kernels<T>();
  CHECK(check::same_bits(values(a, sparse, k), values(a, dense, k)));
  for (bool fused : {false, true}) {
    CHECK(
        check::same_bits(gradient(a, sparse, k, true, fused), gradient(a, dense, k, true, fused)));
  }
}

template <class T>
void test_extreme_logits() {
  const Kernels<T>& k = mundur::kernels<T>();
  for (LossKind kind :
       {LossKind::binary_crossentropy_logits, LossKind::categorical_crossentropy_logits,
        LossKind::sparse_crossentropy_logits}) {
    Problem<T> a(kind, 2, 4);
    a.p = {T(1e9), T(-1e9), T(0), T(1), T(-1e9), T(1e9), T(1e9), T(-1e9)};
    a.y = {T(1), T(0), T(0), T(0), T(1), T(0), T(0), T(0)};
    a.labels = {0, 0};
    const auto value = values(a, kind, k);
    CHECK(std::isfinite(value[0]) && std::isfinite(value[1]) && value[0] < 3 && value[1] > 9e8);
    for (T g : gradient(a, kind, k, true)) CHECK(std::isfinite(g));
  }
}

/// The loss of a confident, right answer keeps its digits: log(1 + tiny) does not.
template <class T>
void test_confident_answers() {
  const Kernels<T>& k = mundur::kernels<T>();
  Problem<T> a(LossKind::sparse_crossentropy_logits, 1, 3);
  a.p = {T(30), T(0), T(-1)};
  a.labels = {0};
  const double expected = std::log1p(std::exp(-30.0) + std::exp(-31.0));
  CHECK(std::fabs(values(a, LossKind::sparse_crossentropy_logits, k)[0] / expected - 1) <=
        check::kTolerance<T>);
  a.p = {T(30), T(-25), T(-28)};
  a.y = {T(1), T(0), T(0)};
  const double binary =
      std::log1p(std::exp(-30.0)) + std::log1p(std::exp(-25.0)) + std::log1p(std::exp(-28.0));
  CHECK(std::fabs(values(a, LossKind::binary_crossentropy_logits, k)[0] / binary - 1) <=
        check::kTolerance<T>);
}

/// Beyond the clip the value stands still and the gradient is 0; targets of 0 add nothing.
template <class T>
void test_clip() {
  const Kernels<T>& k = mundur::kernels<T>();
  Problem<T> a(LossKind::binary_crossentropy, 1, 2);
  a.p = {T(0), T(1)};
  a.y = {T(1), T(0)};
  for (LossKind kind : {LossKind::binary_crossentropy, LossKind::categorical_crossentropy}) {
    for (T g : gradient(a, kind, k, false)) CHECK(check::same_bits(g, T(0)));
    CHECK(std::isfinite(values(a, kind, k)[0]));
  }
  CHECK(std::fabs(values(a, LossKind::categorical_crossentropy, k)[0] - 16.118) < 1e-3);
}

template <class T>
void test_argmax() {
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  for (std::int64_t O : check::kSizes) {
    if (O < 4) continue;
    Numbers numbers(static_cast<std::uint64_t>(O));
    const std::int64_t B = 6;
    std::vector<T> x = numbers.vector<T>(B * O, -1, 1);
    const auto at = [&](std::int64_t b, std::int64_t o) -> T& {
      return x[static_cast<std::size_t>(b * O + o)];
    };
    at(0, O - 1) = T(9);             // the last
    at(1, 1) = at(1, O - 1) = T(9);  // a tie
    at(2, O - 2) = nan, at(2, O - 1) = nan, at(2, 0) = inf;
    for (std::int64_t o = 0; o < O; ++o) at(3, o) = -inf;
    at(4, 0) = T(9);
    for (std::int64_t o = 0; o < O; ++o) at(5, o) = o % 2 ? T(0) : T(-0.0);
    const auto index = check::same_everywhere<T>("argmax", [&](const Kernels<T>& k) {
      Output<std::int32_t> out(B);
      k.argmax(out.data(), x.data(), B, O);
      return out.take();
    });
    const auto last = static_cast<std::int32_t>(O - 1);
    CHECK(index == (std::vector<std::int32_t>{last, 1, last - 1, 0, 0, 0}));
  }
}

template <class T>
void test_all() {
  for (std::int64_t O : check::kSizes) {
    if (O == 0) continue;
    for (LossKind kind : kKinds) test_against_formulas<T>(kind, O);
    for (LossKind kind : kKinds) {
      check::context = "fused";
      if (takes_logits(kind)) test_fused<T>(kind, O);
    }
    check::context = "sparse";
    test_sparse_is_one_hot<T>(LossKind::sparse_crossentropy, LossKind::categorical_crossentropy, O);
    test_sparse_is_one_hot<T>(LossKind::sparse_crossentropy_logits,
                              LossKind::categorical_crossentropy_logits, O);
  }
  check::context = sizeof(T) == 4 ? "float32" : "float64";
  test_extreme_logits<T>();
  test_confident_answers<T>();
  test_clip<T>();
  test_argmax<T>();
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  return check::result(0x2E9CD4631254D6E4u);
}

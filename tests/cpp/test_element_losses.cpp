// Losses of numbers, divergence, hinges and smoothed targets: values and gradients against plain
// formulas, and equal bits. The other losses are in test_losses.cpp.

#include "check.h"

namespace {

using check::Numbers;
using check::Output;
using mundur::Kernels;
using mundur::LossKind;
using mundur::LossNumbers;

constexpr LossNumbers kNumbers{
    .delta = 0.75, .label_smoothing = 0.25, .gamma = 1.5, .positive = 0.4, .negative = 0.7};
constexpr LossKind kKinds[] = {LossKind::mean_absolute_error,
                               LossKind::mean_absolute_percentage_error,
                               LossKind::mean_squared_logarithmic_error,
                               LossKind::huber,
                               LossKind::log_cosh,
                               LossKind::poisson,
                               LossKind::kl_divergence,
                               LossKind::hinge,
                               LossKind::squared_hinge,
                               LossKind::binary_crossentropy,
                               LossKind::binary_crossentropy_logits,
                               LossKind::categorical_crossentropy,
                               LossKind::categorical_crossentropy_logits,
                               LossKind::binary_focal,
                               LossKind::binary_focal_logits,
                               LossKind::categorical_focal,
                               LossKind::categorical_focal_logits};

bool takes_probabilities(LossKind kind) {
  return kind == LossKind::kl_divergence || kind == LossKind::binary_crossentropy ||
         kind == LossKind::categorical_crossentropy || kind == LossKind::binary_focal ||
         kind == LossKind::categorical_focal;
}

bool is_binary(LossKind kind) {
  return kind == LossKind::binary_crossentropy || kind == LossKind::binary_crossentropy_logits ||
         kind == LossKind::binary_focal || kind == LossKind::binary_focal_logits;
}

/// p times the derivative of -α (1 - p)^γ y log p.
double focal_pull(double p, double y) {
  const double q = 1 - p;
  return kNumbers.positive * y *
         (kNumbers.gamma * std::pow(q, kNumbers.gamma - 1) * p * std::log(p) -
          std::pow(q, kNumbers.gamma));
}

/// What one element adds to the loss, and its derivative; `share` of the smoothing falls to it.
struct Element {
  double value, slope;
};
Element element(LossKind kind, double p, double y, double share, double log_sum, double pulls) {
  const double e = p - y, sign = e < 0 ? -1 : 1, s = y == 0 ? -1 : y;
  const double smooth = y * (1 - kNumbers.label_smoothing) + share;
  switch (kind) {
    case LossKind::mean_absolute_error:
      return {std::fabs(e), sign};
    case LossKind::mean_absolute_percentage_error:
      return {100 * std::fabs(e / y), 100 * sign / std::fabs(y)};
    case LossKind::mean_squared_logarithmic_error: {
      const double off = std::log1p(p) - std::log1p(y);
      return {off * off, 2 * off / (1 + p)};
    }
    case LossKind::huber:
      if (std::fabs(e) <= kNumbers.delta) return {e * e / 2, e};
      return {kNumbers.delta * (std::fabs(e) - kNumbers.delta / 2), sign * kNumbers.delta};
    case LossKind::log_cosh:
      return {std::log(std::cosh(e)), std::tanh(e)};
    case LossKind::poisson:
      return {p - y * std::log(p + 1e-7), 1 - y / (p + 1e-7)};
    case LossKind::kl_divergence:
      return {y * std::log(y / p), -y / p};
    case LossKind::hinge:
      return {std::fmax(1 - s * p, 0), s * p < 1 ? -s : 0};
    case LossKind::squared_hinge:
      return {std::fmax(1 - s * p, 0) * std::fmax(1 - s * p, 0), -2 * s * std::fmax(1 - s * p, 0)};
    case LossKind::binary_crossentropy:
      return {-smooth * std::log(p) - (1 - smooth) * std::log(1 - p), (p - smooth) / (p * (1 - p))};
    case LossKind::binary_crossentropy_logits:
      return {std::log1p(std::exp(p)) - p * smooth, 1 / (1 + std::exp(-p)) - smooth};
    case LossKind::categorical_crossentropy:
      return {-smooth * std::log(p), -smooth / p};
    case LossKind::binary_focal:
    case LossKind::binary_focal_logits: {
      const bool logits = kind == LossKind::binary_focal_logits;
      const double a = logits ? 1 / (1 + std::exp(-p)) : p, by_output = logits ? a * (1 - a) : 1;
      const double w = smooth * kNumbers.positive + (1 - smooth) * kNumbers.negative;
      const double q = smooth * (1 - a) + (1 - smooth) * a;
      const double ce = -smooth * std::log(a) - (1 - smooth) * std::log(1 - a);
      const double bend = kNumbers.gamma * std::pow(q, kNumbers.gamma - 1) * (1 - 2 * smooth) * ce;
      const double slope = std::pow(q, kNumbers.gamma) * (a - smooth) / (a * (1 - a));
      return {w * std::pow(q, kNumbers.gamma) * ce, w * (bend + slope) * by_output};
    }
    case LossKind::categorical_focal:
      return {-kNumbers.positive * std::pow(1 - p, kNumbers.gamma) * smooth * std::log(p),
              focal_pull(p, smooth) / p};
    case LossKind::categorical_focal_logits: {
      const double a = std::exp(p - log_sum);
      return {-kNumbers.positive * std::pow(1 - a, kNumbers.gamma) * smooth * (p - log_sum),
              focal_pull(a, smooth) - a * pulls};
    }
    default:  // the row's targets sum to 1, before and after smoothing
      return {smooth * (log_sum - p), std::exp(p - log_sum) - smooth};
  }
}

template <class T>
struct Problem {
  static constexpr std::int64_t kB = 5;
  std::int64_t O;
  std::vector<T> p, y, weight;

  Problem(LossKind kind, std::int64_t outputs) : O(outputs) {
    Numbers numbers(static_cast<std::uint64_t>(O * 32) + static_cast<std::uint64_t>(kind));
    const bool positive =
        kind == LossKind::poisson || kind == LossKind::mean_squared_logarithmic_error;
    p = takes_probabilities(kind) ? numbers.vector<T>(kB * O, 0.01, 0.99)
                                  : numbers.vector<T>(kB * O, positive ? 0.1 : -5, 5);
    y = numbers.vector<T>(kB * O, 0.01, 1);
    if (kind == LossKind::hinge || kind == LossKind::squared_hinge) {
      for (std::size_t i = 0; i < y.size(); ++i) y[i] = i % 3 ? (i % 2 ? T(1) : T(-1)) : T(0);
    }
    if (kind == LossKind::categorical_crossentropy_logits) {
      for (std::size_t i = 0; i < y.size(); ++i) y[i] = i % static_cast<std::size_t>(O) ? 0 : 1;
    }
    weight = numbers.vector<T>(kB, 0.5, 2);
  }
};

template <class T>
std::vector<double> values(const Problem<T>& a, LossKind kind, const Kernels<T>& k) {
  Output<double> out(a.kB);
  k.loss_value(out.data(), a.p.data(), a.y.data(), nullptr, a.kB, a.O, kind, kNumbers);
  return out.take();
}

template <class T>
std::vector<T> gradient(const Problem<T>& a, LossKind kind, const Kernels<T>& k, bool weighted,
                        bool fused = false) {
  Output<T> out(a.kB * a.O), in_place(a.p);
  for (Output<T>* target : {&out, &in_place}) {
    k.loss_gradient(target->data(), target == &out ? a.p.data() : in_place.data(), a.y.data(),
                    nullptr, weighted ? a.weight.data() : nullptr, a.kB, a.O, T(0.375), kind,
                    kNumbers, fused);
  }
  const auto result = out.take();
  CHECK(check::same_bits(in_place.take(), result));
  return result;
}

template <class T>
void test_against_formulas(LossKind kind, std::int64_t O) {
  const Problem<T> a(kind, O);
  const auto found = check::same_everywhere<T>(
      "loss_value", [&](const Kernels<T>& k) { return values(a, kind, k); });
  const auto slope = check::same_everywhere<T>(
      "loss_gradient", [&](const Kernels<T>& k) { return gradient(a, kind, k, false); });
  const auto weighted = check::same_everywhere<T>(
      "loss_gradient weighted", [&](const Kernels<T>& k) { return gradient(a, kind, k, true); });
  const double share = kNumbers.label_smoothing / (is_binary(kind) ? 2.0 : static_cast<double>(O));
  std::vector<double> expected, expected_slope, expected_weighted;
  const auto outputs = static_cast<std::size_t>(O);
  for (std::size_t b = 0; b < static_cast<std::size_t>(a.kB); ++b) {
    double sum = 0, exp_sum = 0, pulls = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      exp_sum += std::exp(static_cast<double>(a.p[b * outputs + o]));
    }
    for (std::size_t o = b * outputs; o < (b + 1) * outputs; ++o) {
      pulls += focal_pull(std::exp(static_cast<double>(a.p[o])) / exp_sum,
                          static_cast<double>(a.y[o]) * (1 - kNumbers.label_smoothing) + share);
    }
    for (std::size_t o = b * outputs; o < (b + 1) * outputs; ++o) {
      const Element one = element(kind, static_cast<double>(a.p[o]), static_cast<double>(a.y[o]),
                                  share, std::log(exp_sum), pulls);
      sum += one.value;
      expected_slope.push_back(0.375 * one.slope);
      expected_weighted.push_back(expected_slope.back() * static_cast<double>(a.weight[b]));
    }
    expected.push_back(sum);
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
  const Problem<T> a(kind, O);
  const Kernels<T>& k = mundur::kernels<T>();
  Problem<T> b = a;
  if (kind == LossKind::binary_crossentropy_logits) {
    k.activation(b.p.data(), a.p.data(), a.kB * a.O, mundur::Function::sigmoid);
  } else {
    k.softmax(b.p.data(), a.p.data(), a.kB, a.O);
  }
  CHECK(check::same_bits(gradient(b, kind, k, true, true), gradient(a, kind, k, true)));
}

template <class T>
void test_all() {
  for (std::int64_t O : check::kSizes) {
    if (O == 0) continue;
    for (LossKind kind : kKinds) {
      // The one class there is is certain: what is left is rounding.
      if (O == 1 && (kind == LossKind::categorical_crossentropy_logits ||
                     kind == LossKind::categorical_focal_logits)) {
        continue;
      }
      test_against_formulas<T>(kind, O);
    }
    check::context = "fused";
    test_fused<T>(LossKind::binary_crossentropy_logits, O);
    test_fused<T>(LossKind::categorical_crossentropy_logits, O);
  }
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  return check::result(0x23B78243E876A0E3u);
}

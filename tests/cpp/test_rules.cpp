// The other rules of the optimizers against plain formulas in double, what may surround a rule,
// sums of squares; decaying state set to zero, and equal bits.

#include <algorithm>

#include "check.h"

namespace {

using check::Numbers;
using check::Output;
using mundur::Kernels;
using mundur::Rule;

constexpr double kB1 = 0.9, kB2 = 0.99, kEpsilon = 1e-3, kMomentum = 0.5, kLr = 0.25;
constexpr double kC1 = 1.5, kC2 = 2.5, kShare = 0.25;
constexpr double kBeta = 0.125, kL1 = 0.25, kTwoL2 = 0.5, kTwoShrinkage = 0.75;

/// What a rule subtracts from w over lr; moves the state on.
double step(Rule rule, double g, double w, double* s, bool has_momentum, bool is_centred) {
  const auto blend = [](double keep, double old, double x) { return keep * old + (1 - keep) * x; };
  switch (rule) {
    case Rule::amsgrad:
    case Rule::nadam: {
      s[0] = blend(kB1, s[0], g);
      s[1] = blend(kB2, s[1], g * g);
      const bool keeps_most = rule == Rule::amsgrad;
      if (keeps_most) s[2] = std::max(s[1], s[2]);
      const double root = std::sqrt((keeps_most ? s[2] : s[1]) * kC2) + kEpsilon;
      return (s[0] * kC1 + (keeps_most ? 0 : g * kShare)) / root;
    }
    case Rule::adamax:
      s[0] = blend(kB1, s[0], g);
      s[1] = std::max(kB2 * s[1], std::fabs(g) + kEpsilon);
      return s[0] * kC1 / s[1];
    case Rule::rmsprop: {
      s[0] = blend(kB2, s[0], g * g);
      if (is_centred) s[2] = blend(kB2, s[2], g);
      const double variance = is_centred ? std::max(s[0] - s[2] * s[2], 0.0) : s[0];
      const double plain = g / (std::sqrt(variance) + kEpsilon);
      if (has_momentum) s[1] = kMomentum * s[1] + plain;
      return has_momentum ? s[1] : plain;
    }
    case Rule::adagrad:
      s[0] += g * g;
      return g / (std::sqrt(s[0]) + kEpsilon);
    case Rule::adadelta: {
      s[0] = blend(kB2, s[0], g * g);
      const double found = std::sqrt(s[1] + kEpsilon) / std::sqrt(s[0] + kEpsilon) * g;
      s[1] = blend(kB2, s[1], found * found);
      return found;
    }
    case Rule::ftrl: {
      const double before = std::sqrt(s[0]);
      s[0] += g * g;
      const double after = std::sqrt(s[0]);
      s[1] += g + kTwoShrinkage * w - (after - before) / kLr * w;
      const double clipped = std::min(std::max(s[1], -kL1), kL1);
      return (w - (clipped - s[1]) / ((after + kBeta) / kLr + kTwoL2)) / kLr;
    }
    default: {  // lion
      const double c = blend(kB1, s[0], g);
      s[0] = blend(kB2, s[0], g);
      return (c > 0) - (c < 0);
    }
  }
}

template <class T>
mundur::Update<T> update_of(Rule rule, T* w) {
  mundur::Update<T> update;
  update.rule = rule;
  update.w = w;
  update.lr = T(kLr);
  update.momentum = T(kMomentum);
  update.beta1 = T(kB1);
  update.beta2 = T(kB2);
  update.one_minus_beta1 = T(1 - kB1);
  update.one_minus_beta2 = T(1 - kB2);
  update.epsilon = T(kEpsilon);
  update.correction1 = T(kC1);
  update.correction2 = T(kC2);
  update.share = T(kShare);
  update.power = T(0.5);
  update.beta = T(kBeta);
  update.l1 = T(kL1);
  update.two_l2 = T(kTwoL2);
  update.two_shrinkage = T(kTwoShrinkage);
  return update;
}

/// Two steps, of which the second overwrites w with its mean if there is anything around the rule.
template <class T>
void test_rule(Rule rule, std::int64_t n, bool plain, bool has_momentum, bool is_centred) {
  Numbers numbers(static_cast<std::uint64_t>(n) + 17);
  const auto w0 = numbers.vector<T>(n, -1, 1), g = numbers.vector<T>(n, -1, 1);
  // A square is never below the square of the mean.
  const std::vector<T> first[3] = {rule == Rule::lion || rule == Rule::amsgrad
                                       ? numbers.vector<T>(n, -1, 1)
                                       : numbers.vector<T>(n, 0.5, 1),
                                   numbers.vector<T>(n, 0, 1), numbers.vector<T>(n, 0, 0.5)};
  const double scale = 0.5, limit = 0.25, keep = 0.75, ema = 0.875;
  const auto found = check::same_everywhere<T>("rule", [&](const Kernels<T>& k) {
    Output<T> w(w0), a(first[0]), b(first[1]), c(first[2]), average(w0);
    mundur::Update<T> u = update_of(rule, w.data());
    u.state[0] = a.data();
    u.state[1] = rule != Rule::rmsprop || has_momentum ? b.data() : nullptr;
    u.state[2] = rule != Rule::rmsprop || is_centred ? c.data() : nullptr;
    u.plain = plain;
    u.scale = T(scale);
    u.limit = T(limit);
    u.keep = T(keep);
    u.average = average.data();
    u.ema = T(ema);
    u.one_minus_ema = T(1 - ema);
    for (int i = 0; i < 2; ++i) {
      u.overwrite = i == 1;
      k.update(u, g.data(), 1, n, n, n);
    }
    std::vector<T> all = w.take();
    for (Output<T>* more : {&a, &b, &c, &average}) {
      const auto taken = more->take();
      all.insert(all.end(), taken.begin(), taken.end());
    }
    return all;
  });
  const std::size_t size = w0.size();
  std::vector<double> expected(5 * size);
  for (std::size_t i = 0; i < size; ++i) {
    double w = static_cast<double>(w0[i]), average = w, s[3];
    for (int j = 0; j < 3; ++j) s[j] = static_cast<double>(first[j][i]);
    for (int pass = 0; pass < 2; ++pass) {
      double slope = static_cast<double>(g[i]);
      if (!plain) slope = std::min(std::max(slope * scale, -limit), limit);
      if (!plain) w *= keep;
      w -= kLr * step(rule, slope, w, s, has_momentum, is_centred);
      if (plain) continue;
      average = ema * average + (1 - ema) * w;
      if (pass == 1) w = average;
    }
    expected[i] = w;
    for (std::size_t j = 0; j < 3; ++j) expected[(j + 1) * size + i] = s[j];
    expected[4 * size + i] = average;
  }
  CHECK(check::distance(found, expected) <= 2 * check::kTolerance<T>);
}

/// State that decays becomes +0 below the normal range; a NaN stays one.
template <class T>
void test_flush() {
  const T tiny = std::numeric_limits<T>::min();
  for (mundur::Isa isa : mundur::available_isas()) {
    const Kernels<T>& k = mundur::kernels<T>(isa);
    for (Rule rule : {Rule::nadam, Rule::rmsprop, Rule::adadelta, Rule::lion}) {
      std::vector<T> w(3, T(1)), s = {tiny, -tiny, std::numeric_limits<T>::quiet_NaN()};
      std::vector<T> second = s, third = s;
      const std::vector<T> g(3, T(0));
      mundur::Update<T> u = update_of(rule, w.data());
      u.state[0] = s.data();
      u.state[1] = second.data();
      u.state[2] = third.data();
      k.update(u, g.data(), 1, 3, 3, 3);
      CHECK(check::same_bits(s[0], T(0)) && check::same_bits(s[1], T(0)) && std::isnan(s[2]));
      CHECK(std::isnan(w[2]));
    }
  }
}

template <class T>
void test_sums(std::int64_t n) {
  Numbers numbers(static_cast<std::uint64_t>(n) + 5);
  const auto g = numbers.vector<T>(n, -1, 1), before = numbers.vector<T>(n, -1, 1);
  double lanes[16] = {};
  for (std::size_t i = 0; i < g.size(); ++i) {
    lanes[i % 16] += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  }
  for (int half = 8; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  for (mundur::Isa isa : mundur::available_isas()) {
    CHECK(check::same_bits(mundur::kernels<T>(isa).sum_squares(g.data(), n), lanes[0]));
  }
  const auto sum = check::same_everywhere<T>("accumulate", [&](const Kernels<T>& k) {
    Output<T> total(before);
    k.accumulate(total.data(), g.data(), n);
    return total.take();
  });
  for (std::size_t i = 0; i < g.size(); ++i) CHECK(check::same_bits(sum[i], before[i] + g[i]));
}

template <class T>
void test_all() {
  for (std::int64_t n : check::kSizes) {
    for (bool plain : {true, false}) {
      for (Rule rule : {Rule::amsgrad, Rule::nadam, Rule::adamax, Rule::adagrad, Rule::adadelta,
                        Rule::lion, Rule::ftrl}) {
        test_rule<T>(rule, n, plain, false, false);
      }
      for (bool has_momentum : {false, true}) {
        for (bool is_centred : {false, true}) {
          test_rule<T>(Rule::rmsprop, n, plain, has_momentum, is_centred);
        }
      }
    }
    test_sums<T>(n);
  }
  test_flush<T>();
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  return check::result(0xD7632BD32180B16Bu);
}

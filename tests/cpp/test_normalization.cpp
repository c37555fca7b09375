// Normalisation and noise: against plain formulas, on every size around a register's edge, nothing
// written beyond the end, and equal bits.

#include <algorithm>
#include <initializer_list>

#include "check.h"

namespace {

using check::Numbers;
using check::Output;
using mundur::Kernels;

template <class T>
std::vector<T> joined(std::initializer_list<Output<T>*> parts) {
  std::vector<T> all;
  for (Output<T>* part : parts) {
    const auto taken = part->take();
    all.insert(all.end(), taken.begin(), taken.end());
  }
  return all;
}

/// x̂, its row's or column's 1/√(variance + ε), and the mean of f over that row or column.
struct Plain {
  std::int64_t B, O;
  bool rows;
  std::vector<double> x_hat, inverse;

  template <class T>
  Plain(const std::vector<T>& x, std::int64_t B_, std::int64_t O_, bool rows_)
      : B(B_), O(O_), rows(rows_), x_hat(x.size()), inverse(x.size()) {
    const std::vector<double> numbers(x.begin(), x.end());
    const std::vector<double> mean = means(numbers);
    std::vector<double> squares(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      squares[i] = (numbers[i] - mean[i]) * (numbers[i] - mean[i]);
    }
    const std::vector<double> variance = means(squares);
    for (std::size_t i = 0; i < x.size(); ++i) {
      inverse[i] = 1 / std::sqrt(variance[i] + 0.001);
      x_hat[i] = (numbers[i] - mean[i]) * inverse[i];
    }
  }

  std::vector<double> means(const std::vector<double>& values) const {
    std::vector<double> sum(static_cast<std::size_t>(rows ? B : O)), all(values.size());
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t O_size = static_cast<std::size_t>(O);
        double& of = sum[rows ? i / O_size : i % O_size];
        if (pass == 0) of += values[i];
        if (pass == 1) all[i] = of / static_cast<double>(rows ? O : B);
      }
    }
    return all;
  }

  std::vector<double> backward(const std::vector<double>& g) const {
    std::vector<double> along(g.size()), dx(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) along[i] = g[i] * x_hat[i];
    const std::vector<double> mean = means(g), slope = means(along);
    for (std::size_t i = 0; i < g.size(); ++i) {
      dx[i] = inverse[i] * (g[i] - mean[i] - x_hat[i] * slope[i]);
    }
    return dx;
  }
};

template <class T>
void column_moments(const Kernels<T>& k, Output<T>& mean, Output<T>& variance,
                    const std::vector<T>& x, std::int64_t B, std::int64_t O) {
  Output<T> sum(O), off(O), squares(O);
  const mundur::Counted all{nullptr, 1, B};
  k.column_sums(sum.data(), x.data(), O, B, 1, O, all);
  k.column_deviations(off.data(), squares.data(), x.data(), sum.data(), O, B, 1, O, all);
  k.column_moments(mean.data(), variance.data(), sum.data(), off.data(), squares.data(), O, B);
}

template <class T>
void test_normalisation(std::int64_t B, std::int64_t O, bool rows) {
  Numbers numbers(static_cast<std::uint64_t>(1000 * B + O));
  const std::int64_t n = B * O;
  const auto x = numbers.vector<T>(n, 4, 8), dy = numbers.vector<T>(n, -1, 1);
  const auto gamma = numbers.vector<T>(O, -2, 2), beta = numbers.vector<T>(O, -1, 1);
  const T epsilon = T(0.001);
  const auto forward_and_sums = [&](const Kernels<T>& k, bool is_backward) {
    Output<T> y(n), dx(n), dbeta(O), dgamma(O), mean(rows ? B : O), inverse(rows ? B : O);
    Output<T> variance(O), scale(O);
    if (rows) {
      k.normalize_rows(y.data(), mean.data(), inverse.data(), x.data(), gamma.data(), beta.data(),
                       B, O, epsilon);
      k.normalize_rows_sums(dbeta.data(), dgamma.data(), dy.data(), x.data(), mean.data(),
                            inverse.data(), O, B, 1, O);
      k.normalize_rows_backward(dx.data(), dy.data(), x.data(), mean.data(), inverse.data(),
                                gamma.data(), B, O);
    } else {
      column_moments(k, mean, variance, x, B, O);
      k.normalization_scale(inverse.data(), scale.data(), variance.data(), gamma.data(), O,
                            epsilon);
      k.normalize_columns(y.data(), x.data(), mean.data(), scale.data(), beta.data(), B, O);
      k.normalize_columns_sums(dbeta.data(), dgamma.data(), dy.data(), x.data(), mean.data(),
                               inverse.data(), O, B, 1, O);
      k.normalize_columns_backward(dx.data(), dy.data(), x.data(), mean.data(), inverse.data(),
                                   scale.data(), dbeta.data(), dgamma.data(), B, O,
                                   {nullptr, 1, B});
    }
    return is_backward ? joined<T>({&dx}) : joined<T>({&y, &dbeta, &dgamma});
  };
  const auto found = check::same_everywhere<T>(
      "forward", [&](const Kernels<T>& k) { return forward_and_sums(k, false); });
  const auto found_dx = check::same_everywhere<T>(
      "backward", [&](const Kernels<T>& k) { return forward_and_sums(k, true); });

  const Plain plain(x, B, O, rows);
  std::vector<double> y, g, dbeta(static_cast<std::size_t>(O)), dgamma(dbeta);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t o = i % static_cast<std::size_t>(O);
    const auto slope = static_cast<double>(dy[i]);
    y.push_back(plain.x_hat[i] * static_cast<double>(gamma[o]) + static_cast<double>(beta[o]));
    g.push_back(slope * static_cast<double>(gamma[o]));
    dbeta[o] += slope;
    dgamma[o] += slope * plain.x_hat[i];
  }
  y.insert(y.end(), dbeta.begin(), dbeta.end());
  y.insert(y.end(), dgamma.begin(), dgamma.end());
  // x lies about 3 deviations from 0, so its rounding counts that much more.
  CHECK(check::distance(found, y) <= 4 * check::kTolerance<T>);
  const std::vector<double> dx = plain.backward(g);
  double error = 0;
  for (std::size_t i = 0; i < dx.size(); ++i) {
    error = std::max(error, std::fabs(static_cast<double>(found_dx[i]) - dx[i]));
  }
  // Of one or two numbers no slope is left; what is there are the roundings of g / √ε at most.
  CHECK(error <= 100 * check::kTolerance<T>);
}

/// Far from zero the second pass keeps the digits that the first lost.
template <class T>
void test_offset() {
  Numbers numbers(7);
  const std::int64_t B = 5000;
  const T offset = sizeof(T) == 4 ? T(4096) : T(1e9);
  std::vector<T> x(static_cast<std::size_t>(B));
  double sum = 0, squares = 0;
  for (T& value : x) {
    const auto d = static_cast<double>(static_cast<int>(numbers.uniform(-64, 64))) / 64;
    value = offset + static_cast<T>(d);  // exact
    sum += d;
    squares += d * d;
  }
  const double mean = sum / static_cast<double>(B);
  const double variance = squares / static_cast<double>(B) - mean * mean;
  const auto found = check::same_everywhere<T>("moments", [&](const Kernels<T>& k) {
    Output<T> m(1), v(1);
    column_moments(k, m, v, x, B, 1);
    return joined<T>({&m, &v});
  });
  CHECK(std::fabs(static_cast<double>(found[0] - offset) - mean) <=
        static_cast<double>(offset) * std::numeric_limits<T>::epsilon());
  CHECK(std::fabs(static_cast<double>(found[1]) - variance) <= check::kTolerance<T>);
}

template <class T>
void test_averages(std::int64_t n) {
  Numbers numbers(static_cast<std::uint64_t>(n));
  const auto a = numbers.vector<T>(n, -1, 1), b = numbers.vector<T>(n, -1, 1);
  const auto found = check::same_everywhere<T>("averages", [&](const Kernels<T>& k) {
    Output<T> average(a), sum(n), product(n);
    k.moving_average(average.data(), b.data(), n, T(0.75), T(0.25));
    k.add(sum.data(), a.data(), b.data(), n);
    k.multiply(product.data(), a.data(), b.data(), n);
    return joined<T>({&average, &sum, &product});
  });
  std::vector<double> average, sum, product;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto p = static_cast<double>(a[i]), q = static_cast<double>(b[i]);
    average.push_back(0.75 * p + 0.25 * q);
    sum.push_back(p + q);
    product.push_back(p * q);
  }
  average.insert(average.end(), sum.begin(), sum.end());
  average.insert(average.end(), product.begin(), product.end());
  CHECK(check::distance(found, average) <= check::kTolerance<T>);
}

/// Whoever fills whichever part: an element's number is its own.
template <class T>
void test_noise(std::int64_t n) {
  const std::int64_t all = n + 300;
  const mundur::RandomKey key{5, 9};
  const auto x = Numbers(3).vector<T>(all, -1, 1);
  const Kernels<T>& generic = mundur::kernels<T>(mundur::Isa::generic);
  Output<T> whole(all), dropped(all);
  std::vector<std::uint8_t> keep(static_cast<std::size_t>(all));
  generic.random_normal(whole.data(), all, key, 1.0, 2.0);
  generic.alpha_dropout(dropped.data(), keep.data(), x.data(), 0, all, key, 1u << 30, T(2), T(0.5),
                        T(-3));
  const auto expected = joined<T>({&whole, &dropped});
  for (std::int64_t first : {0, 1, 31, 32, 33, 64, 100, 300}) {
    const auto found = check::same_everywhere<T>("noise", [&](const Kernels<T>& k) {
      Output<T> noise(n), y(n);
      std::vector<std::uint8_t> kept(static_cast<std::size_t>(n) + 1, 7);
      k.normal_noise(noise.data(), first, n, key, 1.0, 2.0);
      k.alpha_dropout(y.data(), kept.data(), x.data() + first, first, n, key, 1u << 30, T(2),
                      T(0.5), T(-3));
      CHECK(kept.back() == 7);
      for (std::size_t i = 0; i + 1 < kept.size(); ++i) {
        CHECK(kept[i] == keep[i + static_cast<std::size_t>(first)]);
      }
      return joined<T>({&noise, &y});
    });
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i), whose = static_cast<std::size_t>(first + i);
      CHECK(check::same_bits(found[at], expected[whose]));
      CHECK(check::same_bits(found[at + static_cast<std::size_t>(n)],
                             expected[whose + static_cast<std::size_t>(all)]));
      const T kept = x[whose] * T(2) + T(0.5);
      CHECK(expected[whose + static_cast<std::size_t>(all)] == (keep[whose] ? kept : T(-3)));
    }
  }
}

template <class T>
void test_all() {
  for (std::int64_t O : check::kSizes) {
    if (O == 0) continue;
    for (std::int64_t B : {1, 2, 9, 256, 257, 600}) {
      test_normalisation<T>(B, O, false);
      if (B <= 9) test_normalisation<T>(B, O, true);
    }
  }
  for (std::int64_t n : check::kSizes) {
    test_averages<T>(n);
    test_noise<T>(n);
  }
  test_offset<T>();
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  return check::result(0xE49E571DCF0846FDu);
}

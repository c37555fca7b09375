// Penalties and limits of norms: against plain formulas, and equal bits.

#include <cmath>
#include <limits>

#include "check.h"

namespace {

using check::Numbers;
using check::Output;
using mundur::Kernels;

template <class T>
void test_norms(std::int64_t n) {
  const auto x = Numbers(static_cast<std::uint64_t>(n) + 1).vector<T>(n, -2, 2);
  const auto found = check::same_everywhere<T>("norms", [&](const Kernels<T>& k) {
    Output<double> sums(2);
    k.norms(sums.data(), x.data(), n);
    return sums.take();
  });
  std::vector<double> expected(2, 0.0);
  for (T v : x) {
    expected[0] += std::fabs(static_cast<double>(v));
    expected[1] += static_cast<double>(v) * static_cast<double>(v);
  }
  CHECK(check::distance(found, expected) <= check::kTolerance<T>);
}

template <class T>
void test_add_penalty(std::int64_t columns, T l1, T two_l2) {
  constexpr std::int64_t kRows = 3;
  const std::int64_t ld = columns + 5, size = kRows * ld;
  Numbers numbers(static_cast<std::uint64_t>(columns) + 2);
  auto w = numbers.vector<T>(size, -1, 1);
  const auto g = numbers.vector<T>(size, -1, 1);
  for (std::size_t i = 0; i < w.size(); i += 3) w[i] = i % 2 ? T(0) : -T(0);
  for (std::size_t i = 1; i < w.size(); i += 7)
    w[i] = std::copysign(std::numeric_limits<T>::quiet_NaN(), i % 2 ? T(1) : T(-1));
  const auto found = check::same_everywhere<T>("add_penalty", [&](const Kernels<T>& k) {
    Output<T> out(g);
    k.add_penalty(out.data(), w.data(), kRows, columns, ld, ld, l1, two_l2);
    return out.take();
  });
  for (std::int64_t i = 0; i < size; ++i) {
    const auto at = static_cast<std::size_t>(i);
    T expected = g[at];
    if (i % ld < columns) {
      if (two_l2 != 0) expected = std::fma(two_l2, w[at], expected);
      if (l1 != 0) expected += w[at] > 0 ? l1 : w[at] < 0 ? -l1 : w[at];
    }
    CHECK(check::same_bits(found[at], expected));
  }
}

/// Columns of a matrix with a row between, or one vector of numbers side by side.
template <class T>
void test_limit_norms(std::int64_t n, std::int64_t columns, bool is_vector, double least,
                      double most, double rate) {
  const std::int64_t ld = is_vector ? 1 : columns + 2;
  const auto w = Numbers(static_cast<std::uint64_t>(n) + 3).vector<T>(n * ld, -1, 1);
  const auto found = check::same_everywhere<T>("limit_norms", [&](const Kernels<T>& k) {
    Output<T> out(w);
    k.limit_norms(out.data(), n, columns, ld, T(least), T(most), T(rate));
    return out.take();
  });
  std::vector<double> expected(w.begin(), w.end());
  for (std::int64_t c = 0; c < columns; ++c) {
    double norm = 0.0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double v = expected[static_cast<std::size_t>(i * ld + c)];
      norm += v * v;
    }
    norm = std::sqrt(norm);
    const double inside = std::fmin(std::fmax(norm, least), most);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i * ld + c);
      if (inside == norm) {
        CHECK(check::same_bits(found[at], w[at]));
      } else {
        expected[at] *= (rate * inside + (1 - rate) * norm) / (norm + 1e-7);
      }
    }
  }
  CHECK(check::distance(found, expected) <= check::kTolerance<T>);
}

template <class T>
void test_all() {
  for (std::int64_t n : check::kSizes) {
    test_norms<T>(n);
    test_add_penalty<T>(n, T(0.25), T(0.5));
    test_add_penalty<T>(n, T(0), T(0.3));
    test_add_penalty<T>(n, T(0.3), T(0));
    if (n == 0) continue;
    test_limit_norms<T>(n, 1, true, 0.0, 0.5, 1.0);
    test_limit_norms<T>(n, 1, true, 1.0, 1.0, 1.0);
    test_limit_norms<T>(n, 9, false, 0.0, 1.5, 1.0);
    test_limit_norms<T>(7, n, false, 0.0, 1.5, 1.0);
    test_limit_norms<T>(7, n, false, 1.0, 1.2, 0.25);
  }
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  return check::result(0xE7F0B102E9245E52u);
}

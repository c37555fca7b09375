#include "cpu/kernels/orthogonal.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mundur {
namespace {

/// a[m, n], m >= n, by its Q. The inner loops run along rows of a, so that n sums go on at once.
void orthogonalise(double* a, std::int64_t m, std::int64_t n) {
  std::vector<double> r(static_cast<std::size_t>(n));
  for (std::int64_t k = 0; k < n; ++k) {
    double square = 0.0;
    for (std::int64_t i = 0; i < m; ++i) square += a[i * n + k] * a[i * n + k];
    const double norm = std::sqrt(square);
    for (std::int64_t i = 0; i < m; ++i) a[i * n + k] /= norm;
    std::fill(r.begin(), r.end(), 0.0);
    for (std::int64_t i = 0; i < m; ++i) {  // r_j = Σ_i q_ik a_ij
      const double q = a[i * n + k];
      for (std::int64_t j = k + 1; j < n; ++j) r[static_cast<std::size_t>(j)] += q * a[i * n + j];
    }
    for (std::int64_t i = 0; i < m; ++i) {  // a_ij -= q_ik r_j
      const double q = a[i * n + k];
      for (std::int64_t j = k + 1; j < n; ++j) a[i * n + j] -= q * r[static_cast<std::size_t>(j)];
    }
  }
}

}  // namespace

template <class T>
void random_orthogonal(T* q, std::int64_t rows, std::int64_t columns, RandomKey key, double gain) {
  const std::int64_t m = std::max(rows, columns), n = std::min(rows, columns);
  std::vector<double> a(static_cast<std::size_t>(m * n));
  kernels<double>().random_normal(a.data(), m * n, key, 0.0, 1.0);
  orthogonalise(a.data(), m, n);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const std::int64_t at = rows >= columns ? i * n + j : j * n + i;
      q[i * columns + j] = static_cast<T>(gain * a[static_cast<std::size_t>(at)]);
    }
  }
}

template void random_orthogonal<float>(float*, std::int64_t, std::int64_t, RandomKey, double);
template void random_orthogonal<double>(double*, std::int64_t, std::int64_t, RandomKey, double);

}  // namespace mundur

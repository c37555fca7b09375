#pragma once

// Layers in plain arithmetic, for the tests that hold networks against them: arrays of so many
// samples, one behind the other.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "views.h"

namespace plain {

inline constexpr std::int64_t kSamples = 11;

using Rows = std::vector<double>;
using Mask = std::vector<bool>;

inline double sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }
inline double identity(double z) { return z; }
inline double hyperbolic(double z) { return std::tanh(z); }

/// f(x·w + b)
inline Rows dense(const Rows& x, const Rows& w, const Rows& b, double (*f)(double) = identity) {
  const std::size_t O = b.size(), I = w.size() / O;
  Rows y;
  for (std::size_t row = 0; row < x.size() / I; ++row) {
    for (std::size_t o = 0; o < O; ++o) {
      double z = b[o];
      for (std::size_t i = 0; i < I; ++i) z += x[row * I + i] * w[i * O + o];
      y.push_back(f(z));
    }
  }
  return y;
}

/// h and c of each sequence.
struct States {
  Rows h, c;
};

/// The last state of each sequence, through steps that the mask has; `states`, if there are any:
/// where it begins, and then the last ones.
inline Rows lstm(const Rows& x, std::size_t steps, const Rows& w, const Rows& u, const Rows& b,
                 const Mask& mask = {}, States* states = nullptr) {
  const std::size_t Z = b.size(), H = Z / 4, I = w.size() / Z;
  Rows all, cells;
  for (std::size_t n = 0; n < x.size() / (steps * I); ++n) {
    Rows h(H, 0.0), c(H, 0.0);
    if (states && !states->h.empty()) {
      std::copy_n(states->h.begin() + static_cast<std::ptrdiff_t>(n * H), H, h.begin());
      std::copy_n(states->c.begin() + static_cast<std::ptrdiff_t>(n * H), H, c.begin());
    }
    for (std::size_t t = 0; t < steps; ++t) {
      if (!mask.empty() && !mask[n * steps + t]) continue;
      Rows z = b;
      for (std::size_t k = 0; k < Z; ++k) {
        for (std::size_t i = 0; i < I; ++i) z[k] += x[(n * steps + t) * I + i] * w[i * Z + k];
        for (std::size_t j = 0; j < H; ++j) z[k] += h[j] * u[j * Z + k];
      }
      for (std::size_t j = 0; j < H; ++j) {
        c[j] = sigmoid(z[H + j]) * c[j] + sigmoid(z[j]) * std::tanh(z[2 * H + j]);
        h[j] = sigmoid(z[3 * H + j]) * std::tanh(c[j]);
      }
    }
    all.insert(all.end(), h.begin(), h.end());
    cells.insert(cells.end(), c.begin(), c.end());
  }
  if (states) *states = {all, cells};
  return all;
}

inline constexpr double kMomentum = 0.75, kEpsilon = 1e-3;

/// By the batch's moments, which move the moving ones, or by those.
inline Rows normalise(const Rows& x, const Rows& gamma, const Rows& beta, Rows& moving_mean,
                      Rows& moving_variance, bool training) {
  const std::size_t C = gamma.size(), n = x.size() / C;
  Rows y(x.size());
  for (std::size_t c = 0; c < C; ++c) {
    double mean = moving_mean[c], variance = moving_variance[c];
    if (training) {
      mean = variance = 0.0;
      for (std::size_t i = 0; i < n; ++i) mean += x[i * C + c] / static_cast<double>(n);
      for (std::size_t i = 0; i < n; ++i) {
        variance += std::pow(x[i * C + c] - mean, 2.0) / static_cast<double>(n);
      }
      moving_mean[c] = kMomentum * moving_mean[c] + (1.0 - kMomentum) * mean;
      moving_variance[c] = kMomentum * moving_variance[c] + (1.0 - kMomentum) * variance;
    }
    for (std::size_t i = 0; i < n; ++i) {
      y[i * C + c] = gamma[c] * (x[i * C + c] - mean) / std::sqrt(variance + kEpsilon) + beta[c];
    }
  }
  return y;
}

/// Rows of a table; ids lose their fraction.
inline Rows embed(const Rows& ids, const Rows& w, std::size_t O) {
  Rows y;
  for (double id : ids) {
    const auto row = w.begin() + static_cast<std::ptrdiff_t>(id) * static_cast<std::ptrdiff_t>(O);
    y.insert(y.end(), row, row + static_cast<std::ptrdiff_t>(O));
  }
  return y;
}

inline Rows each(const Rows& a, const Rows& b, const std::function<double(double, double)>& f) {
  Rows y;
  for (std::size_t i = 0; i < a.size(); ++i) y.push_back(f(a[i], b[i]));
  return y;
}
inline Rows sum(const Rows& a, const Rows& b) { return each(a, b, std::plus<>()); }
inline Rows product(const Rows& a, const Rows& b) { return each(a, b, std::multiplies<>()); }

/// Side by side, for so many rows.
inline Rows join(const Rows& a, const Rows& b, std::size_t rows = kSamples) {
  Rows y;
  for (std::size_t n = 0; n < rows; ++n) {
    for (const Rows* part : {&a, &b}) {
      const auto width = static_cast<std::ptrdiff_t>(part->size() / rows);
      const auto from = part->begin() + static_cast<std::ptrdiff_t>(n) * width;
      y.insert(y.end(), from, from + width);
    }
  }
  return y;
}

inline Rows flat(const std::vector<Rows>& all) {
  Rows one;
  for (const Rows& rows : all) one.insert(one.end(), rows.begin(), rows.end());
  return one;
}

/// As a network takes its samples.
inline mundur::ArrayView view(const Rows& values, mundur::Shape sample) {
  return check::view(values, kSamples, std::move(sample));
}

}  // namespace plain

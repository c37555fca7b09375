#pragma once

// Reductions over one row in 16 virtual lanes: what softmax, the losses, argmax and clipping
// share.

#include "cpu/kernels/formulas/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// The greatest element. A NaN may or may not win; whoever uses the result meets it again in x -
/// maximum.
template <class T>
MUNDUR_INLINE T row_max(const T* x, i64 size) {
  auto lanes = Lanes16<T>::all(-Constants<T>::kInfinity);
  for_each_lane(lanes, size, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
    const Vec<T> larger = max(part, load_up_to(x + i, n));
    part = n == Vec<T>::kWidth ? larger : select(first_n<T>(n), larger, part);
  });
  return lanes.maximum();
}

template <class T>
MUNDUR_INLINE T row_sum(const T* x, i64 size) {
  return lane_sum(size, [](Vec<T> a) MUNDUR_BODY { return a; }, x);
}

/// e[i] = exp(x[i] - maximum); returns their sum. e may be x.
template <class T>
MUNDUR_INLINE T row_exp(T* e, const T* x, i64 size, T maximum) {
  auto lanes = Lanes16<T>::all(T(0));
  for_each_lane(lanes, size, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
    const Vec<T> y = exp(load_up_to(x + i, n) - maximum);
    store_up_to(e + i, y, n);
    part = add_up_to(part, y, n);
  });
  return lanes.sum();
}

/// log Σ exp(x[i] - maximum). A confident row sums to hardly more than the 1 of its maximum, so
/// that one is left out of the sum and log1p puts it back: the digits of the rest survive.
template <class T>
MUNDUR_INLINE T row_log_sum(const T* x, i64 size, T maximum) {
  auto rest = Lanes16<T>::all(T(0));
  auto count = Lanes16<T>::all(T(0));
  const Vec<T> top = maximum;
  for_each_lane(rest, size, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
    const Vec<T> a = load_up_to(x + i, n);
    const Mask<T> is_top = equal(a, top);
    const int lane = static_cast<int>(i % 16) / Vec<T>::kWidth;
    part = add_up_to(part, select(is_top, 0, exp(a - top)), n);
    count.part[lane] = add_up_to(count.part[lane], select(is_top, 1, 0), n);
  });
  return first_lane(log1p(Vec<T>(rest.sum() + (count.sum() - T(1)))));
}

/// Σ g[i]², in double.
template <class T>
MUNDUR_DEVICE double sum_squares(const T* g, i64 n) {
  double lanes[16] = {};
  i64 i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int lane = 0; lane < 16; ++lane) {
      const auto value = static_cast<double>(g[i + lane]);
      lanes[lane] += value * value;
    }
  }
  for (int lane = 0; i + lane < n; ++lane) {
    const auto value = static_cast<double>(g[i + lane]);
    lanes[lane] += value * value;
  }
  for (int half = 8; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

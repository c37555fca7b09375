// Activations and their derivatives: one element or one row at a time.

#include "cpu/kernels/formulas/activations.h"

#include "cpu/kernels/formulas/curves.h"
#include "cpu/kernels/isa/rows.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
MUNDUR_DEVICE void activation(T* y, const T* x, i64 size, Function f) {
  if (f == Function::linear && y == x) return;
  with_function<T>(f, [&](auto one) {
    map(y, size, [](Vec<T> a) MUNDUR_BODY { return decltype(one)::value(a); }, x);
  });
}

template <class T>
MUNDUR_DEVICE void activation_backward(T* dx, const T* y, const T* dy, i64 size, Function f) {
  if (f == Function::linear && dx == dy) return;
  with_function<T>(f, [&](auto one) {
    map(
        dx, size, [](Vec<T> a, Vec<T> d) MUNDUR_BODY { return decltype(one)::gradient(a, d); }, y,
        dy);
  });
}

template <class T>
MUNDUR_DEVICE void curve(T* y, const T* x, i64 size, Curve f, const T* p) {
  with_curve<T>(f, [&](auto one) {
    map(y, size, [p](Vec<T> a) MUNDUR_BODY { return decltype(one)::value(a, p); }, x);
  });
}

template <class T>
MUNDUR_DEVICE void curve_backward(T* dx, const T* x, const T* dy, i64 size, Curve f, const T* p) {
  with_curve<T>(f, [&](auto one) {
    map(
        dx, size, [p](Vec<T> a, Vec<T> d) MUNDUR_BODY { return d * decltype(one)::slope(a, p); }, x,
        dy);
  });
}

template <class T>
MUNDUR_DEVICE void softmax(T* y, const T* x, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, y += O, x += O) {
    const Vec<T> sum = row_exp(y, x, O, row_max(x, O));
    map(y, O, [&](Vec<T> e) MUNDUR_BODY { return e / sum; }, y);
  }
}

template <class T>
MUNDUR_DEVICE void softmax_backward(T* dx, const T* y, const T* dy, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, dx += O, y += O, dy += O) {
    auto lanes = Lanes16<T>::all(T(0));
    for_each_lane(lanes, O, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
      const Vec<T> sum = fma(load_up_to(dy + i, n), load_up_to(y + i, n), part);
      part = n == Vec<T>::kWidth ? sum : select(first_n<T>(n), sum, part);
    });
    const Vec<T> dot = lanes.sum();
    map(dx, O, [&](Vec<T> a, Vec<T> d) MUNDUR_BODY { return a * (d - dot); }, y, dy);
  }
}

template <class T>
MUNDUR_DEVICE void log_softmax(T* y, const T* x, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, y += O, x += O) {
    const T maximum = row_max(x, O);
    const Vec<T> top = maximum, log_sum = row_log_sum(x, O, maximum);
    map(y, O, [&](Vec<T> a) MUNDUR_BODY { return (a - top) - log_sum; }, x);
  }
}

template <class T>
MUNDUR_DEVICE void log_softmax_backward(T* dx, const T* y, const T* dy, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, dx += O, y += O, dy += O) {
    const Vec<T> sum = row_sum(dy, O);
    map(dx, O, [&](Vec<T> a, Vec<T> d) MUNDUR_BODY { return fnma(exp(a), sum, d); }, y, dy);
  }
}

template <class T>
void fill_activations_rows(Kernels<T>& table) {
  table.activation = activation<T>;
  table.activation_backward = activation_backward<T>;
  table.softmax = softmax<T>;
  table.softmax_backward = softmax_backward<T>;
  table.log_softmax = log_softmax<T>;
  table.log_softmax_backward = log_softmax_backward<T>;
  table.curve = curve<T>;
  table.curve_backward = curve_backward<T>;
}

}  // namespace

void fill_activations(Kernels<float>& table) { fill_activations_rows(table); }
void fill_activations(Kernels<double>& table) { fill_activations_rows(table); }

}  // namespace mundur::MUNDUR_ISA

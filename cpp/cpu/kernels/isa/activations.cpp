// Activations and their derivatives: one element or one row at a time.

#include "cpu/kernels/isa/rows.h"

namespace mundur::MUNDUR_ISA {
namespace {

// f(x), and dy · f'(x) written through y = f(x).

struct Relu {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x) {
    return select(greater(x, zero<T>()), x, select(is_nan(x), x, zero<T>()));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> gradient(Vec<T> y, Vec<T> dy) {
    return select(greater(y, zero<T>()), dy, select(is_nan(y), y, zero<T>()));
  }
};

struct Sigmoid {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x) {
    return sigmoid(x);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> gradient(Vec<T> y, Vec<T> dy) {
    return dy * fnma(y, y, y);
  }
};

struct Tanh {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> x) {
    return tanh(x);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> gradient(Vec<T> y, Vec<T> dy) {
    return dy * fnma(y, y, set<T>(T(1)));
  }
};

template <class T>
void copy(T* y, const T* x, i64 size) {
  if (y == x) return;
  for_each_vec<T>(size,
                  [&](i64 i, int n) MUNDUR_BODY { store_up_to(y + i, load_up_to(x + i, n), n); });
}

template <class F, class T>
void apply(T* y, const T* x, i64 size) {
  for_each_vec<T>(size, [&](i64 i, int n)
                            MUNDUR_BODY { store_up_to(y + i, F::value(load_up_to(x + i, n)), n); });
}

template <class F, class T>
void apply_gradient(T* dx, const T* y, const T* dy, i64 size) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    store_up_to(dx + i, F::gradient(load_up_to(y + i, n), load_up_to(dy + i, n)), n);
  });
}

template <class T>
void activation(T* y, const T* x, i64 size, Function f) {
  switch (f) {
    case Function::linear:
      return copy(y, x, size);
    case Function::relu:
      return apply<Relu>(y, x, size);
    case Function::sigmoid:
      return apply<Sigmoid>(y, x, size);
    case Function::tanh:
      return apply<Tanh>(y, x, size);
  }
}

template <class T>
void activation_backward(T* dx, const T* y, const T* dy, i64 size, Function f) {
  switch (f) {
    case Function::linear:
      return copy(dx, dy, size);
    case Function::relu:
      return apply_gradient<Relu>(dx, y, dy, size);
    case Function::sigmoid:
      return apply_gradient<Sigmoid>(dx, y, dy, size);
    case Function::tanh:
      return apply_gradient<Tanh>(dx, y, dy, size);
  }
}

template <class T>
void softmax(T* y, const T* x, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, y += O, x += O) {
    const Vec<T> sum = set<T>(row_exp(y, x, O, row_max(x, O)));
    for_each_vec<T>(
        O, [&](i64 i, int n) MUNDUR_BODY { store_up_to(y + i, load_up_to(y + i, n) / sum, n); });
  }
}

template <class T>
void softmax_backward(T* dx, const T* y, const T* dy, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, dx += O, y += O, dy += O) {
    auto lanes = Lanes16<T>::all(T(0));
    for_each_lane(lanes, O, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
      const Vec<T> sum = fma(load_up_to(dy + i, n), load_up_to(y + i, n), part);
      part = n == Vec<T>::kWidth ? sum : select(first_n<T>(n), sum, part);
    });
    const Vec<T> dot = set<T>(lanes.sum());
    for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
      store_up_to(dx + i, load_up_to(y + i, n) * (load_up_to(dy + i, n) - dot), n);
    });
  }
}

template <class T>
void log_softmax(T* y, const T* x, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, y += O, x += O) {
    const T maximum = row_max(x, O);
    const Vec<T> top = set<T>(maximum), log_sum = set<T>(row_log_sum(x, O, maximum));
    for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
      store_up_to(y + i, (load_up_to(x + i, n) - top) - log_sum, n);
    });
  }
}

template <class T>
void log_softmax_backward(T* dx, const T* y, const T* dy, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, dx += O, y += O, dy += O) {
    const Vec<T> sum = set<T>(row_sum(dy, O));
    for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
      store_up_to(dx + i, fnma(exp(load_up_to(y + i, n)), sum, load_up_to(dy + i, n)), n);
    });
  }
}

template <class T>
void fill_rows(Kernels<T>& table) {
  table.activation = activation<T>;
  table.activation_backward = activation_backward<T>;
  table.softmax = softmax<T>;
  table.softmax_backward = softmax_backward<T>;
  table.log_softmax = log_softmax<T>;
  table.log_softmax_backward = log_softmax_backward<T>;
}

}  // namespace

void fill_activations(Kernels<float>& table) { fill_rows(table); }
void fill_activations(Kernels<double>& table) { fill_rows(table); }

}  // namespace mundur::MUNDUR_ISA

// Losses: their value per sample and their gradient. The factor weight[b] · scale is rounded first;
// the derivative of the unweighted loss is then multiplied by it, one rounding: gradient =
// derivative · (weight · scale).

#include "kernels/isa/rows.h"

namespace mundur::MUNDUR_ISA {
namespace {

// Probabilities are clipped for the value; the gradient is that of the clipped function, 0 outside.
template <class T>
struct Clip {
  static constexpr T kLow = T(1e-7);
  static constexpr T kHigh = T(1) - T(1e-7);
};

template <class T>
MUNDUR_INLINE Vec<T> clip(Vec<T> p) {
  return min(max(p, set<T>(Clip<T>::kLow)), set<T>(Clip<T>::kHigh));
}

template <class T>
MUNDUR_INLINE Vec<T> zero_where_clipped(Vec<T> p, Vec<T> derivative) {
  const Mask<T> outside = less(p, set<T>(Clip<T>::kLow)) | less(set<T>(Clip<T>::kHigh), p);
  return select(outside, zero<T>(), derivative);
}

// ---- losses of one element: value and derivative with respect to p
// ------------------------------------------------

struct SquaredError {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) {
    return (p - y) * (p - y);
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) {
    return (p - y) + (p - y);
  }
};

struct BinaryCrossentropy {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) {
    const Vec<T> inside = clip(p), one = set<T>(T(1));
    return -fma(y, log(inside), (one - y) * log(one - inside));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) {
    return zero_where_clipped(p, (p - y) / (p * (set<T>(T(1)) - p)));
  }
};

struct BinaryCrossentropyLogits {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> z, Vec<T> y) {
    return fnma(z, y, max(z, zero<T>())) + log1p(exp(-abs(z)));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> derivative(Vec<T> z, Vec<T> y) {
    return sigmoid(z) - y;
  }
};

struct CategoricalCrossentropy {
  template <class T>
  static MUNDUR_INLINE Vec<T> value(Vec<T> p, Vec<T> y) {
    return -(y * log(clip(p)));
  }
  template <class T>
  static MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) {
    return zero_where_clipped(p, zero<T>() - y / p);
  }
};

/// Sigmoid with binary cross-entropy behind p: the derivative with respect to the logits.
struct FusedBinaryCrossentropy {
  template <class T>
  static MUNDUR_INLINE Vec<T> derivative(Vec<T> p, Vec<T> y) {
    return p - y;
  }
};

/// One output: samples lie side by side, and one element is its own sum over lanes (-0 becomes +0).
template <class Loss, class T>
void single_output_value(double* value, const T* p, const T* y, i64 B) {
  for_each_vec<T>(B, [&](i64 i, int n) MUNDUR_BODY {
    T sample[Vec<T>::kWidth];
    store(sample, zero<T>() + Loss::value(load_up_to(p + i, n), load_up_to(y + i, n)));
    for (int k = 0; k < n; ++k) value[i + k] = static_cast<double>(sample[k]);
  });
}

template <class Loss, class T>
void elementwise_value(double* value, const T* p, const T* y, i64 B, i64 O) {
  if (O == 1) return single_output_value<Loss>(value, p, y, B);
  for (i64 b = 0; b < B; ++b, p += O, y += O) {
    auto lanes = Lanes16<T>::all(T(0));
    for_each_lane(lanes, O, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
      part = add_up_to(part, Loss::value(load_up_to(p + i, n), load_up_to(y + i, n)), n);
    });
    value[b] = static_cast<double>(lanes.sum());
  }
}

template <class Loss, class T>
MUNDUR_INLINE void elementwise_row(T* dp, const T* p, const T* y, i64 size, T factor) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    const Vec<T> derivative = Loss::derivative(load_up_to(p + i, n), load_up_to(y + i, n));
    store_up_to(dp + i, derivative * set<T>(factor), n);
  });
}

template <class T>
MUNDUR_INLINE T factor_of(const T* weight, i64 b, T scale) {
  return weight ? weight[b] * scale : scale;
}

template <class Loss, class T>
void elementwise_gradient(T* dp, const T* p, const T* y, const T* weight, i64 B, i64 O, T scale) {
  // Without weights the rows are one long row: a single output must not cost a loop each.
  if (!weight) return elementwise_row<Loss>(dp, p, y, B * O, scale);
  for (i64 b = 0; b < B; ++b) {
    elementwise_row<Loss>(dp + b * O, p + b * O, y + b * O, O, factor_of(weight, b, scale));
  }
}

// ---- categorical cross-entropy from logits
// ------------------------------------------------------------------------

/// Σ y (logsumexp(z) - z) over y ≠ 0, with logsumexp(z) - z = (max - z) + log Σ exp(z - max):
/// finite for any finite z.
template <class T>
void categorical_logits_value(double* value, const T* z, const T* y, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, z += O, y += O) {
    const T top = row_max(z, O);
    const Vec<T> maximum = set<T>(top), log_sum = set<T>(row_log_sum(z, O, top));
    auto lanes = Lanes16<T>::all(T(0));
    for_each_lane(lanes, O, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
      const Vec<T> target = load_up_to(y + i, n);
      const Vec<T> term = target * ((maximum - load_up_to(z + i, n)) + log_sum);
      part = add_up_to(part, select(equal(target, zero<T>()), zero<T>(), term), n);
    });
    value[b] = static_cast<double>(lanes.sum());
  }
}

/// (e/sum · Σy - y) · factor: from logits e = exp(z - max); fused e is the probability itself and
/// sum = 1.
template <class T>
MUNDUR_INLINE void categorical_row(T* dp, const T* e, const T* y, i64 O, T sum, T factor) {
  const Vec<T> total = set<T>(row_sum(y, O));
  for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
    const Vec<T> p = load_up_to(e + i, n) / set<T>(sum);
    store_up_to(dp + i, fma(p, total, -load_up_to(y + i, n)) * set<T>(factor), n);
  });
}

template <class T>
void categorical_logits_gradient(T* dp, const T* z, const T* y, const T* weight, i64 B, i64 O,
                                 T scale) {
  for (i64 b = 0; b < B; ++b, dp += O, z += O, y += O) {
    const T sum = row_exp(dp, z, O, row_max(z, O));
    categorical_row(dp, dp, y, O, sum, factor_of(weight, b, scale));
  }
}

template <class T>
void categorical_fused_gradient(T* dp, const T* p, const T* y, const T* weight, i64 B, i64 O,
                                T scale) {
  for (i64 b = 0; b < B; ++b, dp += O, p += O, y += O) {
    categorical_row(dp, p, y, O, T(1), factor_of(weight, b, scale));
  }
}

// ---- sparse categorical cross-entropy: the same with y = 1 at the label, to the bit
// --------------------------------

template <class T>
void sparse_value(double* value, const T* p, const std::int32_t* labels, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b) {
    value[b] = static_cast<double>(-first_lane(log(clip(set<T>(p[b * O + labels[b]])))));
  }
}

template <class T>
void sparse_logits_value(double* value, const T* z, const std::int32_t* labels, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b, z += O) {
    const T top = row_max(z, O);
    value[b] = static_cast<double>((top - z[labels[b]]) + row_log_sum(z, O, top));
  }
}

template <class T>
void sparse_gradient(T* dp, const T* p, const std::int32_t* labels, const T* weight, i64 B, i64 O,
                     T scale) {
  for (i64 b = 0; b < B; ++b, dp += O, p += O) {
    const Vec<T> at_label = set<T>(p[labels[b]]);
    const Vec<T> derivative = CategoricalCrossentropy::derivative(at_label, set<T>(T(1)));
    for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY { store_up_to(dp + i, zero<T>(), n); });
    dp[labels[b]] = first_lane(derivative) * factor_of(weight, b, scale);
  }
}

/// (e/sum - [label]) · factor.
template <class T>
MUNDUR_INLINE void sparse_row(T* dp, const T* e, std::int32_t label, i64 O, T sum, T factor) {
  const T at_label = (e[label] / sum - T(1)) * factor;
  for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
    store_up_to(dp + i, load_up_to(e + i, n) / set<T>(sum) * set<T>(factor), n);
  });
  dp[label] = at_label;
}

template <class T>
void sparse_logits_gradient(T* dp, const T* z, const std::int32_t* labels, const T* weight, i64 B,
                            i64 O, T scale) {
  for (i64 b = 0; b < B; ++b, dp += O, z += O) {
    const T sum = row_exp(dp, z, O, row_max(z, O));
    sparse_row(dp, dp, labels[b], O, sum, factor_of(weight, b, scale));
  }
}

template <class T>
void sparse_fused_gradient(T* dp, const T* p, const std::int32_t* labels, const T* weight, i64 B,
                           i64 O, T scale) {
  for (i64 b = 0; b < B; ++b, dp += O, p += O) {
    sparse_row(dp, p, labels[b], O, T(1), factor_of(weight, b, scale));
  }
}

// ---- the table's rows
// ---------------------------------------------------------------------------------------------

template <class T>
void loss_value(double* value, const T* p, const T* y, const std::int32_t* labels, i64 B, i64 O,
                LossKind kind) {
  switch (kind) {
    case LossKind::mean_squared_error:
      return elementwise_value<SquaredError>(value, p, y, B, O);
    case LossKind::binary_crossentropy:
      return elementwise_value<BinaryCrossentropy>(value, p, y, B, O);
    case LossKind::binary_crossentropy_logits:
      return elementwise_value<BinaryCrossentropyLogits>(value, p, y, B, O);
    case LossKind::categorical_crossentropy:
      return elementwise_value<CategoricalCrossentropy>(value, p, y, B, O);
    case LossKind::categorical_crossentropy_logits:
      return categorical_logits_value(value, p, y, B, O);
    case LossKind::sparse_crossentropy:
      return sparse_value(value, p, labels, B, O);
    case LossKind::sparse_crossentropy_logits:
      return sparse_logits_value(value, p, labels, B, O);
  }
}

template <class T>
void fused_gradient(T* dp, const T* p, const T* y, const std::int32_t* labels, const T* weight,
                    i64 B, i64 O, T scale, LossKind kind) {
  switch (kind) {
    case LossKind::mean_squared_error:
      return elementwise_gradient<SquaredError>(dp, p, y, weight, B, O, scale);
    case LossKind::binary_crossentropy:
    case LossKind::binary_crossentropy_logits:
      return elementwise_gradient<FusedBinaryCrossentropy>(dp, p, y, weight, B, O, scale);
    case LossKind::categorical_crossentropy:
    case LossKind::categorical_crossentropy_logits:
      return categorical_fused_gradient(dp, p, y, weight, B, O, scale);
    case LossKind::sparse_crossentropy:
    case LossKind::sparse_crossentropy_logits:
      return sparse_fused_gradient(dp, p, labels, weight, B, O, scale);
  }
}

template <class T>
void loss_gradient(T* dp, const T* p, const T* y, const std::int32_t* labels, const T* weight,
                   i64 B, i64 O, T scale, LossKind kind, bool fused) {
  if (fused) return fused_gradient(dp, p, y, labels, weight, B, O, scale, kind);
  switch (kind) {
    case LossKind::mean_squared_error:
      return elementwise_gradient<SquaredError>(dp, p, y, weight, B, O, scale);
    case LossKind::binary_crossentropy:
      return elementwise_gradient<BinaryCrossentropy>(dp, p, y, weight, B, O, scale);
    case LossKind::binary_crossentropy_logits:
      return elementwise_gradient<BinaryCrossentropyLogits>(dp, p, y, weight, B, O, scale);
    case LossKind::categorical_crossentropy:
      return elementwise_gradient<CategoricalCrossentropy>(dp, p, y, weight, B, O, scale);
    case LossKind::categorical_crossentropy_logits:
      return categorical_logits_gradient(dp, p, y, weight, B, O, scale);
    case LossKind::sparse_crossentropy:
      return sparse_gradient(dp, p, labels, weight, B, O, scale);
    case LossKind::sparse_crossentropy_logits:
      return sparse_logits_gradient(dp, p, labels, weight, B, O, scale);
  }
}

/// The first NaN, else the first element equal to the maximum.
template <class T>
MUNDUR_INLINE std::int32_t row_argmax(const T* x, i64 O) {
  const Vec<T> maximum = set<T>(row_max(x, O));
  i64 first_max = O;
  for (i64 i = 0; i < O; i += Vec<T>::kWidth) {
    const int n = O - i < Vec<T>::kWidth ? static_cast<int>(O - i) : Vec<T>::kWidth;
    const Vec<T> a = load_up_to(x + i, n);
    const Mask<T> valid = first_n<T>(n), nan = is_nan(a) & valid, top = equal(a, maximum) & valid;
    if (any(nan)) return static_cast<std::int32_t>(i + first_true(nan));
    if (first_max == O && any(top)) first_max = i + first_true(top);
  }
  return static_cast<std::int32_t>(first_max);
}

template <class T>
void argmax(std::int32_t* index, const T* x, i64 B, i64 O) {
  for (i64 b = 0; b < B; ++b) index[b] = row_argmax(x + b * O, O);
}

template <class T>
void fill_rows(Kernels<T>& table) {
  table.loss_value = loss_value<T>;
  table.loss_gradient = loss_gradient<T>;
  table.argmax = argmax<T>;
}

}  // namespace

void fill_losses(Kernels<float>& table) { fill_rows(table); }
void fill_losses(Kernels<double>& table) { fill_rows(table); }

}  // namespace mundur::MUNDUR_ISA

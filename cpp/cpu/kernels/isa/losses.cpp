// Losses: their value per sample and their gradient. The factor weight[b] · scale is rounded first;
// the derivative of the unweighted loss is then multiplied by it, one rounding: gradient =
// derivative · (weight · scale).

#include "cpu/kernels/isa/element_losses.h"
#include "cpu/kernels/isa/rows.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// One output: samples lie side by side, and one element is its own sum over lanes (-0 becomes +0).
template <class Loss, class T>
void single_output_value(double* value, const T* p, const T* y, i64 B, Loss loss) {
  for_each_vec<T>(B, [&](i64 i, int n) MUNDUR_BODY {
    T sample[Vec<T>::kWidth];
    store(sample, zero<T>() + loss.value(load_up_to(p + i, n), load_up_to(y + i, n)));
    for (int k = 0; k < n; ++k) value[i + k] = static_cast<double>(sample[k]);
  });
}

template <class Loss, class T>
void elementwise_value(double* value, const T* p, const T* y, i64 B, i64 O, Loss loss) {
  if (O == 1) return single_output_value(value, p, y, B, loss);
  for (i64 b = 0; b < B; ++b, p += O, y += O) {
    auto lanes = Lanes16<T>::all(T(0));
    for_each_lane(lanes, O, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
      part = add_up_to(part, loss.value(load_up_to(p + i, n), load_up_to(y + i, n)), n);
    });
    value[b] = static_cast<double>(lanes.sum());
  }
}

template <class Loss, class T>
MUNDUR_INLINE void elementwise_row(T* dp, const T* p, const T* y, i64 size, T factor, Loss loss) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    const Vec<T> derivative = loss.derivative(load_up_to(p + i, n), load_up_to(y + i, n));
    store_up_to(dp + i, derivative * set<T>(factor), n);
  });
}

template <class T>
MUNDUR_INLINE T factor_of(const T* weight, i64 b, T scale) {
  return weight ? weight[b] * scale : scale;
}

template <class Loss, class T>
void elementwise_gradient(T* dp, const T* p, const T* y, const T* weight, i64 B, i64 O, T scale,
                          Loss loss) {
  // Without weights the rows are one long row: a single output must not cost a loop each.
  if (!weight) return elementwise_row(dp, p, y, B * O, scale, loss);
  for (i64 b = 0; b < B; ++b) {
    elementwise_row(dp + b * O, p + b * O, y + b * O, O, factor_of(weight, b, scale), loss);
  }
}

// ---- categorical cross-entropy from logits ------------------------------------------------------

/// Σ y (logsumexp(z) - z) over y ≠ 0, with logsumexp(z) - z = (max - z) + log Σ exp(z - max):
/// finite for any finite z.
template <class T>
void categorical_logits_value(double* value, const T* z, const T* y, i64 B, i64 O,
                              Smoothing<T> smooth) {
  for (i64 b = 0; b < B; ++b, z += O, y += O) {
    const T top = row_max(z, O);
    const Vec<T> maximum = set<T>(top), log_sum = set<T>(row_log_sum(z, O, top));
    auto lanes = Lanes16<T>::all(T(0));
    for_each_lane(lanes, O, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
      const Vec<T> target = smooth(load_up_to(y + i, n));
      const Vec<T> term = target * ((maximum - load_up_to(z + i, n)) + log_sum);
      part = add_up_to(part, select(equal(target, zero<T>()), zero<T>(), term), n);
    });
    value[b] = static_cast<double>(lanes.sum());
  }
}

/// (e/sum · Σy - y) · factor: from logits e = exp(z - max); fused e is the probability itself and
/// sum = 1.
template <class T>
MUNDUR_INLINE void categorical_row(T* dp, const T* e, const T* y, i64 O, T sum, T factor,
                                   Smoothing<T> smooth) {
  auto lanes = Lanes16<T>::all(T(0));
  for_each_lane(lanes, O, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
    part = add_up_to(part, smooth(load_up_to(y + i, n)), n);
  });
  const Vec<T> total = set<T>(lanes.sum());
  for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
    const Vec<T> p = load_up_to(e + i, n) / set<T>(sum);
    store_up_to(dp + i, fma(p, total, -smooth(load_up_to(y + i, n))) * set<T>(factor), n);
  });
}

template <class T>
void categorical_logits_gradient(T* dp, const T* z, const T* y, const T* weight, i64 B, i64 O,
                                 T scale, Smoothing<T> smooth) {
  for (i64 b = 0; b < B; ++b, dp += O, z += O, y += O) {
    const T sum = row_exp(dp, z, O, row_max(z, O));
    categorical_row(dp, dp, y, O, sum, factor_of(weight, b, scale), smooth);
  }
}

template <class T>
void categorical_fused_gradient(T* dp, const T* p, const T* y, const T* weight, i64 B, i64 O,
                                T scale, Smoothing<T> smooth) {
  for (i64 b = 0; b < B; ++b, dp += O, p += O, y += O) {
    categorical_row(dp, p, y, O, T(1), factor_of(weight, b, scale), smooth);
  }
}

// ---- categorical focal cross-entropy from logits ------------------------------------------------

/// With log p = (z - max) - log Σ exp(z - max), finite for any finite z, and p = exp(log p).
template <class T>
struct FocalRow {
  CategoricalFocal<T> focal;
  T top, log_sum;
  MUNDUR_INLINE Vec<T> log_p(Vec<T> z) const { return (z - set<T>(top)) - set<T>(log_sum); }
  /// One element's part of the loss.
  MUNDUR_INLINE Vec<T> value(Vec<T> z, Vec<T> y) const {
    const Vec<T> log = log_p(z), power = focal.focus.power(set<T>(T(1)) - exp(log));
    return -(focal.smooth(y) * (set<T>(focal.positive) * (power * log)));
  }
  /// p times its derivative by p.
  MUNDUR_INLINE Vec<T> pull(Vec<T> z, Vec<T> y) const {
    const Vec<T> log = log_p(z), p = exp(log), q = set<T>(T(1)) - p, power = focal.focus.power(q);
    const Vec<T> bend = set<T>(focal.focus.gamma) * (Focus<T>::over(power, q) * (p * log));
    return set<T>(focal.positive) * (focal.smooth(y) * (bend - power));
  }
};

template <class T>
void categorical_focal_value(double* value, const T* z, const T* y, i64 B, i64 O,
                             CategoricalFocal<T> focal) {
  for (i64 b = 0; b < B; ++b, z += O, y += O) {
    const T top = row_max(z, O);
    const FocalRow<T> row{focal, top, row_log_sum(z, O, top)};
    auto lanes = Lanes16<T>::all(T(0));
    for_each_lane(lanes, O, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
      part = add_up_to(part, row.value(load_up_to(z + i, n), load_up_to(y + i, n)), n);
    });
    value[b] = static_cast<double>(lanes.sum());
  }
}

/// (pull - p Σ pull) · factor: the derivative by p, sent back through the softmax.
template <class T>
void categorical_focal_gradient(T* dp, const T* z, const T* y, const T* weight, i64 B, i64 O,
                                T scale, CategoricalFocal<T> focal) {
  for (i64 b = 0; b < B; ++b, dp += O, z += O, y += O) {
    const T top = row_max(z, O), factor = factor_of(weight, b, scale);
    const FocalRow<T> row{focal, top, row_log_sum(z, O, top)};
    auto lanes = Lanes16<T>::all(T(0));
    for_each_lane(lanes, O, [&](Vec<T>& part, i64 i, int n) MUNDUR_BODY {
      part = add_up_to(part, row.pull(load_up_to(z + i, n), load_up_to(y + i, n)), n);
    });
    const Vec<T> total = set<T>(lanes.sum());
    for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
      const Vec<T> logit = load_up_to(z + i, n), pull = row.pull(logit, load_up_to(y + i, n));
      store_up_to(dp + i, fnma(exp(row.log_p(logit)), total, pull) * set<T>(factor), n);
    });
  }
}

// ---- sparse categorical cross-entropy: the same with y = 1 at the label, to the bit -------------

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
    const Vec<T> derivative = CategoricalCrossentropy<T>{}.derivative(at_label, set<T>(T(1)));
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

// ---- the table's rows ---------------------------------------------------------------------------

template <class T>
CategoricalFocal<T> categorical_focal(const LossNumbers& numbers, i64 O) {
  return {Smoothing<T>::of(numbers.label_smoothing, O),
          {static_cast<T>(numbers.gamma)},
          static_cast<T>(numbers.positive)};
}

template <class T>
BinaryFocal<T> binary_focal(const LossNumbers& numbers) {
  return {Smoothing<T>::of(numbers.label_smoothing, 2),
          {static_cast<T>(numbers.gamma)},
          static_cast<T>(numbers.positive),
          static_cast<T>(numbers.negative)};
}

/// Calls use(loss) with the loss of one element that `kind` names; false for the kinds whose rows
/// hang together.
template <class T, class Use>
MUNDUR_INLINE bool with_element_loss(LossKind kind, const LossNumbers& numbers, i64 O, Use use) {
  const auto even = [&](i64 classes)
                        MUNDUR_BODY { return Smoothing<T>::of(numbers.label_smoothing, classes); };
  switch (kind) {
    case LossKind::mean_squared_error:
      return use(SquaredError<T>{}), true;
    case LossKind::binary_crossentropy:
      return use(BinaryCrossentropy<T>{even(2)}), true;
    case LossKind::binary_crossentropy_logits:
      return use(BinaryCrossentropyLogits<T>{even(2)}), true;
    case LossKind::categorical_crossentropy:
      return use(CategoricalCrossentropy<T>{even(O)}), true;
    case LossKind::mean_absolute_error:
      return use(AbsoluteError<T>{}), true;
    case LossKind::mean_absolute_percentage_error:
      return use(AbsolutePercentageError<T>{}), true;
    case LossKind::mean_squared_logarithmic_error:
      return use(SquaredLogarithmicError<T>{}), true;
    case LossKind::huber:
      return use(Huber<T>{static_cast<T>(numbers.delta)}), true;
    case LossKind::log_cosh:
      return use(LogCosh<T>{}), true;
    case LossKind::poisson:
      return use(Poisson<T>{}), true;
    case LossKind::kl_divergence:
      return use(KLDivergence<T>{}), true;
    case LossKind::hinge:
      return use(Hinge<T>{}), true;
    case LossKind::squared_hinge:
      return use(SquaredHinge<T>{}), true;
    case LossKind::binary_focal:
      return use(binary_focal<T>(numbers)), true;
    case LossKind::binary_focal_logits:
      return use(BinaryFocalLogits<T>{binary_focal<T>(numbers)}), true;
    case LossKind::categorical_focal:
      return use(categorical_focal<T>(numbers, O)), true;
    case LossKind::categorical_crossentropy_logits:
    case LossKind::categorical_focal_logits:
    case LossKind::sparse_crossentropy:
    case LossKind::sparse_crossentropy_logits:
      break;
  }
  return false;
}

template <class T>
void loss_value(double* value, const T* p, const T* y, const std::int32_t* labels, i64 B, i64 O,
                LossKind kind, const LossNumbers& numbers) {
  if (with_element_loss<T>(kind, numbers, O, [&](auto loss) MUNDUR_BODY {
        elementwise_value(value, p, y, B, O, loss);
      })) {
    return;
  }
  if (kind == LossKind::sparse_crossentropy) return sparse_value(value, p, labels, B, O);
  if (kind == LossKind::sparse_crossentropy_logits) {
    return sparse_logits_value(value, p, labels, B, O);
  }
  if (kind == LossKind::categorical_focal_logits) {
    return categorical_focal_value(value, p, y, B, O, categorical_focal<T>(numbers, O));
  }
  categorical_logits_value(value, p, y, B, O, Smoothing<T>::of(numbers.label_smoothing, O));
}

template <class T>
void fused_gradient(T* dp, const T* p, const T* y, const std::int32_t* labels, const T* weight,
                    i64 B, i64 O, T scale, LossKind kind, const LossNumbers& numbers) {
  switch (kind) {
    case LossKind::binary_crossentropy:
    case LossKind::binary_crossentropy_logits:
      return elementwise_gradient(
          dp, p, y, weight, B, O, scale,
          FusedBinaryCrossentropy<T>{Smoothing<T>::of(numbers.label_smoothing, 2)});
    case LossKind::sparse_crossentropy:
    case LossKind::sparse_crossentropy_logits:
      return sparse_fused_gradient(dp, p, labels, weight, B, O, scale);
    default:
      return categorical_fused_gradient(dp, p, y, weight, B, O, scale,
                                        Smoothing<T>::of(numbers.label_smoothing, O));
  }
}

template <class T>
void loss_gradient(T* dp, const T* p, const T* y, const std::int32_t* labels, const T* weight,
                   i64 B, i64 O, T scale, LossKind kind, const LossNumbers& numbers, bool fused) {
  if (fused) return fused_gradient(dp, p, y, labels, weight, B, O, scale, kind, numbers);
  if (with_element_loss<T>(kind, numbers, O, [&](auto loss) MUNDUR_BODY {
        elementwise_gradient(dp, p, y, weight, B, O, scale, loss);
      })) {
    return;
  }
  if (kind == LossKind::sparse_crossentropy) {
    return sparse_gradient(dp, p, labels, weight, B, O, scale);
  }
  if (kind == LossKind::sparse_crossentropy_logits) {
    return sparse_logits_gradient(dp, p, labels, weight, B, O, scale);
  }
  if (kind == LossKind::categorical_focal_logits) {
    return categorical_focal_gradient(dp, p, y, weight, B, O, scale,
                                      categorical_focal<T>(numbers, O));
  }
  categorical_logits_gradient(dp, p, y, weight, B, O, scale,
                              Smoothing<T>::of(numbers.label_smoothing, O));
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

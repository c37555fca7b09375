// Losses: their value per sample and their gradient. The factor weight[b] · scale is rounded first;
// the derivative of the unweighted loss is then multiplied by it, one rounding: gradient =
// derivative · (weight · scale).

#include "cpu/kernels/formulas/element_losses.h"
#include "cpu/kernels/isa/rows.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// One sample: predictions p[O], and dense targets y[O] or a label.
template <class T>
struct Row {
  const T *p, *y;
  std::int32_t label;
  i64 O;
};

/// A batch of them.
template <class T>
struct Rows {
  const T *p, *y;
  const std::int32_t* labels;
  i64 B, O;
  MUNDUR_INLINE Row<T> operator[](i64 b) const {
    // A label of no class weighs nothing, so any other will do.
    return {p + b * O, y ? y + b * O : nullptr, labels && labels[b] > 0 ? labels[b] : 0, O};
  }
};

// ---- losses that are sums over elements ---------------------------------------------------------

/// One output: samples lie side by side, and one element is its own sum over lanes (-0 becomes +0).
template <class Loss, class T>
MUNDUR_DEVICE void single_output_values(double* value, const Rows<T>& rows, Loss loss) {
  for_each_vec<T>(rows.B, [&](i64 i, int n) MUNDUR_BODY {
    T sample[Vec<T>::kWidth];
    store(sample, 0 + loss.value(load_up_to(rows.p + i, n), load_up_to(rows.y + i, n)));
    for (int k = 0; k < n; ++k) value[i + k] = static_cast<double>(sample[k]);
  });
}

template <class Element, class T>
struct ElementLoss {
  static constexpr bool kByElement = true;
  Element loss;
  MUNDUR_INLINE T value(const Row<T>& row) const {
    return lane_sum(
        row.O, [&](Vec<T> p, Vec<T> y) MUNDUR_BODY { return loss.value(p, y); }, row.p, row.y);
  }
  MUNDUR_INLINE void gradient(T* dp, const Row<T>& row, T factor) const {
    map(
        dp, row.O, [&](Vec<T> p, Vec<T> y) MUNDUR_BODY { return loss.derivative(p, y) * factor; },
        row.p, row.y);
  }
};

// ---- categorical cross-entropy from logits ------------------------------------------------------

/// (e/sum · Σy - y) · factor: from logits e = exp(z - max); fused e is the probability itself and
/// sum = 1.
template <class T>
MUNDUR_INLINE void categorical_gradient(T* dp, const T* e, const Row<T>& row, T sum, T factor,
                                        Smoothing<T> smooth) {
  const Vec<T> total = lane_sum(row.O, [&](Vec<T> y) MUNDUR_BODY { return smooth(y); }, row.y);
  map(
      dp, row.O,
      [&](Vec<T> a, Vec<T> y) MUNDUR_BODY { return fma(a / sum, total, -smooth(y)) * factor; }, e,
      row.y);
}

/// Σ y (logsumexp(z) - z) over y ≠ 0, with logsumexp(z) - z = (max - z) + log Σ exp(z - max):
/// finite for any finite z.
template <class T>
struct CategoricalLogits {
  static constexpr bool kByElement = false;
  Smoothing<T> smooth;
  MUNDUR_INLINE T value(const Row<T>& row) const {
    const T top = row_max(row.p, row.O), log_sum = row_log_sum(row.p, row.O, top);
    const auto term = [&](Vec<T> z, Vec<T> y) MUNDUR_BODY {
      const Vec<T> target = smooth(y);
      return select(equal(target, 0), 0, target * ((top - z) + log_sum));
    };
    return lane_sum(row.O, term, row.p, row.y);
  }
  MUNDUR_INLINE void gradient(T* dp, const Row<T>& row, T factor) const {
    const T sum = row_exp(dp, row.p, row.O, row_max(row.p, row.O));
    categorical_gradient(dp, dp, row, sum, factor, smooth);
  }
};

template <class T>
struct FusedCategorical {
  static constexpr bool kByElement = false;
  Smoothing<T> smooth;
  MUNDUR_INLINE void gradient(T* dp, const Row<T>& row, T factor) const {
    categorical_gradient(dp, row.p, row, T(1), factor, smooth);
  }
};

// ---- categorical focal cross-entropy from logits ------------------------------------------------

/// (pull - p Σ pull) · factor: the derivative by p, sent back through the softmax.
template <class T>
struct CategoricalFocalLogits {
  static constexpr bool kByElement = false;
  CategoricalFocal<T> focal;
  MUNDUR_INLINE LogFocal<T> of(const Row<T>& row) const {
    const T top = row_max(row.p, row.O);
    return {focal, top, row_log_sum(row.p, row.O, top)};
  }
  MUNDUR_INLINE T value(const Row<T>& row) const {
    return ElementLoss<LogFocal<T>, T>{of(row)}.value(row);
  }
  MUNDUR_INLINE void gradient(T* dp, const Row<T>& row, T factor) const {
    const LogFocal<T> log_focal = of(row);
    const auto pull = [&](Vec<T> z, Vec<T> y) MUNDUR_BODY { return log_focal.pull(z, y); };
    const Vec<T> total = lane_sum(row.O, pull, row.p, row.y);
    const auto back = [&](Vec<T> z, Vec<T> y) MUNDUR_BODY {
      return fnma(exp(log_focal.log_p(z)), total, pull(z, y)) * factor;
    };
    map(dp, row.O, back, row.p, row.y);
  }
};

// ---- sparse categorical cross-entropy: the same with y = 1 at the label, to the bit -------------

template <class T>
struct Sparse {
  static constexpr bool kByElement = false;
  MUNDUR_INLINE T value(const Row<T>& row) const {
    return -first_lane(log(clip(Vec<T>(row.p[row.label]))));
  }
  MUNDUR_INLINE void gradient(T* dp, const Row<T>& row, T factor) const {
    const Vec<T> derivative = CategoricalCrossentropy<T>{}.derivative(row.p[row.label], 1);
    map(dp, row.O, []() MUNDUR_BODY { return Vec<T>(0); });
    dp[row.label] = first_lane(derivative) * factor;
  }
};

/// (e/sum - [label]) · factor.
template <class T>
MUNDUR_INLINE void sparse_gradient(T* dp, const T* e, const Row<T>& row, T sum, T factor) {
  const T at_label = (e[row.label] / sum - T(1)) * factor;
  map(dp, row.O, [&](Vec<T> a) MUNDUR_BODY { return a / sum * factor; }, e);
  dp[row.label] = at_label;
}

template <class T>
struct SparseLogits {
  static constexpr bool kByElement = false;
  MUNDUR_INLINE T value(const Row<T>& row) const {
    const T top = row_max(row.p, row.O);
    return (top - row.p[row.label]) + row_log_sum(row.p, row.O, top);
  }
  MUNDUR_INLINE void gradient(T* dp, const Row<T>& row, T factor) const {
    const T sum = row_exp(dp, row.p, row.O, row_max(row.p, row.O));
    sparse_gradient(dp, dp, row, sum, factor);
  }
};

template <class T>
struct FusedSparse {
  static constexpr bool kByElement = false;
  MUNDUR_INLINE void gradient(T* dp, const Row<T>& row, T factor) const {
    sparse_gradient(dp, row.p, row, T(1), factor);
  }
};

// ---- what all outputs of a sample make together -------------------------------------------------

template <class T>
struct CategoricalHinge {
  static constexpr bool kByElement = false;
  /// The greatest score of a wrong class; NaN wins.
  static MUNDUR_INLINE T top(const Row<T>& row) {
    T most = -Constants<T>::kInfinity;
    for (i64 o = 0; o < row.O; ++o) {
      const T score = row.p[o] * (T(1) - row.y[o]);
      if (score > most || score != score) most = score;
      if (most != most) break;
    }
    return most;
  }
  /// 1 + that - the right class's score.
  static MUNDUR_INLINE T margin(const Row<T>& row, T most) {
    const auto right = [](Vec<T> p, Vec<T> y) MUNDUR_BODY { return p * y; };
    return (most - lane_sum(row.O, right, row.p, row.y)) + T(1);
  }
  MUNDUR_INLINE T value(const Row<T>& row) const {
    const T found = margin(row, top(row));
    return found > T(0) ? found : found != found ? found : T(0);
  }
  MUNDUR_INLINE void gradient(T* dp, const Row<T>& row, T factor) const {
    const T most = top(row);
    const T pull = margin(row, most) > T(0) ? factor : T(0);
    bool is_first = true;
    for (i64 o = 0; o < row.O; ++o) {
      const T rest = T(1) - row.y[o];
      const bool is_top = is_first && row.p[o] * rest == most;
      is_first = is_first && !is_top;
      dp[o] = ((is_top ? rest : T(0)) - row.y[o]) * pull;
    }
  }
};

template <class T>
struct CosineSimilarity {
  static constexpr bool kByElement = false;
  struct Angle {
    T y, p, cosine;  // 1 / ‖y‖, 1 / ‖p‖
    bool is_short;
    static MUNDUR_INLINE T root(T a) { return first_lane(sqrt(Vec<T>(a))); }
    static MUNDUR_INLINE T at_least(T length) {
      return length < kEpsilon<T> ? kEpsilon<T> : length;
    }
    MUNDUR_INLINE explicit Angle(const Row<T>& row) {
      const auto square = [](Vec<T> a) MUNDUR_BODY { return a * a; };
      const auto product = [](Vec<T> a, Vec<T> b) MUNDUR_BODY { return a * b; };
      const T length = root(lane_sum(row.O, square, row.p));
      is_short = length < kEpsilon<T>;
      y = T(1) / at_least(root(lane_sum(row.O, square, row.y)));
      p = T(1) / at_least(length);
      cosine = (lane_sum(row.O, product, row.p, row.y) * y) * p;
    }
  };
  MUNDUR_INLINE T value(const Row<T>& row) const { return -Angle(row).cosine; }
  MUNDUR_INLINE void gradient(T* dp, const Row<T>& row, T factor) const {
    const Angle angle(row);
    const T along = angle.is_short ? T(0) : angle.cosine * angle.p, across = angle.y;
    const T scale = angle.p * factor;
    const auto slope = [&](Vec<T> p, Vec<T> y)
                           MUNDUR_BODY { return fnma(y, across, p * along) * scale; };
    map(dp, row.O, slope, row.p, row.y);
  }
};

// ---- the table's rows ---------------------------------------------------------------------------

template <class T>
MUNDUR_DEVICE CategoricalFocal<T> categorical_focal(const LossNumbers& numbers, i64 O) {
  return {Smoothing<T>::of(numbers.label_smoothing, O),
          {static_cast<T>(numbers.gamma)},
          static_cast<T>(numbers.positive)};
}

template <class T>
MUNDUR_DEVICE BinaryFocal<T> binary_focal(const LossNumbers& numbers) {
  return {Smoothing<T>::of(numbers.label_smoothing, 2),
          {static_cast<T>(numbers.gamma)},
          static_cast<T>(numbers.positive),
          static_cast<T>(numbers.negative)};
}

/// use(loss), the loss that `kind` names.
template <class T, class Use>
MUNDUR_INLINE void with_loss(LossKind kind, const LossNumbers& numbers, i64 O, Use use) {
  const auto even = [&](i64 classes)
                        MUNDUR_BODY { return Smoothing<T>::of(numbers.label_smoothing, classes); };
  const auto element = [&](auto loss) MUNDUR_BODY { use(ElementLoss<decltype(loss), T>{loss}); };
  switch (kind) {
    case LossKind::mean_squared_error:
      return element(SquaredError<T>{});
    case LossKind::binary_crossentropy:
      return element(BinaryCrossentropy<T>{even(2)});
    case LossKind::binary_crossentropy_logits:
      return element(BinaryCrossentropyLogits<T>{even(2)});
    case LossKind::categorical_crossentropy:
      return element(CategoricalCrossentropy<T>{even(O)});
    case LossKind::categorical_crossentropy_logits:
      return use(CategoricalLogits<T>{even(O)});
    case LossKind::sparse_crossentropy:
      return use(Sparse<T>{});
    case LossKind::sparse_crossentropy_logits:
      return use(SparseLogits<T>{});
    case LossKind::mean_absolute_error:
      return element(AbsoluteError<T>{});
    case LossKind::mean_absolute_percentage_error:
      return element(AbsolutePercentageError<T>{});
    case LossKind::mean_squared_logarithmic_error:
      return element(SquaredLogarithmicError<T>{});
    case LossKind::huber:
      return element(Huber<T>{static_cast<T>(numbers.delta)});
    case LossKind::log_cosh:
      return element(LogCosh<T>{});
    case LossKind::poisson:
      return element(Poisson<T>{});
    case LossKind::kl_divergence:
      return element(KLDivergence<T>{});
    case LossKind::hinge:
      return element(Hinge<T>{});
    case LossKind::squared_hinge:
      return element(SquaredHinge<T>{});
    case LossKind::binary_focal:
      return element(binary_focal<T>(numbers));
    case LossKind::binary_focal_logits:
      return element(BinaryFocalLogits<T>{binary_focal<T>(numbers)});
    case LossKind::categorical_focal:
      return element(categorical_focal<T>(numbers, O));
    case LossKind::categorical_hinge:
      return use(CategoricalHinge<T>{});
    case LossKind::cosine_similarity:
      return use(CosineSimilarity<T>{});
    case LossKind::categorical_focal_logits:
      return use(CategoricalFocalLogits<T>{categorical_focal<T>(numbers, O)});
  }
}

/// The same behind the head that it fuses with.
template <class T, class Use>
MUNDUR_INLINE void with_fused_loss(LossKind kind, const LossNumbers& numbers, i64 O, Use use) {
  switch (kind) {
    case LossKind::binary_crossentropy:
    case LossKind::binary_crossentropy_logits:
      return use(ElementLoss<FusedBinaryCrossentropy<T>, T>{
          {Smoothing<T>::of(numbers.label_smoothing, 2)}});
    case LossKind::sparse_crossentropy:
    case LossKind::sparse_crossentropy_logits:
      return use(FusedSparse<T>{});
    default:
      return use(FusedCategorical<T>{Smoothing<T>::of(numbers.label_smoothing, O)});
  }
}

template <class T>
MUNDUR_DEVICE void loss_value(double* value, const T* p, const T* y, const std::int32_t* labels,
                              i64 B, i64 O, LossKind kind, const LossNumbers& numbers) {
  const Rows<T> rows{p, y, labels, B, O};
  with_loss<T>(kind, numbers, O, [&](auto loss) {
    if constexpr (loss.kByElement) {
      if (O == 1) return single_output_values(value, rows, loss.loss);
    }
    for (i64 b = 0; b < B; ++b) value[b] = static_cast<double>(loss.value(rows[b]));
  });
}

template <class T>
MUNDUR_DEVICE void loss_gradient(T* dp, const T* p, const T* y, const std::int32_t* labels,
                                 const T* weight, i64 B, i64 O, T scale, LossKind kind,
                                 const LossNumbers& numbers, bool fused) {
  const auto find = [&](auto loss) {
    // Without weights elements are one long row: a single output must not cost a loop each.
    const bool together = loss.kByElement && !weight;
    const Rows<T> rows{p, y, labels, together ? 1 : B, together ? B * O : O};
    for (i64 b = 0; b < rows.B; ++b) {
      loss.gradient(dp + b * rows.O, rows[b], weight ? weight[b] * scale : scale);
    }
  };
  fused ? with_fused_loss<T>(kind, numbers, O, find) : with_loss<T>(kind, numbers, O, find);
}

/// The first NaN, else the first element equal to the maximum.
template <class T>
MUNDUR_INLINE std::int32_t row_argmax(const T* x, i64 O) {
  const Vec<T> maximum = row_max(x, O);
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
MUNDUR_DEVICE void argmax(std::int32_t* index, const T* x, i64 B, i64 O) {
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

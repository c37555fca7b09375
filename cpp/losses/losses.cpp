// The losses, a row for each: what it is a mean of, and its derivative.

#include "mundur/losses.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

#include "cpu/kernels/shards.h"
#include "cpu/kernels/table.h"

namespace mundur {
namespace {

// Means over every element, B·O of them:
// mean_squared_error: (p − y)²        ∂/∂p = 2 (p − y)
// mean_absolute_error: |p − y|        ∂/∂p = sign(p − y)
// mean_absolute_percentage_error: 100 |p − y| / max(|y|, 1e-7)
//   ∂/∂p = 100 sign(p − y) / max(|y|, 1e-7)
// mean_squared_logarithmic_error: (log(1 + p) − log(1 + y))², p and y from 1e-7 on
//   ∂/∂p = 2 (log(1 + p) − log(1 + y)) / (1 + p)
// huber: e = p − y: e²/2 where |e| ≤ δ, else δ (|e| − δ/2)        ∂/∂p = e clipped to [−δ, δ]
// log_cosh: log cosh(p − y)        ∂/∂p = tanh(p − y)
// poisson: p − y log(p + 1e-7)        ∂/∂p = 1 − y / (p + 1e-7)
// hinge: max(1 − y p, 0)        ∂/∂p = −y where 1 − y p > 0, else 0
// squared_hinge: max(1 − y p, 0)²        ∂/∂p = −2 y max(1 − y p, 0)
// binary_crossentropy: −(y log p + (1 − y) log(1 − p))
//   from logits, p = σ(z): ∂/∂z = p − y. With label smoothing s, y becomes y (1 − s) + s/2
// binary_focal_crossentropy: −w q^γ (y log p + (1 − y) log(1 − p)), where q = y (1 − p) + (1 − y) p
//   is what is wrong with p, and w the factor of its class
//   from logits: ∂/∂z = w q^γ (p − y + γ (1 − 2y) p (1 − p) / q · crossentropy)
//
// Means over samples, B of them, of a number for all outputs of one:
// categorical_hinge: max(1 + max_o (1 − y_o) p_o − Σ y p, 0)        where that is above 0, ∂/∂p_o =
//   (1 − y_o where o is the first of the greatest, else 0) − y_o
// cosine_similarity: −c, c = Σ y p / (‖y‖ ‖p‖)        ∂/∂p = (c p / ‖p‖ − y / ‖y‖) / ‖p‖
//   with lengths of at least 1e-7, where ∂/∂p = −y / ‖y‖ / 1e-7
// kl_divergence: y log(y / p)        ∂/∂p = −y / p
// categorical_crossentropy: −y log p
//   from logits, p = softmax(z): ∂/∂z = p Σ_o y − y. With label smoothing s, y becomes y (1 − s) +
//   s/O
// sparse_categorical_crossentropy: −log p_label        from logits: ∂/∂z_o = p_o − [o = label]
// categorical_focal_crossentropy: −α (1 − p)^γ y log p
//   from logits: with s = p ∂/∂p, ∂/∂z = s − p Σ_o s
constexpr LossTraits kLosses[] = {
    {"mean_squared_error", LossKind::mean_squared_error, true},
    {"mean_absolute_error", LossKind::mean_absolute_error, true},
    {"mean_absolute_percentage_error", LossKind::mean_absolute_percentage_error, true},
    {"mean_squared_logarithmic_error", LossKind::mean_squared_logarithmic_error, true},
    {"huber", LossKind::huber, true},
    {"log_cosh", LossKind::log_cosh, true},
    {"poisson", LossKind::poisson, true},
    {"kl_divergence", LossKind::kl_divergence, false},
    {"hinge", LossKind::hinge, true, true},
    {"squared_hinge", LossKind::squared_hinge, true, true},
    {"binary_crossentropy", LossKind::binary_crossentropy, true, false, false, Activation::sigmoid},
    {"categorical_crossentropy", LossKind::categorical_crossentropy, false, false, false,
     Activation::softmax},
    {"binary_focal_crossentropy", LossKind::binary_focal, true},
    {"categorical_focal_crossentropy", LossKind::categorical_focal, false},
    {"categorical_hinge", LossKind::categorical_hinge, false, true},
    {"cosine_similarity", LossKind::cosine_similarity, false},
    {"sparse_categorical_crossentropy", LossKind::sparse_crossentropy, false, false, true,
     Activation::softmax},
};

/// The same from logits; LossKind has it next, where there is one.
LossTraits from_logits_of(LossTraits traits) {
  if (traits.name.find("crossentropy") == std::string_view::npos) return traits;
  traits.kind = static_cast<LossKind>(static_cast<int>(traits.kind) + 1);
  traits.from_logits = true;
  traits.fuses_with = Activation::linear;
  return traits;
}

}  // namespace

std::uint64_t OutsideLoss::next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

Shape LossRule::order(std::int64_t axes) const {
  const std::int64_t at = axis_ < 0 ? axis_ + axes : axis_ - 1;
  if (at < 0 || at >= axes) {
    throw std::invalid_argument("loss: expected an axis of outputs of " + std::to_string(axes) +
                                " axes, got " + std::to_string(axis_));
  }
  Shape order;
  for (std::int64_t axis = 0; axis < axes; ++axis) {
    if (axis != at) order.push_back(axis);
  }
  order.push_back(at);
  return order;
}

Shape LossRule::along(const Shape& output) const {
  if (axis_ == -1) return output;
  Shape moved;
  for (std::int64_t axis : order(std::ssize(output))) {
    moved.push_back(output[static_cast<std::size_t>(axis)]);
  }
  return moved;
}

std::unique_ptr<Loss> make_loss(const std::string& name, bool from_logits,
                                const LossNumbers& numbers, bool sums, std::int64_t axis) {
  std::string known;
  for (const LossTraits& traits : kLosses) {
    if (name == traits.name) {
      return std::make_unique<Loss>(from_logits ? from_logits_of(traits) : traits, numbers, sums,
                                    axis);
    }
    const bool is_last = &traits + 1 == std::end(kLosses);
    known += std::string(known.empty() ? "" : is_last ? " or " : ", ") + std::string(traits.name);
  }
  throw std::invalid_argument("loss: expected " + known + ", got '" + name + "'");
}

namespace {

template <class Term>
double sum_of(std::int64_t n, std::int64_t each, Term term) {
  const auto chain = [&](std::int64_t begin) {
    double sum = 0.0;
    for (std::int64_t i = begin; i < std::min(n, begin + kShard); ++i) sum += term(i);
    return sum;
  };
  if (n <= kShard) return chain(0);
  const ShardTree tree(n, each);
  double waiting[kMaxSlots];
  for (std::int64_t shard = 0;; ++shard) {
    double sum = chain(shard * kShard);
    const int slot = tree.after(shard, [&](int earlier) { sum = waiting[earlier] + sum; });
    if (slot < 0) return sum;
    waiting[slot] = sum;
  }
}

}  // namespace

double sum_over_samples(const double* values, std::int64_t n, std::int64_t each) {
  return sum_of(n, each, [&](std::int64_t i) { return values[i]; });
}

template <class T>
double total_weight(const T* weight, std::int64_t B, std::int64_t each) {
  if (!weight) return static_cast<double>(B);
  return sum_of(B, each, [&](std::int64_t i) { return static_cast<double>(weight[i]); });
}

namespace {

template <class T>
void weighted_losses(const Loss& loss, double* values, const T* p, const Targets<T>& targets,
                     std::int64_t B, std::int64_t O) {
  kernels<T>().loss_value(values, p, targets.y, targets.labels, B, O, loss.kind(), loss.numbers());
  if (!targets.weight) return;
  for (std::int64_t b = 0; b < B; ++b) {
    // A sample of weight zero is not there, whatever its value.
    values[b] =
        targets.weight[b] == T{0} ? 0.0 : values[b] * static_cast<double>(targets.weight[b]);
  }
}

}  // namespace

template <class T>
double loss_value(const Loss& loss, const T* p, const Targets<T>& targets, std::int64_t B,
                  std::int64_t O, std::int64_t rows) {
  std::vector<double> values(static_cast<std::size_t>(B));
  weighted_losses(loss, values.data(), p, targets, B, O);
  return sum_over_samples(values.data(), B, rows) *
         mean_factor(loss, total_weight(targets.weight, B, rows), O);
}

template <class T>
void sample_losses(const Loss& loss, double* values, const T* p, const Targets<T>& targets,
                   std::int64_t B, std::int64_t O, std::int64_t rows) {
  std::vector<double> each(static_cast<std::size_t>(B));
  weighted_losses(loss, each.data(), p, targets, B, O);
  const double terms = loss.elementwise() ? static_cast<double>(O * rows) : 1.0;
  for (std::int64_t n = 0; n < B / rows; ++n) {
    values[n] = sum_over_samples(each.data() + n * rows, rows, rows) / terms;
  }
}

template <class T>
void loss_gradient(const Loss& loss, T* dp, const T* p, const Targets<T>& targets, std::int64_t B,
                   std::int64_t O, std::int64_t rows) {
  const double scale = mean_factor(loss, total_weight(targets.weight, B, rows), O);
  kernels<T>().loss_gradient(dp, p, targets.y, targets.labels, targets.weight, B, O,
                             static_cast<T>(scale), loss.kind(), loss.numbers(), false);
}

#define MUNDUR_LOSSES(T)                                                                          \
  template double total_weight<T>(const T*, std::int64_t, std::int64_t);                          \
  template double loss_value<T>(const Loss&, const T*, const Targets<T>&, std::int64_t,           \
                                std::int64_t, std::int64_t);                                      \
  template void sample_losses<T>(const Loss&, double*, const T*, const Targets<T>&, std::int64_t, \
                                 std::int64_t, std::int64_t);                                     \
  template void loss_gradient<T>(const Loss&, T*, const T*, const Targets<T>&, std::int64_t,      \
                                 std::int64_t, std::int64_t)
MUNDUR_LOSSES(float);
MUNDUR_LOSSES(double);

}  // namespace mundur

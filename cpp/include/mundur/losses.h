#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "mundur/activations.h"
#include "mundur/data.h"
#include "mundur/types.h"

namespace mundur {

enum class LossKind : int {
  mean_squared_error,
  binary_crossentropy,  // targets y[B,O], probabilities
  binary_crossentropy_logits,
  categorical_crossentropy,  // targets y[B,O], probabilities
  categorical_crossentropy_logits,
  sparse_crossentropy,  // labels[B], probabilities
  sparse_crossentropy_logits,
  mean_absolute_error,  // targets y[B,O], as below
  mean_absolute_percentage_error,
  mean_squared_logarithmic_error,
  huber,
  log_cosh,
  poisson,
  kl_divergence,
  hinge,  // a target of 0 counts as -1
  squared_hinge,
  binary_focal,  // these multiply each term of the cross-entropy by what is wrong with it
  binary_focal_logits,
  categorical_focal,
  categorical_focal_logits,
  categorical_hinge,
  cosine_similarity
};

/// What a loss is to the training loop: which kernel, how its mean is taken, which head it fuses
/// with.
struct LossTraits {
  std::string_view name;
  LossKind kind;
  bool elementwise;          // the mean runs over outputs as well as samples
  bool from_logits = false;  // predictions are logits, or scores: 0 parts the classes
  bool sparse = false;       // the targets are labels, not one row per sample
  /// The head whose derivative cancels against this loss's, leaving p - y.
  Activation fuses_with = Activation::linear;
  bool operator==(const LossTraits&) const = default;
};

/// A loss that kernels compute, or at least what the loop has to know of one.
class LossRule {
 public:
  explicit LossRule(const LossTraits& traits, const LossNumbers& numbers = {}, bool sums = false,
                    std::int64_t axis = -1)
      : traits_(traits), numbers_(numbers), sums_(sums), axis_(axis) {}
  std::string name() const { return std::string(traits_.name); }
  LossKind kind() const { return traits_.kind; }
  bool elementwise() const { return traits_.elementwise; }
  bool sparse() const { return traits_.sparse; }
  bool from_logits() const { return traits_.from_logits; }
  Activation fuses_with() const { return traits_.fuses_with; }
  const LossNumbers& numbers() const { return numbers_; }
  /// The batch's loss is the sum of its samples', not their mean.
  bool sums() const { return sums_; }
  /// What it compares along, counted with the batch, which is axis 0, or from the end.
  std::int64_t axis() const { return axis_; }
  /// The axes of so many of a sample, that one behind the others.
  Shape order(std::int64_t axes) const;
  /// The shape of a sample so.
  Shape along(const Shape& output) const;
  bool operator==(const LossRule&) const = default;

 private:
  LossTraits traits_;
  LossNumbers numbers_;
  bool sums_;
  std::int64_t axis_;
};

class OutsideLoss;

class Loss : public LossRule {
 public:
  using LossRule::LossRule;
  virtual ~Loss() = default;
  /// Not null where somebody else computes the loss; there are no kernels then.
  virtual const OutsideLoss* outside() const { return nullptr; }
  /// The targets come through the core: for its kernels, or for metrics.
  virtual bool reads_targets() const { return true; }
};

/// A loss that the core does not compute. It is asked once per batch, by the thread that called and
/// while no team is at work: it may throw, and need not share the cores with workers that wait.
class OutsideLoss : public Loss {
 public:
  explicit OutsideLoss(const LossTraits& traits) : Loss(traits), serial_(next_serial()) {}
  const OutsideLoss* outside() const final { return this; }
  /// What tells it from every other: an address may come again.
  std::uint64_t serial() const { return serial_; }
  /// The mean loss of p[count, O]; where it is finite and dp not null, dp gets its derivative.
  virtual double evaluate(const Batch& batch, const float* p, float* dp, std::int64_t O) const = 0;
  virtual double evaluate(const Batch& batch, const double* p, double* dp,
                          std::int64_t O) const = 0;

 private:
  static std::uint64_t next_serial();
  std::uint64_t serial_;
};

/// The loss of a name in snake case; std::invalid_argument, with the names there are, for another.
std::unique_ptr<Loss> make_loss(const std::string& name, bool from_logits,
                                const LossNumbers& numbers = {}, bool sums = false,
                                std::int64_t axis = -1);

/// Targets of one batch: rows of `y` for dense losses, `labels` for sparse ones; `weight` may be
/// null.
template <class T>
struct Targets {
  const T* y = nullptr;
  const std::int32_t* labels = nullptr;
  const T* weight = nullptr;
};

/// Σ values (weighted) as every sum over samples, of `each` values, in double.
double sum_over_samples(const double* values, std::int64_t n, std::int64_t each);

/// Σ weight[b], or B without weights.
template <class T>
double total_weight(const T* weight, std::int64_t B, std::int64_t each);

/// The factor of every row's gradient, of O outputs: 1 / (Σ weights · outputs in the mean); 0 where
/// the weights sum to nothing. A sum adds up rows, whose own loss is a mean over outputs where the
/// loss is one.
constexpr double mean_factor(bool sums, bool elementwise, double weight, std::int64_t O) {
  if (sums) return elementwise ? 1.0 / static_cast<double>(O) : 1.0;
  const double terms = elementwise ? weight * static_cast<double>(O) : weight;
  return terms > 0.0 ? 1.0 / terms : 0.0;
}
inline double mean_factor(const LossRule& loss, double weight, std::int64_t O) {
  return mean_factor(loss.sums(), loss.elementwise(), weight, O);
}

/// By hand: the loss of p[B,O], that of each of B / rows samples (a mean over outputs and rows
/// where the loss is one, times the weight), and the gradient. `rows` of p make a sample.
template <class T>
double loss_value(const Loss& loss, const T* p, const Targets<T>& targets, std::int64_t B,
                  std::int64_t O, std::int64_t rows);
template <class T>
void sample_losses(const Loss& loss, double* values, const T* p, const Targets<T>& targets,
                   std::int64_t B, std::int64_t O, std::int64_t rows);
template <class T>
void loss_gradient(const Loss& loss, T* dp, const T* p, const Targets<T>& targets, std::int64_t B,
                   std::int64_t O, std::int64_t rows);

}  // namespace mundur

#pragma once

#include <memory>
#include <string>

#include "mundur/layers.h"
#include "mundur/types.h"

namespace mundur {

enum class LossKind : int;
class OutsideLoss;

/// What a loss is to the training loop: which kernel, how its mean is taken, which head it fuses
/// with.
class Loss {
 public:
  explicit Loss(const LossNumbers& numbers = {}) : numbers_(numbers) {}
  virtual ~Loss() = default;
  virtual std::string name() const = 0;
  virtual LossKind kind() const = 0;
  /// The mean runs over outputs as well as samples.
  virtual bool elementwise() const = 0;
  /// The targets are labels, not one row per sample.
  virtual bool sparse() const { return false; }
  /// Predictions are logits.
  virtual bool from_logits() const = 0;
  /// The head whose derivative cancels against this loss's, leaving p - y.
  virtual Activation fuses_with() const { return Activation::linear; }
  const LossNumbers& numbers() const { return numbers_; }
  /// The batch's loss is the sum of its samples', not their mean.
  bool sums() const { return sums_; }
  void set_sums(bool sums) { sums_ = sums; }
  /// Not null where somebody else computes the loss; there are no kernels then.
  virtual const OutsideLoss* outside() const { return nullptr; }
  /// The targets come through the core: for its kernels, or for metrics.
  virtual bool reads_targets() const { return true; }

 private:
  LossNumbers numbers_;
  bool sums_ = false;
};

/// Consecutive places of an epoch's order; `order` null: of the set itself.
struct Batch {
  const std::int64_t* order;
  std::int64_t begin;
  std::int64_t count;
};

/// A loss that the core does not compute. It is asked once per batch, by the thread that called and
/// while no team is at work: it may throw, and need not share the cores with workers that wait.
class OutsideLoss : public Loss {
 public:
  const OutsideLoss* outside() const final { return this; }
  LossKind kind() const final;
  bool elementwise() const final { return false; }
  /// The mean loss of p[count, O]; where it is finite and dp not null, dp gets its derivative.
  virtual double evaluate(const Batch& batch, const float* p, float* dp, std::int64_t O) const = 0;
  virtual double evaluate(const Batch& batch, const double* p, double* dp,
                          std::int64_t O) const = 0;
};

/// The loss of a name in snake case; std::invalid_argument, with the names there are, for another.
std::unique_ptr<Loss> make_loss(const std::string& name, bool from_logits,
                                const LossNumbers& numbers = {});

/// Targets of one batch: rows of `y` for dense losses, `labels` for sparse ones; `weight` may be
/// null.
template <class T>
struct Targets {
  const T* y = nullptr;
  const std::int32_t* labels = nullptr;
  const T* weight = nullptr;
};

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

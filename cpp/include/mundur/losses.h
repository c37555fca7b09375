#pragma once

#include <memory>
#include <string>

#include "mundur/layers.h"
#include "mundur/types.h"

namespace mundur {

enum class LossKind : int;

/// What a loss is to the training loop: which kernel, how its mean is taken, which head it fuses
/// with.
class Loss {
 public:
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
};

/// mean_squared_error, binary_crossentropy, categorical_crossentropy,
/// sparse_categorical_crossentropy; std::invalid_argument for another name.
std::unique_ptr<Loss> make_loss(const std::string& name, bool from_logits);

/// Targets of one batch: rows of `y` for dense losses, `labels` for sparse ones; `weight` may be
/// null.
template <class T>
struct Targets {
  const T* y = nullptr;
  const std::int32_t* labels = nullptr;
  const T* weight = nullptr;
};

/// By hand: the loss of p[B,O] and its gradient, on this call's team of threads.
template <class T>
double loss_value(const Loss& loss, const T* p, const Targets<T>& targets, std::int64_t B,
                  std::int64_t O);
template <class T>
void loss_gradient(const Loss& loss, T* dp, const T* p, const Targets<T>& targets, std::int64_t B,
                   std::int64_t O);

}  // namespace mundur

#pragma once

// Losses of whole batches whose formula is known: Python computes them for the CPU, a device by
// itself.

#include <vector>

#include "mundur/losses.h"

namespace mundur {

struct BatchFormula {
  enum class Kind {
    /// 1 - c I / (d I + α Σ y + β Σ p + ε), I = Σ y p: along some axes.
    overlap,
    /// Of pairs: softplus(log Σ e^(γ (d + m)(d - m)) + log Σ e^(γ max(1 + m - d, 0)(1 - m - d))).
    circle
  };
  Kind kind = Kind::overlap;
  bool sums = false;  // not the mean
  double c = 0.0, d = 0.0, alpha = 0.0, beta = 0.0;
  double gamma = 0.0, margin = 0.0;
  bool itself = false;  // a sample makes a pair with itself
};

/// What such a loss takes of a batch, beside its predictions.
struct BatchTerms {
  std::vector<double> y;        // targets; of pairs, a number for each class
  std::vector<double> weights;  // of each of them; may be empty where all are 1
  /// An overlap's predictions are of this shape, the batch's axis first. Its terms have their axes
  /// in this order, those that sums run along last: `groups` of them.
  Shape shape;
  std::vector<std::int64_t> order;
  std::int64_t groups = 1;
  /// Of pairs: which samples have some of either kind; what the sum of all losses is multiplied by.
  std::vector<double> there;
  double share = 1.0;
};

class KnownLoss : public OutsideLoss {
 public:
  using OutsideLoss::OutsideLoss;
  /// Null where it is not known.
  virtual const BatchFormula* formula() const = 0;
  virtual BatchTerms terms(const Batch& batch) const = 0;
};

}  // namespace mundur

// SGD: w ← w − η g. With momentum, v ← μ v + g and w ← w − η v; Nesterov's, w ← w − η (g + μ v).

#include "kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {

namespace {

template <class T>
void describe_any(Update<T>& update, double learning_rate, const SgdOptions& options) {
  update.rule = options.momentum == 0.0 ? Rule::sgd
                : options.nesterov      ? Rule::nesterov
                                        : Rule::momentum;
  if (update.rule == Rule::sgd) update.state[0] = nullptr;
  update.lr = static_cast<T>(learning_rate);
  update.momentum = static_cast<T>(options.momentum);
}

}  // namespace

void Sgd::describe(Update<float>& update) const { describe_any(update, learning_rate(), options_); }
void Sgd::describe(Update<double>& update) const {
  describe_any(update, learning_rate(), options_);
}

}  // namespace mundur

// SGD: w ← w − η g. With momentum, v ← μ v + g and w ← w − η v; Nesterov's, w ← w − η (g + μ v).

#include "cpu/kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {
namespace {

template <class T>
void describe_any(Update<T>& update, const SgdOptions& options) {
  update.rule = options.momentum == 0.0 ? Rule::sgd
                : options.nesterov      ? Rule::nesterov
                                        : Rule::momentum;
  update.momentum = static_cast<T>(options.momentum);
}

}  // namespace

std::vector<std::string> Sgd::slot_names() const {
  return {options_.momentum == 0.0 ? "" : "velocity"};
}

void Sgd::describe(Update<float>& update) const { describe_any(update, options_); }
void Sgd::describe(Update<double>& update) const { describe_any(update, options_); }

}  // namespace mundur

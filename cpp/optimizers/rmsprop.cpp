// RMSprop (Hinton 2012) as PyTorch has it: v ← ρ v + (1 − ρ) g², w ← w − η g / (√v + ε); centred,
// √(v − a²) with a ← ρ a + (1 − ρ) g; with momentum, b ← μ b + step, w ← w − η b.

#include "cpu/kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {

std::vector<std::string> Rmsprop::slot_names() const {
  return {"v", options_.momentum == 0.0 ? "" : "velocity", options_.centered ? "mean" : ""};
}

namespace {

template <class T>
void describe_any(Update<T>& update, const RmspropOptions& options) {
  update.rule = Rule::rmsprop;
  update.beta2 = static_cast<T>(options.rho);
  update.one_minus_beta2 = static_cast<T>(1.0 - options.rho);
  update.momentum = static_cast<T>(options.momentum);
  update.epsilon = static_cast<T>(options.epsilon);
}

}  // namespace

void Rmsprop::describe(Update<float>& update) const { describe_any(update, options_); }
void Rmsprop::describe(Update<double>& update) const { describe_any(update, options_); }

}  // namespace mundur

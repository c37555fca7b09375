// Lion (Chen et al. 2023): w ← w − η sign(β₁ m + (1 − β₁) g), m ← β₂ m + (1 − β₂) g.

#include "cpu/kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {
namespace {

template <class T>
void describe_any(Update<T>& update, const LionOptions& options) {
  update.rule = Rule::lion;
  update.beta1 = static_cast<T>(options.beta_1);
  update.beta2 = static_cast<T>(options.beta_2);
  update.one_minus_beta1 = static_cast<T>(1.0 - options.beta_1);
  update.one_minus_beta2 = static_cast<T>(1.0 - options.beta_2);
}

}  // namespace

void Lion::describe(Update<float>& update) const { describe_any(update, options_); }
void Lion::describe(Update<double>& update) const { describe_any(update, options_); }

}  // namespace mundur

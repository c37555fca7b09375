// Adadelta (Zeiler 2012): v ← ρ v + (1 − ρ) g², s = √(d + ε) / √(v + ε) g, d ← ρ d + (1 − ρ) s²,
// w ← w − η s.

#include "cpu/kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {
namespace {

template <class T>
void describe_any(Update<T>& update, const AdadeltaOptions& options) {
  update.rule = Rule::adadelta;
  update.beta2 = static_cast<T>(options.rho);
  update.one_minus_beta2 = static_cast<T>(1.0 - options.rho);
  update.epsilon = static_cast<T>(options.epsilon);
}

}  // namespace

void Adadelta::describe(Update<float>& update) const { describe_any(update, options_); }
void Adadelta::describe(Update<double>& update) const { describe_any(update, options_); }

}  // namespace mundur

// Adagrad (Duchi, Hazan and Singer 2011): v ← v + g², w ← w − η g / (√v + ε).

#include "cpu/kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {

double Adagrad::first_value(const std::string& slot) const {
  return slot == "sum" ? options_.initial_accumulator_value : 0.0;
}

namespace {

template <class T>
void describe_any(Update<T>& update, const AdagradOptions& options) {
  update.rule = Rule::adagrad;
  update.epsilon = static_cast<T>(options.epsilon);
}

}  // namespace

void Adagrad::describe(Update<float>& update) const { describe_any(update, options_); }
void Adagrad::describe(Update<double>& update) const { describe_any(update, options_); }

}  // namespace mundur

// Adamax (Kingma and Ba 2015, section 7.1, with PyTorch's ε): m ← β₁ m + (1 − β₁) g,
// u ← max(β₂ u, |g| + ε), w ← w − η m / ((1 − β₁^t) u).

#include "cpu/kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {

void Adamax::advance() { beta_1_power_ *= options_.beta_1; }

std::vector<Optimizer::Scalar> Adamax::scalars() {
  std::vector<Scalar> all = Optimizer::scalars();
  all.push_back({"beta_1_power", &beta_1_power_});
  return all;
}

void Adamax::reset_scalars() {
  Optimizer::reset_scalars();
  beta_1_power_ = 1.0;
}

namespace {

template <class T>
void describe_any(Update<T>& update, const MomentsOptions& options, double beta_1_power) {
  update.rule = Rule::adamax;
  update.beta1 = static_cast<T>(options.beta_1);
  update.beta2 = static_cast<T>(options.beta_2);
  update.one_minus_beta1 = static_cast<T>(1.0 - options.beta_1);
  update.epsilon = static_cast<T>(options.epsilon);
  update.correction1 = static_cast<T>(1.0 / (1.0 - beta_1_power));
}

}  // namespace

void Adamax::describe(Update<float>& update) const {
  describe_any(update, options_, beta_1_power_);
}
void Adamax::describe(Update<double>& update) const {
  describe_any(update, options_, beta_1_power_);
}

}  // namespace mundur

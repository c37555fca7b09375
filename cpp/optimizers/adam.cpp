// Adam (Kingma and Ba 2015, Algorithm 1): m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
// w ← w − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁^t), v̂ = v / (1 − β₂^t). AMSGrad (Reddi, Kale and
// Kumar 2018): the greatest v so far in place of v.

#include "cpu/kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {

void Adam::advance() {
  beta_1_power_ *= options_.beta_1;
  beta_2_power_ *= options_.beta_2;
}

std::vector<Optimizer::Scalar> Adam::scalars() {
  std::vector<Scalar> all = Optimizer::scalars();
  all.push_back({"beta_1_power", &beta_1_power_});
  all.push_back({"beta_2_power", &beta_2_power_});
  return all;
}

void Adam::reset_scalars() {
  Optimizer::reset_scalars();
  beta_1_power_ = 1.0;
  beta_2_power_ = 1.0;
}

std::vector<std::string> Adam::slot_names() const {
  return {"m", "v", options_.amsgrad ? "v_max" : ""};
}

namespace {

template <class T>
void describe_any(Update<T>& update, const AdamOptions& options, double beta_1_power,
                  double beta_2_power) {
  update.rule = options.amsgrad ? Rule::amsgrad : Rule::adam;
  update.beta1 = static_cast<T>(options.beta_1);
  update.beta2 = static_cast<T>(options.beta_2);
  update.one_minus_beta1 = static_cast<T>(1.0 - options.beta_1);
  update.one_minus_beta2 = static_cast<T>(1.0 - options.beta_2);
  update.epsilon = static_cast<T>(options.epsilon);
  update.correction1 = static_cast<T>(1.0 / (1.0 - beta_1_power));
  update.correction2 = static_cast<T>(1.0 / (1.0 - beta_2_power));
}

}  // namespace

void Adam::describe(Update<float>& update) const {
  describe_any(update, options_, beta_1_power_, beta_2_power_);
}
void Adam::describe(Update<double>& update) const {
  describe_any(update, options_, beta_1_power_, beta_2_power_);
}

}  // namespace mundur

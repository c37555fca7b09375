// Adam (Kingma and Ba 2015, Algorithm 1): m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
// w ← w − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁^t), v̂ = v / (1 − β₂^t). AMSGrad (Reddi, Kale and
// Kumar 2018): the greatest v so far in place of v.

#include "optimizers/rule.h"

namespace mundur {
namespace {

class Adam final : public Optimizer {
  std::vector<Option> own_options() override {
    return {
        {"beta_1", &beta_1_}, {"beta_2", &beta_2_}, {"epsilon", &epsilon_}, {"amsgrad", &amsgrad_}};
  }
  std::vector<State> own_state() const override { return {{"m"}, {"v"}, {"v_max", amsgrad_}}; }
  std::vector<Scalar> products() override {
    return {{"beta_1_power", &beta_1_power_}, {"beta_2_power", &beta_2_power_}};
  }
  void advance() override {
    beta_1_power_ *= beta_1_;
    beta_2_power_ *= beta_2_;
  }
  RuleConstants constants() const override {
    return {.rule = amsgrad_ ? Rule::amsgrad : Rule::adam,
            .beta_1 = beta_1_,
            .beta_2 = beta_2_,
            .epsilon = epsilon_,
            .correction_1 = 1.0 / (1.0 - beta_1_power_),
            .correction_2 = 1.0 / (1.0 - beta_2_power_)};
  }

  double beta_1_ = 0.9, beta_2_ = 0.999, epsilon_ = 1e-8;
  bool amsgrad_ = false;
  double beta_1_power_ = 1.0, beta_2_power_ = 1.0;  // β^t
};

}  // namespace

std::unique_ptr<Optimizer> make_adam() { return std::make_unique<Adam>(); }

}  // namespace mundur

// FTRL-Proximal (McMahan et al. 2013) as Keras has it, with p the learning rate's power, which it
// writes as −p: n' = n + g², z ← z + g + 2 λs w − (n'^p − n^p)/η · w, n ← n',
// w ← (clip(z, ±λ1) − z) / ((n^p + β)/η + 2 λ2).

#include "optimizers/rule.h"

namespace mundur {
namespace {

class Ftrl final : public Optimizer {
  std::vector<Option> own_options() override {
    return {{"learning_rate_power", &power_},
            {"initial_accumulator_value", &initial_accumulator_value_},
            {"l1_regularization_strength", &l1_},
            {"l2_regularization_strength", &l2_},
            {"l2_shrinkage_regularization_strength", &shrinkage_},
            {"beta", &beta_}};
  }
  std::vector<State> own_state() const override {
    return {{"accumulator", true, initial_accumulator_value_}, {"linear"}};
  }
  RuleConstants constants() const override {
    return {.rule = Rule::ftrl,
            .power = -power_,
            .beta = beta_,
            .l1 = l1_,
            .two_l2 = 2.0 * l2_,
            .two_shrinkage = 2.0 * shrinkage_};
  }

  double power_ = -0.5, initial_accumulator_value_ = 0.1;
  double l1_ = 0.0, l2_ = 0.0, shrinkage_ = 0.0, beta_ = 0.0;
};

}  // namespace

std::unique_ptr<Optimizer> make_ftrl() { return std::make_unique<Ftrl>(); }

}  // namespace mundur

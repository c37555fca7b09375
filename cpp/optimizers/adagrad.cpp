// Adagrad (Duchi, Hazan and Singer 2011): v ← v + g², w ← w − η g / (√v + ε).

#include "optimizers/rule.h"

namespace mundur {
namespace {

class Adagrad final : public Optimizer {
  std::vector<Option> own_options() override {
    return {{"initial_accumulator_value", &initial_accumulator_value_}, {"epsilon", &epsilon_}};
  }
  std::vector<State> own_state() const override {
    return {{"sum", true, initial_accumulator_value_}};
  }
  RuleConstants constants() const override { return {.rule = Rule::adagrad, .epsilon = epsilon_}; }

  double initial_accumulator_value_ = 0.1, epsilon_ = 1e-7;
};

}  // namespace

std::unique_ptr<Optimizer> make_adagrad() { return std::make_unique<Adagrad>(); }

}  // namespace mundur

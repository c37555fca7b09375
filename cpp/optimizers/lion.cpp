// Lion (Chen et al. 2023): w ← w − η sign(β₁ m + (1 − β₁) g), m ← β₂ m + (1 − β₂) g.

#include "optimizers/rule.h"

namespace mundur {
namespace {

class Lion final : public Optimizer {
  std::vector<Option> own_options() override {
    return {{"beta_1", &beta_1_}, {"beta_2", &beta_2_}};
  }
  std::vector<State> own_state() const override { return {{"m"}}; }
  RuleConstants constants() const override {
    return {.rule = Rule::lion, .beta_1 = beta_1_, .beta_2 = beta_2_};
  }

  double beta_1_ = 0.9, beta_2_ = 0.99;
};

}  // namespace

std::unique_ptr<Optimizer> make_lion() { return std::make_unique<Lion>(); }

}  // namespace mundur

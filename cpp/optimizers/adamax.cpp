// Adamax (Kingma and Ba 2015, section 7.1, with PyTorch's ε): m ← β₁ m + (1 − β₁) g,
// u ← max(β₂ u, |g| + ε), w ← w − η m / ((1 − β₁^t) u).

#include "optimizers/rule.h"

namespace mundur {
namespace {

class Adamax final : public Optimizer {
  std::vector<Option> own_options() override {
    return {{"beta_1", &beta_1_}, {"beta_2", &beta_2_}, {"epsilon", &epsilon_}};
  }
  std::vector<State> own_state() const override { return {{"m"}, {"u"}}; }
  std::vector<Scalar> products() override { return {{"beta_1_power", &beta_1_power_}}; }
  void advance() override { beta_1_power_ *= beta_1_; }
  RuleConstants constants() const override {
    return {.rule = Rule::adamax,
            .beta_1 = beta_1_,
            .beta_2 = beta_2_,
            .epsilon = epsilon_,
            .correction_1 = 1.0 / (1.0 - beta_1_power_)};
  }

  double beta_1_ = 0.9, beta_2_ = 0.999, epsilon_ = 1e-8;
  double beta_1_power_ = 1.0;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamax() { return std::make_unique<Adamax>(); }

}  // namespace mundur

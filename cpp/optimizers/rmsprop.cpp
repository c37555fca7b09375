// RMSprop (Hinton 2012) as PyTorch has it: v ← ρ v + (1 − ρ) g², w ← w − η g / (√v + ε); centred,
// √(v − a²) with a ← ρ a + (1 − ρ) g; with momentum, b ← μ b + step, w ← w − η b.

#include "optimizers/rule.h"

namespace mundur {
namespace {

class Rmsprop final : public Optimizer {
  std::vector<Option> own_options() override {
    return {
        {"rho", &rho_}, {"momentum", &momentum_}, {"epsilon", &epsilon_}, {"centered", &centered_}};
  }
  std::vector<State> own_state() const override {
    return {{"v"}, {"velocity", momentum_ != 0.0}, {"mean", centered_}};
  }
  RuleConstants constants() const override {
    return {.rule = Rule::rmsprop, .momentum = momentum_, .beta_2 = rho_, .epsilon = epsilon_};
  }

  double rho_ = 0.9, momentum_ = 0.0, epsilon_ = 1e-7;
  bool centered_ = false;
};

}  // namespace

std::unique_ptr<Optimizer> make_rmsprop() { return std::make_unique<Rmsprop>(); }

}  // namespace mundur

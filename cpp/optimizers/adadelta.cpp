// Adadelta (Zeiler 2012): v ← ρ v + (1 − ρ) g², s = √(d + ε) / √(v + ε) g, d ← ρ d + (1 − ρ) s²,
// w ← w − η s.

#include "optimizers/rule.h"

namespace mundur {
namespace {

class Adadelta final : public Optimizer {
  std::vector<Option> own_options() override { return {{"rho", &rho_}, {"epsilon", &epsilon_}}; }
  std::vector<State> own_state() const override { return {{"v"}, {"d"}}; }
  RuleConstants constants() const override {
    return {.rule = Rule::adadelta, .beta_2 = rho_, .epsilon = epsilon_};
  }

  double rho_ = 0.95, epsilon_ = 1e-7;
};

}  // namespace

std::unique_ptr<Optimizer> make_adadelta() { return std::make_unique<Adadelta>(); }

}  // namespace mundur

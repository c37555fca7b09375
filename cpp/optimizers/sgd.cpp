// SGD: w ← w − η g. With momentum, v ← μ v + g and w ← w − η v; Nesterov's, w ← w − η (g + μ v).

#include "optimizers/rule.h"

namespace mundur {
namespace {

class Sgd final : public Optimizer {
  std::vector<Option> own_options() override {
    return {{"momentum", &momentum_}, {"nesterov", &nesterov_}};
  }
  std::vector<State> own_state() const override { return {{"velocity", momentum_ != 0.0}}; }
  RuleConstants constants() const override {
    const Rule with_momentum = nesterov_ ? Rule::nesterov : Rule::momentum;
    return {.rule = momentum_ == 0.0 ? Rule::sgd : with_momentum, .momentum = momentum_};
  }

  double momentum_ = 0.0;
  bool nesterov_ = false;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd() { return std::make_unique<Sgd>(); }

}  // namespace mundur

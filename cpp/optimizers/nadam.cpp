// Nadam (Dozat 2016): Adam's moments with Nesterov's look ahead. μ_t = β₁ (1 − ½ 0.96^(t ψ)),
// w ← w − η (μ_{t+1} m / (1 − Π_{i≤t+1} μ_i) + (1 − μ_t) g / (1 − Π_{i≤t} μ_i)) / (√v̂ + ε).

#include "optimizers/rule.h"

namespace mundur {
namespace {

/// 0.96^ψ with ψ = 0.004, as in PyTorch; a power would be libm's.
constexpr double kDecay = 0.9998367253526753;

class Nadam final : public Optimizer {
  std::vector<Option> own_options() override {
    return {{"beta_1", &beta_1_}, {"beta_2", &beta_2_}, {"epsilon", &epsilon_}};
  }
  std::vector<State> own_state() const override { return {{"m"}, {"v"}}; }
  std::vector<Scalar> products() override {
    return {{"beta_2_power", &beta_2_power_},
            {"decay", &decay_},
            {"momentum_product", &momentum_product_}};
  }
  void advance() override {
    beta_2_power_ *= beta_2_;
    decay_ *= kDecay;
    momentum_product_ *= momentum_after(decay_);
  }
  RuleConstants constants() const override {
    const double next = momentum_after(decay_ * kDecay);
    return {.rule = Rule::nadam,
            .beta_1 = beta_1_,
            .beta_2 = beta_2_,
            .epsilon = epsilon_,
            .correction_1 = next / (1.0 - momentum_product_ * next),
            .correction_2 = 1.0 / (1.0 - beta_2_power_),
            .share = (1.0 - momentum_after(decay_)) / (1.0 - momentum_product_)};
  }
  double momentum_after(double decay) const { return beta_1_ * (1.0 - 0.5 * decay); }

  double beta_1_ = 0.9, beta_2_ = 0.999, epsilon_ = 1e-8;
  double beta_2_power_ = 1.0;
  double decay_ = 1.0;             // 0.96^(t ψ)
  double momentum_product_ = 1.0;  // Π μ
};

}  // namespace

std::unique_ptr<Optimizer> make_nadam() { return std::make_unique<Nadam>(); }

}  // namespace mundur

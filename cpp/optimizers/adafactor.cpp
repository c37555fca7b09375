// Adafactor (Shazeer and Stern 2018) as Keras has it: β = 1 − t^d, v ← β v + (1 − β)(g² + ε₁), of a
// matrix known by the means of its rows and columns only, u = g / √v, ρ = min(η, 1/√t),
// w ← w − ρ max(ε₂, rms(w)) u / max(1, rms(u) / c).

#include <cmath>

#include "optimizers/rule.h"

namespace mundur {
namespace {

class Adafactor final : public Optimizer {
  std::vector<Option> own_options() override {
    return {{"beta_2_decay", &beta_2_decay_},
            {"epsilon_1", &epsilon_1_},
            {"epsilon_2", &epsilon_2_},
            {"clip_threshold", &clip_threshold_},
            {"relative_step", &relative_step_}};
  }
  std::vector<State> own_state() const override { return {{"v"}}; }
  bool counts() const override { return true; }
  bool whole() const override { return true; }
  RuleConstants constants() const override {
    const auto t = static_cast<double>(iterations());
    return {.rule = Rule::adafactor,
            .beta_2 = 1.0 - kernels<double>().power(t, beta_2_decay_),
            .epsilon = epsilon_1_,
            .least = epsilon_2_,
            .most = clip_threshold_,
            .most_rate = 1.0 / std::sqrt(t)};
  }

  double beta_2_decay_ = -0.8, epsilon_1_ = 1e-30, epsilon_2_ = 1e-3, clip_threshold_ = 1.0;
  bool relative_step_ = true;  // the rate is never above 1/√t anyway
};

}  // namespace

std::unique_ptr<Optimizer> make_adafactor() { return std::make_unique<Adafactor>(); }

}  // namespace mundur

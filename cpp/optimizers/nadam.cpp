// Nadam (Dozat 2016): Adam's moments with Nesterov's look ahead. μ_t = β₁ (1 − ½ 0.96^(t ψ)),
// w ← w − η (μ_{t+1} m / (1 − Π_{i≤t+1} μ_i) + (1 − μ_t) g / (1 − Π_{i≤t} μ_i)) / (√v̂ + ε).

#include "cpu/kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {
namespace {

/// 0.96^ψ with ψ = 0.004, as in PyTorch; a power would be libm's.
constexpr double kDecay = 0.9998367253526753;

}  // namespace

void Nadam::advance() {
  beta_2_power_ *= options_.beta_2;
  decay_ *= kDecay;
  momentum_product_ *= momentum_after(decay_);
}

std::vector<Optimizer::Scalar> Nadam::scalars() {
  std::vector<Scalar> all = Optimizer::scalars();
  all.push_back({"beta_2_power", &beta_2_power_});
  all.push_back({"decay", &decay_});
  all.push_back({"momentum_product", &momentum_product_});
  return all;
}

void Nadam::reset_scalars() {
  Optimizer::reset_scalars();
  beta_2_power_ = decay_ = momentum_product_ = 1.0;
}

namespace {

template <class T>
void describe_any(Update<T>& update, const MomentsOptions& options, double beta_2_power,
                  double momentum, double next, double product) {
  update.rule = Rule::nadam;
  update.beta1 = static_cast<T>(options.beta_1);
  update.beta2 = static_cast<T>(options.beta_2);
  update.one_minus_beta1 = static_cast<T>(1.0 - options.beta_1);
  update.one_minus_beta2 = static_cast<T>(1.0 - options.beta_2);
  update.epsilon = static_cast<T>(options.epsilon);
  update.correction1 = static_cast<T>(next / (1.0 - product * next));
  update.correction2 = static_cast<T>(1.0 / (1.0 - beta_2_power));
  update.share = static_cast<T>((1.0 - momentum) / (1.0 - product));
}

}  // namespace

void Nadam::describe(Update<float>& update) const {
  describe_any(update, options_, beta_2_power_, momentum_after(decay_),
               momentum_after(decay_ * kDecay), momentum_product_);
}
void Nadam::describe(Update<double>& update) const {
  describe_any(update, options_, beta_2_power_, momentum_after(decay_),
               momentum_after(decay_ * kDecay), momentum_product_);
}

}  // namespace mundur

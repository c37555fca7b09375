// Adam (Kingma and Ba 2015, Algorithm 1): m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
// w ← w − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁^t), v̂ = v / (1 − β₂^t).

#include "kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {

void Adam::begin_step() {
  Optimizer::begin_step();
  beta_1_power_ *= options_.beta_1;
  beta_2_power_ *= options_.beta_2;
}

std::vector<Optimizer::Scalar> Adam::scalars() {
  std::vector<Scalar> all = Optimizer::scalars();
  all.push_back({"beta_1_power", &beta_1_power_});
  all.push_back({"beta_2_power", &beta_2_power_});
  return all;
}

void Adam::reset_scalars() {
  Optimizer::reset_scalars();
  beta_1_power_ = 1.0;
  beta_2_power_ = 1.0;
}

template <class T>
void Adam::update_any(const Kernels<T>& kernels, T* w, const T* g, const Stretch& part) {
  T* m = slots()[0].values.as<T>();
  T* v = slots()[1].values.as<T>();
  const T correction_1 = static_cast<T>(1.0 / (1.0 - beta_1_power_));
  const T correction_2 = static_cast<T>(1.0 / (1.0 - beta_2_power_));
  for (std::int64_t row = 0; row < part.rows; ++row) {
    const std::int64_t at = part.first + row * part.ld;
    kernels.adam(w + at, m + at, v + at, g + at, part.columns, static_cast<T>(learning_rate()),
                 static_cast<T>(options_.beta_1), static_cast<T>(options_.beta_2),
                 static_cast<T>(1.0 - options_.beta_1), static_cast<T>(1.0 - options_.beta_2),
                 static_cast<T>(options_.epsilon), correction_1, correction_2);
  }
}

void Adam::update(const Kernels<float>& kernels, float* w, const float* g, const Stretch& part) {
  update_any(kernels, w, g, part);
}
void Adam::update(const Kernels<double>& kernels, double* w, const double* g, const Stretch& part) {
  update_any(kernels, w, g, part);
}

}  // namespace mundur

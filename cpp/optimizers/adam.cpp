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
void Adam::update_any(const Kernels<T>& kernels, T* w, const T* g, std::int64_t first,
                      std::int64_t n) {
  kernels.adam(w + first, slots()[0].values.as<T>() + first, slots()[1].values.as<T>() + first,
               g + first, n, static_cast<T>(learning_rate()), static_cast<T>(options_.beta_1),
               static_cast<T>(options_.beta_2), static_cast<T>(1.0 - options_.beta_1),
               static_cast<T>(1.0 - options_.beta_2), static_cast<T>(options_.epsilon),
               static_cast<T>(1.0 / (1.0 - beta_1_power_)),
               static_cast<T>(1.0 / (1.0 - beta_2_power_)));
}

void Adam::update(const Kernels<float>& kernels, float* w, const float* g, std::int64_t first,
                  std::int64_t n) {
  update_any(kernels, w, g, first, n);
}
void Adam::update(const Kernels<double>& kernels, double* w, const double* g, std::int64_t first,
                  std::int64_t n) {
  update_any(kernels, w, g, first, n);
}

}  // namespace mundur

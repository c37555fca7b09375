// SGD: w ← w − η g. With momentum, v ← μ v + g and w ← w − η v; Nesterov's, w ← w − η (g + μ v).

#include "kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {

template <class T>
void Sgd::update_any(const Kernels<T>& kernels, T* w, const T* g, const Stretch& part) {
  T* v = options_.momentum == 0.0 ? nullptr : slots()[0].values.as<T>();
  for (std::int64_t row = 0; row < part.rows; ++row) {
    const std::int64_t at = part.first + row * part.ld;
    kernels.sgd(w + at, v ? v + at : nullptr, g + at, part.columns, static_cast<T>(learning_rate()),
                static_cast<T>(options_.momentum), options_.nesterov);
  }
}

void Sgd::update(const Kernels<float>& kernels, float* w, const float* g, const Stretch& part) {
  update_any(kernels, w, g, part);
}
void Sgd::update(const Kernels<double>& kernels, double* w, const double* g, const Stretch& part) {
  update_any(kernels, w, g, part);
}

}  // namespace mundur

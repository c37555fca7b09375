// SGD: w ← w − η g. With momentum, v ← μ v + g and w ← w − η v; Nesterov's, w ← w − η (g + μ v).

#include "kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {

std::vector<std::string> Sgd::slot_names() const {
  if (options_.momentum == 0.0) return {};
  return {"velocity"};
}

template <class T>
void Sgd::update_any(const Kernels<T>& kernels, T* w, const T* g, std::int64_t first,
                     std::int64_t n) {
  T* v = options_.momentum == 0.0 ? nullptr : slots()[0].values.as<T>() + first;
  kernels.sgd(w + first, v, g + first, n, static_cast<T>(learning_rate()),
              static_cast<T>(options_.momentum), options_.nesterov);
}

void Sgd::update(const Kernels<float>& kernels, float* w, const float* g, std::int64_t first,
                 std::int64_t n) {
  update_any(kernels, w, g, first, n);
}
void Sgd::update(const Kernels<double>& kernels, double* w, const double* g, std::int64_t first,
                 std::int64_t n) {
  update_any(kernels, w, g, first, n);
}

}  // namespace mundur

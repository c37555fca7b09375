#include "mundur/optimizers.h"

#include <stdexcept>

#include "kernels/table.h"

namespace mundur {

void Optimizer::bind(std::int64_t size, bool is_double) {
  if (bound() && (size != size_ || is_double != is_double_)) {
    throw std::invalid_argument(
        "optimizer: it holds the state of another model (" + std::to_string(size_) +
        " elements of " + (is_double_ ? "float64" : "float32") + ", this one has " +
        std::to_string(size) + " of " + (is_double ? "float64" : "float32") +
        "); make a new optimizer for each model");
  }
  size_ = size;
  is_double_ = is_double;
  // A rule may come to need more state later: SGD whose momentum is set after the first step.
  const std::vector<std::string> names = slot_names();
  while (slots_.size() < slots_needed()) add_slot(names[slots_.size()]);
}

void Optimizer::add_slot(const std::string& name) {
  const auto element = static_cast<std::int64_t>(is_double_ ? sizeof(double) : sizeof(float));
  slots_.push_back({name, Buffer(checked_product(size_, element, "the optimizer's state"),
                                 "the optimizer's state")});
}

Optimizer::Slot* Optimizer::slot(const std::string& name) {
  const std::vector<std::string> names = slot_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (slots_.size() <= i) add_slot(names[i]);
    if (names[i] == name) return &slots_[i];
  }
  return nullptr;
}

template <class T>
Update<T> Optimizer::update_of(T* w) {
  Update<T> update;
  update.w = w;
  for (std::size_t i = 0; i < slots_.size(); ++i) update.state[i] = slots_[i].values.as<T>();
  describe(update);
  return update;
}

template Update<float> Optimizer::update_of(float* w);
template Update<double> Optimizer::update_of(double* w);

void Optimizer::reset() {
  size_ = -1;
  slots_.clear();
  reset_scalars();
}

}  // namespace mundur

#include "mundur/optimizers.h"

#include <stdexcept>

namespace mundur {

void Optimizer::bind(std::int64_t size, bool is_double) {
  if (bound() && (size != size_ || is_double != is_double_)) {
    throw std::invalid_argument(
        "optimizer: it holds the state of another model (" + std::to_string(size_) +
        " elements of " + (is_double_ ? "float64" : "float32") + ", this one has " +
        std::to_string(size) + " of " + (is_double ? "float64" : "float32") +
        "); make a new optimizer for each model");
  }
  // A rule may come to need more state later: SGD whose momentum is set after the first step.
  const std::vector<std::string> names = slot_names();
  const std::int64_t bytes =
      size * static_cast<std::int64_t>(is_double ? sizeof(double) : sizeof(float));
  while (slots_.size() < names.size()) {
    slots_.push_back({names[slots_.size()], Buffer(bytes, "the optimizer's state")});
  }
  size_ = size;
  is_double_ = is_double;
}

void Optimizer::reset() {
  size_ = -1;
  slots_.clear();
  reset_scalars();
}

}  // namespace mundur

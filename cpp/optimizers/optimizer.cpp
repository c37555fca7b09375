#include "mundur/optimizers.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "cpu/kernels/table.h"

namespace mundur {
namespace {

constexpr const char* kSum = "accumulated";
constexpr const char* kAverage = "average";

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void Optimizer::bind(std::int64_t size, bool is_double, const void* parameters,
                     const std::vector<std::int64_t>& gaps) {
  if (bound() && (size != size_ || is_double != is_double_)) {
    throw std::invalid_argument(
        "optimizer: it holds the state of another model (" + std::to_string(size_) +
        " elements of " + (is_double_ ? "float64" : "float32") + ", this one has " +
        std::to_string(size) + " of " + (is_double ? "float64" : "float32") +
        "); make a new optimizer for each model");
  }
  size_ = size;
  is_double_ = is_double;
  if (gaps_.size() < gaps.size()) gaps_ = gaps;
  // A rule may come to need more state later: SGD whose momentum is set after the first step.
  for (const std::string& name : needed()) {
    if (find(name) || (name == kAverage && !parameters)) continue;
    Buffer& values = add_slot(name).values;
    if (name == kAverage) {
      std::memcpy(values.as<void>(), parameters, static_cast<std::size_t>(values.bytes()));
    }
  }
  link();
}

/// No step shall look for names.
void Optimizer::link() {
  const auto values_of = [&](const std::string& name) -> void* {
    Slot* found = name.empty() ? nullptr : find(name);
    return found ? found->values.as<void>() : nullptr;
  };
  const std::vector<std::string> names = slot_names();
  for (std::size_t i = 0; i < names.size(); ++i) state_[i] = values_of(names[i]);
  sum_ = shared_.gradient_accumulation_steps > 1 ? values_of(kSum) : nullptr;
  average_ = shared_.use_ema ? values_of(kAverage) : nullptr;
}

std::vector<std::string> Optimizer::needed() const {
  std::vector<std::string> names;
  for (const std::string& name : slot_names()) {
    if (!name.empty()) names.push_back(name);
  }
  if (shared_.gradient_accumulation_steps > 1) names.emplace_back(kSum);
  if (shared_.use_ema) names.emplace_back(kAverage);
  return names;
}

Optimizer::Slot& Optimizer::add_slot(const std::string& name) {
  const auto element = static_cast<std::int64_t>(is_double_ ? sizeof(double) : sizeof(float));
  slots_.push_back({name, Buffer(checked_product(size_, element, "the optimizer's state"),
                                 "the optimizer's state")});
  Slot& slot = slots_.back();
  const double first = first_value(name);
  if (first != 0.0) {
    if (is_double_) {
      std::fill_n(slot.values.as<double>(), size_, first);
    } else {
      std::fill_n(slot.values.as<float>(), size_, static_cast<float>(first));
    }
  }
  return slot;
}

Optimizer::Slot* Optimizer::find(const std::string& name) {
  for (Slot& slot : slots_) {
    if (slot.name == name) return &slot;
  }
  return nullptr;
}

Optimizer::Slot* Optimizer::slot(const std::string& name) {
  if (Slot* found = find(name)) return found;
  if (!holds(needed(), name) && !holds(resting_slots(), name)) return nullptr;
  Slot& added = add_slot(name);
  link();
  return &added;
}

void Optimizer::set_learning_rates(std::int64_t first, std::vector<double> rates) {
  first_rate_ = first;
  rates_ = std::move(rates);
}

void Optimizer::begin_step() {
  accumulated_ += 1.0;
  updates_ = accumulated_ >= static_cast<double>(shared_.gradient_accumulation_steps);
  if (!updates_) return;
  accumulated_ = 0.0;
  const std::int64_t ahead = iterations() - first_rate_;
  if (ahead >= 0 && ahead < static_cast<std::int64_t>(rates_.size())) {
    learning_rate_ = rates_[static_cast<std::size_t>(ahead)];
  }
  iterations_ += 1.0;
  advance();
}

Gathering Optimizer::gathering() {
  return {sum_, updates_, shared_.clipnorm, shared_.global_clipnorm};
}

template <class T>
Update<T> Optimizer::update_of(T* w) {
  Update<T> update;
  update.w = w;
  update.lr = static_cast<T>(learning_rate_);
  for (int i = 0; i < 3; ++i) update.state[i] = static_cast<T*>(state_[i]);
  describe(update);
  const SharedOptions& shared = shared_;
  update.plain = shared.weight_decay == 0.0 && shared.clipvalue == SharedOptions::kNone &&
                 !gathering().waits() && !average_;
  if (update.plain) return update;
  const double steps = static_cast<double>(shared.gradient_accumulation_steps);
  update.scale = static_cast<T>(1.0 / steps);
  update.limit = static_cast<T>(shared.clipvalue);
  update.keep = static_cast<T>(1.0 - learning_rate_ * shared.weight_decay);
  if (average_) {
    update.average = static_cast<T*>(average_);
    const double momentum = iterations_ > 1.0 ? shared.ema_momentum : 0.0;
    update.ema = static_cast<T>(momentum);
    update.one_minus_ema = static_cast<T>(1.0 - momentum);
    update.overwrite =
        shared.ema_overwrite_frequency > 0 && iterations() % shared.ema_overwrite_frequency == 0;
  }
  return update;
}

template Update<float> Optimizer::update_of(float* w);
template Update<double> Optimizer::update_of(double* w);

std::vector<Optimizer::Scalar> Optimizer::scalars() {
  std::vector<Scalar> all = {{"iterations", &iterations_}};
  if (shared_.gradient_accumulation_steps > 1) all.push_back({"accumulated", &accumulated_});
  return all;
}

void Optimizer::reset_scalars() {
  iterations_ = 0.0;
  accumulated_ = 0.0;
}

void Optimizer::reset() {
  size_ = -1;
  slots_.clear();
  gaps_.clear();
  link();
  reset_scalars();
}

}  // namespace mundur

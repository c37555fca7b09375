#include "mundur/optimizers.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "optimizers/rule.h"

namespace mundur {
namespace {

constexpr const char* kSum = "accumulated";
constexpr const char* kAverage = "average";

constexpr struct {
  const char* name;
  std::unique_ptr<Optimizer> (*make)();
} kOptimizers[] = {{"SGD", make_sgd},           {"Adam", make_adam},
                   {"Nadam", make_nadam},       {"Adamax", make_adamax},
                   {"RMSprop", make_rmsprop},   {"Adagrad", make_adagrad},
                   {"Adadelta", make_adadelta}, {"Lion", make_lion},
                   {"Ftrl", make_ftrl},         {"Adafactor", make_adafactor}};

/// The row of that name; std::invalid_argument, with the names there are, where there is none.
template <class Rows>
auto named(Rows&& rows, const std::string& name, const std::string& what) {
  std::string known;
  for (const auto& row : rows) {
    if (name == row.name) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw std::invalid_argument(what + ": expected one of " + known + ", got '" + name + "'");
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(
    const std::string& rule, const std::vector<std::pair<std::string, double>>& numbers) {
  std::unique_ptr<Optimizer> made = named(kOptimizers, rule, "rule").make();
  for (const auto& [name, number] : numbers) {
    std::visit(
        [value = number](auto* at) { *at = static_cast<std::decay_t<decltype(*at)>>(value); },
        made->option(name).value);
  }
  return made;
}

std::vector<Optimizer::Option> Optimizer::options() {
  SharedOptions& s = shared_;
  std::vector<Option> all = own_options();
  for (const Option& one : std::initializer_list<Option>{
           {"learning_rate", &s.learning_rate},
           {"weight_decay", &s.weight_decay},
           {"clipvalue", &s.clipvalue},
           {"clipnorm", &s.clipnorm},
           {"global_clipnorm", &s.global_clipnorm},
           {"use_ema", &s.use_ema},
           {"ema_momentum", &s.ema_momentum},
           {"ema_overwrite_frequency", &s.ema_overwrite_frequency},
           {"gradient_accumulation_steps", &s.gradient_accumulation_steps}}) {
    all.push_back(one);
  }
  return all;
}

Optimizer::Option Optimizer::option(const std::string& name) {
  return named(options(), name, "option");
}

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
  for (const State& state : states()) {
    if (!state.needed || find(state.name) || (state.name == kAverage && !parameters)) continue;
    Buffer& values = add_slot(state).values;
    if (state.name == kAverage) {
      std::memcpy(values.as<void>(), parameters, static_cast<std::size_t>(values.bytes()));
    }
  }
  link();
}

/// The rule's, then what may stand around every rule.
std::vector<Optimizer::State> Optimizer::states() const {
  std::vector<State> all = own_state();
  if (shared_.gradient_accumulation_steps > 1) all.push_back({kSum});
  if (shared_.use_ema) all.push_back({kAverage});
  return all;
}

std::vector<std::string> Optimizer::needed() const {
  std::vector<std::string> names;
  for (const State& state : states()) {
    if (state.needed) names.push_back(state.name);
  }
  return names;
}

/// No step shall look for names.
void Optimizer::link() {
  std::fill(std::begin(state_), std::end(state_), nullptr);
  sum_ = average_ = nullptr;
  void** own = state_;
  void* elsewhere = nullptr;  // a rule of the caller's may have more, and asks by name
  for (const State& state : states()) {
    void*& at = state.name == kSum        ? sum_
                : state.name == kAverage  ? average_
                : own != std::end(state_) ? *own++
                                          : elsewhere;
    Slot* const slot = state.needed ? find(state.name) : nullptr;
    at = slot ? slot->values.as<void>() : nullptr;
  }
}

Optimizer::Slot& Optimizer::add_slot(const State& state) {
  const auto element = static_cast<std::int64_t>(is_double_ ? sizeof(double) : sizeof(float));
  slots_.push_back({state.name, Buffer(checked_product(size_, element, "the optimizer's state"),
                                       "the optimizer's state")});
  Buffer& values = slots_.back().values;
  if (state.first != 0.0 && is_double_) std::fill_n(values.as<double>(), size_, state.first);
  if (state.first != 0.0 && !is_double_) {
    std::fill_n(values.as<float>(), size_, static_cast<float>(state.first));
  }
  return slots_.back();
}

Optimizer::Slot* Optimizer::find(const std::string& name) {
  for (Slot& slot : slots_) {
    if (slot.name == name) return &slot;
  }
  return nullptr;
}

Optimizer::Slot* Optimizer::slot(const std::string& name) {
  if (Slot* found = find(name)) return found;
  for (const State& state : states()) {
    if (state.name != name) continue;
    Slot& added = add_slot(state);
    link();
    return &added;
  }
  return nullptr;
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
    shared_.learning_rate = rates_[static_cast<std::size_t>(ahead)];
  }
  iterations_ += 1.0;
  advance();
}

template <class T>
Update<T> Optimizer::update_of(T* w) const {
  const SharedOptions& shared = shared_;
  const RuleConstants c = constants();
  const auto rounded = [](double value) { return static_cast<T>(value); };
  Update<T> update;
  update.rule = c.rule;
  update.w = w;
  for (int i = 0; i < 3; ++i) update.state[i] = static_cast<T*>(state_[i]);
  update.lr = rounded(std::min(shared.learning_rate, c.most_rate));
  update.momentum = rounded(c.momentum);
  update.beta1 = rounded(c.beta_1);
  update.beta2 = rounded(c.beta_2);
  update.one_minus_beta1 = rounded(1.0 - c.beta_1);
  update.one_minus_beta2 = rounded(1.0 - c.beta_2);
  update.epsilon = rounded(c.epsilon);
  update.correction1 = rounded(c.correction_1);
  update.correction2 = rounded(c.correction_2);
  update.share = rounded(c.share);
  update.power = rounded(c.power);
  update.beta = rounded(c.beta);
  update.l1 = rounded(c.l1);
  update.two_l2 = rounded(c.two_l2);
  update.two_shrinkage = rounded(c.two_shrinkage);
  update.least = rounded(c.least);
  update.most = rounded(c.most);
  update.plain = shared.weight_decay == 0.0 && shared.clipvalue == SharedOptions::kNone &&
                 !gathering().waits() && !average_;
  if (update.plain) return update;
  update.scale = rounded(1.0 / static_cast<double>(shared.gradient_accumulation_steps));
  update.limit = rounded(shared.clipvalue);
  update.keep = rounded(1.0 - shared.learning_rate * shared.weight_decay);
  update.spared = spared_.data();
  update.spares = std::ssize(spared_) / 2;
  if (average_) {
    update.average = static_cast<T*>(average_);
    const double momentum = iterations_ > 1.0 ? shared.ema_momentum : 0.0;
    update.ema = rounded(momentum);
    update.one_minus_ema = rounded(1.0 - momentum);
    update.overwrite =
        shared.ema_overwrite_frequency > 0 && iterations() % shared.ema_overwrite_frequency == 0;
  }
  return update;
}

template Update<float> Optimizer::update_of(float* w) const;
template Update<double> Optimizer::update_of(double* w) const;

std::vector<Optimizer::Scalar> Optimizer::scalars() {
  std::vector<Scalar> all = {{"iterations", &iterations_}};
  if (shared_.gradient_accumulation_steps > 1) all.push_back({"accumulated", &accumulated_});
  for (const Scalar& product : products()) all.push_back(product);
  return all;
}

void Optimizer::reset() {
  size_ = -1;
  slots_.clear();
  gaps_.clear();
  spared_.clear();
  link();
  iterations_ = accumulated_ = 0.0;
  for (const Scalar& product : products()) *product.value = 1.0;
}

}  // namespace mundur

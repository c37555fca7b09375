// Outside: a rule of the caller's, with the state that it asks for.

#include <algorithm>

#include "optimizers/rule.h"

namespace mundur {

OutsideOptimizer::OutsideOptimizer(std::unique_ptr<OutsideRule> rule) : rule_(std::move(rule)) {
  outside_ = rule_.get();
}

void OutsideOptimizer::add_state(const std::string& name, double first) {
  const auto is_it = [&](const State& one) { return one.name == name; };
  if (std::none_of(state_names_.begin(), state_names_.end(), is_it)) {
    state_names_.push_back({name, true, first});
  }
}

RuleConstants OutsideOptimizer::constants() const { return {.rule = Rule::sgd}; }

}  // namespace mundur

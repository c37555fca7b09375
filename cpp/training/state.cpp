// What training changes, but no gradient: the layers' state, in one vector.

#include <stdexcept>

#include "mundur/network.h"
#include "parallel/pace.h"
#include "training/workspace.h"

namespace mundur {

template <class T>
void Network<T>::allocate_state() {
  constexpr const char* kWhat = "the model's state";
  for (const StateEntry& entry : state_) {
    state_size_ = checked_sum(state_size_, size_of(entry.state.shape), kWhat);
  }
  if (state_size_ == 0) return;
  state_values_ =
      Buffer(checked_product(state_size_, static_cast<std::int64_t>(sizeof(T)), kWhat), kWhat);
  std::int64_t at = 0;
  std::size_t next = 0;
  for (const std::unique_ptr<Layer<T>>& layer : layers_) {
    std::vector<State<T>> bound = layer->state();
    for (State<T>& state : bound) {
      state_[next++].state.value = state.value = state_values() + at;
      at += size_of(state.shape);
    }
    layer->bind_state(bound.data());
  }
}

template <class T>
void Network<T>::set_learning(const std::vector<bool>& flags) {
  std::size_t places = 0;
  for (const auto& layer : layers_) places += static_cast<std::size_t>(layer->places());
  if (flags.size() != places) {
    throw std::invalid_argument("flags: expected one per layer (" + std::to_string(places) +
                                "), got " + std::to_string(flags.size()));
  }
  std::size_t at = 0;
  for (const auto& layer : layers_) {
    layer->set_learning(flags, at);
    at += static_cast<std::size_t>(layer->places());
  }
}

template void Network<float>::allocate_state();
template void Network<double>::allocate_state();
template void Network<float>::set_learning(const std::vector<bool>&);
template void Network<double>::set_learning(const std::vector<bool>&);

}  // namespace mundur

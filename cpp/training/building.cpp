// How a network is made of a graph, and what it asks of its inputs.

#include <algorithm>
#include <stdexcept>

#include "layers/layer.h"
#include "mundur/network.h"

namespace mundur {

/// Each call has a layer of its own: shared ones have their arrays in common.
template <class T>
void Network<T>::build(Setup& setup, const Graph::Call& call) {
  const auto& [spec, name] = graph_.layers[call.layer];
  std::vector<Shape> from;
  for (std::size_t value : call.from) from.push_back(shapes_[value]);
  setup.begin(static_cast<int>(call.layer));
  try {
    calls_.push_back(make_layer(spec));
    shapes_.push_back(calls_.back()->add_to(setup, from));
  } catch (const std::invalid_argument& error) {
    if (name.empty()) throw;
    throw std::invalid_argument(graph_.layer_text(call.layer) + ": " + error.what());
  }
  checked_size(shapes_.back(), "one sample");
  heads_.push_back(setup.head);
  scopes_.push_back(scope_of(call.layer));
}

/// What the names of a call's values begin with: its layer's name, from the second call on with a
/// number; as often as it takes to be none of another's.
template <class T>
std::string Network<T>::scope_of(std::size_t layer) const {
  const std::string& name = graph_.layers[layer].name;
  const std::string base = name.empty() ? std::to_string(layer) : name;
  std::string scope = base;
  const auto is_taken = [&] {
    const auto& layers = graph_.layers;
    const bool is_name =
        scope != name && std::any_of(layers.begin(), layers.end(),
                                     [&](const auto& one) { return one.name == scope; });
    return is_name || std::find(scopes_.begin(), scopes_.end(), scope) != scopes_.end();
  };
  for (int number = 1; is_taken(); ++number) scope = base + ":" + std::to_string(number);
  return scope;
}

template <class T>
void Network<T>::require_inputs(const std::vector<ArrayView>& x) const {
  const auto require = [](bool holds, const std::string& message) {
    if (!holds) throw std::invalid_argument(message);
  };
  const std::size_t inputs = graph_.inputs.size();
  require(x.size() == inputs, "x: expected " + std::to_string(inputs) +
                                  " arrays, one per input, got " + std::to_string(x.size()));
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::string what = inputs == 1 ? "x" : "x, " + graph_.input_text(i);
    require(x[i].n >= 1, what + ": expected at least one sample");
    require(x[i].n == x[0].n, what + ": expected " + std::to_string(x[0].n) +
                                  " samples, as in the first, got " + std::to_string(x[i].n));
    require(x[i].sample_size() == size_of(input_shape(i)),
            what + ": expected samples of " + std::to_string(size_of(input_shape(i))) +
                " elements, got " + std::to_string(x[i].sample_size()));
  }
}

#define MUNDUR_BUILDING(T)                                                \
  template void Network<T>::build(Setup& setup, const Graph::Call& call); \
  template void Network<T>::require_inputs(const std::vector<ArrayView>&) const
MUNDUR_BUILDING(float);
MUNDUR_BUILDING(double);

}  // namespace mundur

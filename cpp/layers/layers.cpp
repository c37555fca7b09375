#include "layers/layers.h"

#include <stdexcept>

namespace mundur {

namespace {
constexpr std::string_view kActivations[] = {"linear", "relu", "sigmoid", "tanh", "softmax"};
}

std::string_view name_of(Activation activation) {
  return kActivations[static_cast<int>(activation)];
}

Activation activation_from_name(const std::string& name) {
  for (int i = 0; i < 5; ++i) {
    if (name == kActivations[i]) return static_cast<Activation>(i);
  }
  throw std::invalid_argument("activation: expected linear, relu, sigmoid, tanh or softmax, got '" +
                              name + "'");
}

template <class T>
std::unique_ptr<Layer<T>> make_layer(const LayerSpec& spec) {
  return std::visit([](const auto& one) { return make<T>(one); }, spec);
}

template std::unique_ptr<Layer<float>> make_layer<float>(const LayerSpec&);
template std::unique_ptr<Layer<double>> make_layer<double>(const LayerSpec&);

}  // namespace mundur

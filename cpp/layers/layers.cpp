#include "layers/layers.h"

#include <algorithm>
#include <stdexcept>

namespace mundur {

namespace {
constexpr std::string_view kActivations[] = {
    "linear", "relu",         "sigmoid",   "tanh",        "softmax", "log_softmax", "rectifier",
    "elu",    "selu",         "gelu",      "gelu_tanh",   "silu",    "softplus",    "softsign",
    "mish",   "hard_sigmoid", "hard_silu", "exponential", "custom"};

std::size_t parameters_of(Activation activation) {
  switch (activation) {
    case Activation::rectifier:
      return 3;
    case Activation::elu:
      return 1;
    case Activation::selu:
      return 2;
    default:
      return 0;
  }
}
}  // namespace

ActivationFunction::ActivationFunction(Activation which, const std::vector<double>& values)
    : activation(which) {
  if (values.size() != parameters_of(which)) {
    throw std::invalid_argument("parameters: expected " + std::to_string(parameters_of(which)) +
                                ", got " + std::to_string(values.size()));
  }
  std::copy(values.begin(), values.end(), parameters);
}

std::string_view name_of(Activation activation) {
  return kActivations[static_cast<int>(activation)];
}

Activation activation_from_name(const std::string& name) {
  for (int i = 0; i < static_cast<int>(Activation::custom); ++i) {
    if (name == kActivations[i]) return static_cast<Activation>(i);
  }
  throw std::invalid_argument("activation: unknown name '" + name + "'");
}

Padding padding_from_name(const std::string& name) {
  if (name == "valid") return Padding::valid;
  if (name == "same") return Padding::same;
  if (name == "causal") return Padding::causal;
  throw std::invalid_argument("padding: unknown name '" + name + "'");
}

bool failed(const std::vector<CustomFunction*>& functions) {
  return std::any_of(functions.begin(), functions.end(), [](auto* one) { return one->failed(); });
}

void raise_failure(const std::vector<CustomFunction*>& functions) {
  std::exception_ptr first;
  for (CustomFunction* one : functions) {
    const std::exception_ptr failure = one->take_failure();
    if (!first) first = failure;  // those behind it worked with what it left
  }
  if (first) std::rethrow_exception(first);
}

template <class T>
double Layer<T>::work(const Shape& output) const {
  const double rows =
      output.empty() ? 1.0
                     : static_cast<double>(size_of(output)) / static_cast<double>(output.back());
  double sum = 0.0;
  for (const Parameter<T>& parameter : parameters()) {
    if (parameter.shape.size() > 1)
      sum += 2.0 * static_cast<double>(size_of(parameter.shape)) * rows;
  }
  return sum;
}

template class Layer<float>;
template class Layer<double>;

template <class T>
std::unique_ptr<Layer<T>> make_layer(const LayerSpec& spec) {
  return std::visit([](const auto& one) { return make<T>(one); }, spec);
}

template std::unique_ptr<Layer<float>> make_layer<float>(const LayerSpec&);
template std::unique_ptr<Layer<double>> make_layer<double>(const LayerSpec&);

}  // namespace mundur

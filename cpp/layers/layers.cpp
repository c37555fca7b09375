#include <algorithm>
#include <limits>

#include "layers/layer.h"

namespace mundur {

// One per file in this folder.
#define MUNDUR_DECLARE(Name) std::unique_ptr<Layer> make(const Name##Spec& spec)
MUNDUR_DECLARE(Activation);
MUNDUR_DECLARE(AlphaDropout);
MUNDUR_DECLARE(BatchNormalization);
MUNDUR_DECLARE(Bidirectional);
MUNDUR_DECLARE(Conv1D);
MUNDUR_DECLARE(Conv1DTranspose);
MUNDUR_DECLARE(Conv2D);
MUNDUR_DECLARE(Conv2DTranspose);
MUNDUR_DECLARE(Dense);
MUNDUR_DECLARE(DepthwiseConv);
MUNDUR_DECLARE(Dot);
MUNDUR_DECLARE(Dropout);
MUNDUR_DECLARE(Embedding);
MUNDUR_DECLARE(Flatten);
MUNDUR_DECLARE(GRU);
MUNDUR_DECLARE(GaussianDropout);
MUNDUR_DECLARE(GaussianNoise);
MUNDUR_DECLARE(GroupNormalization);
MUNDUR_DECLARE(LSTM);
MUNDUR_DECLARE(LayerNormalization);
MUNDUR_DECLARE(Margins);
MUNDUR_DECLARE(Masking);
MUNDUR_DECLARE(Merging);
MUNDUR_DECLARE(Normalization);
MUNDUR_DECLARE(Outside);
MUNDUR_DECLARE(PReLU);
MUNDUR_DECLARE(Permute);
MUNDUR_DECLARE(Pooling);
MUNDUR_DECLARE(RandomImage);
MUNDUR_DECLARE(Rescaling);
MUNDUR_DECLARE(RepeatVector);
MUNDUR_DECLARE(Reshape);
MUNDUR_DECLARE(Residual);
MUNDUR_DECLARE(Resizing);
MUNDUR_DECLARE(SimpleRNN);
MUNDUR_DECLARE(Softmax);
MUNDUR_DECLARE(SpatialDropout);
MUNDUR_DECLARE(TimeDistributed);
MUNDUR_DECLARE(UnitNormalization);
MUNDUR_DECLARE(UpSampling);

std::unique_ptr<Layer> make_layer(const LayerSpec& spec) {
  return std::visit([](const auto& one) { return make(one); }, spec);
}

std::size_t outputs_of(const LayerSpec& spec) {
  constexpr auto kStates = [](const auto& one) -> std::size_t {
    if constexpr (requires { one.recurrent; }) {
      constexpr bool kHasC = std::is_same_v<std::decay_t<decltype(one)>, LSTMSpec>;
      return !one.recurrent.return_state ? 0 : kHasC ? 2 : 1;
    }
    return 0;
  };
  std::size_t states = std::visit(kStates, spec);
  if (const auto* both = std::get_if<BidirectionalSpec>(&spec)) {
    for (const LayerNode& node : both->layers) states += std::visit(kStates, node.spec);
  }
  return 1 + states;
}

Shape Layer::build_on(Setup& setup, const std::vector<Shape>& inputs) {
  if (inputs.size() == 1) return build(setup, inputs.front());
  throw std::invalid_argument("expected one input, got " + std::to_string(inputs.size()));
}

void Setup::begin(int layer) {
  const auto [first, is_new] = first_places_.try_emplace(layer, places);
  layer_ = layer;
  is_shared_ = !is_new;
  place_ = first->second;
}

int Setup::next_place() {
  places = std::max(places, place_ + 1);
  return place_++;
}

int Setup::take(std::vector<Array>& arrays, const char* name, Shape shape) {
  Array array;
  array.name = prefix_ + name;
  array.shape = std::move(shape);
  array.layer = layer_;
  if (!is_shared_) {
    arrays.push_back(std::move(array));
    return static_cast<int>(arrays.size()) - 1;
  }
  const auto made = std::find_if(arrays.begin(), arrays.end(), [&](const Array& one) {
    return one.layer == array.layer && one.name == array.name;
  });
  if (made->shape != array.shape) {
    throw std::invalid_argument("its " + array.name + " has the shape " + text_of(made->shape) +
                                ", made for its first input; this one needs " +
                                text_of(array.shape));
  }
  return static_cast<int>(made - arrays.begin());
}

std::string text_of(const Shape& shape) {
  std::string text;
  for (std::int64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "(" + text + (shape.size() == 1 ? ",)" : ")");
}

// ---- activations --------------------------------------------------------------------------------

namespace {
#define MUNDUR_TEXT(name, Struct) #name,
constexpr std::string_view kActivations[] = {MUNDUR_FUNCTIONS(MUNDUR_TEXT) "softmax", "log_softmax",
                                             MUNDUR_CURVES(MUNDUR_TEXT) "custom"};
#undef MUNDUR_TEXT

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

// ---- windows ------------------------------------------------------------------------------------

Padding padding_from_name(const std::string& name) {
  if (name == "valid") return Padding::valid;
  if (name == "same") return Padding::same;
  if (name == "causal") return Padding::causal;
  throw std::invalid_argument("padding: unknown name '" + name + "'");
}

Windows windows_of(std::int64_t in, std::int64_t taps, std::int64_t stride, std::int64_t dilation,
                   Padding padding) {
  // What is larger could not be counted together.
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const auto require = [](const std::string& name, std::int64_t value) {
    if (value >= 1 && value <= kMost) return;
    throw std::invalid_argument(name + ": expected 1 to " + std::to_string(kMost) + ", got " +
                                std::to_string(value));
  };
  require("window", taps);
  require("strides", stride);
  require("dilation_rate", dilation);
  Windows windows{in, 0, taps, stride, dilation, 0};
  const std::int64_t extent = (taps - 1) * dilation + 1;
  require("the steps from a window's first tap to its last", extent);
  if (padding == Padding::valid) {
    if (in < extent) {
      throw std::invalid_argument("a window of " + std::to_string(extent) +
                                  " steps does not fit into samples of " + std::to_string(in));
    }
    windows.out = (in - extent) / stride + 1;
  } else {
    windows.out = Windows::up(in, stride);
    const std::int64_t same = std::max<std::int64_t>((windows.out - 1) * stride + extent - in, 0);
    windows.before = padding == Padding::causal ? extent - 1 : same / 2;
  }
  return windows;
}

}  // namespace mundur

#include "mundur/layers.h"

#include "bindings/bindings.h"
#include "cpu/activate.h"
#include "cpu/circle.h"

namespace mundur {

std::vector<LayerSpec> specs_of(const py::sequence& layers);

namespace {

/// A description, as Python holds it.
struct AnyLayerSpec {
  template <class Spec>
  explicit AnyLayerSpec(Spec one) : spec(std::in_place_type<Spec>, std::move(one)) {}
  LayerSpec spec;
};

/// Two Python functions of z, an array of shape (rows, outputs): f, and f'. They get copies, which
/// they may keep.
class PythonFunction final : public CustomFunction {
 public:
  PythonFunction(py::function value, py::function slope)
      : value_(std::move(value)), slope_(std::move(slope)) {}

 private:
  template <class T>
  static py::array called(const py::function& f, const T* z, std::int64_t B, std::int64_t O) {
    py::array result = call(f, py::make_tuple(copy_of(z, {B, O})));
    if (result.size() != B * O) throw py::value_error("a custom activation changed the shape");
    return result;
  }
  template <class T>
  void find_value(T* y, const T* z, std::int64_t B, std::int64_t O) const {
    with_gil([&] {
      const py::array found = called(value_, z, B, O);
      std::copy_n(data_of<T>(found, "f(z)", 2), B * O, y);
    });
  }
  template <class T>
  void find_backward(T* dx, const T* z, const T* dy, std::int64_t B, std::int64_t O) const {
    with_gil([&] {
      const py::array found = called(slope_, z, B, O);
      const T* slope = data_of<T>(found, "f'(z)", 2);
      for (std::int64_t i = 0; i < B * O; ++i) dx[i] = dy[i] * slope[i];
    });
  }

  void value(float* y, const float* z, std::int64_t B, std::int64_t O) override {
    find_value(y, z, B, O);
  }
  void value(double* y, const double* z, std::int64_t B, std::int64_t O) override {
    find_value(y, z, B, O);
  }
  void backward(float* dx, const float* z, const float* dy, std::int64_t B,
                std::int64_t O) override {
    find_backward(dx, z, dy, B, O);
  }
  void backward(double* dx, const double* z, const double* dy, std::int64_t B,
                std::int64_t O) override {
    find_backward(dx, z, dy, B, O);
  }

  py::function value_;
  py::function slope_;
};

/// An array of the core's, copied.
template <class T>
py::array given(const OutsideArray& one) {
  const auto* const data = static_cast<const T*>(one.data);
  return copy_of(data, one.samples ? with_batch(one.samples, *one.shape) : *one.shape);
}
/// ... and what Python made of it.
template <class T>
void take(const OutsideArray& one, const py::handle& made, const char* what) {
  if (!one.data) return;
  const auto array = py::reinterpret_borrow<py::array>(made);
  const T* const values = data_of<T>(array, what, -1);
  const std::int64_t size = std::max<std::int64_t>(one.samples, 1) * size_of(*one.shape);
  if (array.size() != size) throw py::value_error(std::string(what) + ": expected another size");
  std::copy_n(values, size, static_cast<T*>(one.data));
}

/// A layer that Python computes. begin() returns an object for one call of it, which has
/// forward(inputs, parameters, states, training, seed, stream, count), whose result is y, and
/// backward(dy), whose result is the gradients of the inputs and of the parameters. The arrays are
/// copies; what forward leaves in those of the state counts.
class PythonLayer final : public OutsideLayer, public std::enable_shared_from_this<PythonLayer> {
 public:
  PythonLayer(py::function begin, std::size_t parameters, std::size_t states)
      : begin_(std::move(begin)), parameters_(parameters), states_(states) {}
  std::shared_ptr<OutsideCall> call() const override {
    return std::make_shared<Call>(shared_from_this());
  }

 private:
  class Call final : public OutsideCall {
   public:
    explicit Call(std::shared_ptr<const PythonLayer> layer) : layer_(std::move(layer)) {}

   private:
    void forward(const OutsideTask& task) override {
      with_gil([&] { task.is_double ? forward_of<double>(task) : forward_of<float>(task); });
    }
    void backward(bool is_double) override {
      with_gil([&] { is_double ? backward_of<double>() : backward_of<float>(); });
    }
    template <class T>
    void forward_of(const OutsideTask& task) {
      if (!at_work_.object) at_work_.object = mundur::call(layer_->begin_, py::tuple());
      const std::size_t states = given_.size() - layer_->states_;
      py::list inputs, parameters, changed;
      for (std::size_t i = 1; i < given_.size(); ++i) {
        py::list& to = i >= states                         ? changed
                       : i >= states - layer_->parameters_ ? parameters
                                                           : inputs;
        to.append(given<T>(given_[i]));
      }
      const py::object y = mundur::call(at_work_.object.attr("forward"),
                                        py::make_tuple(inputs, parameters, changed, task.training,
                                                       task.seed, task.stream, task.forward));
      take<T>(given_.front(), y, "y");
      if (!task.training || !task.learns) return;
      for (std::size_t i = states; i < given_.size(); ++i) {
        take<T>(given_[i], changed[i - states], "state");
      }
    }
    template <class T>
    void backward_of() {
      const py::list made =
          mundur::call(at_work_.object.attr("backward"), py::make_tuple(given<T>(given_.back())));
      for (std::size_t i = 0; i + 1 < given_.size(); ++i) take<T>(given_[i], made[i], "gradient");
    }

    std::shared_ptr<const PythonLayer> layer_;
    AnytimeObject at_work_;
  };

  py::function begin_;
  std::size_t parameters_, states_;
};

template <class T>
py::array activate(const ActivationFunction& f, const py::array& x) {
  const FloatEnvironment environment;
  py::array_t<T> y = new_array<T>({x.shape(), x.shape() + x.ndim()});
  const std::int64_t O = x.ndim() ? x.shape(x.ndim() - 1) : 1;
  if (x.size() == 0) return y;
  const T* from = data_of<T>(x, "x", -1);
  T* to = y.mutable_data();
  WithoutGil release;
  apply_activation(f, to, from, x.size() / O, O);
  return y;
}

using Int = std::int64_t;
using Seed = std::optional<std::uint64_t>;

/// A function that makes a description of its first fields, of these types and names, in order.
template <class Spec, class... Fields, class... Names>
void bind(py::module_& m, const char* name, Names... names) {
  m.def(
      name, [](Fields... fields) { return AnyLayerSpec(Spec{std::move(fields)...}); },
      py::arg(names)...);
}

std::vector<LayerNode> nodes_of(const py::sequence& layers) {
  std::vector<LayerNode> nodes;
  for (LayerSpec& one : specs_of(layers)) nodes.push_back({std::move(one)});
  return nodes;
}

using Entries = std::vector<std::pair<std::string, Shape>>;
std::vector<OutsideSpec::Entry> entries_of(const Entries& given) {
  std::vector<OutsideSpec::Entry> entries;
  for (const auto& [name, shape] : given) entries.push_back({name, shape});
  return entries;
}

Merge merge_of(const std::string& mode) {
  return mode == "sum"   ? Merge::sum
         : mode == "mul" ? Merge::mul
         : mode == "ave" ? Merge::ave
         : mode == "sub" ? Merge::sub
         : mode == "max" ? Merge::max
         : mode == "min" ? Merge::min
                         : Merge::concat;
}

void bind_activation_function(py::module_& m) {
  py::class_<ActivationFunction>(m, "ActivationFunction")
      .def(py::init([](const std::string& name, const std::vector<double>& parameters) {
             return ActivationFunction(activation_from_name(name), parameters);
           }),
           py::arg("name"), py::arg("parameters"))
      .def_static(
          "custom",
          [](py::function value, py::function slope) {
            return ActivationFunction(
                std::make_shared<PythonFunction>(std::move(value), std::move(slope)));
          },
          py::arg("value"), py::arg("slope"))
      .def(
          "__call__",
          [](const ActivationFunction& self, const py::array& x) {
            return holds<float>(x) ? activate<float>(self, x) : activate<double>(self, x);
          },
          py::arg("x"));
}

void bind_recurrent(py::module_& m) {
  py::class_<RecurrentSpec>(m, "Recurrent")
      .def(py::init([](Int units, bool use_bias, double dropout, double recurrent_dropout,
                       Seed seed, bool return_sequences, bool go_backwards, bool return_state,
                       bool zero_output_for_mask, Int stateful) {
             return RecurrentSpec{units,
                                  use_bias,
                                  dropout,
                                  recurrent_dropout,
                                  seed,
                                  return_sequences,
                                  go_backwards,
                                  return_state,
                                  zero_output_for_mask,
                                  stateful};
           }),
           py::arg("units"), py::arg("use_bias"), py::arg("dropout"), py::arg("recurrent_dropout"),
           py::arg("seed"), py::arg("return_sequences"), py::arg("go_backwards"),
           py::arg("return_state"), py::arg("zero_output_for_mask"), py::arg("stateful"));
  bind<LSTMSpec, RecurrentSpec, ActivationFunction, ActivationFunction>(
      m, "LSTM", "recurrent", "activation", "recurrent_activation");
  bind<GRUSpec, RecurrentSpec, ActivationFunction, ActivationFunction, bool>(
      m, "GRU", "recurrent", "activation", "recurrent_activation", "reset_after");
  bind<SimpleRNNSpec, RecurrentSpec, ActivationFunction>(m, "SimpleRNN", "recurrent", "activation");
  m.def(
      "Bidirectional",
      [](const py::sequence& layers, std::vector<std::string> names,
         const std::string& merge_mode) {
        return AnyLayerSpec(
            BidirectionalSpec{nodes_of(layers), std::move(names), merge_of(merge_mode)});
      },
      py::arg("layers"), py::arg("names"), py::arg("merge_mode"));
}

RandomChange::Kind random_image_of(const std::string& name) {
  using Kind = RandomChange::Kind;
  return name == "translation" ? Kind::translation
         : name == "rotation"  ? Kind::rotation
         : name == "zoom"      ? Kind::zoom
         : name == "crop"      ? Kind::crop
         : name == "contrast"  ? Kind::contrast
                               : Kind::flip;
}

void bind_images(py::module_& m) {
  py::class_<RandomChange>(m, "RandomChange")
      .def(py::init([](const std::string& kind, const std::array<double, 2>& low,
                       const std::array<double, 2>& high, bool together, const std::string& edge,
                       bool nearest, double fill, Seed seed) {
             const Edge beyond = edge == "nearest"   ? Edge::nearest
                                 : edge == "reflect" ? Edge::reflect
                                 : edge == "wrap"    ? Edge::wrap
                                                     : Edge::constant;
             return RandomChange{random_image_of(kind),   {low[0], low[1]},
                                 {high[0], high[1]},      together,
                                 {beyond, nearest, fill}, seed};
           }),
           py::arg("kind"), py::arg("low"), py::arg("high"), py::arg("together"), py::arg("edge"),
           py::arg("nearest"), py::arg("fill"), py::arg("seed"));
  bind<RandomImageSpec, RandomChange, Shape>(m, "RandomImage", "how", "size");
  m.def(
      "Resizing",
      [](Shape size, const std::string& fit, bool nearest, double fill, bool times) {
        using Fit = ResizingSpec::Fit;
        const Fit ratio = fit == "crop"     ? Fit::crop
                          : fit == "pad"    ? Fit::pad
                          : fit == "middle" ? Fit::middle
                                            : Fit::stretch;
        return AnyLayerSpec(ResizingSpec{std::move(size), ratio, nearest, fill, times});
      },
      py::arg("size"), py::arg("fit"), py::arg("nearest"), py::arg("fill"), py::arg("times"));
  m.def(
      "on_circle",
      [](double turns) {
        const OnCircle at = on_circle(turns);
        return std::pair(at.cosine, at.sine);
      },
      py::arg("turns"));
}

}  // namespace

void bind_layers(py::module_& m) {
  bind_activation_function(m);
  py::class_<AnyLayerSpec>(m, "LayerSpec");
  bind<DenseSpec, Int, ActivationFunction, bool>(m, "Dense", "units", "activation", "use_bias");
  bind<ActivationSpec, ActivationFunction>(m, "Activation", "function");
  bind<SoftmaxSpec, Shape>(m, "Softmax", "axes");
  bind<PReLUSpec, Shape>(m, "PReLU", "shared");
  bind<FlattenSpec>(m, "Flatten");
  bind<RescalingSpec, double, double>(m, "Rescaling", "scale", "offset");
  bind<BatchNormalizationSpec, double, double, bool, bool, Int>(
      m, "BatchNormalization", "momentum", "epsilon", "scale", "center", "axis");
  bind<LayerNormalizationSpec, double, bool, bool, Shape>(m, "LayerNormalization", "epsilon",
                                                          "scale", "center", "axes");
  bind<UnitNormalizationSpec, Shape>(m, "UnitNormalization", "axes");
  bind<GroupNormalizationSpec, Int, double, bool, bool>(m, "GroupNormalization", "groups",
                                                        "epsilon", "scale", "center");
  bind<NormalizationSpec, bool>(m, "Normalization", "is_single");
  bind<DropoutSpec, double, Seed, Shape>(m, "Dropout", "rate", "seed", "shared");
  bind<SpatialDropoutSpec, double, Seed, Int>(m, "SpatialDropout", "rate", "seed", "axes");
  bind<GaussianNoiseSpec, double, Seed>(m, "GaussianNoise", "stddev", "seed");
  bind<GaussianDropoutSpec, double, Seed>(m, "GaussianDropout", "rate", "seed");
  bind<AlphaDropoutSpec, double, Seed>(m, "AlphaDropout", "rate", "seed");
  bind<EmbeddingSpec, Int, Int, bool>(m, "Embedding", "input_dim", "output_dim", "mask_zero");
  bind<ReshapeSpec, Shape>(m, "Reshape", "shape");
  bind<PermuteSpec, Shape>(m, "Permute", "axes");
  bind<MarginsSpec, Shape, Shape>(m, "Margins", "before", "after");
  bind<UpSamplingSpec, Shape>(m, "UpSampling", "size");
  bind<MaskingSpec, double>(m, "Masking", "mask_value");
  bind<RepeatVectorSpec, Int>(m, "RepeatVector", "n");
  bind_recurrent(m);
  bind_images(m);
  m.def(
      "Conv1D",
      [](Int filters, Int kernel_size, Int strides, const std::string& padding, Int dilation_rate,
         Int groups, const ActivationFunction& activation, bool use_bias) {
        return AnyLayerSpec(Conv1DSpec{filters, kernel_size, strides, padding_from_name(padding),
                                       dilation_rate, groups, activation, use_bias});
      },
      py::arg("filters"), py::arg("kernel_size"), py::arg("strides"), py::arg("padding"),
      py::arg("dilation_rate"), py::arg("groups"), py::arg("activation"), py::arg("use_bias"));
  m.def(
      "Conv1DTranspose",
      [](Int filters, Int kernel_size, Int strides, const std::string& padding, Int dilation_rate,
         const ActivationFunction& activation, bool use_bias) {
        return AnyLayerSpec(Conv1DTransposeSpec{filters, kernel_size, strides,
                                                padding_from_name(padding), dilation_rate,
                                                activation, use_bias});
      },
      py::arg("filters"), py::arg("kernel_size"), py::arg("strides"), py::arg("padding"),
      py::arg("dilation_rate"), py::arg("activation"), py::arg("use_bias"));
  m.def(
      "Conv2D",
      [](Int filters, Shape kernel_size, Shape strides, const std::string& padding,
         Shape dilation_rate, Int groups, const ActivationFunction& activation, bool use_bias) {
        return AnyLayerSpec(Conv2DSpec{filters, std::move(kernel_size), std::move(strides),
                                       padding_from_name(padding), std::move(dilation_rate), groups,
                                       activation, use_bias});
      },
      py::arg("filters"), py::arg("kernel_size"), py::arg("strides"), py::arg("padding"),
      py::arg("dilation_rate"), py::arg("groups"), py::arg("activation"), py::arg("use_bias"));
  m.def(
      "DepthwiseConv",
      [](Shape kernel_size, Shape strides, const std::string& padding, Shape dilation_rate,
         Int depth_multiplier, Int filters, const ActivationFunction& activation, bool use_bias) {
        return AnyLayerSpec(DepthwiseConvSpec{std::move(kernel_size), std::move(strides),
                                              padding_from_name(padding), std::move(dilation_rate),
                                              depth_multiplier, filters, activation, use_bias});
      },
      py::arg("kernel_size"), py::arg("strides"), py::arg("padding"), py::arg("dilation_rate"),
      py::arg("depth_multiplier"), py::arg("filters"), py::arg("activation"), py::arg("use_bias"));
  m.def(
      "Conv2DTranspose",
      [](Int filters, Shape kernel_size, Shape strides, const std::string& padding,
         Shape dilation_rate, Shape output_padding, const ActivationFunction& activation,
         bool use_bias) {
        return AnyLayerSpec(Conv2DTransposeSpec{
            filters, std::move(kernel_size), std::move(strides), padding_from_name(padding),
            std::move(dilation_rate), std::move(output_padding), activation, use_bias});
      },
      py::arg("filters"), py::arg("kernel_size"), py::arg("strides"), py::arg("padding"),
      py::arg("dilation_rate"), py::arg("output_padding"), py::arg("activation"),
      py::arg("use_bias"));
  m.def(
      "Pooling",
      [](bool average, Shape pool_size, Shape strides, const std::string& padding) {
        return AnyLayerSpec(PoolingSpec{std::move(pool_size), std::move(strides),
                                        padding_from_name(padding), average});
      },
      py::arg("average"), py::arg("pool_size"), py::arg("strides"), py::arg("padding"));
  m.def(
      "WholePooling",
      [](bool average, bool keepdims, std::size_t axes) {
        return AnyLayerSpec(
            PoolingSpec{Shape(axes, 1), Shape(axes, 1), Padding::valid, average, true, keepdims});
      },
      py::arg("average"), py::arg("keepdims"), py::arg("axes"));
  m.def(
      "TimeDistributed",
      [](const AnyLayerSpec& layer, std::string name) {
        return AnyLayerSpec(TimeDistributedSpec{{{layer.spec}}, std::move(name)});
      },
      py::arg("layer"), py::arg("name"));
  m.def(
      "Merging",
      [](const std::string& mode, Int axis) {
        return AnyLayerSpec(MergingSpec{merge_of(mode), axis});
      },
      py::arg("mode"), py::arg("axis"));
  bind<DotSpec, Int, Int, bool>(m, "Dot", "axis_a", "axis_b", "normalize");
  m.def(
      "Outside",
      [](py::function begin, Shape output, const Entries& parameters, const Entries& states,
         bool passes_mask) {
        const auto layer =
            std::make_shared<PythonLayer>(std::move(begin), parameters.size(), states.size());
        return AnyLayerSpec(OutsideSpec{layer, std::move(output), entries_of(parameters),
                                        entries_of(states), passes_mask});
      },
      py::arg("begin"), py::arg("output_shape"), py::arg("parameters"), py::arg("states"),
      py::arg("passes_mask"));
  m.def(
      "Residual",
      [](const py::sequence& layers, std::vector<std::string> names) {
        return AnyLayerSpec(ResidualSpec{nodes_of(layers), std::move(names)});
      },
      py::arg("layers"), py::arg("names"));
}

std::vector<LayerSpec> specs_of(const py::sequence& layers) {
  std::vector<LayerSpec> specs;
  for (const py::handle layer : layers) specs.push_back(layer.cast<const AnyLayerSpec&>().spec);
  return specs;
}

}  // namespace mundur

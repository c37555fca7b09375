#include "mundur/layers.h"

#include "bindings/bindings.h"
#include "cpu/activate.h"

namespace mundur {

std::vector<LayerSpec> specs_of(const py::sequence& layers);

namespace {

/// A description, as Python holds it: one Python class for each alternative.
struct AnyLayerSpec {
  LayerSpec spec;
};
template <class Spec>
struct Of : AnyLayerSpec {
  explicit Of(Spec one) : AnyLayerSpec{one} {}
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

}  // namespace

void bind_layers(py::module_& m) {
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
  py::class_<AnyLayerSpec>(m, "LayerSpec");
  py::class_<Of<DenseSpec>, AnyLayerSpec>(m, "Dense")
      .def(py::init([](std::int64_t units, const ActivationFunction& activation, bool use_bias) {
             return Of(DenseSpec{units, activation, use_bias});
           }),
           py::arg("units"), py::arg("activation"), py::arg("use_bias"));
  py::class_<Of<ActivationSpec>, AnyLayerSpec>(m, "Activation")
      .def(
          py::init([](const ActivationFunction& function) { return Of(ActivationSpec{function}); }),
          py::arg("function"));
  py::class_<Of<DropoutSpec>, AnyLayerSpec>(m, "Dropout")
      .def(py::init([](double rate, std::optional<std::uint64_t> seed) {
             return Of(DropoutSpec{rate, seed});
           }),
           py::arg("rate"), py::arg("seed"));
  py::class_<Of<FlattenSpec>, AnyLayerSpec>(m, "Flatten").def(py::init([] {
    return Of(FlattenSpec{});
  }));
  py::class_<Of<RescalingSpec>, AnyLayerSpec>(m, "Rescaling")
      .def(py::init([](double scale, double offset) { return Of(RescalingSpec{scale, offset}); }),
           py::arg("scale"), py::arg("offset"));
  py::class_<Of<BatchNormalizationSpec>, AnyLayerSpec>(m, "BatchNormalization")
      .def(py::init([](double momentum, double epsilon, bool scale, bool center) {
             return Of(BatchNormalizationSpec{momentum, epsilon, scale, center});
           }),
           py::arg("momentum"), py::arg("epsilon"), py::arg("scale"), py::arg("center"));
  py::class_<Of<LayerNormalizationSpec>, AnyLayerSpec>(m, "LayerNormalization")
      .def(py::init([](double epsilon, bool scale, bool center) {
             return Of(LayerNormalizationSpec{epsilon, scale, center});
           }),
           py::arg("epsilon"), py::arg("scale"), py::arg("center"));
  py::class_<Of<GaussianNoiseSpec>, AnyLayerSpec>(m, "GaussianNoise")
      .def(py::init([](double stddev, std::optional<std::uint64_t> seed) {
             return Of(GaussianNoiseSpec{stddev, seed});
           }),
           py::arg("stddev"), py::arg("seed"));
  py::class_<Of<GaussianDropoutSpec>, AnyLayerSpec>(m, "GaussianDropout")
      .def(py::init([](double rate, std::optional<std::uint64_t> seed) {
             return Of(GaussianDropoutSpec{rate, seed});
           }),
           py::arg("rate"), py::arg("seed"));
  py::class_<Of<AlphaDropoutSpec>, AnyLayerSpec>(m, "AlphaDropout")
      .def(py::init([](double rate, std::optional<std::uint64_t> seed) {
             return Of(AlphaDropoutSpec{rate, seed});
           }),
           py::arg("rate"), py::arg("seed"));
  py::class_<Of<EmbeddingSpec>, AnyLayerSpec>(m, "Embedding")
      .def(py::init([](std::int64_t input_dim, std::int64_t output_dim, bool mask_zero) {
             return Of(EmbeddingSpec{input_dim, output_dim, mask_zero});
           }),
           py::arg("input_dim"), py::arg("output_dim"), py::arg("mask_zero"));
  py::class_<RecurrentSpec>(m, "Recurrent")
      .def(
          py::init([](std::int64_t units, bool use_bias, double dropout, double recurrent_dropout,
                      std::optional<std::uint64_t> seed, bool return_sequences, bool go_backwards) {
            return RecurrentSpec{units, use_bias,         dropout,      recurrent_dropout,
                                 seed,  return_sequences, go_backwards, false};
          }),
          py::arg("units"), py::arg("use_bias"), py::arg("dropout"), py::arg("recurrent_dropout"),
          py::arg("seed"), py::arg("return_sequences"), py::arg("go_backwards"));
  py::class_<Of<LSTMSpec>, AnyLayerSpec>(m, "LSTM").def(
      py::init([](const RecurrentSpec& recurrent) { return Of(LSTMSpec{recurrent}); }),
      py::arg("recurrent"));
  py::class_<Of<GRUSpec>, AnyLayerSpec>(m, "GRU").def(
      py::init([](const RecurrentSpec& recurrent) { return Of(GRUSpec{recurrent}); }),
      py::arg("recurrent"));
  py::class_<Of<SimpleRNNSpec>, AnyLayerSpec>(m, "SimpleRNN")
      .def(py::init([](const RecurrentSpec& recurrent, const ActivationFunction& activation) {
             return Of(SimpleRNNSpec{recurrent, activation.activation});
           }),
           py::arg("recurrent"), py::arg("activation"));
  py::class_<Of<BidirectionalSpec>, AnyLayerSpec>(m, "Bidirectional")
      .def(py::init([](const py::sequence& layers, std::vector<std::string> names,
                       const std::string& merge_mode) {
             using Merge = BidirectionalSpec::Merge;
             BidirectionalSpec spec{{}, std::move(names), Merge::concat};
             if (merge_mode == "sum") spec.merge = Merge::sum;
             if (merge_mode == "mul") spec.merge = Merge::mul;
             if (merge_mode == "ave") spec.merge = Merge::ave;
             for (LayerSpec& one : specs_of(layers)) spec.layers.push_back({std::move(one)});
             return Of(std::move(spec));
           }),
           py::arg("layers"), py::arg("names"), py::arg("merge_mode"));
  py::class_<Of<Conv1DSpec>, AnyLayerSpec>(m, "Conv1D")
      .def(py::init([](std::int64_t filters, std::int64_t kernel_size, std::int64_t strides,
                       const std::string& padding, std::int64_t dilation_rate, std::int64_t groups,
                       const ActivationFunction& activation, bool use_bias) {
             return Of(Conv1DSpec{filters, kernel_size, strides, padding_from_name(padding),
                                  dilation_rate, groups, activation, use_bias});
           }),
           py::arg("filters"), py::arg("kernel_size"), py::arg("strides"), py::arg("padding"),
           py::arg("dilation_rate"), py::arg("groups"), py::arg("activation"), py::arg("use_bias"));
  py::class_<Of<Pooling1DSpec>, AnyLayerSpec>(m, "Pooling1D")
      .def(py::init([](bool average, std::int64_t pool_size, std::int64_t strides,
                       const std::string& padding) {
             return Of(
                 Pooling1DSpec{average, false, pool_size, strides, padding_from_name(padding)});
           }),
           py::arg("average"), py::arg("pool_size"), py::arg("strides"), py::arg("padding"))
      .def_static(
          "whole",
          [](bool average, bool keepdims) {
            return Of(Pooling1DSpec{average, true, 1, 1, Padding::valid, keepdims});
          },
          py::arg("average"), py::arg("keepdims"));
  py::class_<Of<SpatialDropout1DSpec>, AnyLayerSpec>(m, "SpatialDropout1D")
      .def(py::init([](double rate, std::optional<std::uint64_t> seed) {
             return Of(SpatialDropout1DSpec{rate, seed});
           }),
           py::arg("rate"), py::arg("seed"));
  py::class_<Of<ReshapeSpec>, AnyLayerSpec>(m, "Reshape")
      .def(py::init([](Shape shape) { return Of(ReshapeSpec{std::move(shape)}); }),
           py::arg("shape"));
  py::class_<Of<PermuteSpec>, AnyLayerSpec>(m, "Permute")
      .def(py::init([](Shape axes) { return Of(PermuteSpec{std::move(axes)}); }), py::arg("axes"));
  py::class_<Of<ZeroPadding1DSpec>, AnyLayerSpec>(m, "ZeroPadding1D")
      .def(py::init([](std::int64_t before, std::int64_t after) {
             return Of(ZeroPadding1DSpec{before, after});
           }),
           py::arg("before"), py::arg("after"));
  py::class_<Of<TimeDistributedSpec>, AnyLayerSpec>(m, "TimeDistributed")
      .def(py::init([](const AnyLayerSpec& layer, std::string name) {
             TimeDistributedSpec spec{{}, std::move(name)};
             spec.layer.push_back({layer.spec});
             return Of(std::move(spec));
           }),
           py::arg("layer"), py::arg("name"));
  py::class_<Of<ResidualSpec>, AnyLayerSpec>(m, "Residual")
      .def(py::init([](const py::sequence& layers, std::vector<std::string> names) {
             ResidualSpec spec{{}, std::move(names)};
             for (LayerSpec& one : specs_of(layers)) spec.layers.push_back({std::move(one)});
             return Of(std::move(spec));
           }),
           py::arg("layers"), py::arg("names"));
}

std::vector<LayerSpec> specs_of(const py::sequence& layers) {
  std::vector<LayerSpec> specs;
  for (const py::handle layer : layers) specs.push_back(layer.cast<const AnyLayerSpec&>().spec);
  return specs;
}

}  // namespace mundur

#include "mundur/layers.h"

#include "bindings/bindings.h"

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

}  // namespace

void bind_layers(py::module_& m) {
  py::class_<AnyLayerSpec>(m, "LayerSpec");
  py::class_<Of<DenseSpec>, AnyLayerSpec>(m, "Dense")
      .def(py::init([](std::int64_t units, const std::string& activation, bool use_bias) {
             return Of(DenseSpec{units, activation_from_name(activation), use_bias});
           }),
           py::arg("units"), py::arg("activation"), py::arg("use_bias"));
  py::class_<Of<ActivationSpec>, AnyLayerSpec>(m, "Activation")
      .def(py::init([](const std::string& function) {
             return Of(ActivationSpec{activation_from_name(function)});
           }),
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

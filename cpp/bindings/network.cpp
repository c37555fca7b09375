#include "mundur/network.h"

#include "bindings/bindings.h"
#include "cuda/library.h"
#include "mundur/optimizers.h"

namespace mundur {

std::vector<LayerSpec> specs_of(const py::sequence& layers);

namespace {

using Inputs = std::vector<std::pair<std::string, Shape>>;
using Calls = std::vector<std::pair<std::size_t, std::vector<std::size_t>>>;

Graph graph_of(const Inputs& inputs, const py::sequence& layers,
               const std::vector<std::string>& names, const Calls& calls,
               const std::vector<std::size_t>& outputs) {
  Graph graph;
  for (const auto& [name, shape] : inputs) graph.inputs.push_back({shape, name});
  for (LayerSpec& spec : specs_of(layers)) graph.layers.push_back({std::move(spec), {}});
  if (names.size() != graph.layers.size()) throw py::value_error("names: expected one per layer");
  for (std::size_t i = 0; i < names.size(); ++i) graph.layers[i].name = names[i];
  for (const auto& [layer, from] : calls) graph.calls.push_back({layer, from});
  graph.outputs = outputs;
  return graph;
}

std::unique_ptr<AnyNetwork> make_network(const Inputs& inputs, const py::sequence& layers,
                                         const std::vector<std::string>& names, const Calls& calls,
                                         const std::vector<std::size_t>& outputs,
                                         const std::string& dtype, std::uint64_t seed,
                                         const std::string& compute_dtype,
                                         const std::shared_ptr<cuda::Gpu>& device) {
  const FloatEnvironment environment;
  const Graph graph = graph_of(inputs, layers, names, calls, outputs);
  const auto is = [&](Compute compute) { return compute_dtype == name_of(compute); };
  if (compute_dtype != dtype && !is(Compute::bfloat16) && !is(Compute::bfloat16_pairs)) {
    throw py::value_error("compute_dtype: expected '" + dtype +
                          "', 'bfloat16' or 'bfloat16_pairs', got '" + compute_dtype + "'");
  }
  const Compute compute = compute_dtype == dtype  ? Compute::own
                          : is(Compute::bfloat16) ? Compute::bfloat16
                                                  : Compute::bfloat16_pairs;
  const auto made = [&]<class T>(T) {
    auto network = std::make_unique<Network<T>>(graph, seed, compute);
    if (device) network->move_to(device);
    return std::make_unique<AnyNetwork>(AnyNetwork{std::move(network)});
  };
  if (dtype == "float32") return made(float{});
  if (dtype == "float64") return made(double{});
  throw py::value_error("dtype: expected 'float32' or 'float64', got '" + dtype + "'");
}

/// f(network, arguments...) of the network behind AnyNetwork: a look at what stays as it is, or
/// work that is alone on it.
template <class... Arguments, class F>
auto looks(F f) {
  return [f](AnyNetwork& self, const Arguments&... arguments) {
    return self.visit([&](auto& network) { return f(network, arguments...); });
  };
}
template <class... Arguments, class F>
auto works(F f) {
  return looks<Arguments...>([f](auto& network, const Arguments&... arguments) {
    return alone(network, [&] { return f(network, arguments...); });
  });
}

void reshape(AnyNetwork& self, const std::vector<Shape>& inputs, const py::sequence& layers) {
  const std::vector<LayerSpec> specs = specs_of(layers);
  self.visit([&](auto& network) {
    Graph graph = network.graph();
    if (inputs.size() != graph.inputs.size()) throw py::value_error("inputs: expected all shapes");
    if (specs.size() != graph.layers.size()) throw py::value_error("layers: expected all of them");
    for (std::size_t i = 0; i < inputs.size(); ++i) graph.inputs[i].shape = inputs[i];
    for (std::size_t i = 0; i < specs.size(); ++i) graph.layers[i].spec = specs[i];
    alone(network, [&] { network.reshape(std::move(graph)); });
  });
}

/// An array over memory that the network owns, and keeps alive with it.
template <class T>
py::array live_view(const py::object& self, T* data, const Shape& shape) {
  return py::array(py::dtype::of<T>(), shape, data, self);
}

py::list parameters(const py::object& self) {
  py::list all;
  self.cast<AnyNetwork&>().visit([&](auto& network) {
    for (const auto& [layer, parameter] : network.parameters()) {
      all.append(py::make_tuple(layer, parameter.name,
                                live_view(self, parameter.value, parameter.shape),
                                live_view(self, parameter.gradient, parameter.shape)));
    }
  });
  return all;
}

py::list state(const py::object& self) {
  py::list all;
  self.cast<AnyNetwork&>().visit([&](auto& network) {
    for (const auto& [layer, one] : network.state()) {
      all.append(py::make_tuple(layer, one.name, live_view(self, one.value, one.shape)));
    }
  });
  return all;
}

std::vector<py::tuple> output_shapes(AnyNetwork& self) {
  std::vector<py::tuple> shapes;
  self.visit([&](auto& network) {
    for (std::size_t value : network.graph().outputs) {
      shapes.push_back(tuple_of(network.shapes()[value]));
    }
  });
  return shapes;
}

std::vector<std::string_view> heads(AnyNetwork& self) {
  std::vector<std::string_view> names;
  self.visit([&](auto& network) {
    for (std::size_t i = 0; i < network.graph().outputs.size(); ++i) {
      names.push_back(name_of(network.head(i)));
    }
  });
  return names;
}

/// Of one input; of several the network looks at each.
template <class N>
void require_samples(const N& network, const std::vector<ArrayView>& views) {
  if (network.graph().inputs.size() > 1 || views.size() > 1) return network.require_inputs(views);
  const ArrayView& x = views.front();
  const Shape& expected = network.input_shape();
  if (x.n >= 1 && x.sample == expected) return;
  throw py::value_error("x: expected at least one sample of shape " +
                        std::string(py::str(tuple_of(expected))) + ", got " + std::to_string(x.n) +
                        " of shape " + std::string(py::str(tuple_of(x.sample))));
}

/// A new array for so many samples of each of these shapes, and where its numbers go.
template <class T>
struct Room {
  std::vector<py::array> arrays;
  std::vector<T*> data;
  void add(std::int64_t batch, const Shape& sample) {
    py::array_t<T> made = new_array<T>(with_batch(batch, sample));
    data.push_back(made.mutable_data());
    arrays.push_back(std::move(made));
  }
};

/// A call by hand, which is watched or not.
template <class N, class Work>
decltype(auto) by_hand(N& network, bool watched, Work&& work) {
  return alone(network, [&] {
    std::optional<typename N::Watch> watch;
    if (watched) watch.emplace(network);
    return work();
  });
}

py::object forward(AnyNetwork& self, const py::object& x, bool training, bool watched) {
  return self.visit([&](auto& network) -> py::object {
    using T = element_of<decltype(network)>;
    const std::vector<ArrayView> views = views_of(x, "x");
    require_samples(network, views);
    Room<T> y;
    for (std::size_t i = 0; i < network.graph().outputs.size(); ++i) {
      y.add(views.front().n, network.output_shape(i));
    }
    by_hand(network, watched, [&] { network.forward(y.data, views, training); });
    return given_as(y.arrays);
  });
}

py::object backward(AnyNetwork& self, const py::object& delta, bool watched) {
  return self.visit([&](auto& network) -> py::object {
    using T = element_of<decltype(network)>;
    const Arrays deltas = arrays_of(delta, "delta");
    const std::size_t outputs = network.graph().outputs.size();
    network.require_outputs(deltas.size(), "delta");
    const auto batch = by_hand(network, watched, [&] { return network.forward_batch(); });
    std::vector<const T*> dy;
    for (std::size_t i = 0; i < outputs; ++i) {
      if (!deltas[i]) throw py::type_error("delta: expected an array for each output");
      dy.push_back(data_of<T>(*deltas[i], "delta", -1));
      const Shape expected = with_batch(batch, network.output_shape(i));
      const py::array& given = *deltas[i];
      if (batch == 0 || Shape(given.shape(), given.shape() + given.ndim()) == expected) continue;
      throw py::value_error("delta: expected the shape of forward's output, " +
                            std::string(py::str(tuple_of(expected))));
    }
    Room<T> dx;
    for (std::size_t i = 0; i < network.graph().inputs.size(); ++i) {
      dx.add(batch, network.input_shape(i));
    }
    by_hand(network, watched, [&] { network.backward(dx.data, dy); });
    return given_as(dx.arrays);
  });
}

py::dict watched_values(AnyNetwork& self) {
  py::dict all;
  self.visit([&](auto& network) {
    const auto values = by_hand(network, true, [&] { return network.watched_values(); });
    for (const auto& one : values) all[one.name.c_str()] = copy_of(one.value, one.shape);
  });
  return all;
}

std::int64_t predict(AnyNetwork& self, const py::object& x, const py::object& out,
                     std::int64_t start, std::int64_t batch_size, double budget,
                     bool check_finite) {
  return self.visit([&](auto& network) {
    using T = element_of<decltype(network)>;
    const std::vector<ArrayView> views = views_of(x, "x");
    require_samples(network, views);
    std::vector<T*> y;
    each_array(out, "out", [&](const py::array& one) {
      py::array to = one;
      const std::size_t i = y.size();
      if (i == network.graph().outputs.size()) return network.require_outputs(i + 1, "out");
      y.push_back(writable_data_of<T>(to, "out", -1));
      if (to.size() != views.front().n * size_of(network.output_shape(i))) {
        throw py::value_error("out: expected one row per sample of x");
      }
    });
    network.require_outputs(y.size(), "out");
    if (batch_size < 1 || start < 0 || start >= views.front().n) {
      throw py::value_error("start, batch_size: expected 0 <= start < samples and batch_size >= 1");
    }
    return alone(network, [&] {
      return network.predict(y, views, start, batch_size, budget, check_finite);
    });
  });
}

py::array flat(const py::object& self, bool gradients) {
  return self.cast<AnyNetwork&>().visit([&](auto& network) {
    auto* const data = gradients ? network.flat_gradients() : network.flat_values();
    return live_view(self, data, {network.flat_size()});
  });
}

}  // namespace

void bind_network(py::module_& m) {
  using Flags = std::vector<bool>;
  const auto compute_dtype = [](auto& network) {
    const std::string_view own = dtype_name<element_of<decltype(network)>>();
    return network.compute() == Compute::own ? own : name_of(network.compute());
  };
  py::class_<AnyNetwork>(m, "Network")
      .def(py::init(&make_network), py::arg("inputs"), py::arg("layers"), py::arg("names"),
           py::arg("calls"), py::arg("outputs"), py::arg("dtype"), py::arg("seed"),
           py::arg("compute_dtype"), py::arg("device") = nullptr)
      .def_property_readonly(
          "dtype", looks([](auto& network) { return dtype_name<element_of<decltype(network)>>(); }))
      .def_property_readonly("compute_dtype", looks(compute_dtype))
      .def_property_readonly("seed", looks([](auto& network) { return network.seed(); }))
      .def_property_readonly("input_shape",
                             looks([](auto& network) { return tuple_of(network.input_shape()); }))
      .def_property_readonly("output_shape",
                             looks([](auto& network) { return tuple_of(network.output_shape()); }))
      .def_property_readonly("output_shapes", &output_shapes)
      .def_property_readonly("head", looks([](auto& network) { return name_of(network.head()); }))
      .def_property_readonly("heads", &heads)
      .def_property_readonly("parameters", &parameters)
      .def_property_readonly("state", &state)
      .def_property_readonly("flat_parameters",
                             [](const py::object& self) { return flat(self, false); })
      .def_property_readonly("flat_gradients",
                             [](const py::object& self) { return flat(self, true); })
      .def("reshape", &reshape, py::arg("inputs"), py::arg("layers"))
      .def("move_to",
           works<std::shared_ptr<cuda::Gpu>>(
               [](auto& network, const std::shared_ptr<cuda::Gpu>& gpu) { network.move_to(gpu); }),
           py::arg("device"))
      .def("set_learning",
           works<Flags>([](auto& network, const Flags& flags) { network.set_learning(flags); }),
           py::arg("flags"))
      .def("set_trainable",
           works<Flags>([](auto& network, const Flags& flags) { network.set_trainable(flags); }),
           py::arg("flags"))
      .def("set_penalty",
           works<std::size_t, double, double, bool>(
               [](auto& network, std::size_t parameter, double l1, double l2, bool shared) {
                 network.set_penalty(parameter, {l1, l2, shared});
               }),
           py::arg("parameter"), py::arg("l1"), py::arg("l2"), py::arg("shared") = false)
      .def("set_activity_penalty",
           works<std::size_t, double, double>(
               [](auto& network, std::size_t layer, double l1, double l2) {
                 network.set_activity_penalty(layer, {l1, l2});
               }),
           py::arg("layer"), py::arg("l1"), py::arg("l2"))
      .def("set_constraint",
           works<std::size_t, Constraint>(
               [](auto& network, std::size_t parameter, const Constraint& constraint) {
                 network.set_constraint(parameter, constraint);
               }),
           py::arg("parameter"), py::arg("constraint"))
      .def(
          "penalty",
          [](AnyNetwork& self, bool watched) {
            return self.visit([&](auto& network) {
              return by_hand(network, watched, [&] { return network.penalty(); });
            });
          },
          py::arg("watched") = false)
      .def_property("training_forwards",
                    works([](auto& network) { return network.training_forwards; }),
                    works<std::uint64_t>([](auto& network, std::uint64_t count) {
                      network.training_forwards = count;
                    }))
      .def("workspace_bytes",
           looks<std::int64_t, bool>([](auto& network, std::int64_t batch_size, bool training) {
             return network.workspace_bytes(batch_size, training);
           }),
           py::arg("batch_size"), py::arg("training"))
      .def("forward", &forward, py::arg("x"), py::arg("training"), py::arg("watched") = false)
      .def("backward", &backward, py::arg("delta"), py::arg("watched") = false)
      .def("watched_values", &watched_values)
      .def("forget_watch", works([](auto& network) { network.forget_watch(); }))
      .def("predict", &predict, py::arg("x"), py::arg("out"), py::arg("start"),
           py::arg("batch_size"), py::arg("budget"), py::arg("check_finite"));
}

}  // namespace mundur

#include "mundur/network.h"

#include "bindings/bindings.h"
#include "cuda/library.h"
#include "mundur/optimizers.h"

namespace mundur {

std::vector<LayerSpec> specs_of(const py::sequence& layers);

namespace {

std::unique_ptr<AnyNetwork> make_network(const py::sequence& layers, const Shape& input_shape,
                                         const std::string& dtype, std::uint64_t seed,
                                         const std::string& compute_dtype,
                                         const std::vector<std::string>& names,
                                         const std::shared_ptr<cuda::Gpu>& device) {
  const FloatEnvironment environment;
  const std::vector<LayerSpec> specs = specs_of(layers);
  const auto is = [&](Compute compute) { return compute_dtype == name_of(compute); };
  if (compute_dtype != dtype && !is(Compute::bfloat16) && !is(Compute::bfloat16_pairs)) {
    throw py::value_error("compute_dtype: expected '" + dtype +
                          "', 'bfloat16' or 'bfloat16_pairs', got '" + compute_dtype + "'");
  }
  const Compute compute = compute_dtype == dtype  ? Compute::own
                          : is(Compute::bfloat16) ? Compute::bfloat16
                                                  : Compute::bfloat16_pairs;
  const auto made = [&]<class T>(T) {
    auto network = std::make_unique<Network<T>>(specs, input_shape, seed, compute, names);
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

std::vector<py::tuple> layer_output_shapes(AnyNetwork& self) {
  std::vector<py::tuple> shapes;
  self.visit([&](auto& network) {
    for (std::size_t i = 1; i < network.shapes().size(); ++i) {
      shapes.push_back(tuple_of(network.shapes()[i]));
    }
  });
  return shapes;
}

void require_samples(const ArrayView& x, const Shape& expected) {
  if (x.n >= 1 && x.sample == expected) return;
  throw py::value_error("x: expected at least one sample of shape " +
                        std::string(py::str(tuple_of(expected))) + ", got " + std::to_string(x.n) +
                        " of shape " + std::string(py::str(tuple_of(x.sample))));
}

/// A call by hand, which is watched or not.
template <class N, class Work>
decltype(auto) by_hand(N& network, bool watched, Work&& work) {
  return alone(network, [&] {
    std::optional<typename N::Watch> watch;
    if (watched) watch.emplace(network);
    return work();
  });
}

py::array forward(AnyNetwork& self, const py::array& x, bool training, bool watched) {
  return self.visit([&](auto& network) -> py::array {
    using T = element_of<decltype(network)>;
    const ArrayView view = view_of(x, "x");
    require_samples(view, network.input_shape());
    py::array_t<T> y = new_array<T>(with_batch(view.n, network.output_shape()));
    T* out = y.mutable_data();
    by_hand(network, watched, [&] { network.forward({out}, {view}, training); });
    return y;
  });
}

py::array backward(AnyNetwork& self, const py::array& delta, bool watched) {
  return self.visit([&](auto& network) -> py::array {
    using T = element_of<decltype(network)>;
    const T* dy = data_of<T>(delta, "delta", -1);
    const auto batch = by_hand(network, watched, [&] { return network.forward_batch(); });
    const Shape expected = with_batch(batch, network.output_shape());
    if (batch > 0 && Shape(delta.shape(), delta.shape() + delta.ndim()) != expected) {
      throw py::value_error("delta: expected the shape of forward's output, " +
                            std::string(py::str(tuple_of(expected))));
    }
    py::array_t<T> dx = new_array<T>(with_batch(batch, network.input_shape()));
    T* out = dx.mutable_data();
    by_hand(network, watched, [&] { network.backward({out}, {dy}); });
    return dx;
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

std::int64_t predict(AnyNetwork& self, const py::array& x, py::array out, std::int64_t start,
                     std::int64_t batch_size, double budget, bool check_finite) {
  return self.visit([&](auto& network) {
    using T = element_of<decltype(network)>;
    const ArrayView view = view_of(x, "x");
    require_samples(view, network.input_shape());
    T* y = writable_data_of<T>(out, "out", -1);
    if (out.size() != view.n * size_of(network.output_shape())) {
      throw py::value_error("out: expected one row per sample of x");
    }
    if (batch_size < 1 || start < 0 || start >= view.n) {
      throw py::value_error("start, batch_size: expected 0 <= start < samples and batch_size >= 1");
    }
    return alone(network, [&] {
      return network.predict({y}, {view}, start, batch_size, budget, check_finite);
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
      .def(py::init(&make_network), py::arg("layers"), py::arg("input_shape"), py::arg("dtype"),
           py::arg("seed"), py::arg("compute_dtype"), py::arg("names"), py::arg("device") = nullptr)
      .def_property_readonly(
          "dtype", looks([](auto& network) { return dtype_name<element_of<decltype(network)>>(); }))
      .def_property_readonly("compute_dtype", looks(compute_dtype))
      .def_property_readonly("seed", looks([](auto& network) { return network.seed(); }))
      .def_property_readonly("input_shape",
                             looks([](auto& network) { return tuple_of(network.input_shape()); }))
      .def_property_readonly("output_shape",
                             looks([](auto& network) { return tuple_of(network.output_shape()); }))
      .def_property_readonly("layer_output_shapes", &layer_output_shapes)
      .def_property_readonly("head", looks([](auto& network) { return name_of(network.head()); }))
      .def_property_readonly("parameters", &parameters)
      .def_property_readonly("state", &state)
      .def_property_readonly("flat_parameters",
                             [](const py::object& self) { return flat(self, false); })
      .def_property_readonly("flat_gradients",
                             [](const py::object& self) { return flat(self, true); })
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

#include "mundur/network.h"

#include "bindings/bindings.h"
#include "mundur/optimizers.h"

namespace mundur {

std::vector<LayerSpec> specs_of(const py::sequence& layers);

namespace {

std::unique_ptr<AnyNetwork> make_network(const py::sequence& layers, const Shape& input_shape,
                                         const std::string& dtype, std::uint64_t seed,
                                         const std::string& compute_dtype,
                                         const std::vector<std::string>& names) {
  const FloatEnvironment environment;
  const std::vector<LayerSpec> specs = specs_of(layers);
  if (compute_dtype != dtype && compute_dtype != "bfloat16") {
    throw py::value_error("compute_dtype: expected '" + dtype + "' or 'bfloat16', got '" +
                          compute_dtype + "'");
  }
  const Compute compute = compute_dtype == dtype ? Compute::own : Compute::bfloat16;
  if (dtype == "float32") {
    return std::make_unique<AnyNetwork>(
        AnyNetwork{std::make_unique<Network<float>>(specs, input_shape, seed, compute, names)});
  }
  if (dtype == "float64") {
    return std::make_unique<AnyNetwork>(
        AnyNetwork{std::make_unique<Network<double>>(specs, input_shape, seed, compute, names)});
  }
  throw py::value_error("dtype: expected 'float32' or 'float64', got '" + dtype + "'");
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
    by_hand(network, watched, [&] { network.forward(out, view, training); });
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
    by_hand(network, watched, [&] { network.backward(out, dy); });
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
    return alone(network,
                 [&] { return network.predict(y, view, start, batch_size, budget, check_finite); });
  });
}

}  // namespace

void bind_network(py::module_& m) {
  py::class_<AnyNetwork>(m, "Network")
      .def(py::init(&make_network), py::arg("layers"), py::arg("input_shape"), py::arg("dtype"),
           py::arg("seed"), py::arg("compute_dtype"), py::arg("names"))
      .def_property_readonly("dtype",
                             [](AnyNetwork& self) {
                               return self.visit([](auto& network) {
                                 return std::string(dtype_name<element_of<decltype(network)>>());
                               });
                             })
      .def_property_readonly("compute_dtype",
                             [](AnyNetwork& self) {
                               return self.visit([](auto& network) {
                                 using T = element_of<decltype(network)>;
                                 return std::string(network.compute() == Compute::bfloat16
                                                        ? "bfloat16"
                                                        : dtype_name<T>());
                               });
                             })
      .def_property_readonly(
          "seed",
          [](AnyNetwork& self) { return self.visit([](auto& network) { return network.seed(); }); })
      .def_property_readonly(
          "input_shape",
          [](AnyNetwork& self) {
            return self.visit([](auto& network) { return tuple_of(network.input_shape()); });
          })
      .def_property_readonly(
          "output_shape",
          [](AnyNetwork& self) {
            return self.visit([](auto& network) { return tuple_of(network.output_shape()); });
          })
      .def_property_readonly("layer_output_shapes", &layer_output_shapes)
      .def_property_readonly(
          "head",
          [](AnyNetwork& self) {
            return self.visit([](auto& network) { return std::string(name_of(network.head())); });
          })
      .def_property_readonly("parameters", &parameters)
      .def_property_readonly("state", &state)
      .def(
          "set_learning",
          [](AnyNetwork& self, const std::vector<bool>& flags) {
            self.visit(
                [&](auto& network) { alone(network, [&] { network.set_learning(flags); }); });
          },
          py::arg("flags"))
      .def_property_readonly("flat_parameters",
                             [](const py::object& self) {
                               return self.cast<AnyNetwork&>().visit([&](auto& network) {
                                 return live_view(self, network.flat_values(),
                                                  {network.flat_size()});
                               });
                             })
      .def_property_readonly("flat_gradients",
                             [](const py::object& self) {
                               return self.cast<AnyNetwork&>().visit([&](auto& network) {
                                 return live_view(self, network.flat_gradients(),
                                                  {network.flat_size()});
                               });
                             })
      .def(
          "set_trainable",
          [](AnyNetwork& self, const std::vector<bool>& flags) {
            self.visit(
                [&](auto& network) { alone(network, [&] { network.set_trainable(flags); }); });
          },
          py::arg("flags"))
      .def(
          "set_penalty",
          [](AnyNetwork& self, std::size_t parameter, double l1, double l2) {
            self.visit([&](auto& network) {
              alone(network, [&] { network.set_penalty(parameter, {l1, l2}); });
            });
          },
          py::arg("parameter"), py::arg("l1"), py::arg("l2"))
      .def(
          "set_activity_penalty",
          [](AnyNetwork& self, std::size_t layer, double l1, double l2) {
            self.visit([&](auto& network) {
              alone(network, [&] { network.set_activity_penalty(layer, {l1, l2}); });
            });
          },
          py::arg("layer"), py::arg("l1"), py::arg("l2"))
      .def(
          "set_constraint",
          [](AnyNetwork& self, std::size_t parameter, const Constraint& constraint) {
            self.visit([&](auto& network) {
              alone(network, [&] { network.set_constraint(parameter, constraint); });
            });
          },
          py::arg("parameter"), py::arg("constraint"))
      .def(
          "penalty",
          [](AnyNetwork& self, bool watched) {
            return self.visit([&](auto& network) {
              return by_hand(network, watched, [&] { return network.penalty(); });
            });
          },
          py::arg("watched") = false)
      .def_property(
          "training_forwards",
          [](AnyNetwork& self) {
            return self.visit([](auto& network) {
              return alone(network, [&] { return network.training_forwards; });
            });
          },
          [](AnyNetwork& self, std::uint64_t count) {
            self.visit(
                [&](auto& network) { alone(network, [&] { network.training_forwards = count; }); });
          })
      .def(
          "workspace_bytes",
          [](AnyNetwork& self, std::int64_t batch_size, bool training) {
            return self.visit(
                [&](auto& network) { return network.workspace_bytes(batch_size, training); });
          },
          py::arg("batch_size"), py::arg("training"))
      .def("forward", &forward, py::arg("x"), py::arg("training"), py::arg("watched") = false)
      .def("backward", &backward, py::arg("delta"), py::arg("watched") = false)
      .def("watched_values", &watched_values)
      .def("forget_watch",
           [](AnyNetwork& self) {
             self.visit([](auto& network) { alone(network, [&] { network.forget_watch(); }); });
           })
      .def("predict", &predict, py::arg("x"), py::arg("out"), py::arg("start"),
           py::arg("batch_size"), py::arg("budget"), py::arg("check_finite"));
}

}  // namespace mundur

#include "mundur/optimizers.h"

#include "bindings/bindings.h"

namespace mundur {
namespace {

/// The optimizer's lock, waited for without the GIL: whoever holds it may need the GIL next.
std::unique_lock<std::mutex> hold(Optimizer& optimizer) {
  WithoutGil release;
  return std::unique_lock(optimizer.mutex());
}

template <class T>
py::array copied(const Optimizer::Slot& slot, std::int64_t size) {
  return py::array_t<T>(size, slot.values.as<T>());
}

template <class T>
void copy_into(Optimizer::Slot& slot, const py::array& array, std::int64_t size) {
  const T* values = data_of<T>(array, slot.name.c_str(), 1);
  std::copy(values, values + size, slot.values.as<T>());
}

py::tuple state(Optimizer& optimizer) {
  const auto held = hold(optimizer);
  py::dict arrays;
  for (const Optimizer::Slot& slot : optimizer.slots()) {
    arrays[slot.name.c_str()] = optimizer.is_double() ? copied<double>(slot, optimizer.size())
                                                      : copied<float>(slot, optimizer.size());
  }
  py::dict scalars;
  for (const Optimizer::Scalar& scalar : optimizer.scalars()) {
    scalars[scalar.name.c_str()] = *scalar.value;
  }
  return py::make_tuple(arrays, scalars);
}

void set_state(Optimizer& optimizer, const py::dict& arrays, const py::dict& scalars) {
  const auto held = hold(optimizer);
  for (const auto& [name, value] : arrays) {
    const py::array array = value.cast<py::array>();
    optimizer.bind(array.size(), holds<double>(array));
    if (Optimizer::Slot* slot = optimizer.slot(name.cast<std::string>())) {
      optimizer.is_double() ? copy_into<double>(*slot, array, optimizer.size())
                            : copy_into<float>(*slot, array, optimizer.size());
    }
  }
  for (const Optimizer::Scalar& scalar : optimizer.scalars()) {
    if (scalars.contains(scalar.name)) *scalar.value = scalars[scalar.name.c_str()].cast<double>();
  }
}

}  // namespace

void bind_optimizers(py::module_& m) {
  py::class_<Optimizer>(m, "Optimizer")
      .def_property("learning_rate", &Optimizer::learning_rate, &Optimizer::set_learning_rate)
      .def_property_readonly("iterations", &Optimizer::iterations)
      .def("state", &state)
      .def("set_state", &set_state, py::arg("arrays"), py::arg("scalars"))
      .def("reset", [](Optimizer& optimizer) { alone(optimizer, [&] { optimizer.reset(); }); })
      .def(
          "step",
          [](Optimizer& optimizer, AnyNetwork& network) {
            network.visit([&](auto& of) {
              alone(of, [&] {
                std::lock_guard lock(optimizer.mutex());
                of.step(optimizer);
              });
            });
          },
          py::arg("network"));
  py::class_<Sgd, Optimizer>(m, "SGD")
      .def(py::init([](double learning_rate, double momentum, bool nesterov) {
             return std::make_unique<Sgd>(SgdOptions{learning_rate, momentum, nesterov});
           }),
           py::arg("learning_rate"), py::arg("momentum"), py::arg("nesterov"))
      .def_property(
          "momentum", [](Sgd& sgd) { return sgd.options().momentum; },
          [](Sgd& sgd, double value) { alone(sgd, [&] { sgd.options().momentum = value; }); })
      .def_property(
          "nesterov", [](Sgd& sgd) { return sgd.options().nesterov; },
          [](Sgd& sgd, bool value) { alone(sgd, [&] { sgd.options().nesterov = value; }); });
  py::class_<Adam, Optimizer>(m, "Adam")
      .def(py::init([](double learning_rate, double beta_1, double beta_2, double epsilon) {
             return std::make_unique<Adam>(AdamOptions{learning_rate, beta_1, beta_2, epsilon});
           }),
           py::arg("learning_rate"), py::arg("beta_1"), py::arg("beta_2"), py::arg("epsilon"))
      .def_property(
          "beta_1", [](Adam& adam) { return adam.options().beta_1; },
          [](Adam& adam, double value) { alone(adam, [&] { adam.options().beta_1 = value; }); })
      .def_property(
          "beta_2", [](Adam& adam) { return adam.options().beta_2; },
          [](Adam& adam, double value) { alone(adam, [&] { adam.options().beta_2 = value; }); })
      .def_property(
          "epsilon", [](Adam& adam) { return adam.options().epsilon; },
          [](Adam& adam, double value) { alone(adam, [&] { adam.options().epsilon = value; }); });
}

}  // namespace mundur

#include "mundur/optimizers.h"

#include "bindings/bindings.h"

namespace mundur {
namespace {

template <class T>
py::array copied(const Optimizer& optimizer, const Optimizer::Slot& slot) {
  py::array_t<T> copy = copy_of(slot.values.as<T>(), {optimizer.size()});
  const std::vector<std::int64_t>& gaps = optimizer.gaps();
  for (std::size_t i = 0; i < gaps.size(); i += 2) {
    std::fill(copy.mutable_data() + gaps[i], copy.mutable_data() + gaps[i + 1], T{0});
  }
  return copy;
}

template <class T>
void copy_into(Optimizer::Slot& slot, const py::array& array, std::int64_t size) {
  const T* values = data_of<T>(array, slot.name.c_str(), 1);
  std::copy(values, values + size, slot.values.as<T>());
}

py::tuple state_of(Optimizer& optimizer) {
  const Held held(optimizer);
  py::dict arrays;
  for (const Optimizer::Slot& slot : optimizer.slots()) {
    arrays[slot.name.c_str()] =
        optimizer.is_double() ? copied<double>(optimizer, slot) : copied<float>(optimizer, slot);
  }
  py::dict scalars;
  for (const Optimizer::Scalar& scalar : optimizer.scalars()) {
    scalars[scalar.name.c_str()] = *scalar.value;
  }
  return py::make_tuple(arrays, scalars);
}

void set_state(Optimizer& optimizer, const py::dict& arrays, const py::dict& scalars) {
  const Held held(optimizer);
  for (const auto& [name, value] : arrays) {
    const py::array array = value.cast<py::array>();
    optimizer.bind(array.size(), holds<double>(array), nullptr, {});
    if (Optimizer::Slot* slot = optimizer.slot(name.cast<std::string>())) {
      optimizer.is_double() ? copy_into<double>(*slot, array, optimizer.size())
                            : copy_into<float>(*slot, array, optimizer.size());
    }
  }
  for (const Optimizer::Scalar& scalar : optimizer.scalars()) {
    if (scalars.contains(scalar.name)) *scalar.value = scalars[scalar.name.c_str()].cast<double>();
  }
}

py::object option(Optimizer& optimizer, const std::string& name) {
  const Held held(optimizer);
  return std::visit([](const auto* value) -> py::object { return py::cast(*value); },
                    optimizer.option(name).value);
}

void set_option(Optimizer& optimizer, const std::string& name, const py::object& given) {
  const Held held(optimizer);
  std::visit([&](auto* value) { *value = given.cast<std::remove_pointer_t<decltype(value)>>(); },
             optimizer.option(name).value);
}

void take_average(Optimizer& optimizer, AnyNetwork& network) {
  network.visit([&](auto& of) {
    using T = element_of<decltype(of)>;
    alone(of, [&] {
      const std::lock_guard lock(optimizer.mutex());
      optimizer.bind(of.flat_size(), sizeof(T) == sizeof(double), of.flat_values(), of.gaps());
      if (optimizer.average()) of.take_average(static_cast<const T*>(optimizer.average()));
    });
  });
}

void step(Optimizer& optimizer, AnyNetwork& network) {
  network.visit([&](auto& of) {
    alone(of, [&] {
      const std::lock_guard lock(optimizer.mutex());
      of.step(optimizer);
    });
  });
}

void spare(Optimizer& optimizer, AnyNetwork& network, const std::vector<bool>& which) {
  network.visit([&](auto& of) {
    std::vector<std::int64_t> spared;
    const auto entries = of.parameters();
    for (std::size_t i = 0; i < which.size(); ++i) {
      if (!which[i]) continue;
      const auto& one = entries[i].parameter;
      const std::int64_t begin = one.value - of.flat_values();
      spared.insert(spared.end(), {begin, begin + size_of(one.shape)});
    }
    alone(optimizer, [&] { optimizer.spare(std::move(spared)); });
  });
}

}  // namespace

void bind_optimizers(py::module_& m) {
  py::class_<Optimizer>(m, "Optimizer")
      .def(py::init([](const std::string& rule) { return make_optimizer(rule); }), py::arg("rule"))
      .def("__getitem__", &option, py::arg("option"))
      .def("__setitem__", &set_option, py::arg("option"), py::arg("value"))
      .def_property_readonly(
          "slots",
          [](Optimizer& optimizer) { return alone(optimizer, [&] { return optimizer.needed(); }); })
      .def_property_readonly("iterations",
                             [](Optimizer& optimizer) {
                               return alone(optimizer, [&] { return optimizer.iterations(); });
                             })
      .def(
          "set_learning_rates",
          [](Optimizer& optimizer, std::int64_t first, std::vector<double> rates) {
            alone(optimizer, [&] { optimizer.set_learning_rates(first, std::move(rates)); });
          },
          py::arg("first"), py::arg("rates"))
      .def("state", &state_of)
      .def("set_state", &set_state, py::arg("arrays"), py::arg("scalars"))
      .def("reset",
           [](Optimizer& optimizer) {
             optimizer.mutex().renew();
             alone(optimizer, [&] { optimizer.reset(); });
           })
      .def("take_average", &take_average, py::arg("network"))
      .def("spare", &spare, py::arg("network"), py::arg("which"))
      .def("step", &step, py::arg("network"));
}

}  // namespace mundur

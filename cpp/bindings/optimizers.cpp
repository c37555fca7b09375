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

/// A rule that Python computes: step(updates), one (number, w, g, {name: state}) for each
/// parameter, of which w and the state are copied back.
class PythonRule final : public OutsideRule {
 public:
  explicit PythonRule(py::function step) : step_(std::move(step)) {}
  Optimizer* optimizer = nullptr;

 private:
  void step() override {
    with_gil([&] { optimizer->is_double() ? step_of<double>() : step_of<float>(); });
  }
  template <class T>
  void step_of() {
    const auto each = [&](const Parameter& one, auto visit) {
      visit(py::str("w"), static_cast<T*>(one.w.data));
      for (Optimizer::Slot& slot : optimizer->slots()) {
        visit(py::str(slot.name), slot.values.as<T>() + one.place);
      }
    };
    py::list updates;
    for (const Parameter& one : given_) {
      py::dict arrays;
      each(one,
           [&](const py::str& name, const T* data) { arrays[name] = copy_of(data, *one.w.shape); });
      updates.append(py::make_tuple(
          one.number, copy_of(static_cast<const T*>(one.g.data), *one.g.shape), arrays));
    }
    call(step_, py::make_tuple(updates));
    for (std::size_t i = 0; i < given_.size(); ++i) {
      const auto arrays = updates[i].cast<py::tuple>()[2].cast<py::dict>();
      each(given_[i], [&](const py::str& name, T* data) {
        const auto made = arrays[name].cast<py::array>();
        const T* const values = data_of<T>(made, "update", -1);
        const std::int64_t size = size_of(*given_[i].w.shape);
        if (made.size() != size) throw py::value_error("update: expected the variable's shape");
        std::copy_n(values, size, data);
      });
    }
  }

  py::function step_;
};

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
  py::class_<OutsideOptimizer, Optimizer>(m, "OutsideOptimizer")
      .def(py::init([](py::function step) {
             auto rule = std::make_unique<PythonRule>(std::move(step));
             PythonRule* const made = rule.get();
             auto optimizer = std::make_unique<OutsideOptimizer>(std::move(rule));
             made->optimizer = optimizer.get();
             return optimizer;
           }),
           py::arg("step"))
      .def(
          "add_state",
          [](OutsideOptimizer& self, const std::string& name, double first) {
            alone(self, [&] { self.add_state(name, first); });
          },
          py::arg("name"), py::arg("first"));
}

}  // namespace mundur

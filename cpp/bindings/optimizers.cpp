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

py::tuple state(Optimizer& optimizer) {
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

/// A hyper-parameter, which may be set while another thread trains with the optimizer.
template <class Rule, class Bound, class Value, class Options>
void option(Bound& bound, const char* name, Value Options::* member) {
  bound.def_property(
      name, [member](Rule& rule) { return alone(rule, [&] { return rule.options().*member; }); },
      [member](Rule& rule, Value value) { alone(rule, [&] { rule.options().*member = value; }); });
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

void bind_base(py::module_& m) {
  py::class_<Optimizer> base(m, "Optimizer");
  base.def_property(
          "learning_rate",
          [](Optimizer& optimizer) {
            return alone(optimizer, [&] { return optimizer.learning_rate(); });
          },
          [](Optimizer& optimizer, double value) {
            alone(optimizer, [&] { optimizer.set_learning_rate(value); });
          })
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
      .def("state", &state)
      .def("set_state", &set_state, py::arg("arrays"), py::arg("scalars"))
      .def("reset",
           [](Optimizer& optimizer) {
             optimizer.mutex().renew();
             alone(optimizer, [&] { optimizer.reset(); });
           })
      .def("take_average", &take_average, py::arg("network"))
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
  const auto shared = [&]<class Value>(const char* name, Value SharedOptions::* member) {
    base.def_property(
        name,
        [member](Optimizer& optimizer) {
          return alone(optimizer, [&] { return optimizer.shared().*member; });
        },
        [member](Optimizer& optimizer, Value value) {
          alone(optimizer, [&] { optimizer.shared().*member = value; });
        });
  };
  shared("weight_decay", &SharedOptions::weight_decay);
  shared("clipvalue", &SharedOptions::clipvalue);
  shared("clipnorm", &SharedOptions::clipnorm);
  shared("global_clipnorm", &SharedOptions::global_clipnorm);
  shared("use_ema", &SharedOptions::use_ema);
  shared("ema_momentum", &SharedOptions::ema_momentum);
  shared("ema_overwrite_frequency", &SharedOptions::ema_overwrite_frequency);
  shared("gradient_accumulation_steps", &SharedOptions::gradient_accumulation_steps);
}

/// The three numbers of Adam's relatives.
template <class Rule, class Options>
void bind_moments(py::module_& m, const char* name) {
  py::class_<Rule, Optimizer> bound(m, name);
  bound.def(py::init([](double learning_rate, double beta_1, double beta_2, double epsilon) {
              return std::make_unique<Rule>(learning_rate, Options{beta_1, beta_2, epsilon});
            }),
            py::arg("learning_rate"), py::arg("beta_1"), py::arg("beta_2"), py::arg("epsilon"));
  option<Rule>(bound, "beta_1", &Options::beta_1);
  option<Rule>(bound, "beta_2", &Options::beta_2);
  option<Rule>(bound, "epsilon", &Options::epsilon);
}

void bind_rules(py::module_& m) {
  py::class_<Sgd, Optimizer> sgd(m, "SGD");
  sgd.def(py::init([](double learning_rate, double momentum, bool nesterov) {
            return std::make_unique<Sgd>(learning_rate, SgdOptions{momentum, nesterov});
          }),
          py::arg("learning_rate"), py::arg("momentum"), py::arg("nesterov"));
  option<Sgd>(sgd, "momentum", &SgdOptions::momentum);
  option<Sgd>(sgd, "nesterov", &SgdOptions::nesterov);

  py::class_<Adam, Optimizer> adam(m, "Adam");
  adam.def(
      py::init([](double learning_rate, double beta_1, double beta_2, double epsilon, bool ams) {
        return std::make_unique<Adam>(learning_rate, AdamOptions{beta_1, beta_2, epsilon, ams});
      }),
      py::arg("learning_rate"), py::arg("beta_1"), py::arg("beta_2"), py::arg("epsilon"),
      py::arg("amsgrad"));
  option<Adam>(adam, "beta_1", &AdamOptions::beta_1);
  option<Adam>(adam, "beta_2", &AdamOptions::beta_2);
  option<Adam>(adam, "epsilon", &AdamOptions::epsilon);
  option<Adam>(adam, "amsgrad", &AdamOptions::amsgrad);
  bind_moments<Nadam, MomentsOptions>(m, "Nadam");
  bind_moments<Adamax, MomentsOptions>(m, "Adamax");

  py::class_<Rmsprop, Optimizer> rmsprop(m, "RMSprop");
  rmsprop.def(py::init([](double learning_rate, double rho, double momentum, double epsilon,
                          bool centered) {
                return std::make_unique<Rmsprop>(learning_rate,
                                                 RmspropOptions{rho, momentum, epsilon, centered});
              }),
              py::arg("learning_rate"), py::arg("rho"), py::arg("momentum"), py::arg("epsilon"),
              py::arg("centered"));
  option<Rmsprop>(rmsprop, "rho", &RmspropOptions::rho);
  option<Rmsprop>(rmsprop, "momentum", &RmspropOptions::momentum);
  option<Rmsprop>(rmsprop, "epsilon", &RmspropOptions::epsilon);
  option<Rmsprop>(rmsprop, "centered", &RmspropOptions::centered);

  py::class_<Adagrad, Optimizer> adagrad(m, "Adagrad");
  adagrad.def(py::init([](double learning_rate, double initial, double epsilon) {
                return std::make_unique<Adagrad>(learning_rate, AdagradOptions{initial, epsilon});
              }),
              py::arg("learning_rate"), py::arg("initial_accumulator_value"), py::arg("epsilon"));
  option<Adagrad>(adagrad, "initial_accumulator_value", &AdagradOptions::initial_accumulator_value);
  option<Adagrad>(adagrad, "epsilon", &AdagradOptions::epsilon);

  py::class_<Adadelta, Optimizer> adadelta(m, "Adadelta");
  adadelta.def(py::init([](double learning_rate, double rho, double epsilon) {
                 return std::make_unique<Adadelta>(learning_rate, AdadeltaOptions{rho, epsilon});
               }),
               py::arg("learning_rate"), py::arg("rho"), py::arg("epsilon"));
  option<Adadelta>(adadelta, "rho", &AdadeltaOptions::rho);
  option<Adadelta>(adadelta, "epsilon", &AdadeltaOptions::epsilon);

  py::class_<Lion, Optimizer> lion(m, "Lion");
  lion.def(py::init([](double learning_rate, double beta_1, double beta_2) {
             return std::make_unique<Lion>(learning_rate, LionOptions{beta_1, beta_2});
           }),
           py::arg("learning_rate"), py::arg("beta_1"), py::arg("beta_2"));
  option<Lion>(lion, "beta_1", &LionOptions::beta_1);
  option<Lion>(lion, "beta_2", &LionOptions::beta_2);
}

}  // namespace

void bind_optimizers(py::module_& m) {
  bind_base(m);
  bind_rules(m);
}

}  // namespace mundur

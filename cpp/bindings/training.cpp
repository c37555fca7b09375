#include "mundur/training.h"

#include <array>

#include "bindings/bindings.h"

namespace mundur {
namespace {

/// What is asked of an output, as Python says it, and what that keeps alive.
struct Asked {
  py::object loss;  // None: nothing is asked
  double weight;
  std::vector<std::string> metrics;

  const Loss* rule() const { return loss.is_none() ? nullptr : &loss.cast<const Loss&>(); }
};
using Asking = std::vector<Asked>;

Asking asking_of(const std::vector<std::tuple<py::object, double, std::vector<std::string>>>& all) {
  Asking asking;
  for (const auto& [loss, weight, metrics] : all) asking.push_back({loss, weight, metrics});
  return asking;
}

/// The arrays of a set, kept alive for as long as native code may read them.
struct HeldData {
  Arrays x, y, weights;
  std::optional<py::array> rows;
  DataSet set;

  HeldData(const py::object& features, const py::object& targets, const py::object& sample_weights,
           const Asking& asking, std::optional<py::array> of_them = std::nullopt)
      : x(arrays_of(features, "x")),
        y(arrays_of(targets, "y")),
        weights(sample_weights.is_none() ? Arrays(y.size()) : arrays_of(sample_weights, "weights")),
        rows(std::move(of_them)) {
    set.x = views_of(x, "x");
    if (y.size() != asking.size() || weights.size() != asking.size()) {
      throw py::value_error("y, weights: expected one for each of " +
                            std::to_string(asking.size()) + " outputs");
    }
    for (std::size_t i = 0; i < asking.size(); ++i) take_targets(i, asking[i].rule());
    if (rows) take_rows();
  }

 private:
  void take_targets(std::size_t i, const Loss* loss) {
    TargetSet& compared = set.y.emplace_back();
    if (!loss) return;
    if (!y[i]) throw py::type_error("y: expected an array for each output that has a loss");
    if (loss->reads_targets()) compared.y = view_of(*y[i], "y");
    if (loss->sparse()) read_labels(compared, *y[i]);
    if (!weights[i]) return;
    compared.weights = data_of<double>(*weights[i], "weights", -1);
    const std::int64_t samples = std::max<std::int64_t>(set.in_arrays(), 1);
    compared.weights_each = weights[i]->size() / samples;
    if (weights[i]->size() % samples != 0 || compared.weights_each < 1) {
      throw py::value_error("weights: expected as many for each sample");
    }
  }
  void take_rows() {
    set.rows = data_of<std::int64_t>(*rows, "rows", 1);
    set.count = rows->size();
    const std::int64_t n = set.in_arrays();
    const bool there = std::all_of(set.rows, set.rows + set.count,
                                   [n](std::int64_t row) { return row >= 0 && row < n; });
    if (set.count == 0 || !there) {
      throw py::value_error("rows: expected one or more of the samples 0 to " +
                            std::to_string(n - 1));
    }
  }
  static void read_labels(TargetSet& targets, const py::array& y) {
    const py::array_t<std::int32_t, py::array::c_style | py::array::forcecast> labels(y);
    targets.labels.assign(labels.data(), labels.data() + labels.size());
    const auto is_none = [](std::int32_t label) { return label == -1; };
    targets.ignores = std::any_of(targets.labels.begin(), targets.labels.end(), is_none);
  }
};

template <class N>
std::vector<Objective> objectives_of(const Asking& asking, const N& network) {
  if (asking.size() != network.graph().outputs.size()) {
    throw py::value_error("objectives: expected one for each output");
  }
  std::vector<Objective> all;
  for (std::size_t i = 0; i < asking.size(); ++i) {
    const Loss* const loss = asking[i].rule();
    Objective& one = all.emplace_back(Objective{loss, asking[i].weight});
    for (const std::string& name : asking[i].metrics) {
      if (!loss) throw py::value_error("metrics: expected none for an output without a loss");
      one.metrics.push_back(metric_from_name(name, *loss, size_of(network.output_shape(i))));
    }
  }
  return all;
}

/// Where a pass puts every sample's outputs; none, or null: nobody asks.
template <class N>
auto outputs_of(Arrays& arrays, std::int64_t samples, const N& network) {
  std::vector<element_of<N>*> all;
  if (!arrays.empty()) network.require_outputs(arrays.size(), "outputs");
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    all.push_back(nullptr);
    if (!arrays[i]) continue;
    all.back() = writable_data_of<element_of<N>>(*arrays[i], "outputs", -1);
    if (arrays[i]->size() != samples * size_of(network.output_shape(i))) {
      throw py::value_error("outputs: expected one row per sample of x");
    }
  }
  return all;
}

/// What both passes over a set share: the objects they read, and the native pass of either element
/// type.
template <template <class> class Pass>
struct AnyPass {
  py::object network;
  py::object optimizer;
  Asking asking;
  HeldData data;
  Arrays outputs;
  std::variant<std::unique_ptr<Pass<float>>, std::unique_ptr<Pass<double>>> of;

  AnyNetwork& any() const { return network.cast<AnyNetwork&>(); }
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit([&](const auto& pass) -> decltype(auto) { return visitor(*pass); }, of);
  }
  /// The visitor's work without the GIL, alone on the network.
  template <class Visitor>
  decltype(auto) work(Visitor&& visitor) const {
    return any().visit([&](auto& net) { return alone(net, [&] { return visit(visitor); }); });
  }
  /// A look at it, no work.
  template <class Visitor>
  decltype(auto) read(Visitor&& visitor) const {
    return any().visit([&](auto& net) {
      const std::unique_lock<Lock> lock = lock_of(net);
      const FloatEnvironment environment;
      return visit(visitor);
    });
  }
};

/// The next batch takes the place of the last; the pass reads from where that was.
template <class Any>
void feed(Any& self, const py::object& x, const py::object& y, const py::object& weights,
          const py::object& outputs) {
  HeldData next(x, y, weights, self.asking);
  Arrays rooms = outputs.is_none() ? Arrays{} : arrays_of(outputs, "outputs");
  self.any().visit([&](auto& net) {
    using T = element_of<decltype(net)>;
    auto to = outputs_of(rooms, next.set.in_arrays(), net);
    alone(net, [&] {
      std::swap(self.data, next);  // what leaves is freed under the GIL
      std::swap(self.outputs, rooms);
      try {
        std::get<std::is_same_v<T, float> ? 0 : 1>(self.of)->feed(std::move(to));
      } catch (...) {
        std::swap(self.data, next);
        std::swap(self.outputs, rooms);
        throw;
      }
    });
  });
}

/// What Python calls with a pass: f(native pass, arguments...), a look or work.
template <class Any, class F>
auto looks(F f) {
  return [f](const Any& self) { return self.read(f); };
}
template <class Any, class... Arguments, class F>
auto works(F f) {
  return [f](const Any& self, const Arguments&... arguments) {
    return self.work([&](auto& pass) { return f(pass, arguments...); });
  };
}

/// The loss, that of each output where there are several, and all scores.
std::vector<double> means(const Tally& tally) {
  std::vector<double> values;
  tally.add_means_to(values);
  return values;
}

void bind_augmentation(py::module_& m) {
  using Int = std::int64_t;
  using Kind = Augmentation::Kind;
  using Picture = std::array<Int, 3>;
  py::class_<Augmentation>(m, "Augmentation")
      .def_static(
          "noise", [](double stddev) { return Augmentation{.stddev = stddev}; }, py::arg("stddev"))
      .def_static(
          "shift",
          [](const Picture& shape, Int rows, Int columns, double fill) {
            return Augmentation{Kind::shift, 0.0,  shape[0], shape[1],
                                shape[2],    rows, columns,  fill};
          },
          py::arg("shape"), py::arg("rows"), py::arg("columns"), py::arg("fill"))
      .def_static(
          "flip",
          [](const Picture& shape, bool horizontal, bool vertical) {
            return Augmentation{.kind = Kind::flip,
                                .height = shape[0],
                                .width = shape[1],
                                .channels = shape[2],
                                .horizontal = horizontal,
                                .vertical = vertical};
          },
          py::arg("shape"), py::arg("horizontal"), py::arg("vertical"))
      .def_static(
          "random",
          [](const Picture& shape, const RandomChange& how) {
            return Augmentation{.kind = Kind::random,
                                .height = shape[0],
                                .width = shape[1],
                                .channels = shape[2],
                                .how = how};
          },
          py::arg("shape"), py::arg("how"));
}

using AnyTrainer = AnyPass<Trainer>;
using AnyEvaluator = AnyPass<Evaluator>;

using Objectives = std::vector<std::tuple<py::object, double, std::vector<std::string>>>;

/// The pass that make(network, objectives, set, outputs) returns, alone on the network.
template <template <class> class Pass, class Make>
std::unique_ptr<AnyPass<Pass>> make_pass(py::object network, py::object optimizer, Asking asking,
                                         HeldData data, const py::object& outputs, Make make) {
  auto any = std::make_unique<AnyPass<Pass>>(
      AnyPass<Pass>{std::move(network),
                    std::move(optimizer),
                    std::move(asking),
                    std::move(data),
                    outputs.is_none() ? Arrays{} : arrays_of(outputs, "outputs"),
                    {}});
  any->any().visit([&](auto& net) {
    const std::vector<Objective> objectives = objectives_of(any->asking, net);
    const auto to = outputs_of(any->outputs, any->data.set.in_arrays(), net);
    alone(net, [&] { any->of = make(net, objectives, any->data.set, to); });
  });
  return any;
}

std::unique_ptr<AnyTrainer> make_trainer(py::object network, py::object optimizer,
                                         const Objectives& objectives, const py::object& x,
                                         const py::object& y, const py::object& weights,
                                         std::int64_t batch_size, bool shuffle, std::uint64_t seed,
                                         bool check_finite, const py::object& outputs,
                                         std::optional<py::array> rows) {
  Optimizer& shared = optimizer.cast<Optimizer&>();
  Asking asking = asking_of(objectives);
  HeldData data(x, y, weights, asking, std::move(rows));
  return make_pass<Trainer>(
      std::move(network), optimizer, std::move(asking), std::move(data), outputs,
      [&]<class T>(Network<T>& net, const std::vector<Objective>& of, const DataSet& set,
                   const std::vector<T*>& to) {
        const std::lock_guard lock(shared.mutex());
        return std::make_unique<Trainer<T>>(
            net, shared, of, set,
            typename Trainer<T>::Options{batch_size, shuffle, seed, check_finite, to});
      });
}

std::unique_ptr<AnyEvaluator> make_evaluator(py::object network, const Objectives& objectives,
                                             const py::object& x, const py::object& y,
                                             const py::object& weights, std::int64_t batch_size,
                                             bool check_finite, const py::object& outputs,
                                             std::optional<py::array> rows) {
  Asking asking = asking_of(objectives);
  HeldData data(x, y, weights, asking, std::move(rows));
  return make_pass<Evaluator>(
      std::move(network), py::none(), std::move(asking), std::move(data), outputs,
      [&]<class T>(Network<T>& net, const std::vector<Objective>& of, const DataSet& set,
                   const std::vector<T*>& to) {
        return std::make_unique<Evaluator<T>>(
            net, of, set, typename Evaluator<T>::Options{batch_size, check_finite, to});
      });
}

/// What Python asks of either pass.
template <class Any>
void bind_pass(py::class_<Any>& bound) {
  bound
      .def("feed", &feed<Any>, py::arg("x"), py::arg("y"), py::arg("weights"),
           py::arg("outputs") = py::none())
      .def_property_readonly("step", looks<Any>([](auto& pass) { return pass.step(); }))
      .def_property_readonly("means", looks<Any>([](auto& pass) { return means(pass.tally()); }));
}

void bind_trainer(py::module_& m) {
  using Any = AnyTrainer;
  using Int = std::int64_t;
  using Numbers = std::vector<double>;
  using Steps = std::vector<Augmentation>;
  py::class_<Any> bound(m, "Trainer");
  bound
      .def(py::init(&make_trainer), py::arg("network"), py::arg("optimizer"), py::arg("objectives"),
           py::arg("x"), py::arg("y"), py::arg("weights"), py::arg("batch_size"),
           py::arg("shuffle"), py::arg("seed"), py::arg("check_finite"), py::arg("outputs"),
           py::arg("rows") = py::none())
      .def_property_readonly("steps_per_epoch",
                             looks<Any>([](auto& trainer) { return trainer.steps_per_epoch(); }))
      .def("begin_epoch", works<Any, std::uint64_t>([](auto& trainer, std::uint64_t epoch) {
             trainer.begin_epoch(epoch);
           }),
           py::arg("epoch"))
      .def("resume", works<Any, Int, Numbers>([](auto& trainer, Int step, const Numbers& sums) {
             trainer.resume(step, sums);
           }),
           py::arg("step"), py::arg("sums"))
      .def_property_readonly("sums",
                             looks<Any>([](auto& trainer) { return trainer.tally().numbers(); }))
      .def("run",
           works<Any, double, Int, Int, double>(
               [](auto& trainer, double budget, Int max_steps, Int more, double stop_loss) {
                 return name_of(trainer.run(budget, max_steps, more, stop_loss));
               }),
           py::arg("budget"), py::arg("max_steps"), py::arg("more") = 0,
           py::arg("stop_loss") = -std::numeric_limits<double>::infinity())
      .def_property_readonly("passed", looks<Any>([](auto& trainer) {
                               const Numbers& all = trainer.passed();
                               const Int each = std::ssize(means(trainer.tally()));
                               return copy_of(all.data(), {std::ssize(all) / each, each});
                             }))
      .def("set_augment",
           works<Any, Steps>([](auto& trainer, const Steps& steps) { trainer.set_augment(steps); }),
           py::arg("steps"))
      .def("set_block", works<Any, Int>([](auto& trainer, Int rows) { trainer.set_block(rows); }),
           py::arg("rows"))
      .def("undo", works<Any>([](auto& trainer) { return trainer.undo(); }))
      .def_property_readonly("restored",
                             looks<Any>([](auto& trainer) { return trainer.restored(); }))
      .def_property_readonly("batch_loss",
                             looks<Any>([](auto& trainer) { return trainer.batch_loss(); }));
  bind_pass(bound);
}

void bind_evaluator(py::module_& m) {
  using Any = AnyEvaluator;
  py::class_<Any> bound(m, "Evaluator");
  bound
      .def(py::init(&make_evaluator), py::arg("network"), py::arg("objectives"), py::arg("x"),
           py::arg("y"), py::arg("weights"), py::arg("batch_size"), py::arg("check_finite"),
           py::arg("outputs"), py::arg("rows") = py::none())
      .def("run", works<Any, double>([](auto& evaluator, double budget) {
             return name_of(evaluator.run(budget));
           }),
           py::arg("budget"))
      .def_property_readonly("steps", looks<Any>([](auto& pass) { return pass.steps(); }));
  bind_pass(bound);
}

}  // namespace

void bind_training(py::module_& m) {
  bind_augmentation(m);
  bind_trainer(m);
  bind_evaluator(m);
  m.def(
      "first_nonfinite", [](const py::array& x) { return first_nonfinite(view_of(x, "x")); },
      py::arg("x"));
}

}  // namespace mundur

#include "mundur/training.h"

#include <array>

#include "bindings/bindings.h"

namespace mundur {
namespace {

/// The arrays of a set, kept alive for as long as native code may read them.
struct HeldData {
  py::array x;
  py::array y;
  std::optional<py::array> weights, rows;
  DataSet set;

  HeldData(py::array features, py::array targets, std::optional<py::array> sample_weights,
           const Loss& loss, std::optional<py::array> of_them = std::nullopt)
      : x(std::move(features)),
        y(std::move(targets)),
        weights(std::move(sample_weights)),
        rows(std::move(of_them)) {
    set.x = {view_of(x, "x")};
    TargetSet& compared = set.y.emplace_back();
    if (loss.reads_targets()) compared.y = view_of(y, "y");
    if (loss.sparse()) read_labels(compared);
    if (weights) {
      compared.weights = data_of<double>(*weights, "weights", 1);
      if (weights->size() != set.in_arrays()) {
        throw py::value_error("weights: expected one per sample");
      }
    }
    if (rows) take_rows();
  }

 private:
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
  void read_labels(TargetSet& targets) const {
    const py::array_t<std::int32_t, py::array::c_style | py::array::forcecast> labels(y);
    targets.labels.assign(labels.data(), labels.data() + labels.size());
  }
};

std::vector<Metric> metrics_of(const std::vector<std::string>& names, const Loss& loss,
                               const AnyNetwork& any) {
  const std::int64_t outputs =
      any.visit([](auto& network) { return size_of(network.output_shape()); });
  std::vector<Metric> metrics;
  for (const std::string& name : names) metrics.push_back(metric_from_name(name, loss, outputs));
  return metrics;
}

/// Where a pass puts every sample's outputs; none: nobody asks.
template <class T>
std::vector<T*> outputs_of(std::optional<py::array>& array, std::int64_t samples,
                           std::int64_t outputs) {
  if (!array) return {};
  T* data = writable_data_of<T>(*array, "outputs", -1);
  if (array->size() != samples * outputs) {
    throw py::value_error("outputs: expected one row per sample of x");
  }
  return {data};
}

/// What both passes over a set share: the objects they read, and the native pass of either element
/// type.
template <template <class> class Pass>
struct AnyPass {
  py::object network;
  py::object optimizer;
  py::object loss;
  HeldData data;
  std::optional<py::array> outputs;
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
void feed(Any& self, py::array x, py::array y, std::optional<py::array> weights) {
  HeldData next(std::move(x), std::move(y), std::move(weights),
                self.loss.template cast<const Loss&>());
  self.work([&](auto& pass) {
    std::swap(self.data, next);  // what leaves is freed under the GIL
    try {
      pass.feed();
    } catch (...) {
      std::swap(self.data, next);
      throw;
    }
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

std::vector<double> metric_values(const Tally& tally) {
  std::vector<double> values;
  for (const Tally::Output& output : tally.outputs) {
    for (std::size_t m = 0; m < output.scores.size(); ++m) values.push_back(output.mean_score(m));
  }
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
          py::arg("shape"), py::arg("horizontal"), py::arg("vertical"));
}

using AnyTrainer = AnyPass<Trainer>;
using AnyEvaluator = AnyPass<Evaluator>;

/// The pass that make(network, objectives, set, outputs) returns, alone on the network.
template <template <class> class Pass, class Make>
std::unique_ptr<AnyPass<Pass>> make_pass(py::object network, py::object optimizer,
                                         const py::object& loss, HeldData data,
                                         const std::vector<std::string>& metrics,
                                         std::optional<py::array> outputs, Make make) {
  auto any = std::make_unique<AnyPass<Pass>>(AnyPass<Pass>{
      std::move(network), std::move(optimizer), loss, std::move(data), std::move(outputs), {}});
  const Loss& rule = loss.cast<const Loss&>();
  const std::vector<Objective> objectives = {{&rule, 1.0, metrics_of(metrics, rule, any->any())}};
  any->any().visit([&](auto& net) {
    using T = element_of<decltype(net)>;
    const auto to =
        outputs_of<T>(any->outputs, any->data.set.in_arrays(), size_of(net.output_shape()));
    alone(net, [&] { any->of = make(net, objectives, any->data.set, to); });
  });
  return any;
}

std::unique_ptr<AnyTrainer> make_trainer(py::object network, py::object optimizer, py::object loss,
                                         py::array x, py::array y, std::optional<py::array> weights,
                                         std::int64_t batch_size, bool shuffle, std::uint64_t seed,
                                         const std::vector<std::string>& metrics, bool check_finite,
                                         std::optional<py::array> outputs,
                                         std::optional<py::array> rows) {
  const Loss& rule = loss.cast<const Loss&>();
  Optimizer& shared = optimizer.cast<Optimizer&>();
  return make_pass<Trainer>(
      std::move(network), optimizer, loss,
      HeldData(std::move(x), std::move(y), std::move(weights), rule, std::move(rows)), metrics,
      std::move(outputs),
      [&]<class T>(Network<T>& net, const std::vector<Objective>& objectives, const DataSet& set,
                   const std::vector<T*>& to) {
        const std::lock_guard lock(shared.mutex());
        return std::make_unique<Trainer<T>>(
            net, shared, objectives, set,
            typename Trainer<T>::Options{batch_size, shuffle, seed, check_finite, to});
      });
}

std::unique_ptr<AnyEvaluator> make_evaluator(py::object network, py::object loss, py::array x,
                                             py::array y, std::optional<py::array> weights,
                                             std::int64_t batch_size,
                                             const std::vector<std::string>& metrics,
                                             bool check_finite, std::optional<py::array> outputs,
                                             std::optional<py::array> rows) {
  const Loss& rule = loss.cast<const Loss&>();
  return make_pass<Evaluator>(
      std::move(network), py::none(), loss,
      HeldData(std::move(x), std::move(y), std::move(weights), rule, std::move(rows)), metrics,
      std::move(outputs),
      [&]<class T>(Network<T>& net, const std::vector<Objective>& objectives, const DataSet& set,
                   const std::vector<T*>& to) {
        return std::make_unique<Evaluator<T>>(
            net, objectives, set, typename Evaluator<T>::Options{batch_size, check_finite, to});
      });
}

/// What Python asks of either pass.
template <class Any>
void bind_pass(py::class_<Any>& bound) {
  bound.def("feed", &feed<Any>, py::arg("x"), py::arg("y"), py::arg("weights"))
      .def_property_readonly("step", looks<Any>([](auto& pass) { return pass.step(); }))
      .def_property_readonly("loss",
                             looks<Any>([](auto& pass) { return pass.tally().mean_loss(); }))
      .def_property_readonly("metric_values",
                             looks<Any>([](auto& pass) { return metric_values(pass.tally()); }));
}

void bind_trainer(py::module_& m) {
  using Any = AnyTrainer;
  using Int = std::int64_t;
  using Numbers = std::vector<double>;
  using Steps = std::vector<Augmentation>;
  py::class_<Any> bound(m, "Trainer");
  bound
      .def(py::init(&make_trainer), py::arg("network"), py::arg("optimizer"), py::arg("loss"),
           py::arg("x"), py::arg("y"), py::arg("weights"), py::arg("batch_size"),
           py::arg("shuffle"), py::arg("seed"), py::arg("metrics"), py::arg("check_finite"),
           py::arg("outputs"), py::arg("rows") = py::none())
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
                               const Int each = 1 + std::ssize(trainer.tally().outputs[0].scores);
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
      .def(py::init(&make_evaluator), py::arg("network"), py::arg("loss"), py::arg("x"),
           py::arg("y"), py::arg("weights"), py::arg("batch_size"), py::arg("metrics"),
           py::arg("check_finite"), py::arg("outputs"), py::arg("rows") = py::none())
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

#include "mundur/training.h"

#include <array>

#include "bindings/bindings.h"

namespace mundur {
namespace {

/// The arrays of a set, kept alive for as long as native code may read them.
struct HeldData {
  py::array x;
  py::array y;
  std::optional<py::array> weights;
  DataSet set;

  HeldData(py::array features, py::array targets, std::optional<py::array> sample_weights,
           const Loss& loss)
      : x(std::move(features)), y(std::move(targets)), weights(std::move(sample_weights)) {
    set.x = {view_of(x, "x")};
    TargetSet& compared = set.y.emplace_back();
    if (loss.reads_targets()) compared.y = view_of(y, "y");
    if (loss.sparse()) read_labels(compared);
    if (weights) {
      compared.weights = data_of<double>(*weights, "weights", 1);
      if (weights->size() != set.samples()) {
        throw py::value_error("weights: expected one per sample");
      }
    }
  }

 private:
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

/// Where a pass puts every sample's outputs; null: nobody asks.
template <class T>
T* outputs_of(std::optional<py::array>& array, std::int64_t samples, std::int64_t outputs) {
  if (!array) return nullptr;
  T* data = writable_data_of<T>(*array, "outputs", -1);
  if (array->size() != samples * outputs) {
    throw py::value_error("outputs: expected one row per sample of x");
  }
  return data;
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
  std::vector<double> metric_values() const {
    return read([](auto& pass) {
      std::vector<double> values;
      for (std::size_t m = 0; m < pass.tally().scores.size(); ++m) {
        values.push_back(pass.tally().mean_score(m));
      }
      return values;
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

Augmentation picture(Augmentation::Kind kind, const std::array<std::int64_t, 3>& shape) {
  Augmentation step;
  step.kind = kind;
  step.height = shape[0];
  step.width = shape[1];
  step.channels = shape[2];
  return step;
}

void bind_augmentation(py::module_& m) {
  py::class_<Augmentation>(m, "Augmentation")
      .def_static(
          "noise",
          [](double stddev) {
            Augmentation step;
            step.stddev = stddev;
            return step;
          },
          py::arg("stddev"))
      .def_static(
          "shift",
          [](const std::array<std::int64_t, 3>& shape, std::int64_t rows, std::int64_t columns,
             double fill) {
            Augmentation step = picture(Augmentation::Kind::shift, shape);
            step.rows = rows;
            step.columns = columns;
            step.fill = fill;
            return step;
          },
          py::arg("shape"), py::arg("rows"), py::arg("columns"), py::arg("fill"))
      .def_static(
          "flip",
          [](const std::array<std::int64_t, 3>& shape, bool horizontal, bool vertical) {
            Augmentation step = picture(Augmentation::Kind::flip, shape);
            step.horizontal = horizontal;
            step.vertical = vertical;
            return step;
          },
          py::arg("shape"), py::arg("horizontal"), py::arg("vertical"));
}

using AnyTrainer = AnyPass<Trainer>;
using AnyEvaluator = AnyPass<Evaluator>;

std::unique_ptr<AnyTrainer> make_trainer(py::object network, py::object optimizer, py::object loss,
                                         py::array x, py::array y, std::optional<py::array> weights,
                                         std::int64_t batch_size, bool shuffle, std::uint64_t seed,
                                         const std::vector<std::string>& metrics, bool check_finite,
                                         std::optional<py::array> outputs) {
  const Loss& rule = loss.cast<const Loss&>();
  auto any = std::make_unique<AnyTrainer>(
      AnyTrainer{network,
                 optimizer,
                 loss,
                 HeldData(std::move(x), std::move(y), std::move(weights), rule),
                 std::move(outputs),
                 {}});
  const std::vector<Metric> chosen = metrics_of(metrics, rule, any->any());
  any->any().visit([&](auto& net) {
    using T = element_of<decltype(net)>;
    Optimizer& shared = optimizer.cast<Optimizer&>();
    const typename Trainer<T>::Options options{
        batch_size,
        shuffle,
        seed,
        chosen,
        check_finite,
        outputs_of<T>(any->outputs, any->data.set.samples(), size_of(net.output_shape()))};
    alone(net, [&] {
      const std::lock_guard lock(shared.mutex());
      any->of = std::make_unique<Trainer<T>>(net, shared, rule, any->data.set, options);
    });
  });
  return any;
}

std::unique_ptr<AnyEvaluator> make_evaluator(py::object network, py::object loss, py::array x,
                                             py::array y, std::optional<py::array> weights,
                                             std::int64_t batch_size,
                                             const std::vector<std::string>& metrics,
                                             bool check_finite, std::optional<py::array> outputs) {
  const Loss& rule = loss.cast<const Loss&>();
  auto any = std::make_unique<AnyEvaluator>(
      AnyEvaluator{network,
                   py::none(),
                   loss,
                   HeldData(std::move(x), std::move(y), std::move(weights), rule),
                   std::move(outputs),
                   {}});
  const std::vector<Metric> chosen = metrics_of(metrics, rule, any->any());
  any->any().visit([&](auto& net) {
    using T = element_of<decltype(net)>;
    const typename Evaluator<T>::Options options{
        batch_size, chosen, check_finite,
        outputs_of<T>(any->outputs, any->data.set.samples(), size_of(net.output_shape()))};
    alone(net,
          [&] { any->of = std::make_unique<Evaluator<T>>(net, rule, any->data.set, options); });
  });
  return any;
}

}  // namespace

void bind_training(py::module_& m) {
  bind_augmentation(m);
  py::class_<AnyTrainer>(m, "Trainer")
      .def(py::init(&make_trainer), py::arg("network"), py::arg("optimizer"), py::arg("loss"),
           py::arg("x"), py::arg("y"), py::arg("weights"), py::arg("batch_size"),
           py::arg("shuffle"), py::arg("seed"), py::arg("metrics"), py::arg("check_finite"),
           py::arg("outputs"))
      .def_property_readonly(
          "steps_per_epoch",
          [](AnyTrainer& self) {
            return self.read([](auto& trainer) { return trainer.steps_per_epoch(); });
          })
      .def(
          "begin_epoch",
          [](AnyTrainer& self, std::uint64_t epoch) {
            self.work([&](auto& trainer) { trainer.begin_epoch(epoch); });
          },
          py::arg("epoch"))
      .def(
          "resume",
          [](AnyTrainer& self, std::int64_t step, const std::vector<double>& sums) {
            self.work([&](auto& trainer) { trainer.resume(step, sums); });
          },
          py::arg("step"), py::arg("sums"))
      .def_property_readonly(
          "sums",
          [](AnyTrainer& self) {
            return self.read([](auto& trainer) { return trainer.tally().numbers(); });
          })
      .def(
          "run",
          [](AnyTrainer& self, double budget, std::int64_t max_steps, std::int64_t more,
             double stop_loss) {
            return std::string(name_of(self.work([&](auto& trainer) {
              return trainer.run(budget, max_steps, more, stop_loss);
            })));
          },
          py::arg("budget"), py::arg("max_steps"), py::arg("more") = 0,
          py::arg("stop_loss") = -std::numeric_limits<double>::infinity())
      .def_property_readonly("passed",
                             [](AnyTrainer& self) {
                               return self.read([](auto& trainer) {
                                 const std::vector<double>& numbers = trainer.passed();
                                 const std::size_t each = 1 + trainer.tally().scores.size();
                                 return py::array_t<double>({numbers.size() / each, each},
                                                            numbers.data());
                               });
                             })
      .def("feed", &feed<AnyTrainer>, py::arg("x"), py::arg("y"), py::arg("weights"))
      .def(
          "set_augment",
          [](AnyTrainer& self, const std::vector<Augmentation>& steps) {
            self.work([&](auto& trainer) { trainer.set_augment(steps); });
          },
          py::arg("steps"))
      .def(
          "set_block",
          [](AnyTrainer& self, std::int64_t rows) {
            self.work([&](auto& trainer) { trainer.set_block(rows); });
          },
          py::arg("rows"))
      .def("undo",
           [](AnyTrainer& self) { return self.work([](auto& trainer) { return trainer.undo(); }); })
      .def_property_readonly("restored",
                             [](AnyTrainer& self) {
                               return self.read([](auto& trainer) { return trainer.restored(); });
                             })
      .def_property_readonly(
          "step",
          [](AnyTrainer& self) { return self.read([](auto& trainer) { return trainer.step(); }); })
      .def_property_readonly(
          "loss",
          [](AnyTrainer& self) {
            return self.read([](auto& trainer) { return trainer.tally().mean_loss(); });
          })
      .def_property_readonly("metric_values", &AnyTrainer::metric_values)
      .def_property_readonly("batch_loss", [](AnyTrainer& self) {
        return self.read([](auto& trainer) { return trainer.batch_loss(); });
      });
  py::class_<AnyEvaluator>(m, "Evaluator")
      .def(py::init(&make_evaluator), py::arg("network"), py::arg("loss"), py::arg("x"),
           py::arg("y"), py::arg("weights"), py::arg("batch_size"), py::arg("metrics"),
           py::arg("check_finite"), py::arg("outputs"))
      .def(
          "run",
          [](AnyEvaluator& self, double budget) {
            return std::string(
                name_of(self.work([&](auto& evaluator) { return evaluator.run(budget); })));
          },
          py::arg("budget"))
      .def("feed", &feed<AnyEvaluator>, py::arg("x"), py::arg("y"), py::arg("weights"))
      .def_property_readonly(
          "steps",
          [](AnyEvaluator& self) { return self.read([](auto& pass) { return pass.steps(); }); })
      .def_property_readonly(
          "step",
          [](AnyEvaluator& self) { return self.read([](auto& pass) { return pass.step(); }); })
      .def_property_readonly(
          "loss",
          [](AnyEvaluator& self) {
            return self.read([](auto& pass) { return pass.tally().mean_loss(); });
          })
      .def_property_readonly("metric_values", &AnyEvaluator::metric_values);
  m.def(
      "first_nonfinite", [](const py::array& x) { return first_nonfinite(view_of(x, "x")); },
      py::arg("x"));
}

}  // namespace mundur

#include "mundur/losses.h"

#include "bindings/bindings.h"
#include "cpu/kernels/table.h"
#include "mundur/batch_losses.h"

namespace mundur {
namespace {

/// What the kernels will read, checked: they trust it.
template <class T>
struct Checked {
  const T* p;
  std::int64_t B;
  std::int64_t O;
  Targets<T> targets;

  Checked(const Loss& loss, const py::array& y_true, const py::array& y_pred,
          const std::optional<py::array>& weight, std::int64_t rows)
      : p(data_of<T>(y_pred, "y_pred", 2)), B(y_pred.shape(0)), O(y_pred.shape(1)) {
    require(rows >= 1 && B % rows == 0, "rows: expected a divisor of the predictions' rows");
    if (loss.sparse()) {
      targets.labels = data_of<std::int32_t>(y_true, "y_true", 1);
      require(y_true.shape(0) == B, "y_true: expected as many labels as predictions");
      for (std::int64_t b = 0; b < B; ++b) {
        require(targets.labels[b] >= 0 && targets.labels[b] < O,
                "y_true: expected labels in [0, " + std::to_string(O) + "), got " +
                    std::to_string(targets.labels[b]));
      }
    } else {
      targets.y = data_of<T>(y_true, "y_true", 2);
      require(y_true.shape(0) == B && y_true.shape(1) == O, "y_true: expected y_pred's shape");
    }
    if (weight) {
      targets.weight = data_of<T>(*weight, "weight", 1);
      require(weight->shape(0) == B, "weight: expected one per sample");
    }
  }
  static void require(bool holds, const std::string& message) {
    if (!holds) throw py::value_error(message);
  }
};

template <class T>
double value(const Loss& loss, const Checked<T>& in, std::int64_t rows) {
  WithoutGil release;
  const FloatEnvironment environment;
  return loss_value(loss, in.p, in.targets, in.B, in.O, rows);
}

template <class T>
py::array gradient(const Loss& loss, const Checked<T>& in, std::int64_t rows) {
  py::array_t<T> out = new_array<T>({in.B, in.O});
  T* dp = out.mutable_data();
  WithoutGil release;
  const FloatEnvironment environment;
  loss_gradient(loss, dp, in.p, in.targets, in.B, in.O, rows);
  return out;
}

template <class T>
py::array sample_values(const Loss& loss, const Checked<T>& in, std::int64_t rows) {
  py::array_t<double> out = new_array<double>({in.B / rows});
  double* values = out.mutable_data();
  WithoutGil release;
  const FloatEnvironment environment;
  sample_losses(loss, values, in.p, in.targets, in.B, in.O, rows);
  return out;
}

/// A function of Python's for find(loss, checked arguments, rows), of either element type.
template <class Find>
auto by_hand(Find find) {
  return [find](const Loss& loss, const py::array& y_true, const py::array& y_pred,
                const std::optional<py::array>& weight, std::int64_t rows) {
    const auto of = [&]<class T>(T) {
      const Checked<T> in(loss, y_true, y_pred, weight, rows);
      return find(loss, in, rows);
    };
    return holds<float>(y_pred) ? of(float{}) : of(double{});
  };
}

/// A loss that Python computes: call(samples, y_pred, wants_gradient) returns (loss, gradient or
/// None), where `samples` picks the batch's rows out of the set. With a formula there is
/// terms(samples), which returns what BatchTerms has.
class PythonLoss final : public KnownLoss {
 public:
  using Numbers = std::map<std::string, double>;
  PythonLoss(py::object call, bool from_logits, bool sparse, bool reads_targets,
             const std::optional<std::pair<std::string, Numbers>>& formula, py::object terms)
      : KnownLoss({"python", LossKind{}, false, from_logits, sparse}),
        call_(std::move(call)),
        terms_(std::move(terms)),
        reads_targets_(reads_targets) {
    if (formula) formula_ = formula_of(formula->first, formula->second);
  }
  const BatchFormula* formula() const override { return formula_ ? &*formula_ : nullptr; }
  BatchTerms terms(const Batch& batch) const override {
    return with_gil([&] {
      const py::tuple found = mundur::call(terms_, py::make_tuple(samples_of(batch)));
      BatchTerms terms;
      terms.y = numbers_of(found[0]);
      terms.weights = numbers_of(found[1]);
      terms.there = numbers_of(found[2]);
      terms.shape = found[3].cast<Shape>();
      terms.order = found[4].cast<Shape>();
      terms.groups = found[5].cast<std::int64_t>();
      terms.share = found[6].cast<double>();
      return terms;
    });
  }
  bool reads_targets() const override { return reads_targets_; }
  double evaluate(const Batch& batch, const float* p, float* dp, std::int64_t O) const override {
    return ask(batch, p, dp, O);
  }
  double evaluate(const Batch& batch, const double* p, double* dp, std::int64_t O) const override {
    return ask(batch, p, dp, O);
  }

 private:
  static BatchFormula formula_of(const std::string& kind, const Numbers& numbers) {
    const auto number = [&](const char* name) {
      const auto found = numbers.find(name);
      return found == numbers.end() ? 0.0 : found->second;
    };
    return {kind == "circle" ? BatchFormula::Kind::circle : BatchFormula::Kind::overlap,
            number("sums") != 0.0,
            number("c"),
            number("d"),
            number("alpha"),
            number("beta"),
            number("gamma"),
            number("margin"),
            number("itself") != 0.0};
  }
  static std::vector<double> numbers_of(const py::handle& given) {
    const auto array = given.cast<py::array>();
    const double* const numbers = data_of<double>(array, "terms", 1);
    return {numbers, numbers + array.size()};
  }
  static py::object samples_of(const Batch& batch) {
    if (batch.order) return copy_of(batch.order + batch.begin, {batch.count});
    return py::slice(batch.begin, batch.begin + batch.count, 1);
  }
  template <class T>
  double ask(const Batch& batch, const T* p, T* dp, std::int64_t O) const {
    return with_gil([&] {
      const py::tuple found = call(
          call_, py::make_tuple(samples_of(batch), copy_of(p, {batch.count, O}), dp != nullptr));
      if (dp && !found[1].is_none()) {
        const auto gradient = found[1].cast<py::array>();
        const T* values = data_of<T>(gradient, "gradient", 2);
        if (gradient.shape(0) != batch.count || gradient.shape(1) != O) {
          throw py::value_error("gradient: expected y_pred's shape");
        }
        std::copy_n(values, batch.count * O, dp);
      }
      return found[0].cast<double>();
    });
  }

  py::object call_, terms_;
  std::optional<BatchFormula> formula_;
  bool reads_targets_;
};

/// Chains of fused multiply-adds, one thread's.
template <class T>
py::array matrix_product(const py::array& a, const py::array& b) {
  const T *const left = data_of<T>(a, "a", 2), *const right = data_of<T>(b, "b", 2);
  const std::int64_t n = a.shape(0), depth = a.shape(1), m = b.shape(1);
  if (b.shape(0) != depth) throw py::value_error("b: expected as many rows as a has columns");
  py::array_t<T> product = new_array<T>({n, m});
  T* const to = product.mutable_data();
  WithoutGil release;
  const FloatEnvironment environment;
  kernels<T>().contract(to, left, right, {{n, m, m, 1}, {n, depth, depth, 1}, {m, 1, depth, m}});
  return product;
}

}  // namespace

void bind_losses(py::module_& m) {
  m.def(
      "matrix_product",
      [](const py::array& a, const py::array& b) {
        return holds<float>(a) ? matrix_product<float>(a, b) : matrix_product<double>(a, b);
      },
      py::arg("a"), py::arg("b"));
  py::class_<Loss>(m, "Loss")
      .def(py::init([](const std::string& kind, bool from_logits, double delta,
                       double label_smoothing, double gamma, double positive, double negative,
                       bool sums, std::int64_t axis) {
             return make_loss(kind, from_logits,
                              {delta, label_smoothing, gamma, positive, negative}, sums, axis);
           }),
           py::arg("kind"), py::arg("from_logits"), py::arg("delta"), py::arg("label_smoothing"),
           py::arg("gamma"), py::arg("positive"), py::arg("negative"), py::arg("sums"),
           py::arg("axis") = -1)
      .def_property_readonly("kind", [](const Loss& loss) { return loss.name(); })
      .def_property_readonly("from_logits", [](const Loss& loss) { return loss.from_logits(); })
      .def("value", by_hand([](auto&... given) { return value(given...); }), py::arg("y_true"),
           py::arg("y_pred"), py::arg("weight"), py::arg("rows"))
      .def("sample_values", by_hand([](auto&... given) { return sample_values(given...); }),
           py::arg("y_true"), py::arg("y_pred"), py::arg("weight"), py::arg("rows"))
      .def("gradient", by_hand([](auto&... given) { return gradient(given...); }),
           py::arg("y_true"), py::arg("y_pred"), py::arg("weight"), py::arg("rows"));
  py::class_<PythonLoss, Loss>(m, "PythonLoss")
      .def(
          py::init<py::object, bool, bool, bool,
                   const std::optional<std::pair<std::string, PythonLoss::Numbers>>&, py::object>(),
          py::arg("call"), py::arg("from_logits"), py::arg("sparse"), py::arg("reads_targets"),
          py::arg("formula") = py::none(), py::arg("terms") = py::none());
}

}  // namespace mundur

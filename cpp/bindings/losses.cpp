#include "mundur/losses.h"

#include "bindings/bindings.h"

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
          const std::optional<py::array>& weight)
      : p(data_of<T>(y_pred, "y_pred", 2)), B(y_pred.shape(0)), O(y_pred.shape(1)) {
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
double value(const Loss& loss, const py::array& y_true, const py::array& y_pred,
             const std::optional<py::array>& weight) {
  const Checked<T> in(loss, y_true, y_pred, weight);
  WithoutGil release;
  return loss_value(loss, in.p, in.targets, in.B, in.O);
}

template <class T>
py::array gradient(const Loss& loss, const py::array& y_true, const py::array& y_pred,
                   const std::optional<py::array>& weight) {
  const Checked<T> in(loss, y_true, y_pred, weight);
  py::array_t<T> out({in.B, in.O});
  T* dp = out.mutable_data();
  WithoutGil release;
  loss_gradient(loss, dp, in.p, in.targets, in.B, in.O);
  return out;
}

}  // namespace

void bind_losses(py::module_& m) {
  py::class_<Loss>(m, "Loss")
      .def(py::init(&make_loss), py::arg("kind"), py::arg("from_logits"))
      .def_property_readonly("kind", &Loss::name)
      .def_property_readonly("from_logits", &Loss::from_logits)
      .def(
          "value",
          [](const Loss& loss, const py::array& y_true, const py::array& y_pred,
             const std::optional<py::array>& weight) {
            return holds<float>(y_pred) ? value<float>(loss, y_true, y_pred, weight)
                                        : value<double>(loss, y_true, y_pred, weight);
          },
          py::arg("y_true"), py::arg("y_pred"), py::arg("weight"))
      .def(
          "gradient",
          [](const Loss& loss, const py::array& y_true, const py::array& y_pred,
             const std::optional<py::array>& weight) {
            return holds<float>(y_pred) ? gradient<float>(loss, y_true, y_pred, weight)
                                        : gradient<double>(loss, y_true, y_pred, weight);
          },
          py::arg("y_true"), py::arg("y_pred"), py::arg("weight"));
}

}  // namespace mundur

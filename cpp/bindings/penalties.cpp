#include "cpu/penalties.h"

#include "bindings/bindings.h"

namespace mundur {
namespace {

template <class T>
double penalty(const py::array& w, const Penalty& of) {
  const FloatEnvironment environment;
  return array_penalty(kernels<T>(), of, data_of<T>(w, "w", -1), w.size());
}

template <class T>
void hold(py::array& w, const Constraint& constraint) {
  T* values = writable_data_of<T>(w, "w", -1);
  const Shape shape(w.shape(), w.shape() + w.ndim());
  const Constrained constrained(constraint, shape);
  run_team(1, [&](Worker& worker) { constrained(kernels<T>(), values, worker); });
}

}  // namespace

void bind_penalties(py::module_& m) {
  m.def(
      "penalty",
      [](const py::array& w, double l1, double l2) {
        return holds<float>(w) ? penalty<float>(w, {l1, l2}) : penalty<double>(w, {l1, l2});
      },
      py::arg("w"), py::arg("l1"), py::arg("l2"));
  py::class_<Constraint>(m, "Constraint")
      .def(py::init([] { return Constraint{Constraint::Kind::non_negative, 1, 0.0, 0.0, 1.0}; }))
      .def(py::init([](const std::vector<int>& axes, double least, double most, double rate) {
             Constraint made{Constraint::Kind::norms, 0, least, most, rate};
             for (const int axis : axes) {
               if (axis < 0 || axis > 31) throw py::value_error("axes: expected 0 to 31");
               made.axes |= std::uint32_t{1} << axis;
             }
             return made;
           }),
           py::arg("axes"), py::arg("least"), py::arg("most"), py::arg("rate"))
      .def(
          "apply",
          [](const Constraint& self, py::array w) {
            holds<float>(w) ? hold<float>(w, self) : hold<double>(w, self);
          },
          py::arg("w"));
}

}  // namespace mundur

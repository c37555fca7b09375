#include "mundur/runtime.h"

#include <atomic>
#include <deque>

#include "bindings/bindings.h"
#include "cpu/kernels/table.h"
#include "cpu/parallel/pace.h"

namespace mundur {
namespace {

std::vector<std::string> names_of(const std::vector<Isa>& isas) {
  std::vector<std::string> names;
  for (Isa isa : isas) names.emplace_back(name_of(isa));
  return names;
}

template <class T>
py::array elementary(int function, const py::array& x) {
  const FloatEnvironment environment;
  py::array_t<T> y = new_array<T>({x.shape(), x.shape() + x.ndim()});
  kernels<T>().elementary(y.mutable_data(), data_of<T>(x, "x", -1), x.size(), function);
  return y;
}

#if defined(NDEBUG)
std::atomic<bool> is_poisoning{false};
#else
std::atomic<bool> is_poisoning{true};
#endif

/// Python's arithmetic between __enter__ and __exit__ rounds as the core's does. One object serves
/// all: what a thread had set lies in that thread.
class ToNearest {
 public:
  void enter() { held_.emplace_back(); }
  void exit() {
    if (!held_.empty()) held_.pop_back();
  }

 private:
  static inline thread_local std::deque<FloatEnvironment> held_;
};

}  // namespace

void set_poison(bool poisons) { is_poisoning.store(poisons, std::memory_order_relaxed); }
bool poisons() { return is_poisoning.load(std::memory_order_relaxed); }

void bind_runtime(py::module_& m) {
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("n"));
  m.def("limit_threads", &limit_threads, py::arg("most"));
  m.def("chosen_num_threads", &chosen_num_threads);
  m.def("adaptive", &adaptive);
  m.def("set_adaptive", &set_adaptive, py::arg("adaptive"));
  m.def("set_poison", &set_poison, py::arg("poisons"));
  m.def(
      "new_array",
      [](const std::vector<py::ssize_t>& shape, const std::string& dtype) -> py::array {
        if (dtype == "float64") return new_array<double>(shape);
        return new_array<float>(shape);
      },
      py::arg("shape"), py::arg("dtype"));
  py::class_<ToNearest>(m, "ToNearest")
      .def("__enter__", &ToNearest::enter)
      .def("__exit__", [](ToNearest& self, const py::object&, const py::object&,
                          const py::object&) { self.exit(); });
  m.attr("to_nearest") = ToNearest{};
  m.def("available_threads", &available_threads);
  m.def("available_memory", &available_memory);
  m.def("allocation_count", &allocation_count);
  m.def("current_isa", [] { return std::string(name_of(current_isa())); });
  m.def("set_isa", [](const std::string& name) { set_isa(isa_from_name(name)); }, py::arg("name"));
  m.def("available_isas", [] { return names_of(available_isas()); });
  m.def("build_info", [] {
    const BuildInfo info = build_info();
    py::dict all;
    all["version"] = info.version;
    all["compiler"] = info.compiler;
    all["openmp"] = info.openmp;
    all["isas_built"] = info.isas_built;
    std::vector<std::string> fast;
    for (Compute compute : fast_computes()) fast.emplace_back(name_of(compute));
    all["fast_compute_dtypes"] = fast;
    return all;
  });
  m.def(
      "elementary",
      [](const std::string& function, const py::array& x) {
        constexpr std::string_view kNames[] = {"exp", "log", "tanh", "sigmoid", "erf"};
        for (int i = 0; i < 5; ++i) {
          if (function != kNames[i]) continue;
          return holds<float>(x) ? elementary<float>(i, x) : elementary<double>(i, x);
        }
        throw py::value_error("function: expected exp, log, tanh, sigmoid or erf, got '" +
                              function + "'");
      },
      py::arg("function"), py::arg("x"));
}

}  // namespace mundur

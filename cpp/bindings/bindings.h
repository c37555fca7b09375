#pragma once

// pybind11: convert, release the GIL, call. A binding says nothing new.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>

#include "bindings/gil.h"
#include "cpu/parallel/float_environment.h"
#include "mundur/data.h"
#include "mundur/network.h"
#include "mundur/optimizers.h"

namespace mundur {

void bind_runtime(py::module_& m);
void bind_random(py::module_& m);
void bind_penalties(py::module_& m);
void bind_layers(py::module_& m);
void bind_losses(py::module_& m);
void bind_optimizers(py::module_& m);
void bind_devices(py::module_& m);
void bind_network(py::module_& m);
void bind_training(py::module_& m);

/// The network of either element type, as Python sees it.
struct AnyNetwork {
  std::variant<std::unique_ptr<Network<float>>, std::unique_ptr<Network<double>>> of;

  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit([&](const auto& network) -> decltype(auto) { return visitor(*network); }, of);
  }
};

/// The mutexes that this thread's native work holds, the innermost first: a function of the user's
/// that the work calls, such as a loss, may call back.
class Working {
 public:
  explicit Working(const void* mutex) : mutex_(mutex), outer_(innermost_) { innermost_ = this; }
  ~Working() { innermost_ = outer_; }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;
  static bool on(const void* mutex) {
    const Working* at = innermost_;
    while (at && at->mutex_ != mutex) at = at->outer_;
    return at != nullptr;
  }

 private:
  const void* mutex_;
  const Working* outer_;
  static inline thread_local const Working* innermost_ = nullptr;
};

/// The lock of a network. Model has a lock of its own and waits; what comes here while another
/// thread works is a mistake.
template <class T>
std::unique_lock<Lock> lock_of(Network<T>& network) {
  if (Working::on(&network.mutex())) {
    throw std::runtime_error(
        "a function that a model calls, such as a loss written in Python, cannot use that model: "
        "it is at work; take a copy (copy.deepcopy)");
  }
  std::unique_lock lock(network.mutex(), std::try_to_lock);
  if (!lock) throw std::runtime_error("the network is in use in another thread");
  return lock;
}

/// Native work on a network, without the GIL.
template <class T, class Work>
decltype(auto) alone(Network<T>& network, Work&& work) {
  const std::unique_lock<Lock> lock = lock_of(network);
  const Working working(&network.mutex());
  WithoutGil release;
  const FloatEnvironment environment;
  return work();
}

/// An optimizer's lock. Where another thread trains with it, it is waited for without the GIL:
/// whoever holds it may need that next.
class Held {
 public:
  explicit Held(Optimizer& optimizer) : lock_(optimizer.mutex(), std::try_to_lock) {
    if (lock_) return;
    WithoutGil release;
    lock_.lock();
  }

 private:
  std::unique_lock<Lock> lock_;
  FloatEnvironment environment_;
};

template <class Work>
decltype(auto) alone(Optimizer& optimizer, Work&& work) {
  const Held held(optimizer);
  return work();
}

template <class T>
const char* dtype_name() {
  return sizeof(T) == sizeof(double) ? "float64" : "float32";
}

template <class T>
struct ElementOf;
template <class T>
struct ElementOf<Network<T>> {
  using type = T;
};
/// The element type of a network that a generic lambda got.
template <class N>
using element_of = typename ElementOf<std::remove_cv_t<std::remove_reference_t<N>>>::type;

/// The samples of an array; throws TypeError for an element type that holds no real numbers.
ArrayView view_of(const py::array& array, const char* argument);

/// What Python gives for each input or output: one array, or a tuple of as many as there are, in
/// which None may stand for one that is not there.
using Arrays = std::vector<std::optional<py::array>>;
Arrays arrays_of(const py::object& given, const char* argument);
/// The samples of each; throws TypeError where one is not there.
std::vector<ArrayView> views_of(const Arrays& arrays, const char* argument);
/// visit(array) for one array, or each of a tuple: the short way in for single predictions.
template <class Visitor>
void each_array(const py::object& given, const char* argument, Visitor visit) {
  if (py::isinstance<py::array>(given)) return visit(py::reinterpret_borrow<py::array>(given));
  if (!py::isinstance<py::tuple>(given)) {
    throw py::type_error(std::string(argument) + ": expected an array, or a tuple of arrays");
  }
  for (const py::handle one : given) {
    if (!py::isinstance<py::array>(one)) {
      throw py::type_error(std::string(argument) + ": expected an array, or a tuple of arrays");
    }
    visit(py::reinterpret_borrow<py::array>(one));
  }
}
std::vector<ArrayView> views_of(const py::object& given, const char* argument);
/// ... and back: one array, or a tuple.
py::object given_as(const std::vector<py::array>& arrays);

/// A C-contiguous array of T in `array` (ndim < 0: any); throws TypeError or ValueError naming the
/// argument.
template <class T>
const T* data_of(const py::array& array, const char* argument, py::ssize_t ndim) {
  if (!py::isinstance<py::array_t<T>>(array) || !(array.flags() & py::array::c_style)) {
    throw py::type_error(std::string(argument) + ": expected a C-contiguous array of " +
                         std::string(py::str(py::dtype::of<T>())));
  }
  if (ndim >= 0 && array.ndim() != ndim) {
    throw py::value_error(std::string(argument) + ": expected " + std::to_string(ndim) +
                          " dimensions, got " + std::to_string(array.ndim()));
  }
  return static_cast<const T*>(array.data());
}

template <class T>
T* writable_data_of(py::array& array, const char* argument, py::ssize_t ndim) {
  data_of<T>(array, argument, ndim);
  if (!array.writeable()) throw py::value_error(std::string(argument) + ": is read-only");
  return static_cast<T*>(array.mutable_data());
}

/// A new array for native code to fill. Where builds for debugging and tests poison, it holds NaN
/// at first, so that what stays unfilled shows.
void set_poison(bool poisons);
bool poisons();
template <class T>
py::array_t<T> new_array(const std::vector<py::ssize_t>& shape) {
  py::array_t<T> array(shape);
  if (poisons()) {
    std::fill_n(array.mutable_data(), array.size(), std::numeric_limits<T>::quiet_NaN());
  }
  return array;
}

/// A copy for Python. NumPy itself would give the GIL up while it copies.
template <class T>
py::array_t<T> copy_of(const T* values, const Shape& shape) {
  py::array_t<T> copy(shape);
  std::copy_n(values, copy.size(), copy.mutable_data());
  return copy;
}

inline py::tuple tuple_of(const Shape& shape) { return py::tuple(py::cast(shape)); }

inline Shape with_batch(std::int64_t batch, const Shape& sample) {
  Shape shape = {batch};
  shape.insert(shape.end(), sample.begin(), sample.end());
  return shape;
}

template <class T>
bool holds(const py::array& array) {
  return py::isinstance<py::array_t<T>>(array);
}

}  // namespace mundur

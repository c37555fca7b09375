#include "bindings/bindings.h"

namespace mundur {
namespace {

ElementType element_type(const py::array& array, const char* argument) {
  const py::dtype dtype = array.dtype();
  const auto bytes = dtype.itemsize();
  const char order = dtype.byteorder();
  const bool native = order == '=' || order == '|';
  const auto by_size = [&](ElementType first) {  // the enum goes signed, unsigned, by size
    const int step = bytes == 1 ? 0 : bytes == 2 ? 2 : bytes == 4 ? 4 : 6;
    return static_cast<ElementType>(static_cast<int>(first) + step);
  };
  if (native && bytes <= 8) {
    switch (dtype.kind()) {
      case 'b':
        return ElementType::boolean;
      case 'i':
        return by_size(ElementType::int8);
      case 'u':
        return by_size(ElementType::uint8);
      case 'f':
        return bytes == 2   ? ElementType::float16
               : bytes == 4 ? ElementType::float32
                            : ElementType::float64;
      default:
        break;
    }
  }
  throw py::type_error(std::string(argument) +
                       ": expected booleans, integers or floats of native byte order, got " +
                       std::string(py::str(dtype)));
}

}  // namespace

ArrayView view_of(const py::array& array, const char* argument) {
  if (array.ndim() < 1) {
    throw py::value_error(std::string(argument) +
                          ": expected at least one dimension, got a scalar");
  }
  ArrayView view;
  view.data = static_cast<const std::byte*>(array.data());
  view.type = element_type(array, argument);
  view.n = array.shape(0);
  view.stride = array.strides(0);
  std::int64_t block = bytes_of(view.type);
  view.contiguous = true;
  for (py::ssize_t axis = array.ndim(); axis-- > 1;) {
    view.contiguous &= array.shape(axis) == 1 || array.strides(axis) == block;
    block *= array.shape(axis);
  }
  for (py::ssize_t axis = 1; axis < array.ndim(); ++axis) {
    view.sample.push_back(array.shape(axis));
    view.strides.push_back(array.strides(axis));
  }
  return view;
}

Arrays arrays_of(const py::object& given, const char* argument) {
  if (!py::isinstance<py::tuple>(given)) {
    if (py::isinstance<py::array>(given)) return {py::reinterpret_borrow<py::array>(given)};
    throw py::type_error(std::string(argument) + ": expected an array, or a tuple of arrays");
  }
  Arrays all;
  for (const py::handle one : given) all.push_back(one.cast<std::optional<py::array>>());
  return all;
}

std::vector<ArrayView> views_of(const Arrays& arrays, const char* argument) {
  std::vector<ArrayView> views;
  for (const auto& array : arrays) {
    if (!array) throw py::type_error(std::string(argument) + ": expected an array for each input");
    views.push_back(view_of(*array, argument));
  }
  return views;
}

std::vector<ArrayView> views_of(const py::object& given, const char* argument) {
  std::vector<ArrayView> views;
  each_array(given, argument,
             [&](const py::array& array) { views.push_back(view_of(array, argument)); });
  return views;
}

py::object given_as(const std::vector<py::array>& arrays) {
  if (arrays.size() == 1) return arrays.front();
  return py::tuple(py::cast(arrays));
}

}  // namespace mundur

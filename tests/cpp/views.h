#pragma once

// A set's arrays, as native code sees NumPy's.

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "mundur/data.h"

namespace check {

/// n samples of such a shape, one behind the other in `values`.
template <class T>
mundur::ArrayView view(const std::vector<T>& values, std::int64_t n, mundur::Shape sample) {
  using mundur::ElementType;
  constexpr bool kReal = std::is_floating_point_v<T>;
  static_assert(kReal || std::is_same_v<T, std::int32_t>);
  mundur::ArrayView all;
  all.data = reinterpret_cast<const std::byte*>(values.data());
  all.type = !kReal           ? ElementType::int32
             : sizeof(T) == 4 ? ElementType::float32
                              : ElementType::float64;
  all.n = n;
  all.stride = static_cast<std::int64_t>(sizeof(T)) * mundur::size_of(sample);
  all.strides.resize(sample.size());
  std::int64_t stride = sizeof(T);
  for (std::size_t axis = sample.size(); axis-- > 0; stride *= sample[axis]) {
    all.strides[axis] = stride;
  }
  all.sample = std::move(sample);
  all.contiguous = true;
  return all;
}

}  // namespace check

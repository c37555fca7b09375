#pragma once

// Launches, from the arguments of launches.h.

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "cuda/launches.h"

namespace mundur::cuda {

template <class T, class Arguments>
Launch launch_of(const Arguments& arguments, std::int64_t blocks, int threads,
                 std::int64_t shared) {
  static_assert(std::is_trivially_copyable_v<Arguments>);
  Launch one;
  one.kernel = static_cast<std::int32_t>(Arguments::kKernel);
  one.is_double = sizeof(T) == sizeof(double);
  one.blocks = blocks;
  one.threads = threads;
  one.shared = static_cast<std::int32_t>(shared);
  std::memcpy(one.arguments, &arguments, sizeof arguments);
  return one;
}
/// Threads for n > 0 elements, rows or columns.
template <class T, class Arguments>
Launch launch_of(const Arguments& arguments, std::int64_t n) {
  constexpr std::int64_t kThreads = 128, kMostBlocks = 1 << 15;
  return launch_of<T>(arguments, std::min((n + kThreads - 1) / kThreads, kMostBlocks), kThreads, 0);
}

}  // namespace mundur::cuda

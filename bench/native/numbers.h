#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace mundur_bench {

template <class T>
constexpr const char* type_name() {
  return sizeof(T) == 4 ? "float32" : "float64";
}

struct Free {
  void operator()(void* p) const { std::free(p); }
};
template <class T>
using Numbers = std::unique_ptr<T[], Free>;

/// n elements at a cache line's start, in [-1, 1).
template <class T>
Numbers<T> numbers(std::int64_t n) {
  const std::size_t bytes = (static_cast<std::size_t>(n) * sizeof(T) / 64 + 1) * 64;
  Numbers<T> x(static_cast<T*>(std::aligned_alloc(64, bytes)));
  std::uint64_t state = 1;
  for (std::int64_t i = 0; i < n; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    x[static_cast<std::size_t>(i)] =
        static_cast<T>(static_cast<double>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31);
  }
  return x;
}

}  // namespace mundur_bench

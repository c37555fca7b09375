#pragma once

// Where layers that hold layers place what these keep: in whole cache lines of their own `extra`.

#include "mundur/memory.h"

namespace mundur {

inline constexpr const char* kWorkspace = "the workspace of one batch";

inline std::int64_t whole_lines(std::int64_t bytes) {
  constexpr std::int64_t kLine = 64;
  return checked_sum(bytes, kLine - 1, kWorkspace) / kLine * kLine;
}

/// Of `batch` samples of so many elements.
template <class T>
std::int64_t bytes_of(std::int64_t batch, std::int64_t size) {
  return whole_lines(checked_product(checked_product(batch, size, kWorkspace),
                                     static_cast<std::int64_t>(sizeof(T)), kWorkspace));
}

}  // namespace mundur

#include "mundur/memory.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "mundur/runtime.h"

namespace mundur {
namespace {

std::atomic<std::int64_t> allocations{0};

[[noreturn]] void refuse(const char* what, const std::string& need) {
  constexpr double kMegabyte = 1e6;
  const auto available = static_cast<double>(available_memory()) / kMegabyte;
  throw OutOfMemory(std::string(what) + " needs " + need + " of memory, but this process can get " +
                    std::to_string(static_cast<std::int64_t>(available)) + " MB");
}

}  // namespace

void require_memory(std::int64_t bytes, const char* what) {
  // Asking the system costs a file read; small blocks are granted without it.
  constexpr std::int64_t kSmall = 16 << 20;
  if (bytes >= 0 && bytes <= kSmall) return;
  if (bytes < 0) refuse(what, "more than 2^63 bytes");
  if (bytes > available_memory()) refuse(what, std::to_string(bytes / 1'000'000) + " MB");
}

Buffer::Buffer(std::int64_t bytes, const char* what, Fill fill) {
  if (bytes == 0) return;
  require_memory(bytes, what);
  // A matrix is walked along its columns: on pages of 4 KB each step of a panel would need an
  // entry of the TLB of its own.
  constexpr std::size_t kHugePage = 2 << 20;
  const auto wanted = static_cast<std::size_t>(bytes);
  const bool is_large = wanted >= kHugePage / 2;
  const std::size_t grain = is_large ? kHugePage : std::size_t{kLine};
  const std::size_t rounded = (wanted + grain - 1) / grain * grain;
  data_ = std::aligned_alloc(grain, rounded);
  if (!data_) throw OutOfMemory(std::string(what) + ": out of memory");
#if defined(MADV_HUGEPAGE)
  if (is_large) madvise(data_, rounded, MADV_HUGEPAGE);  // refused: small pages do as well
#endif
  if (fill == Fill::zero) std::memset(data_, 0, rounded);
  bytes_ = bytes;
  allocations.fetch_add(1, std::memory_order_relaxed);
}

Buffer::~Buffer() { std::free(data_); }

std::int64_t checked_product(std::int64_t a, std::int64_t b, const char* what) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) refuse(what, "more than 2^63 bytes");
  return result;
}

std::int64_t checked_sum(std::int64_t a, std::int64_t b, const char* what) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) refuse(what, "more than 2^63 bytes");
  return result;
}

std::int64_t checked_size(const Shape& shape, const char* what) {
  std::int64_t size = 1;
  for (std::int64_t extent : shape) size = checked_product(size, extent, what);
  return size;
}

std::int64_t whole_lines(std::int64_t bytes, const char* what) {
  return checked_sum(bytes, kLine - 1, what) / kLine * kLine;
}

std::int64_t allocation_count() { return allocations.load(std::memory_order_relaxed); }

}  // namespace mundur

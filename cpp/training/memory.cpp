#include "mundur/memory.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
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

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = 2 << 20;
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kLarge = SIZE_MAX;  // the sanitizer guards what malloc gave
#else
constexpr std::size_t kLarge = kHugePage / 2;
#endif

constexpr std::size_t rounded_up(std::size_t n, std::size_t grain) {
  return (n + grain - 1) / grain * grain;
}

/// From the system, whose pages are zero, and lie near the worker that touches them first.
/// A matrix is walked along its columns: on pages of 4 KB each step of a panel would need an entry
/// of the TLB of its own.
void* map_large(std::size_t bytes) {
  // One page more, of which the ends are given back: it must begin with a large one.
  const std::size_t whole = bytes + kHugePage;
  void* const map =
      mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(map);
  const std::size_t place = reinterpret_cast<std::uintptr_t>(map);
  const std::size_t front = rounded_up(place, kHugePage) - place;
  if (front > 0) munmap(begin, front);
  munmap(begin + front + bytes, kHugePage - front);
#if defined(MADV_HUGEPAGE)
  madvise(begin + front, bytes, MADV_HUGEPAGE);  // refused: small pages do as well
#endif
  return begin + front;
}

}  // namespace

void require_memory(std::int64_t bytes, const char* what) {
  // Asking the system costs a file read; small blocks are granted without it.
  constexpr std::int64_t kSmall = 16 << 20;
  if (bytes >= 0 && bytes <= kSmall) return;
  if (bytes < 0) refuse(what, "more than 2^63 bytes");
  if (bytes > available_memory()) refuse(what, std::to_string(bytes / 1'000'000) + " MB");
}

Buffer::Buffer(std::int64_t bytes, const char* what) {
  if (bytes == 0) return;
  require_memory(bytes, what);
  const auto wanted = static_cast<std::size_t>(bytes);
  if (wanted >= kLarge) mapped_ = rounded_up(wanted, kHugePage);
  const std::size_t rounded = rounded_up(wanted, kLine);
  data_ = mapped_ > 0 ? map_large(mapped_) : std::aligned_alloc(kLine, rounded);
  if (!data_) throw OutOfMemory(std::string(what) + ": out of memory");
  if (mapped_ == 0) std::memset(data_, 0, rounded);
  bytes_ = bytes;
  allocations.fetch_add(1, std::memory_order_relaxed);
}

Buffer::~Buffer() {
  if (mapped_ > 0) {
    munmap(data_, mapped_);
  } else {
    std::free(data_);
  }
}

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

std::int64_t allocation_count() { return allocations.load(std::memory_order_relaxed); }

}  // namespace mundur

#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "mundur/types.h"

namespace mundur {

/// An allocation that this machine cannot grant, refused before the system kills the process for
/// it.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// Whether a block is zero at first, or left to who writes all of it before reading.
enum class Fill { zero, none };

/// Bytes of a line of the cache, on which every block begins and all that is planned within it.
inline constexpr std::int64_t kLine = 64;

/// A block that begins on a line. Throws OutOfMemory, naming `what` it was for.
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::int64_t bytes, const char* what, Fill fill = Fill::zero);
  ~Buffer();
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  template <class T>
  T* as() {
    return static_cast<T*>(data_);
  }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data_);
  }
  std::int64_t bytes() const { return bytes_; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }
  void* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

/// Throws OutOfMemory if `bytes` more for `what` exceed available_memory(); negative counts as too
/// many.
void require_memory(std::int64_t bytes, const char* what);

/// a·b and a+b of sizes; throw OutOfMemory where int64 cannot hold the result.
std::int64_t checked_product(std::int64_t a, std::int64_t b, const char* what);
std::int64_t checked_sum(std::int64_t a, std::int64_t b, const char* what);
std::int64_t checked_size(const Shape& shape, const char* what);
/// `bytes`, filled up to whole lines.
std::int64_t whole_lines(std::int64_t bytes, const char* what);

/// Blocks taken since the process started: a steady step takes none.
std::int64_t allocation_count();

}  // namespace mundur

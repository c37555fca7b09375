#pragma once

// What the native tests share: checks, repeatable numbers, buffers that notice a write beyond their
// end, and the loop over instruction sets.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "cpu/kernels/table.h"
#include "mundur/runtime.h"

namespace check {

inline int failures = 0;
inline std::string context;

inline void that(bool holds, const char* what, const char* file, int line) {
  if (holds) return;
  if (++failures > 20) return;
  std::fprintf(stderr, "%s:%d: %s [%s]\n", file, line, what, context.c_str());
}

/// FNV-1a over the bits of every result that same_everywhere saw, all NaNs alike.
inline std::uint64_t hash = 0xCBF29CE484222325u;
inline void add_to_hash(const void* bytes, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    hash = (hash ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001B3u;
  }
}

/// What main returns. A stored hash holds this machine to the bits of all others; whoever changes
/// what a kernel computes stores the new one.
inline int result(std::uint64_t stored_hash = 0) {
  if (stored_hash && hash != stored_hash) {
    ++failures;
    std::fprintf(stderr, "the bits of other machines: hash 0x%016llXu, stored 0x%016llXu\n",
                 static_cast<unsigned long long>(hash),
                 static_cast<unsigned long long>(stored_hash));
  }
  if (failures) std::fprintf(stderr, "%d checks failed\n", failures);
  return failures ? 1 : 0;
}

/// Sizes around every register's and every block's edge.
inline const std::vector<std::int64_t> kSizes = {
    0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 100, 127, 128, 129, 257};

/// SplitMix64: the same numbers on every machine.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(bits() >> 11) * 0x1p-53);
  }
  template <class T>
  std::vector<T> vector(std::int64_t n, double low, double high) {
    std::vector<T> x(static_cast<std::size_t>(n));
    for (T& v : x) v = static_cast<T>(uniform(low, high));
    return x;
  }

 private:
  std::uint64_t state_;
};

/// Equal to the bit; where NaNs are is promised, not which.
template <class T>
bool same_bits(T a, T b) {
  if (a != a || b != b) return a != a && b != b;
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same_bits(a[i], b[i])) return false;
  }
  return true;
}

/// An output of n elements and a fence behind it.
template <class T>
class Output {
 public:
  explicit Output(std::int64_t n) : data_(static_cast<std::size_t>(n) + kFence, T(77)) {}
  explicit Output(const std::vector<T>& x) : data_(x) { data_.resize(x.size() + kFence, T(77)); }
  T* data() { return data_.data(); }
  /// The elements, once the fence is seen to stand.
  std::vector<T> take() {
    for (std::size_t i = data_.size() - kFence; i < data_.size(); ++i) {
      that(data_[i] == T(77), "nothing written beyond the end", __FILE__, __LINE__);
    }
    return std::vector<T>(data_.begin(), data_.end() - kFence);
  }

 private:
  static constexpr std::ptrdiff_t kFence = 32;
  std::vector<T> data_;
};

/// Largest |a - b| as a share of the largest |b|.
template <class T>
double distance(const std::vector<T>& a, const std::vector<double>& b) {
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double apart = std::fabs(static_cast<double>(a[i]) - b[i]);
    if (!(apart <= worst)) worst = apart;
    if (std::fabs(b[i]) > largest) largest = std::fabs(b[i]);
  }
  return largest > 0 ? worst / largest : worst;
}

template <class T>
constexpr double kTolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;

/// run(kernels) for every instruction set: all must return the bits of the generic one, which are
/// returned.
template <class T, class Run>
auto same_everywhere(const std::string& what, Run run) {
  context = what + (sizeof(T) == 4 ? " float32" : " float64") + " generic";
  const auto expected = run(mundur::kernels<T>(mundur::Isa::generic));
  for (auto value : expected) {
    if (value != value) value = 0;
    add_to_hash(&value, sizeof value);
  }
  for (mundur::Isa isa : mundur::available_isas()) {
    context = what + (sizeof(T) == 4 ? " float32 " : " float64 ") + std::string(name_of(isa));
    that(same_bits(run(mundur::kernels<T>(isa)), expected), "the bits of the generic build",
         __FILE__, __LINE__);
  }
  return expected;
}

}  // namespace check

#define CHECK(condition) ::check::that((condition), #condition, __FILE__, __LINE__)

#pragma once

// What a program works on: values, which are planned before there is any memory behind them.

#include <cstdint>
#include <string>
#include <vector>

#include "mundur/types.h"

namespace mundur {

/// Rows of a sample: its axes but the last.
inline std::int64_t rows_of(const Shape& shape) {
  return shape.empty() || shape.back() == 0 ? 1 : size_of(shape) / shape.back();
}

/// Rows, columns and channels of a sample that is an image, or a sequence: an image of one row.
struct Image {
  std::int64_t rows, columns, channels;
};
inline Image image_of(const Shape& shape) {
  const std::size_t n = shape.size();
  return {n > 2 ? shape[n - 3] : 1, shape[n - 2], shape[n - 1]};
}

/// A value of a program, by its number there; none at first.
struct Value {
  std::int32_t index = -1;
  explicit operator bool() const { return index >= 0; }
  bool operator==(const Value&) const = default;
};

/// What a value's elements are: real numbers of the network's type, real numbers of another, ids
/// and places, flags; `panels`: real numbers of a matrix, in the order in which a provider's
/// products read them. Of bfloat16 each kind of products has its own: pairs; or rows, and for sums
/// over samples the operand on the left and that on the right.
enum class Element : std::uint8_t {
  real,
  bfloat16,
  bfloat16_left,
  bfloat16_right,
  bfloat16_pairs,
  float64,
  int32,
  byte,
  panels
};
constexpr bool is_bfloat16(Element element) {
  return element >= Element::bfloat16 && element <= Element::bfloat16_pairs;
}

/// Whose memory a value lies in: the program's own, planned by lifetime; or flat vectors that
/// outlive it, of the network and (sums of gradients) of the optimizer.
enum class Role : std::uint8_t { planned, parameter, gradient, state, sum };
inline constexpr int kRoles = 5;
/// Arrays in a flat vector begin at multiples of so many elements, on lines of memory, so that
/// workers that share them out never share a line.
inline constexpr std::int64_t kPlaceGrain = 16;
inline std::int64_t place_behind(std::int64_t end) {
  return (end + kPlaceGrain - 1) / kPlaceGrain * kPlaceGrain;
}

struct ValueInfo {
  std::string name;          // "dense_1/z"; for people
  Shape shape;               // of one sample
  std::int64_t samples = 1;  // so many of them for each sample of a batch; 0: it is there once
  Element element = Element::real;
  Role role = Role::planned;
  std::int64_t place = 0;  // the first element in its flat vector
  Value mask;              // which of its time steps are there: bytes, 1 or 0; may be none
  Value of;                // it is the memory of this value in another shape; may be none

  std::int64_t size() const { return size_of(shape); }
};

}  // namespace mundur

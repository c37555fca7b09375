#pragma once

// How products cut their extents into pieces.

#include "cpu/kernels/isa/vec.h"

namespace mundur::MUNDUR_ISA {
namespace {

constexpr MUNDUR_INLINE i64 least(i64 a, i64 b) { return a < b ? a : b; }
constexpr MUNDUR_INLINE i64 divided_up(i64 a, i64 b) { return (a + b - 1) / b; }

/// The next piece of n where pieces are at most `most`: full ones, but the last two alike, since a
/// thin piece would leave the units waiting.
MUNDUR_INLINE i64 next_piece(i64 n, i64 most) {
  if (n <= most) return n;
  return n >= 2 * most ? most : (n + 1) / 2;
}

/// n shared out evenly over the fewest pieces of at most `most`, all but the last multiples of
/// `grain`.
MUNDUR_INLINE i64 even_piece(i64 n, i64 most, i64 grain) {
  if (n <= most) return n;
  most = most / grain * grain;
  return divided_up(divided_up(n, divided_up(n, most)), grain) * grain;
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

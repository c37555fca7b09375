#pragma once

// Windows that slide over the time steps of a sample, or over its rows and columns: which of them
// each window sees.

#include <algorithm>
#include <cstdint>

#include "mundur/layers.h"
#include "mundur/types.h"

namespace mundur {

/// Step t of the output sees the steps t·stride − before + k·dilation of the input, for those taps
/// k in [0, taps) whose step is there.
struct Windows {
  std::int64_t in = 0, out = 0;
  std::int64_t taps = 1, stride = 1, dilation = 1;
  std::int64_t before = 0;

  std::int64_t first(std::int64_t t) const { return t * stride - before; }

  Range taps_of(std::int64_t t) const {
    const std::int64_t begin = first(t) >= 0 ? 0 : up(-first(t), dilation);
    const std::int64_t end = in > first(t) ? std::min(taps, up(in - first(t), dilation)) : 0;
    return {std::min(begin, end), end};
  }

  /// The steps that see with all taps.
  Range whole() const {
    const std::int64_t last = in - 1 + before - (taps - 1) * dilation;
    const std::int64_t end = last < 0 ? 0 : std::min(out, last / stride + 1);
    return {std::min(before > 0 ? up(before, stride) : 0, end), end};
  }

  /// The steps that see with this tap.
  Range steps_of(std::int64_t tap) const {
    const std::int64_t at = tap * dilation - before;  // of step 0
    const std::int64_t begin = at < 0 ? up(-at, stride) : 0;
    const std::int64_t end = in > at ? std::min(out, up(in - at, stride)) : 0;
    return {std::min(begin, end), end};
  }

  static std::int64_t up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
};

/// Windows on images: a window of the rows and one of the columns see together what lies in both.
struct Windows2D {
  Windows rows, columns;

  std::int64_t taps() const { return rows.taps * columns.taps; }
  std::int64_t out() const { return rows.out * columns.out; }
  std::int64_t in() const { return rows.in * columns.in; }
};

/// The windows of a layer on samples of `in` steps, with Keras's padding; throws
/// std::invalid_argument where the steps are fewer than a window needs.
Windows windows_of(std::int64_t in, std::int64_t taps, std::int64_t stride, std::int64_t dilation,
                   Padding padding);

}  // namespace mundur

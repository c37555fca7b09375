#pragma once

// Windows that slide over the time steps of a sample: which steps each of them sees.

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include "mundur/layers.h"
#include "parallel/team.h"

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
    return {std::min(up(before, stride), end), end};
  }

  static std::int64_t up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
};

/// The windows of a layer on samples of `in` steps, with Keras's padding; throws
/// std::invalid_argument where the steps are fewer than a window needs.
inline Windows windows_of(std::int64_t in, std::int64_t taps, std::int64_t stride,
                          std::int64_t dilation, Padding padding) {
  // What is larger could not be counted together.
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const auto require = [](const std::string& name, std::int64_t value) {
    if (value >= 1 && value <= kMost) return;
    throw std::invalid_argument(name + ": expected 1 to " + std::to_string(kMost) + ", got " +
                                std::to_string(value));
  };
  require("window", taps);
  require("strides", stride);
  require("dilation_rate", dilation);
  Windows windows{in, 0, taps, stride, dilation, 0};
  const std::int64_t extent = (taps - 1) * dilation + 1;
  require("the steps from a window's first tap to its last", extent);
  if (padding == Padding::valid) {
    if (in < extent) {
      throw std::invalid_argument("a window of " + std::to_string(extent) +
                                  " steps does not fit into samples of " + std::to_string(in));
    }
    windows.out = (in - extent) / stride + 1;
  } else {
    windows.out = Windows::up(in, stride);
    const std::int64_t same = std::max<std::int64_t>((windows.out - 1) * stride + extent - in, 0);
    windows.before = padding == Padding::causal ? extent - 1 : same / 2;
  }
  return windows;
}

/// Samples and steps of one worker.
struct Part {
  Range samples, steps;
  bool empty() const { return samples.empty() || steps.empty(); }
};

/// Samples where each worker gets about as many, else steps.
template <class T>
Part part_of(const Pass<T>& pass, std::int64_t steps) {
  constexpr std::int64_t kTileRows = 8;
  const std::int64_t count = pass.worker.count();
  if (pass.batch % count == 0 || pass.batch >= 4 * count || steps < count * kTileRows) {
    return {share(pass.batch, 1, pass.worker), {0, steps}};
  }
  return {{0, pass.batch}, share(steps, kTileRows, pass.worker)};
}

/// Samples of [B, T, C]: throws std::invalid_argument for another rank.
inline void require_steps(const Shape& input, const char* layer) {
  if (input.size() == 2) return;
  throw std::invalid_argument(std::string(layer) + " needs samples of shape (steps, channels)");
}

}  // namespace mundur

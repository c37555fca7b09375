#pragma once

// Convolutions of many groups that have few channels and few filters each: products of them would
// leave most lanes of a register empty, so that lanes run over the filters of all groups.

#include <algorithm>
#include <numeric>

#include "cpu/kernels/shards.h"
#include "cpu/kernels/table.h"
#include "program/windows.h"

namespace mundur {

/// Channels and filters of a convolution.
struct Grouped {
  std::int64_t groups, channels, filters;  // of each group

  std::int64_t all_channels() const { return groups * channels; }
  std::int64_t all_filters() const { return groups * filters; }
  bool by_lanes() const {
    constexpr std::int64_t kMost = 8;
    return groups > 1 && channels <= kMost && filters <= kMost;
  }
  /// Whether a filter's lane is its channel's, as it lies in x.
  bool is_even() const { return channels == 1 && filters == 1; }
};

/// Calls f(row, column, count) for windows that see with the same taps, side by side, in order.
template <class F>
void each_alike(const Windows2D& windows, Range places, F f) {
  const Windows& across = windows.columns;
  const Range whole = across.whole();
  for (std::int64_t place = places.begin; place < places.end;) {
    const std::int64_t t = place % across.out;
    const bool is_whole = t >= whole.begin && t < whole.end;
    const std::int64_t end = is_whole ? whole.end : t + 1;
    const std::int64_t count = std::min(end - t, places.end - place);
    f(place / across.out, t, count);
    place += count;
  }
}

/// What windows on a sample see of x: a lane for each filter, which sees its group's channels one
/// behind the other.
template <class T>
class LanesSeen {
 public:
  LanesSeen(const T* x, const Windows2D& windows, const Grouped& sizes, Range lanes)
      : x_(x), windows_(windows), sizes_(sizes), lanes_(lanes) {
    ld_ = sizes.is_even() ? sizes.all_channels() : lanes.size();
    line_ = windows.columns.in * ld_;
  }

  /// Elements from a pixel to the next.
  std::int64_t ld() const { return ld_; }
  /// So many places are looked at together.
  static std::int64_t places(const Windows2D& windows, const Grouped& sizes) {
    constexpr std::int64_t kElements = 1 << 15, kLeast = 4;
    if (sizes.is_even()) return std::max<std::int64_t>(windows.out(), 1);
    const std::int64_t row =
        windows.rows.stride * windows.columns.in * sizes.channels * sizes.all_filters();
    const std::int64_t rows = std::max(kLeast, kElements / std::max<std::int64_t>(row, 1));
    return std::min(rows, windows.rows.out) * windows.columns.out;
  }
  /// What places of so many need in scratch.
  static std::int64_t scratch(const Windows2D& windows, const Grouped& sizes, std::int64_t places) {
    if (sizes.is_even()) return 0;
    const Windows& down = windows.rows;
    // They may begin and end within rows.
    const std::int64_t rows = std::min(places / windows.columns.out + 2, down.out);
    const std::int64_t lines =
        std::min(down.in, (rows - 1) * down.stride + (down.taps - 1) * down.dilation + 1);
    return lines * windows.columns.in * sizes.channels * sizes.all_filters();
  }

  /// Looks at these places of a sample; `scratch` stays theirs.
  void look(std::int64_t sample, Range places, T* scratch) {
    const Windows &down = windows_.rows, &across = windows_.columns;
    const T* const image = x_ + sample * down.in * across.in * sizes_.all_channels();
    first_ = 0;
    plane_ = 0;
    seen_ = image + lanes_.begin;
    if (sizes_.is_even()) return;
    const std::int64_t top = places.begin / across.out, bottom = (places.end - 1) / across.out;
    first_ = std::clamp<std::int64_t>(down.first(top), 0, down.in);
    const std::int64_t end = std::clamp<std::int64_t>(
        down.first(bottom) + (down.taps - 1) * down.dilation + 1, first_, down.in);
    plane_ = (end - first_) * line_;
    seen_ = scratch;
    for (std::int64_t c = 0; c < sizes_.channels; ++c) {
      T* to = scratch + c * plane_;
      const T* from = image + first_ * across.in * sizes_.all_channels() + c;
      for (std::int64_t pixel = first_ * across.in; pixel < end * across.in; ++pixel) {
        std::int64_t group = lanes_.begin / sizes_.filters, left = lanes_.begin % sizes_.filters;
        left = sizes_.filters - left;
        for (std::int64_t lane = 0; lane < lanes_.size(); ++lane) {
          to[lane] = from[group * sizes_.channels];
          if (--left > 0) continue;
          left = sizes_.filters;
          ++group;
        }
        to += lanes_.size();
        from += sizes_.all_channels();
      }
    }
  }
  /// Of those, windows side by side, and where they begin to see; `ldw` is the distance of w's
  /// rows.
  LaneWindows windows(std::int64_t row, std::int64_t column, std::int64_t count, std::int64_t ldw,
                      const T*& from, std::int64_t& tap) const {
    const Windows &down = windows_.rows, &across = windows_.columns;
    const Range above = down.taps_of(row), beside = across.taps_of(column);
    const std::int64_t per_tap = sizes_.channels * ldw;
    LaneWindows run;
    run.count = count;
    run.step = across.stride * ld_;
    run.down = {above.size(), down.dilation * line_, across.taps * per_tap};
    run.across = {beside.size(), across.dilation * ld_, per_tap};
    run.in = {sizes_.channels, plane_, ldw};
    tap = above.begin * run.down.to + beside.begin * run.across.to;
    if (above.empty() || beside.empty()) {
      run.down.count = 0;  // it sees nothing
      from = seen_;
      tap = 0;
    } else {
      const std::int64_t line = down.first(row) + above.begin * down.dilation - first_;
      const std::int64_t pixel = across.first(column) + beside.begin * across.dilation;
      from = seen_ + line * line_ + pixel * ld_;
    }
    return run;
  }

 private:
  const T* x_;
  Windows2D windows_;
  Grouped sizes_;
  Range lanes_;
  const T* seen_ = nullptr;
  std::int64_t ld_, line_, plane_ = 0, first_ = 0;
};

/// Of a few channels a register holds several windows, side by side: so many of them make whole
/// registers of the widest kind. `even`: as pixels do, so do the windows lie, in x and in y.
inline std::int64_t windows_together(const Grouped& sizes, bool even) {
  constexpr std::int64_t kLanes = 16, kEnough = 64;
  const std::int64_t O = sizes.all_filters();
  return even && O < kEnough ? kLanes / std::gcd(O, kLanes) : 1;
}

/// Columns of dw that are summed up at once, so that they stay in the cache; and what their sums
/// need in scratch while they wait, over so many places.
inline std::int64_t lane_strip(std::int64_t rows, std::int64_t grain) {
  constexpr std::int64_t kElements = 1 << 15;
  return std::max(grain, kElements / rows / grain * grain);
}
inline std::int64_t lane_sums(std::int64_t rows, std::int64_t columns, std::int64_t places) {
  constexpr std::int64_t kWidest = 16;
  return ShardTree::most_slots(places) * rows *
         std::min(columns, std::max(kWidest, lane_strip(rows, 1)));
}

}  // namespace mundur

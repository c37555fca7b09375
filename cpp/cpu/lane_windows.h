#pragma once

// Convolutions that are no products. Of many groups that have few channels and few filters each,
// products would leave most lanes of a register empty, so that lanes run over the filters of all
// groups; of few filters of one group likewise, so that they run over pixels. Of few channels,
// gathering what windows see would cost more than multiplying it.

#include <algorithm>
#include <numeric>
#include <utility>

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

/// Calls f(some) for those of an axis that see with the same taps: all that see with every one, or
/// one.
template <class F>
void each_alike(const Windows& axis, Range of, F f) {
  const Range whole = axis.whole();
  for (std::int64_t at = of.begin; at < of.end;) {
    const bool is_whole = at >= whole.begin && at < whole.end;
    const std::int64_t end = is_whole ? std::min(whole.end, of.end) : at + 1;
    f(Range{at, end});
    at = end;
  }
}

/// Calls f(rows, columns) for the rectangles that places make up, in order.
template <class F>
void each_rectangle(Range places, std::int64_t across, F f) {
  for (std::int64_t place = places.begin; place < places.end;) {
    const std::int64_t row = place / across, column = place % across, left = places.end - place;
    const std::int64_t rows = column == 0 ? std::max<std::int64_t>(left / across, 1) : 1;
    const Range columns{column, std::min(across, column + left)};
    f(Range{row, row + rows}, columns);
    place += rows * columns.size();
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
  /// A window on those: what it sees, and where that and its part of w begin.
  struct Window {
    LaneWindows taps;
    const T* from;
    std::int64_t of_w;
  };
  /// `ldw` is the distance of w's rows.
  Window window(std::int64_t row, std::int64_t column, std::int64_t ldw) const {
    const Windows &down = windows_.rows, &across = windows_.columns;
    const Range above = down.taps_of(row), beside = across.taps_of(column);
    const std::int64_t per_tap = sizes_.channels * ldw;
    LaneWindows taps;
    taps.down = {above.size(), down.dilation * line_, across.taps * per_tap};
    taps.across = {beside.size(), across.dilation * ld_, per_tap};
    taps.in = {sizes_.channels, plane_, ldw};
    if (sizes_.channels == 1) std::swap(taps.across, taps.in);  // the innermost loop is long
    if (above.empty() || beside.empty()) {
      taps.down.count = 0;  // it sees nothing
      return {taps, seen_, 0};
    }
    const std::int64_t line = down.first(row) + above.begin * down.dilation - first_;
    const std::int64_t pixel = across.first(column) + beside.begin * across.dilation;
    return {taps, seen_ + line * line_ + pixel * ld_,
            above.begin * taps.down.to + beside.begin * per_tap};
  }
  /// Elements from what a window sees to what the next one does, to the right, or below.
  std::int64_t right() const { return windows_.columns.stride * ld_; }
  std::int64_t below() const { return windows_.rows.stride * line_; }

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

/// Whether the lanes of a convolution are pixels: few filters of one group would leave most of a
/// register empty. A window of one pixel is a product as it stands.
inline bool by_pixels(const Grouped& sizes, const Windows2D& windows) {
  constexpr std::int64_t kPixels = 32;
  return sizes.groups == 1 && sizes.filters <= PixelWindows<float>::kMost && windows.taps() > 1 &&
         windows.rows.stride == 1 && windows.columns.stride == 1 && windows.out() >= kPixels;
}
/// Some rows of what such windows make, but for addresses.
template <class T>
PixelWindows<T> pixel_windows(const Grouped& sizes, const Windows2D& windows, Range rows) {
  const Windows &down = windows.rows, &across = windows.columns;
  PixelWindows<T> p;
  p.in_rows = down.in;
  p.in_columns = across.in;
  p.C = sizes.channels;
  p.above = down.before - rows.begin;
  p.before = across.before;
  p.rows = rows.size();
  p.columns = across.out;
  p.O = sizes.filters;
  p.down = {down.taps, down.dilation, 0};
  p.across = {across.taps, across.dilation, 0};
  return p;
}
/// Rows that are made at once, so that what they see stays in the cache.
inline std::int64_t pixel_rows(const Grouped& sizes, const Windows2D& windows) {
  constexpr std::int64_t kElements = 1 << 15, kLeast = 8;
  const std::int64_t row = (sizes.channels + sizes.filters) * windows.columns.out;
  return std::min(std::max(kLeast, kElements / row), windows.rows.out);
}

/// Whether the lanes of a convolution are its filters, each of which sees all channels: of few,
/// what windows see is read where it lies, and not gathered first. A product's tiles are larger, so
/// that gathering pays where what is seen in a row of taps serves many filters; counted.
struct ByFilters {
  static bool pays(const Grouped& sizes, const Windows2D& windows) {
    return windows.taps() * sizes.channels <= LaneWindows::kMostTaps && pays(sizes, windows, 480);
  }
  static bool pays_for_dw(const Grouped& sizes, const Windows2D& windows) {
    return pays(sizes, windows, 320);
  }

 private:
  static bool pays(const Grouped& sizes, const Windows2D& windows, std::int64_t most) {
    constexpr std::int64_t kChannels = 8;
    return sizes.groups == 1 && sizes.channels <= kChannels && windows.taps() > 1 &&
           windows.columns.taps * sizes.channels * sizes.filters <= most;
  }
};
/// Images as their windows see them: where some see beyond, a copy with zeros around it.
template <class T>
class Framed {
 public:
  Framed(const T* x, const Windows2D& windows, std::int64_t channels)
      : x_(x), windows_(windows), channels_(channels) {
    const auto lies_within = [](const Windows& axis) { return axis.whole() == Range{0, axis.out}; };
    copies_ = !lies_within(windows.rows) || !lies_within(windows.columns);
    pixels_ = copies_ ? together(windows.columns, windows.columns.out) : windows.columns.in;
  }

  /// Rows of windows that are looked at together, so that what they see stays in the cache.
  static std::int64_t rows(const Windows2D& windows, std::int64_t channels) {
    constexpr std::int64_t kElements = 1 << 13, kLeast = 8;
    const std::int64_t line = together(windows.columns, windows.columns.out) * channels;
    return std::min(std::max(kLeast, kElements / (windows.rows.stride * line)), windows.rows.out);
  }
  /// Rows that so many places may lie in.
  static std::int64_t rows_of(const Windows2D& windows, std::int64_t places) {
    return std::min(places / windows.columns.out + 2, windows.rows.out);
  }
  /// What so many rows need in scratch.
  static std::int64_t scratch(const Windows2D& windows, std::int64_t channels, std::int64_t rows) {
    return together(windows.rows, rows) * together(windows.columns, windows.columns.out) * channels;
  }

  /// Where what these rows of windows see of a sample begins: in x, or in `scratch`.
  const T* look(std::int64_t sample, Range rows, T* scratch) const {
    const Windows &down = windows_.rows, &across = windows_.columns;
    const T* const image = x_ + sample * windows_.in() * channels_;
    const std::int64_t top = down.first(rows.begin), left = across.first(0);
    if (!copies_) return image + (top * across.in + left) * channels_;
    const std::int64_t lines = together(down, rows.size());
    std::fill_n(scratch, lines * line(), T{0});
    const std::int64_t begin = std::max<std::int64_t>(-left, 0),
                       end = std::min(pixels_, across.in - left);
    for (std::int64_t i = 0; i < lines && begin < end; ++i) {
      if (top + i < 0 || top + i >= down.in) continue;
      std::copy_n(image + ((top + i) * across.in + left + begin) * channels_,
                  (end - begin) * channels_, scratch + i * line() + begin * channels_);
    }
    return scratch;
  }
  /// These rows of windows and these columns of them; `ldw` is the distance of w's rows.
  LaneWindows windows(Range rows, Range columns, std::int64_t ldw) const {
    const Windows &down = windows_.rows, &across = windows_.columns;
    LaneWindows w;
    w.shared = true;
    w.rows = {rows.size(), below(), 0};
    w.count = columns.size();
    w.step = right();
    w.down = {down.taps, down.dilation * line(), across.taps * channels_ * ldw};
    w.across = {across.taps, across.dilation * channels_, channels_ * ldw};
    w.in = {channels_, 1, ldw};
    if (across.dilation == 1) {  // what they see of a line lies side by side
      w.across.count = 1;
      w.in.count = across.taps * channels_;
    }
    return w;
  }
  /// Elements from what a window sees to what the next one does, to the right, or below.
  std::int64_t right() const { return windows_.columns.stride * channels_; }
  std::int64_t below() const { return windows_.rows.stride * line(); }

 private:
  /// Pixels of an axis that so many windows see.
  static std::int64_t together(const Windows& axis, std::int64_t windows) {
    return (windows - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1;
  }
  std::int64_t line() const { return pixels_ * channels_; }

  const T* x_;
  Windows2D windows_;
  std::int64_t channels_, pixels_;
  bool copies_;
};

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

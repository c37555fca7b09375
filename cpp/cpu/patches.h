#pragma once

// What windows over images see, gathered a piece at a time, so that it is the rows of a product.

#include <algorithm>

#include "cpu/kernels/shards.h"
#include "cpu/kernels/table.h"
#include "program/extents.h"
#include "program/windows.h"

namespace mundur {

/// Of the matrix [places, taps·channels] of what all windows see; a place is a row and a column of
/// a sample's output.
template <class T>
class Patches {
 public:
  /// Of the channels [first, first + channels) of images x that have `all` of them.
  Patches(const T* x, const Windows2D& windows, std::int64_t all, std::int64_t first,
          std::int64_t channels)
      : x_(x + first), windows_(windows), all_(all), channels_(channels) {}

  std::int64_t columns() const { return windows_.taps() * channels_; }
  /// Whether its rows lie in x as they are.
  bool are_there() const {
    const auto sees_itself = [](const Windows& axis) {
      return axis.taps == 1 && axis.stride == 1 && axis.before == 0 && axis.in == axis.out;
    };
    return sees_itself(windows_.rows) && sees_itself(windows_.columns);
  }
  Matrix<const T> there(std::int64_t place) const { return {x_ + place * all_, all_}; }

  /// Some columns of the rows of these places, to to[place, column]; 0 beyond the image.
  void gather(const Kernels<T>& kernels, T* to, Range places, Range columns) const {
    const Windows& across = windows_.columns;
    const Range whole = across.whole();
    for (std::int64_t place = places.begin; place < places.end;) {
      const std::int64_t t = place % across.out, left = places.end - place;
      // Places of a row that see all columns of taps lie evenly.
      const bool is_whole = t >= whole.begin && t < whole.end;
      const std::int64_t count = is_whole ? std::min(left, whole.end - t) : 1;
      gather_run(kernels, to, place, count, columns);
      to += count * columns.size();
      place += count;
    }
  }

 private:
  /// Places of one row, which see with the same taps.
  void gather_run(const Kernels<T>& kernels, T* to, std::int64_t place, std::int64_t count,
                  Range columns) const {
    const Windows &down = windows_.rows, &across = windows_.columns;
    const std::int64_t n = place / windows_.out(), at = place % windows_.out();
    const std::int64_t r = at / across.out, t = at % across.out;
    const Range above = down.taps_of(r), beside = across.taps_of(t);
    if (above.size() < down.taps || beside.size() < across.taps)
      std::fill_n(to, count * columns.size(), T{0});
    const T* const from = x_ + ((n * down.in + down.first(r)) * across.in + across.first(t)) * all_;
    const std::int64_t row_of_taps = across.taps * channels_;
    const std::int64_t line = down.dilation * across.in * all_;
    Pieces pieces;
    pieces.rows = {count, across.stride * all_, columns.size()};
    pieces.down = {1, line, row_of_taps};
    for (std::int64_t j = columns.begin / row_of_taps; j * row_of_taps < columns.end;) {
      const std::int64_t first = j * row_of_taps;
      const Range part{std::max(columns.begin - first, std::int64_t{0}),
                       std::min(columns.end - first, row_of_taps)};
      const bool is_row = part.size() == row_of_taps;
      // Whole rows of taps go together.
      const std::int64_t rows = is_row ? (columns.end - first) / row_of_taps : 1;
      const Range there{std::max(j, above.begin), std::min(j + rows, above.end)};
      if (!there.empty()) {
        pieces.down.count = there.size();
        gather_taps(kernels, to + there.begin * row_of_taps - columns.begin,
                    from + there.begin * line, part, beside, pieces);
      }
      j += rows;
    }
  }

  /// A part of each of some rows of taps, of which these are there.
  void gather_taps(const Kernels<T>& kernels, T* to, const T* from, Range part, Range taps,
                   Pieces pieces) const {
    const std::int64_t apart = windows_.columns.dilation * all_;
    const Range there{std::max(part.begin, taps.begin * channels_),
                      std::min(part.end, taps.end * channels_)};
    if (there.empty()) return;
    if (apart == channels_) {  // they lie side by side
      pieces.size = there.size();
      return kernels.gather(to + there.begin, from + there.begin, pieces);
    }
    for (std::int64_t k = there.begin / channels_; k * channels_ < there.end;) {
      const Range own{std::max(there.begin, k * channels_),
                      std::min(there.end, (k + 1) * channels_)};
      const bool is_tap = own.size() == channels_;
      pieces.across = {is_tap ? (there.end - own.begin) / channels_ : 1, apart, channels_};
      pieces.size = own.size();
      kernels.gather(to + own.begin, from + k * apart + own.begin - k * channels_, pieces);
      k += pieces.across.count;
    }
  }

  const T* x_;
  Windows2D windows_;
  std::int64_t all_, channels_;
};

/// Calls round(row, rows, count) for pieces of some columns of the rows of these places, gathered
/// in `scratch` where they don't lie in x; rows are counted from the first place on.
template <class T, class Round>
void each_rounded(const Patches<T>& patches, const Kernels<T>& kernels, T* scratch, Range places,
                  Range columns, Round round) {
  for (std::int64_t place = places.begin; place < places.end; place += kTileDepth) {
    const Range some{place, std::min(place + kTileDepth, places.end)};
    Matrix<const T> rows{scratch, columns.size()};
    if (patches.are_there()) {
      rows = patches.there(place);
      rows.p += columns.begin;
    } else {
      patches.gather(kernels, scratch, some, columns);
    }
    round(place - places.begin, rows, some.size());
  }
}
/// What so many rows need in scratch: rounded, and in front of that gathered.
constexpr std::int64_t rounded_size(std::int64_t rows, std::int64_t columns) {
  return rows * bfloat16_stride(columns) / 2 + kTileDepth * columns;
}

/// Rows of patches that are gathered at once: what is read of them again stays in the cache.
inline std::int64_t patches_at_once(std::int64_t columns) {
  constexpr std::int64_t kElements = 1 << 15, kLeast = 32, kMost = 512, kRows = 8;
  return std::clamp(kElements / columns / kRows * kRows, kLeast, kMost);
}

/// A sum over the places of all samples, strip by strip: rows of dw that are made at once, so that
/// they stay in the cache.
struct PatchSums {
  std::int64_t rows, columns, slots;

  PatchSums(std::int64_t all_rows, std::int64_t some_columns, std::int64_t places,
            std::int64_t each)
      : rows(std::min(all_rows, std::max(kRows, kElements / some_columns / kRows * kRows))),
        columns(some_columns),
        slots(ShardTree(places, each).slots()) {}
  /// Elements of what is gathered, and of the sums that wait.
  std::int64_t gathered() const { return kShard * rows; }
  std::int64_t size() const { return rows * columns; }
  std::int64_t scratch() const { return gathered() + slots * size(); }
  /// The most rows, whatever part of a parameter is made, and what waits of it.
  static std::int64_t most_rows(std::int64_t all_rows) { return std::min(all_rows, kElements); }
  static std::int64_t most_waiting(std::int64_t all_columns, std::int64_t places) {
    return ShardTree::most_slots(places) * std::max(kElements, kRows * all_columns);
  }

 private:
  static constexpr std::int64_t kElements = 1 << 15, kRows = 8;
};

}  // namespace mundur

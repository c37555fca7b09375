// Convolutions: as products of what windows see, or element by element.

#include <algorithm>

#include "cpu/kernels/shards.h"
#include "cpu/lane_windows.h"
#include "cuda/resolver.h"

namespace mundur::cuda {
namespace {

using launches::Seen;

Seen::Axis seen_axis(const Windows& by) {
  return {by.in, by.out, by.taps, by.stride, by.dilation, by.before};
}
/// Of images x with C channels, all of whose windows are made.
Seen seen_of(const Windows2D& by, std::int64_t samples, std::int64_t C, std::int64_t groups) {
  const Windows &rows = by.rows, &columns = by.columns;
  const std::int64_t line = columns.in * C;
  Seen seen;
  seen.rows = seen_axis(rows);
  seen.columns = seen_axis(columns);
  seen.first = -rows.before * line - columns.before * C;
  seen.sample = rows.in * line;
  seen.below = rows.stride * line;
  seen.right = columns.stride * C;
  seen.down = rows.dilation * line;
  seen.across = columns.dilation * C;
  seen.channels = seen.group = C / groups;
  seen.places = samples * by.out();
  seen.made = seen.split = columns.out;
  seen.skipped = 0;
  return seen;
}
/// Of sequences of one row; `gathered`: of what GatherWindows made of them.
Seen seen_of(const Windows& by, std::int64_t samples, std::int64_t C, std::int64_t groups,
             bool gathered) {
  Seen seen = seen_of(Windows2D{{1, 1}, by}, samples, C, groups);
  if (!gathered) return seen;
  seen.first = 0;
  seen.right = by.taps * C;
  seen.sample = by.out * seen.right;
  seen.across = seen.channels;
  seen.group = by.taps * seen.channels;
  return seen;
}
/// Of the columns of places only those of a range are made, or all others.
Seen seen_within(Seen seen, Range columns, bool within) {
  const std::int64_t lines = seen.places / seen.made, all = seen.made;
  seen.made = within ? columns.size() : all - columns.size();
  seen.split = within ? 0 : columns.begin;
  seen.skipped = within ? columns.begin : columns.size();
  seen.places = lines * seen.made;
  return seen;
}
std::int64_t depth_of(const Seen& seen) {
  return seen.rows.taps * seen.columns.taps * seen.channels;
}

/// Products of so many rows and columns. Tiles are small where large ones would leave most of a GPU
/// idle.
struct Products {
  std::int64_t rows, columns, count;

  template <class Tile>
  std::int64_t tiles() const {
    constexpr std::int64_t kSide = Tile::kSide;
    return (rows + kSide - 1) / kSide * ((columns + kSide - 1) / kSide) * count;
  }
  template <class T, class Shape>
  void launch(Resolver<T>& r, const Shape& shape) const {
    using Tile = typename Shape::Tile;
    constexpr int kAcross = Tile::kSide / Tile::kOwn;
    r.launch(shape, tiles<Tile>(), kAcross * kAcross, launches::seen_bytes<Tile, T>());
  }
  template <class T, class Large, class Small>
  void launch(Resolver<T>& r, const Large& large, const Small& small) const {
    constexpr std::int64_t kEnough = 96;
    tiles<typename Large::Tile>() >= kEnough ? launch(r, large) : launch(r, small);
  }
};

template <class T>
void convolve_tiles(Resolver<T>& r, const launches::Convolve<T>& a) {
  const Products products{a.seen.places, a.filters, a.groups};
  products.launch(r, launches::LargeConvolve<T>{a}, launches::SmallConvolve<T>{a});
}
template <class T>
void convolve_each(Resolver<T>& r, const launches::Convolve<T>& a, bool lanes) {
  r.each(a.seen.places * a.groups * a.filters, launches::ConvolveEach<T>{a, lanes});
}

/// dw = the sum over samples of what the places say, `each` of them of a sample: shard by shard,
/// so many at once as keep a GPU busy.
template <class T>
void convolve_dw(Resolver<T>& r, T* dw, launches::ConvolveDw<T> a, std::int64_t each,
                 bool by_elements, bool leaves_out) {
  constexpr std::int64_t kMostSums = std::int64_t{1} << 20;
  const std::int64_t rows = depth_of(a.seen), n = rows * a.groups * a.filters;
  const ShardTree tree(a.seen.places, each);
  const bool joins = tree.shards() > 1;
  const std::int64_t most =
      std::clamp(kMostSums / std::max<std::int64_t>(n, 1), std::int64_t{1}, tree.shards());
  a.sums = joins ? r.template scratch<T>(most * n) : dw;
  T* const waiting = joins ? r.template scratch<T>(tree.slots() * n) : nullptr;
  for (a.shard = 0; a.shard < tree.shards(); a.shard += a.shards) {
    a.shards = std::min(most, tree.shards() - a.shard);
    if (by_elements) {
      r.each(a.shards * n, launches::ConvolveEachDw<T>{a});
    } else {
      const Products products{rows, a.filters, a.groups * a.shards};
      products.launch(r, launches::LargeConvolveDw<T>{a, leaves_out},
                      launches::SmallConvolveDw<T>{a, leaves_out});
    }
    if (!joins) return;
    r.each(n,
           launches::JoinShards<T>{dw, waiting, a.sums, n, a.shard, a.shards, a.seen.places, each});
  }
}

template <class T, class Op>
Grouped groups_of(const Resolver<T>& r, const Op& o, Value of_filters) {
  return {o.groups, r.columns(o.x) / o.groups, r.columns(of_filters) / o.groups};
}

}  // namespace

// ---- sequences ----------------------------------------------------------------------------------

template <class T>
void resolve(Resolver<T>& r, const op::GatherWindows& o) {
  const Seen seen = seen_of(o.windows, r.samples(o.x), r.columns(o.x), o.groups, false);
  r.each(r.size(o.seen), launches::GatherWindows<T>{r.at(o.seen), r.at(o.x), seen, o.groups});
}
MUNDUR_CUDA_RESOLVED(GatherWindows);

template <class T>
void resolve(Resolver<T>& r, const op::Convolve& o) {
  const std::int64_t O = r.columns(o.y), G = o.groups, C = r[o.w].shape[1] * G;
  launches::Convolve<T> a{};
  a.y = r.at(o.y) + o.first * O;
  a.x = r.at(o.x);
  a.w = r.at(o.w);
  a.bias = r.at(o.bias);
  const Seen seen = seen_of(o.windows, r.samples(o.y), C, G, o.gathered);
  a.seen = seen;
  a.y_sample = r[o.y].size();
  a.y_row = 0;
  a.y_column = o.stride * O;
  a.groups = G;
  a.filters = O / G;
  a.f = o.f;
  // Taps that are not there are left out, and lanes go by those that are.
  if (uses_lanes(depth_of(seen), a.filters)) return convolve_each(r, a, true);
  const Range whole = o.windows.whole();
  a.seen = seen_within(seen, whole, true);
  if (a.seen.made > 0) convolve_tiles(r, a);
  a.seen = seen_within(seen, whole, false);
  if (a.seen.made > 0) convolve_each(r, a, false);
}
MUNDUR_CUDA_RESOLVED(Convolve);

template <class T>
void resolve(Resolver<T>& r, const op::ConvolveDw& o) {
  const std::int64_t O = r.columns(o.dy), G = o.groups, C = r[o.dw].shape[1] * G;
  launches::ConvolveDw<T> a{};
  a.x = r.at(o.x);
  a.dy = r.at(o.dy);
  a.seen = seen_of(o.windows, r.samples(o.dy), C, G, o.gathered);
  a.groups = G;
  a.filters = O / G;
  const bool leaves_out = !(o.windows.whole() == Range{0, o.windows.out});
  convolve_dw(r, r.at(o.dw), a, o.windows.out, false, leaves_out);
  r.then(o.after, r.at(o.dw), 0, r.rows(o.dw), r.columns(o.dw));
}
MUNDUR_CUDA_RESOLVED(ConvolveDw);

template <class T>
void resolve(Resolver<T>& r, const op::TurnKernel& o) {
  const Shape &of = r[o.w].shape, &to_be = r[o.turned].shape;
  const bool is_image = to_be.size() > 3;
  launches::TurnKernel<T> a{r.at(o.turned), r.at(o.w), {1, 0, 1}, {}, of.end()[-3], o.groups, 0, 0};
  if (is_image) a.rows = {to_be[0], o.rows.first, o.rows.step};
  a.columns = {to_be.end()[-3], o.first, o.step};
  a.channels = to_be.back() / o.groups;
  a.filters = to_be.end()[-2];
  r.each(size_of(to_be), a);
}
MUNDUR_CUDA_RESOLVED(TurnKernel);

// ---- images -------------------------------------------------------------------------------------

template <class T>
void resolve(Resolver<T>& r, const op::Convolve2D& o) {
  const Image image = image_of(r[o.y].shape);
  const Grouped sizes = groups_of(r, o, o.y);
  const std::int64_t O = image.channels, line = image.columns * O;
  launches::Convolve<T> a{};
  a.y = r.at(o.y) + o.rows.first * line + o.columns.first * O;
  a.x = r.at(o.x);
  a.w = r.at(o.w);
  a.bias = r.at(o.bias);
  a.seen = seen_of(o.windows, r.samples(o.y), r.columns(o.x), o.groups);
  a.y_sample = r[o.y].size();
  a.y_row = o.rows.stride * line;
  a.y_column = o.columns.stride * O;
  a.groups = o.groups;
  a.filters = sizes.filters;
  a.f = o.f;
  sizes.by_lanes() ? convolve_each(r, a, false) : convolve_tiles(r, a);
}
MUNDUR_CUDA_RESOLVED(Convolve2D);

template <class T>
void resolve(Resolver<T>& r, const op::Convolve2DDw& o) {
  const Grouped sizes = groups_of(r, o, o.dy);
  launches::ConvolveDw<T> a{};
  a.x = r.at(o.x);
  a.dy = r.at(o.dy);
  a.seen = seen_of(o.windows, r.samples(o.dy), r.columns(o.x), o.groups);
  a.groups = o.groups;
  a.filters = sizes.filters;
  convolve_dw(r, r.at(o.dw), a, o.windows.out(), sizes.by_lanes(), false);
  r.then(o.after, r.at(o.dw), 0, r.rows(o.dw), r.columns(o.dw));
}
MUNDUR_CUDA_RESOLVED(Convolve2DDw);

}  // namespace mundur::cuda

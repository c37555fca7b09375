// Rows of a table by their ids. Backward, workers own rows of the table, never places.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cpu/resolver.h"
#include "mundur/memory.h"

namespace mundur {

template <class T>
void resolve(Resolver<T>& r, const op::ToIds& o) {
  const Range part = r.share_flat(o.x);
  auto* const ids = r.template writes_flat<std::int32_t>(o.ids, part);
  const T* const x = r.reads_flat(o.x, part);
  r.call([=, V = static_cast<double>(o.vocabulary)](Now<T>& now, Worker&) {
    for (std::int64_t n = part.begin; n < part.end; ++n) {
      const T id = std::trunc(x[n]);
      const bool is_id = id >= T{0} && id < V;  // a NaN is not
      ids[n] = is_id ? static_cast<std::int32_t>(id) : 0;
      if (!is_id) now.known.store(false, std::memory_order_relaxed);
    }
  });
}
MUNDUR_RESOLVED(ToIds);

template <class T>
void resolve(Resolver<T>& r, const op::Lookup& o) {
  const std::int64_t O = r.columns(o.y);
  const Range places = r.share_rows(o.y);
  if (r.rows(o.y) > std::numeric_limits<std::int32_t>::max()) {
    throw OutOfMemory("a batch holds at most 2147483647 ids; choose a smaller batch_size");
  }
  const auto part_of = [&](Value value, bool writes) {
    if (value) r.touch_matrix(value, 1, r.size(value), {{0, 1}, places}, writes);
  };
  r.writes(o.y, places);
  part_of(o.mask, true);
  part_of(o.ids, false);
  r.reads(o.w);
  T* const y = r.at(o.y);
  auto* const mask = r.template at<std::uint8_t>(o.mask);
  const auto* const ids = r.template at<std::int32_t>(o.ids);
  const T* const w = r.at(o.w);
  r.call([=](Now<T>&, Worker&) {
    for (std::int64_t n = places.begin; n < places.end; ++n) {
      T* const row = y + n * O;
      std::memcpy(row, w + ids[n] * O, static_cast<std::size_t>(O) * sizeof(T));
      if (!mask) continue;
      mask[n] = ids[n] != 0;
      if (ids[n] != 0) continue;
      std::replace_if(row, row + O, [](T v) { return !std::isfinite(v); }, T{0});
    }
  });
}
MUNDUR_RESOLVED(Lookup);

template <class T>
void resolve(Resolver<T>& r, const op::ListPlaces& o) {
  const std::int64_t V = r.size(o.first), N = r.size(o.ids);
  const Range part = share(V, kParameterRows, r.worker);
  r.touch_matrix(o.first, 1, V, {{0, 1}, part}, true);
  r.writes(o.next);
  r.reads(o.ids);
  auto* const first = r.template at<std::int32_t>(o.first);
  auto* const next = r.template at<std::int32_t>(o.next);
  const auto* const ids = r.template at<std::int32_t>(o.ids);
  // The lists of the worker's ids, in ascending order.
  r.call([=](Now<T>&, Worker&) {
    std::fill(first + part.begin, first + part.end, -1);
    for (std::int64_t n = N; n-- > 0;) {
      if (ids[n] < part.begin || ids[n] >= part.end) continue;
      next[n] = first[ids[n]];
      first[ids[n]] = static_cast<std::int32_t>(n);
    }
  });
}
MUNDUR_RESOLVED(ListPlaces);

/// Some rows at a time, so that an update finds their gradients in the cache. With an update nobody
/// wants to see them, and all of a worker use the memory of its first. Workers take strips in turn:
/// frequent ids tend to be neighbours.
template <class T>
void resolve(Resolver<T>& r, const op::LookupDw& o) {
  constexpr std::int64_t kElements = 4096;
  const std::int64_t V = r.rows(o.dw), O = r.columns(o.dw);
  const std::int64_t strip =
      std::max(kParameterRows, kElements / O / kParameterRows * kParameterRows);
  const std::int64_t begin = r.worker.index() * strip, step = r.worker.count() * strip;
  // Strips in turn are no block: nobody else's operation may stand next to this one unmet.
  r.writes(o.dw);
  const Following<T> then = following(r, o.after, {{0, V}, {0, O}});
  r.reads(o.dy);
  r.reads(o.first);
  r.reads(o.next);
  T* const dw = r.at(o.dw);
  const T* const dy = r.at(o.dy);
  const auto* const first = r.template at<std::int32_t>(o.first);
  const auto* const next = r.template at<std::int32_t>(o.next);
  const std::int64_t samples = r.samples(o.next), steps = r[o.next].size();
  r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
    for (std::int64_t row = begin; row < V; row += step) {
      const std::int64_t rows = std::min(strip, V - row);
      T* const g = dw + (then.updates ? begin : row) * O;
      for (std::int64_t v = 0; v < rows; ++v) {
        if (first[row + v] < 0) {
          std::fill_n(g + v * O, O, T{0});
        } else {
          k->sum_listed(g + v * O, dy, next, first[row + v], O, samples, steps, O);
        }
      }
      then(*k, now, g, row * O, rows, O, O);
    }
  });
}
MUNDUR_RESOLVED(LookupDw);

}  // namespace mundur

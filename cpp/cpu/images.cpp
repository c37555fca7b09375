// Images seen in other places: where pixels come from, and back.

#include "cpu/images.h"

#include <algorithm>

#include "cpu/resolver.h"

namespace mundur {

template <class T>
void resolve(Resolver<T>& r, const op::DrawMaps& o) {
  const Range samples = r.share_samples(o.map);
  auto* const map = r.template writes_samples<double>(o.map, samples);
  const std::int64_t each = r[o.map].samples;
  r.call(
      [=, key = StreamKey(o.stream), how = o.how, from = o.from, to = o.to](Now<T>& now, Worker&) {
        const RandomKey own = key(now);
        const std::int64_t first = now.part.samples.begin * each;
        for (std::int64_t n = samples.begin; n < samples.end; ++n) {
          const PhiloxBlock bits = philox_of(static_cast<std::uint64_t>(first + n), own);
          draw_map(map + 6 * n, how, from, to, bits);
        }
      });
}
MUNDUR_RESOLVED(DrawMaps);

namespace {

/// The map of each image, or the one there is.
struct Maps {
  const double* of_samples;
  double fixed[6];
  const double* of(std::int64_t n) const { return of_samples ? of_samples + 6 * n : fixed; }
};
template <class T, class Op>
Maps maps_of(Resolver<T>& r, const Op& o, Range samples) {
  Maps maps{r.template reads_samples<double>(o.map, samples), {}};
  if constexpr (requires { o.fixed; }) std::copy_n(o.fixed, 6, maps.fixed);
  return maps;
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Warp& o) {
  const Range samples = r.share_samples(o.y);
  T* const y = r.writes_samples(o.y, samples);
  const T* const x = r.reads_samples(o.x, samples);
  const Maps maps = maps_of(r, o, samples);
  const Image to = image_of(r[o.y].shape), from = image_of(r[o.x].shape);
  const std::int64_t of_y = r[o.y].size(), of_x = r[o.x].size();
  r.call([=, how = o.how, box = o.box](Now<T>&, Worker&) {
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      warp(y + n * of_y, x + n * of_x, to, from, maps.of(n), how, box);
    }
  });
}
MUNDUR_RESOLVED(Warp);

template <class T>
void resolve(Resolver<T>& r, const op::WarpDx& o) {
  const Range samples = r.share_samples(o.dx);
  T* const dx = r.writes_samples(o.dx, samples);
  const T* const dy = r.reads_samples(o.dy, samples);
  const Maps maps = maps_of(r, o, samples);
  const Image to = image_of(r[o.dy].shape), from = image_of(r[o.dx].shape);
  const std::int64_t of_dy = r[o.dy].size(), of_dx = r[o.dx].size();
  r.call([=, how = o.how, box = o.box](Now<T>&, Worker&) {
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      const Seeing seeing{from, maps.of(n), how, box};
      seeing.see_backward(dx + n * of_dx, dy + n * of_dy, to, from.channels);
    }
  });
}
MUNDUR_RESOLVED(WarpDx);

template <class T>
void resolve(Resolver<T>& r, const op::Contrast& o) {
  const Range samples = r.share_samples(o.y);
  T* const y = r.writes_samples(o.y, samples);
  const T* const x = r.reads_samples(o.x, samples);
  const Maps maps = maps_of(r, o, samples);
  r.call([=, image = image_of(r[o.x].shape), size = r[o.x].size(), least = o.least, most = o.most](
             Now<T>&, Worker&) {
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      const ContrastOf<T> contrast(image, maps.of(n)[1], least, most);
      for (std::int64_t at = n * size; at < n * size + image.channels; ++at) {
        contrast.change(y + at, x + at);
      }
    }
  });
}
MUNDUR_RESOLVED(Contrast);

template <class T>
void resolve(Resolver<T>& r, const op::ContrastDx& o) {
  const Range samples = r.share_samples(o.dx);
  T* const dx = r.writes_samples(o.dx, samples);
  const T* const dy = r.reads_samples(o.dy, samples);
  const T* const x = r.reads_samples(o.x, samples);
  const Maps maps = maps_of(r, o, samples);
  r.call([=, image = image_of(r[o.x].shape), size = r[o.x].size(), least = o.least, most = o.most](
             Now<T>&, Worker&) {
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      const ContrastOf<T> contrast(image, maps.of(n)[1], least, most);
      for (std::int64_t at = n * size; at < n * size + image.channels; ++at) {
        contrast.change_backward(dx + at, dy + at, x + at);
      }
    }
  });
}
MUNDUR_RESOLVED(ContrastDx);

}  // namespace mundur

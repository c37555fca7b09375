// Images seen in other places: where pixels come from, and back.

#include "cpu/images.h"

#include <algorithm>
#include <cmath>

#include "cpu/circle.h"
#include "cpu/resolver.h"

namespace mundur {

// ---- what is drawn ------------------------------------------------------------------------------

namespace {

/// Uniform in [0, 1), from 53 of 64 bits.
double unit(std::uint32_t low, std::uint32_t high) {
  return static_cast<double>((std::uint64_t{high} << 32 | low) >> 11) * 0x1p-53;
}

}  // namespace

void draw_map(double* map, const RandomChange& how, const Image& from, const Image& to,
              const PhiloxBlock& bits) {
  using Kind = RandomChange::Kind;
  const double u[2] = {unit(bits.word[0], bits.word[1]), unit(bits.word[2], bits.word[3])};
  double drawn[2];
  for (int i = 0; i < 2; ++i) drawn[i] = how.low[i] + u[i] * (how.high[i] - how.low[i]);
  if (how.together) drawn[1] = drawn[0];
  const std::int64_t extent[2] = {from.rows, from.columns}, other[2] = {to.rows, to.columns};
  double first[2] = {0.0, 0.0}, along[2] = {1.0, 1.0}, across[2] = {0.0, 0.0};
  if (how.kind == Kind::rotation) {
    // about the middle, where (n - 1)/2 is
    const OnCircle turn = on_circle(drawn[0]);
    const double middle[2] = {0.5 * static_cast<double>(from.rows - 1),
                              0.5 * static_cast<double>(from.columns - 1)};
    along[0] = along[1] = turn.cosine;
    across[0] = turn.sine;
    across[1] = -turn.sine;
    for (int i = 0; i < 2; ++i) {
      first[i] = (middle[i] - middle[i] * turn.cosine) - middle[1 - i] * across[i];
    }
  }
  for (int i = 0; i < 2; ++i) {
    const auto n = static_cast<double>(extent[i]);
    if (how.kind == Kind::flip && how.high[i] != 0.0 && u[i] < 0.5) {
      first[i] = n - 1.0;
      along[i] = -1.0;
    } else if (how.kind == Kind::translation) {
      first[i] = -(drawn[i] * n);
    } else if (how.kind == Kind::zoom) {
      along[i] = 1.0 + drawn[i];
      first[i] = 0.5 * (n - 1.0) * (1.0 - along[i]);
    } else if (how.kind == Kind::crop) {
      first[i] = std::floor(u[i] * static_cast<double>(extent[i] - other[i] + 1));
    } else if (how.kind == Kind::contrast) {
      along[i] = drawn[i];
    }
  }
  const double all[6] = {first[0], along[0], across[0], first[1], across[1], along[1]};
  std::copy_n(all, 6, map);
}

// ---- where pixels come from ---------------------------------------------------------------------

namespace {

/// What a pixel is made of: of up to four of the image, and of the constant.
struct Taps {
  std::int64_t at[4];
  double weight[4];
  int count = 0;
  double filled = 0.0;
};

/// The place within [0, n) of a row or column that is `i`; -1: it has none.
std::int64_t inside(std::int64_t i, std::int64_t n, Edge edge) {
  if (i >= 0 && i < n) return i;
  if (edge == Edge::constant) return -1;
  if (edge == Edge::nearest) return i < 0 ? 0 : n - 1;
  const std::int64_t period = edge == Edge::wrap ? n : 2 * n;
  const std::int64_t left = i % period, place = left < 0 ? left + period : left;
  return place < n ? place : period - 1 - place;
}

class Seeing {
 public:
  Seeing(const Image& from, const double* map, Sampling how, const Box& box)
      : from_(from), map_(map), how_(how), box_(box) {}

  Taps at(std::int64_t row, std::int64_t column) const {
    const auto i = static_cast<double>(row), j = static_cast<double>(column);
    const double y = (map_[0] + map_[1] * i) + map_[2] * j;
    const double x = (map_[3] + map_[4] * i) + map_[5] * j;
    const double half = how_.nearest ? 0.5 : 0.0;
    const double top = std::floor(y + half), left = std::floor(x + half);
    const double down = how_.nearest ? 0.0 : y - top, right = how_.nearest ? 0.0 : x - left;
    Taps taps;
    for (int k = 0; k < 2; ++k) {
      const double by_row = k == 0 ? 1.0 - down : down;
      if (by_row == 0.0) continue;  // what it would see may be infinite
      const std::int64_t r = place(static_cast<std::int64_t>(top) + k, box_.row, box_.rows);
      for (int l = 0; l < 2; ++l) {
        const double weight = by_row * (l == 0 ? 1.0 - right : right);
        if (weight == 0.0) continue;
        const std::int64_t c =
            place(static_cast<std::int64_t>(left) + l, box_.column, box_.columns);
        if (r < 0 || r >= from_.rows || c < 0 || c >= from_.columns) {
          taps.filled += weight;
          continue;
        }
        taps.at[taps.count] = (r * from_.columns + c) * from_.channels;
        taps.weight[taps.count++] = weight;
      }
    }
    if (taps.count == 0) taps.filled = 1.0;  // which the sum of its weights may miss
    return taps;
  }

 private:
  /// Of the image; -1: none.
  std::int64_t place(std::int64_t i, std::int64_t first, std::int64_t extent) const {
    const std::int64_t found = inside(i, extent, how_.edge);
    return found < 0 ? -1 : first + found;
  }

  const Image from_;
  const double* const map_;
  const Sampling how_;
  const Box box_;
};

}  // namespace

template <class T>
void warp(T* y, const T* x, const Image& to, const Image& from, const double* map, Sampling how,
          const Box& box) {
  const Seeing seeing(from, map, how, box);
  const std::int64_t C = to.channels;
  for (std::int64_t i = 0; i < to.rows; ++i) {
    for (std::int64_t j = 0; j < to.columns; ++j, y += C) {
      const Taps taps = seeing.at(i, j);
      std::fill_n(y, C, taps.filled == 0.0 ? T{0} : static_cast<T>(taps.filled * how.fill));
      for (int k = 0; k < taps.count; ++k) {
        const T weight = static_cast<T>(taps.weight[k]);
        const T* const seen = x + taps.at[k];
        for (std::int64_t c = 0; c < C; ++c) y[c] += weight * seen[c];
      }
    }
  }
}

template <class T>
void warp_backward(T* dx, const T* dy, const Image& to, const Image& from, const double* map,
                   Sampling how, const Box& box) {
  const Seeing seeing(from, map, how, box);
  const std::int64_t C = to.channels;
  std::fill_n(dx, from.rows * from.columns * C, T{0});
  for (std::int64_t i = 0; i < to.rows; ++i) {
    for (std::int64_t j = 0; j < to.columns; ++j, dy += C) {
      const Taps taps = seeing.at(i, j);
      for (int k = 0; k < taps.count; ++k) {
        const T weight = static_cast<T>(taps.weight[k]);
        T* const seen = dx + taps.at[k];
        for (std::int64_t c = 0; c < C; ++c) seen[c] += weight * dy[c];
      }
    }
  }
}

// ---- contrast -----------------------------------------------------------------------------------

namespace {

/// Σ of one channel of an image, in order of its pixels.
template <class T, class Of>
double channel_sum(std::int64_t size, std::int64_t C, std::int64_t c, Of of) {
  double sum = 0.0;
  for (std::int64_t at = c; at < size; at += C) sum += static_cast<double>(of(at));
  return sum;
}

}  // namespace

template <class T>
void contrast(T* y, const T* x, const Image& image, double factor, double least, double most) {
  const std::int64_t C = image.channels, pixels = image.rows * image.columns, size = pixels * C;
  const T f = static_cast<T>(factor), low = static_cast<T>(least), high = static_cast<T>(most);
  for (std::int64_t c = 0; c < C; ++c) {
    const double sum = channel_sum<T>(size, C, c, [=](std::int64_t at) { return x[at]; });
    const T mean = static_cast<T>(sum / static_cast<double>(pixels));
    for (std::int64_t at = c; at < size; at += C) {
      const T z = (x[at] - mean) * f + mean;
      y[at] = z < low ? low : z > high ? high : z;
    }
  }
}

template <class T>
void contrast_backward(T* dx, const T* dy, const T* x, const Image& image, double factor,
                       double least, double most) {
  const std::int64_t C = image.channels, pixels = image.rows * image.columns, size = pixels * C;
  const T f = static_cast<T>(factor), low = static_cast<T>(least), high = static_cast<T>(most);
  for (std::int64_t c = 0; c < C; ++c) {
    const double sum = channel_sum<T>(size, C, c, [=](std::int64_t at) { return x[at]; });
    const T mean = static_cast<T>(sum / static_cast<double>(pixels));
    const auto passed = [=](std::int64_t at) {
      const T z = (x[at] - mean) * f + mean;
      return z < low || z > high ? T{0} : dy[at];
    };
    const double shared = channel_sum<T>(size, C, c, passed) / static_cast<double>(pixels);
    const T rest = static_cast<T>((1.0 - factor) * shared);
    for (std::int64_t at = c; at < size; at += C) dx[at] = passed(at) * f + rest;
  }
}

#define MUNDUR_IMAGES(T)                                                                   \
  template void warp<T>(T*, const T*, const Image&, const Image&, const double*, Sampling, \
                        const Box&);                                                       \
  template void warp_backward<T>(T*, const T*, const Image&, const Image&, const double*,  \
                                 Sampling, const Box&);                                    \
  template void contrast<T>(T*, const T*, const Image&, double, double, double);           \
  template void contrast_backward<T>(T*, const T*, const T*, const Image&, double, double, double)
MUNDUR_IMAGES(float);
MUNDUR_IMAGES(double);
#undef MUNDUR_IMAGES

// ---- operations ---------------------------------------------------------------------------------

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
      warp_backward(dx + n * of_dx, dy + n * of_dy, to, from, maps.of(n), how, box);
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
      contrast(y + n * size, x + n * size, image, maps.of(n)[1], least, most);
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
      const std::int64_t at = n * size;
      contrast_backward(dx + at, dy + at, x + at, image, maps.of(n)[1], least, most);
    }
  });
}
MUNDUR_RESOLVED(ContrastDx);

}  // namespace mundur

#pragma once

// What becomes of one image: the same for a layer and for augment=, on the CPU and on a GPU.

#include <cmath>

#include "cpu/circle.h"
#include "cpu/kernels/inline.h"
#include "cpu/kernels/philox.h"
#include "cpu/kernels/table.h"
#include "mundur/images.h"
#include "program/values.h"

namespace mundur {

// ---- what is drawn ------------------------------------------------------------------------------

/// 128 random bits, by a number within a stream.
inline MUNDUR_DEVICE PhiloxBlock philox_of(std::uint64_t counter, RandomKey key) {
  const auto low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
  return philox4x32_10({{low(counter), low(counter >> 32), low(key.stream), low(key.stream >> 32)}},
                       low(key.key), low(key.key >> 32));
}

/// Uniform in [0, 1), from 53 of 64 bits.
inline MUNDUR_DEVICE double unit_interval(std::uint32_t low, std::uint32_t high) {
  return static_cast<double>((std::uint64_t{high} << 32 | low) >> 11) * 0x1p-53;
}

/// The map of op::DrawMaps from 128 random bits.
inline MUNDUR_DEVICE void draw_map(double* map, const RandomChange& how, const Image& from,
                                   const Image& to, const PhiloxBlock& bits) {
  using Kind = RandomChange::Kind;
  const double u[2] = {unit_interval(bits.word[0], bits.word[1]),
                       unit_interval(bits.word[2], bits.word[3])};
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
  for (int i = 0; i < 6; ++i) map[i] = all[i];
}

// ---- where pixels come from ---------------------------------------------------------------------

/// What a pixel is made of: of up to four of the image, and of the constant.
struct Taps {
  std::int64_t at[4];
  double weight[4];
  int count = 0;
  double filled = 0.0;
};

/// The place within [0, n) of a row or column that is `i`; -1: it has none.
inline MUNDUR_DEVICE std::int64_t inside(std::int64_t i, std::int64_t n, Edge edge) {
  if (i >= 0 && i < n) return i;
  if (edge == Edge::constant) return -1;
  if (edge == Edge::nearest) return i < 0 ? 0 : n - 1;
  const std::int64_t period = edge == Edge::wrap ? n : 2 * n;
  const std::int64_t left = i % period, place = left < 0 ? left + period : left;
  return place < n ? place : period - 1 - place;
}

/// An image as a map says, of the part of it that is seen.
struct Seeing {
  Image from;
  const double* map;
  Sampling how;
  Box box;

  /// Of that pixel of y.
  MUNDUR_DEVICE Taps at(std::int64_t row, std::int64_t column) const {
    const auto i = static_cast<double>(row), j = static_cast<double>(column);
    const double y = (map[0] + map[1] * i) + map[2] * j;
    const double x = (map[3] + map[4] * i) + map[5] * j;
    const double half = how.nearest ? 0.5 : 0.0;
    const double top = std::floor(y + half), left = std::floor(x + half);
    const double down = how.nearest ? 0.0 : y - top, right = how.nearest ? 0.0 : x - left;
    Taps taps;
    for (int k = 0; k < 2; ++k) {
      const double by_row = k == 0 ? 1.0 - down : down;
      if (by_row == 0.0) continue;  // what it would see may be infinite
      const std::int64_t r = place(static_cast<std::int64_t>(top) + k, box.row, box.rows);
      for (int l = 0; l < 2; ++l) {
        const double weight = by_row * (l == 0 ? 1.0 - right : right);
        if (weight == 0.0) continue;
        const std::int64_t c = place(static_cast<std::int64_t>(left) + l, box.column, box.columns);
        if (r < 0 || r >= from.rows || c < 0 || c >= from.columns) {
          taps.filled += weight;
          continue;
        }
        taps.at[taps.count] = (r * from.columns + c) * from.channels;
        taps.weight[taps.count++] = weight;
      }
    }
    if (taps.count == 0) taps.filled = 1.0;  // which the sum of its weights may miss
    return taps;
  }

  /// y[C] of that pixel.
  template <class T>
  MUNDUR_DEVICE void see(T* y, const T* x, std::int64_t row, std::int64_t column) const {
    const Taps taps = at(row, column);
    const T filled = taps.filled == 0.0 ? T{0} : static_cast<T>(taps.filled * how.fill);
    for (std::int64_t c = 0; c < from.channels; ++c) y[c] = filled;
    for (int k = 0; k < taps.count; ++k) {
      const T weight = static_cast<T>(taps.weight[k]);
      const T* const seen = x + taps.at[k];
      for (std::int64_t c = 0; c < from.channels; ++c) y[c] += weight * seen[c];
    }
  }
  /// dx of `channels` from the first on, from dy of all pixels of y in their order.
  template <class T>
  MUNDUR_DEVICE void see_backward(T* dx, const T* dy, const Image& to,
                                  std::int64_t channels) const {
    const std::int64_t C = from.channels;
    for (std::int64_t pixel = 0; pixel < from.rows * from.columns; ++pixel) {
      for (std::int64_t c = 0; c < channels; ++c) dx[pixel * C + c] = T{0};
    }
    for (std::int64_t i = 0; i < to.rows; ++i) {
      for (std::int64_t j = 0; j < to.columns; ++j, dy += C) {
        const Taps taps = at(i, j);
        for (int k = 0; k < taps.count; ++k) {
          const T weight = static_cast<T>(taps.weight[k]);
          T* const seen = dx + taps.at[k];
          for (std::int64_t c = 0; c < channels; ++c) seen[c] += weight * dy[c];
        }
      }
    }
  }

 private:
  /// Of the image; -1: none.
  MUNDUR_DEVICE std::int64_t place(std::int64_t i, std::int64_t first, std::int64_t extent) const {
    const std::int64_t found = inside(i, extent, how.edge);
    return found < 0 ? -1 : first + found;
  }
};

template <class T>
void warp(T* y, const T* x, const Image& to, const Image& from, const double* map, Sampling how,
          const Box& box) {
  const Seeing seeing{from, map, how, box};
  for (std::int64_t i = 0; i < to.rows; ++i) {
    for (std::int64_t j = 0; j < to.columns; ++j, y += to.channels) seeing.see(y, x, i, j);
  }
}

// ---- contrast -----------------------------------------------------------------------------------

/// One channel of an image, whose factor, and the least and the greatest that may come out.
template <class T>
struct ContrastOf {
  std::int64_t pixels, channels;
  double factor;
  T f, least, most;

  MUNDUR_DEVICE ContrastOf(const Image& image, double times, double low, double high)
      : pixels(image.rows * image.columns),
        channels(image.channels),
        factor(times),
        f(static_cast<T>(times)),
        least(static_cast<T>(low)),
        most(static_cast<T>(high)) {}

  /// y may be x.
  MUNDUR_DEVICE void change(T* y, const T* x) const {
    const T m = mean(x);
    for (std::int64_t at = 0; at < size(); at += channels) {
      const T z = (x[at] - m) * f + m;
      y[at] = z < least ? least : z > most ? most : z;
    }
  }
  MUNDUR_DEVICE void change_backward(T* dx, const T* dy, const T* x) const {
    const T m = mean(x);
    const auto passed = [=, this](std::int64_t at) {
      const T z = (x[at] - m) * f + m;
      return z < least || z > most ? T{0} : dy[at];
    };
    double sum = 0.0;
    for (std::int64_t at = 0; at < size(); at += channels) sum += static_cast<double>(passed(at));
    const double shared = sum / static_cast<double>(pixels);
    const T rest = static_cast<T>((1.0 - factor) * shared);
    for (std::int64_t at = 0; at < size(); at += channels) dx[at] = passed(at) * f + rest;
  }

 private:
  MUNDUR_DEVICE std::int64_t size() const { return pixels * channels; }
  /// In order of the pixels.
  MUNDUR_DEVICE T mean(const T* x) const {
    double sum = 0.0;
    for (std::int64_t at = 0; at < size(); at += channels) sum += static_cast<double>(x[at]);
    return static_cast<T>(sum / static_cast<double>(pixels));
  }
};

}  // namespace mundur

#pragma once

// Images of another size: what layers share that make them.

#include <utility>

#include "layers/layer.h"

namespace mundur {

/// The map of op::Warp that spreads what is seen over the output: pixels are squares, whose middles
/// stand for them, (i + 1/2) / (rows of y) = (i' + 1/2) / (rows seen).
inline op::Warp spread(const Box& box, const Image& to, const Sampling& how) {
  op::Warp warp{{}, {}, {}, how, box};
  const double rows = static_cast<double>(box.rows) / static_cast<double>(to.rows);
  const double columns = static_cast<double>(box.columns) / static_cast<double>(to.columns);
  warp.fixed[0] = 0.5 * rows - 0.5;
  warp.fixed[1] = rows;
  warp.fixed[3] = 0.5 * columns - 0.5;
  warp.fixed[5] = columns;
  return warp;
}

/// The part of an image that has the ratio of the output's extents: the largest in its middle, or
/// the smallest that has all of it.
inline Box middle_of(const Image& from, const Image& to, bool whole) {
  const auto extent = [whole](std::int64_t own, std::int64_t other, std::int64_t n,
                              std::int64_t of_other) {
    const auto fitting = static_cast<std::int64_t>(
        static_cast<double>(other) * static_cast<double>(n) / static_cast<double>(of_other));
    return whole ? std::max(own, fitting) : std::max<std::int64_t>(std::min(own, fitting), 1);
  };
  Box box;
  box.rows = extent(from.rows, from.columns, to.rows, to.columns);
  box.columns = extent(from.columns, from.rows, to.columns, to.rows);
  box.row = (from.rows - box.rows) / 2;
  box.column = (from.columns - box.columns) / 2;
  if (whole) {  // as many on both sides
    box.rows = from.rows - 2 * box.row;
    box.columns = from.columns - 2 * box.column;
  }
  return box;
}

/// y, of this shape, from x as the map says; with what backward does.
inline Value warped(Builder& b, Value x, Shape output, op::Warp warp) {
  const Value y = b.value("y", std::move(output), x);
  warp.y = y;
  warp.x = x;
  b.emit(warp);
  b.backward(y, {x}, [=, &b](Value dy) {
    const Value dx = b.like("dx", x);
    op::WarpDx back{dx, dy, warp.map, warp.how, warp.box};
    std::copy_n(warp.fixed, 6, back.fixed);
    b.emit(back);
    b.gradient(x, dx);
  });
  return y;
}

}  // namespace mundur

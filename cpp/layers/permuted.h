#pragma once

// The axes of a sample in another order and back, for layers that work along the last ones.

#include <numeric>

#include "layers/layer.h"

namespace mundur {

/// y_(j of axis a) = x_(j of axis a), the axes in this order.
inline Value permuted(Builder& b, Value x, const Shape& axes) {
  if (std::is_sorted(axes.begin(), axes.end())) return x;
  Shape shape;
  for (std::int64_t axis : axes) shape.push_back(b[x].shape[static_cast<std::size_t>(axis)]);
  const Value y = b.value("permuted", std::move(shape), x);
  b.emit(op::Permute{y, x, axes, false});
  // ∂L/∂x = ∂L/∂y, the axes in their old order
  b.backward(y, {x}, [=, &b](Value dy) {
    const Value dx = b.like("dx", x);
    b.emit(op::Permute{dx, dy, axes, true});
    b.gradient(x, dx);
  });
  return y;
}

/// The order that undoes one.
inline Shape back_from(const Shape& axes) {
  Shape back(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    back[static_cast<std::size_t>(axes[i])] = static_cast<std::int64_t>(i);
  }
  return back;
}

/// Of so many axes, those that are `last` behind the others.
inline Shape with_last(std::int64_t axes, const Shape& last) {
  Shape order;
  for (std::int64_t axis = 0; axis < axes; ++axis) {
    if (std::find(last.begin(), last.end(), axis) == last.end()) order.push_back(axis);
  }
  order.insert(order.end(), last.begin(), last.end());
  return order;
}

/// Axes of a sample, counted from 0, ascending; negative ones count from the end. Throws
/// std::invalid_argument for what is none.
inline Shape axes_of(Shape axes, std::int64_t rank) {
  for (std::int64_t& axis : axes) {
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) {
      throw std::invalid_argument("axes: expected some of 0 to " + std::to_string(rank - 1));
    }
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) {
    throw std::invalid_argument("axes: expected each once");
  }
  return axes;
}

/// y = f(x) where f works along the last axis of rows, and those are some axes of a sample
/// together.
template <class F>
Value in_rows(Builder& b, Value x, const Shape& axes, F f) {
  const Shape order = with_last(std::ssize(b[x].shape), axes);
  const Value mask = b.mask(x), turned = permuted(b, x, order);
  const Shape shape = b[turned].shape;
  Shape rows(shape.begin(), shape.end() - std::ssize(axes));
  rows.push_back(size_of(shape) / size_of(rows));
  const Value back = permuted(b, b.view(f(b.view(turned, rows)), shape), back_from(order));
  b.set_mask(back, mask);
  return back;
}

}  // namespace mundur

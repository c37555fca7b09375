#pragma once

// Penalties of arrays, and what makes them hold to a constraint: for programs and by hand.

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>

#include "cpu/kernels/table.h"
#include "cpu/parallel/team.h"
#include "program/operations.h"

namespace mundur {

/// l1·Σ|w| + l2·Σw² of one piece, or of one sample's activities.
template <class T>
double piece_penalty(const Kernels<T>& kernels, const Penalty& penalty, const T* w,
                     std::int64_t size) {
  double sums[2];
  kernels.norms(sums, w, size);
  return penalty.l1 * sums[0] + penalty.l2 * sums[1];
}

/// The same of an array of any size, piece by piece.
template <class T>
double array_penalty(const Kernels<T>& kernels, const Penalty& penalty, const T* w,
                     std::int64_t size) {
  double sum = 0.0;
  for (std::int64_t at = 0; at < size; at += kPiece) {
    sum += piece_penalty(kernels, penalty, w + at, std::min(kPiece, size - at));
  }
  return sum;
}

/// Some axes of an array, those that lie side by side as one; the innermost comes first.
struct SomeAxes {
  static constexpr int kMost = 17;  // of up to 32 named ones and of those between
  int count = 0;
  std::int64_t extents[kMost] = {}, strides[kMost] = {};

  void add(std::int64_t extent, std::int64_t stride, bool goes_on) {
    if (goes_on) {
      extents[count - 1] *= extent;
      return;
    }
    extents[count] = extent;
    strides[count++] = stride;
  }
  std::int64_t size() const {
    return std::accumulate(extents, extents + count, std::int64_t{1}, std::multiplies<>());
  }
  /// Of element i, in order.
  std::int64_t place(std::int64_t i) const {
    std::int64_t at = 0;
    for (int axis = 0; axis < count; i /= extents[axis++]) at += i % extents[axis] * strides[axis];
    return at;
  }
  /// Calls f(place) for each, in order.
  template <class F>
  void each(F f) const {
    for (std::int64_t i = 0, end = size(); i < end; i += extents[0]) {
      const std::int64_t first = place(i);
      for (std::int64_t k = 0; k < extents[0]; ++k) f(first + k * strides[0]);
    }
  }
};

/// A constraint on an array, seen as [outer, n, inner], n along its axes where those lie side by
/// side; else as vectors whose elements lie apart.
struct Constrained {
  Constraint constraint;
  std::int64_t outer = 1, n = 1, inner = 1;
  SomeAxes vectors, elements;

  /// Throws std::invalid_argument where the constraint's axes are none of the shape's.
  Constrained(const Constraint& what, const Shape& shape) : constraint(what) {
    const auto named = [&](std::size_t axis) { return axis < 32 && what.axes >> axis & 1; };
    const std::size_t axes = shape.size();
    if (what.axes == 0 || (axes < 32 && what.axes >> axes != 0)) {
      throw std::invalid_argument("axis: expected some of a shape with " + std::to_string(axes) +
                                  " axes, got others");
    }
    std::int64_t stride = 1;
    for (std::size_t i = axes; i-- > 0; stride *= shape[i]) {
      (named(i) ? elements : vectors)
          .add(shape[i], stride, i + 1 < axes && named(i) == named(i + 1));
    }
    n = elements.extents[0];
    inner = elements.strides[0];
    for (std::size_t i = 0; i < axes && !named(i); ++i) outer *= shape[i];
  }
  bool is_apart() const { return elements.count > 1; }

  /// Makes w hold to it, by all members of a team.
  template <class T>
  void operator()(const Kernels<T>& kernels, T* w, const Member& member) const {
    if (constraint.kind == Constraint::Kind::none) return;
    if (constraint.kind == Constraint::Kind::non_negative) {
      const Range part = share(outer * n * inner, 64, member);
      kernels.activation(w + part.begin, w + part.begin, part.size(), Function::relu);
      return;
    }
    if (is_apart()) return limit_apart(w, share(vectors.size(), 1, member));
    const Range columns = share(inner, kernels.column_grain, member);
    const Range rows = inner == 1 ? share(outer, 1, member) : Range{0, outer};
    if (inner > 1 && columns.empty()) return;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      kernels.limit_norms(w + row * n * inner + (inner == 1 ? 0 : columns.begin), n,
                          inner == 1 ? 1 : columns.size(), inner, static_cast<T>(constraint.least),
                          static_cast<T>(constraint.most), static_cast<T>(constraint.rate));
    }
  }

 private:
  /// A norm is the root of a plain sum in order.
  template <class T>
  void limit_apart(T* w, Range some) const {
    constexpr T kEpsilon = T(1e-7);
    const auto least = static_cast<T>(constraint.least), most = static_cast<T>(constraint.most),
               rate = static_cast<T>(constraint.rate);
    for (std::int64_t i = some.begin; i < some.end; ++i) {
      T* const own = w + vectors.place(i);
      T squares = T(0);
      elements.each([&](std::int64_t at) { squares += own[at] * own[at]; });
      const T norm = std::sqrt(squares), inside = std::min(std::max(norm, least), most);
      if (inside == norm) continue;
      const T factor = (rate * inside + (T(1) - rate) * norm) / (norm + kEpsilon);
      elements.each([&](std::int64_t at) { own[at] *= factor; });
    }
  }
};

}  // namespace mundur

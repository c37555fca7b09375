#pragma once

// Penalties of arrays, and what makes them hold to a constraint: for programs and by hand.

#include <algorithm>
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

/// A constraint on an array, seen as [outer, n, inner], n along its axis.
struct Constrained {
  Constraint constraint;
  std::int64_t outer = 1, n = 1, inner = 1;

  /// Throws std::invalid_argument where the constraint's axis is none of the shape's.
  Constrained(const Constraint& what, const Shape& shape) : constraint(what) {
    if (what.axis < 0 || what.axis >= static_cast<int>(shape.size())) {
      throw std::invalid_argument("axis: expected one of a shape with " +
                                  std::to_string(shape.size()) + " axes, got " +
                                  std::to_string(what.axis));
    }
    const auto axis = static_cast<std::size_t>(what.axis);
    n = shape[axis];
    for (std::size_t i = 0; i < axis; ++i) outer *= shape[i];
    for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  }

  /// Makes w hold to it, by all members of a team.
  template <class T>
  void operator()(const Kernels<T>& kernels, T* w, const Member& member) const {
    if (constraint.kind == Constraint::Kind::none) return;
    if (constraint.kind == Constraint::Kind::non_negative) {
      const Range part = share(outer * n * inner, 64, member);
      kernels.activation(w + part.begin, w + part.begin, part.size(), Function::relu);
      return;
    }
    const Range columns = share(inner, kernels.column_grain, member);
    const Range rows = inner == 1 ? share(outer, 1, member) : Range{0, outer};
    if (inner > 1 && columns.empty()) return;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      kernels.limit_norms(w + row * n * inner + (inner == 1 ? 0 : columns.begin), n,
                          inner == 1 ? 1 : columns.size(), inner, static_cast<T>(constraint.least),
                          static_cast<T>(constraint.most), static_cast<T>(constraint.rate));
    }
  }
};

}  // namespace mundur

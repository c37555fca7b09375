#pragma once

#include "kernels/table.h"
#include "mundur/layers.h"
#include "parallel/team.h"

namespace mundur {

/// Elements whose penalty is one sum over 16 virtual lanes; a parameter's is the sum of its pieces,
/// in order.
inline constexpr std::int64_t kPenaltyPiece = 4096;

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
                     std::int64_t size);

/// Throws std::invalid_argument where a constraint's axis is none of the shape's.
void require_axis(const Constraint& constraint, const Shape& shape);

/// Makes w[shape] hold to its constraint, by all workers.
template <class T>
void constrain(const Kernels<T>& kernels, const Constraint& constraint, T* w, const Shape& shape,
               Worker& worker);

}  // namespace mundur

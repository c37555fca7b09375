// What regularizers add to the loss and its gradient, and what constraints do behind an update.

#include "training/penalties.h"

#include <algorithm>
#include <stdexcept>

#include "layers/layers.h"
#include "losses/losses.h"
#include "mundur/network.h"
#include "training/workspace.h"

namespace mundur {

// ---- penalties of weights
// ----------------------------------------------------------------------------------------------

template <class T>
void Network<T>::set_penalty(std::size_t parameter, const Penalty& penalty) {
  bound_.at(parameter).penalty = penalty;
  pieces_.clear();
  for (const Parameter<T>& one : bound_) {
    if (!one.penalty.any()) continue;
    const std::int64_t size = size_of(one.shape);
    for (std::int64_t at = 0; at < size; at += kPenaltyPiece) {
      pieces_.push_back({one.value + at, std::min(kPenaltyPiece, size - at), one.penalty, 0.0});
    }
  }
}

template <class T>
double array_penalty(const Kernels<T>& table, const Penalty& penalty, const T* w,
                     std::int64_t size) {
  double sum = 0.0;
  for (std::int64_t at = 0; at < size; at += kPenaltyPiece) {
    sum += piece_penalty(table, penalty, w + at, std::min(kPenaltyPiece, size - at));
  }
  return sum;
}

template <class T>
void Network<T>::find_pieces(const Kernels<T>& table, Worker& worker) {
  const Range part = share(static_cast<std::int64_t>(pieces_.size()), 1, worker);
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    Piece& piece = pieces_[static_cast<std::size_t>(i)];
    piece.value = piece_penalty(table, piece.penalty, piece.w, piece.size);
  }
}

template <class T>
double Network<T>::batch_penalty(const Workspace<T>& workspace, std::int64_t batch) const {
  double sum = 0.0;
  for (const Piece& piece : pieces_) sum += piece.value;
  if (activity_.empty()) return sum;
  return sum + sum_over_samples(workspace.activity, batch) / static_cast<double>(batch);
}

template <class T>
double Network<T>::penalty() {
  const Kernels<T>& table = kernels<T>();
  double sum = 0.0;
  run_team(1, [&](Worker& worker) {
    find_penalties(table, worker);
    for (const Piece& piece : pieces_) sum += piece.value;
    if (forward_batch_ > 0) sum = penalty(*training_workspace_, forward_batch_);
  });
  return sum;
}

// ---- penalties of activities
// -------------------------------------------------------------------------------------------

template <class T>
void Network<T>::set_activity_penalty(std::size_t layer, const Penalty& penalty) {
  activity_.resize(layers_.size());
  activity_.at(layer) = penalty;
  const bool any =
      std::any_of(activity_.begin(), activity_.end(), [](const Penalty& one) { return one.any(); });
  if (!any) activity_.clear();
}

template <class T>
void Network<T>::add_activity(const Pass<T>& pass, Workspace<T>& workspace,
                              std::size_t layer) const {
  const auto penalised = [](const Penalty& one) { return one.any(); };
  const bool is_first = std::none_of(
      activity_.begin(), activity_.begin() + static_cast<std::ptrdiff_t>(layer), penalised);
  const std::int64_t O = size_of(shapes_[layer + 1]);
  const Range rows = share(pass.batch, 1, pass.worker);
  for (std::int64_t b = rows.begin; b < rows.end; ++b) {
    const double value =
        piece_penalty(pass.kernels, activity_[layer], workspace.saved[layer].y + b * O, O);
    workspace.activity[b] = is_first ? value : workspace.activity[b] + value;
  }
}

/// ∂L/∂y_bo += (l1·sign(y_bo) + 2·l2·y_bo) / B
template <class T>
void Network<T>::add_activity_gradient(const Pass<T>& pass, T* dy, const Workspace<T>& workspace,
                                       std::size_t layer) const {
  const Penalty& penalty = activity_[layer];
  const auto samples = static_cast<double>(pass.batch);
  const Range part = share(pass.batch * size_of(shapes_[layer + 1]), kGrain, pass.worker);
  pass.kernels.add_penalty(dy + part.begin, workspace.saved[layer].y + part.begin, 1, part.size(),
                           0, 0, static_cast<T>(penalty.l1 / samples),
                           static_cast<T>(2.0 * penalty.l2 / samples));
  pass.worker.barrier();
}

// ---- constraints
// -------------------------------------------------------------------------------------------------------

void require_axis(const Constraint& constraint, const Shape& shape) {
  if (constraint.axis >= 0 && constraint.axis < static_cast<int>(shape.size())) return;
  throw std::invalid_argument("axis: expected one of a shape with " + std::to_string(shape.size()) +
                              " axes, got " + std::to_string(constraint.axis));
}

template <class T>
void constrain(const Kernels<T>& table, const Constraint& constraint, T* w, const Shape& shape,
               Worker& worker) {
  if (constraint.kind == Constraint::Kind::non_negative) {
    const Range part = share(size_of(shape), kGrain, worker);
    table.activation(w + part.begin, w + part.begin, part.size(), Function::relu);
    return;
  }
  if (constraint.kind == Constraint::Kind::none) return;
  // Seen as [outer, n, inner], n along the axis.
  const auto axis = static_cast<std::size_t>(constraint.axis);
  const std::int64_t n = shape[axis];
  std::int64_t inner = 1;
  std::int64_t outer = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= shape[i];
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  const Range columns = share(inner, table.column_grain, worker);
  const Range rows = inner == 1 ? share(outer, 1, worker) : Range{0, outer};
  if (inner > 1 && columns.empty()) return;
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    table.limit_norms(w + r * n * inner + (inner == 1 ? 0 : columns.begin), n,
                      inner == 1 ? 1 : columns.size(), inner, static_cast<T>(constraint.least),
                      static_cast<T>(constraint.most), static_cast<T>(constraint.rate));
  }
}

template <class T>
void Network<T>::set_constraint(std::size_t parameter, const Constraint& constraint) {
  Parameter<T>& constrained = bound_.at(parameter);
  require_axis(constraint, constrained.shape);
  constrained.constraint = constraint;
  constrained_ = std::any_of(bound_.begin(), bound_.end(), [](const Parameter<T>& one) {
    return one.constraint.kind != Constraint::Kind::none;
  });
}

template <class T>
void Network<T>::constrain_all(const Kernels<T>& table, Worker& worker) {
  worker.barrier();  // whoever updated a part of a vector may not be who measures it
  for (const Parameter<T>& parameter : bound_) {
    if (!parameter.trainable) continue;
    mundur::constrain(table, parameter.constraint, parameter.value, parameter.shape, worker);
  }
}

#define MUNDUR_INSTANTIATE(T)                                                                  \
  template double array_penalty<T>(const Kernels<T>&, const Penalty&, const T*, std::int64_t); \
  template void Network<T>::set_penalty(std::size_t, const Penalty&);                          \
  template void Network<T>::find_pieces(const Kernels<T>&, Worker&);                           \
  template double Network<T>::batch_penalty(const Workspace<T>&, std::int64_t) const;          \
  template double Network<T>::penalty();                                                       \
  template void Network<T>::set_activity_penalty(std::size_t, const Penalty&);                 \
  template void Network<T>::add_activity(const Pass<T>&, Workspace<T>&, std::size_t) const;    \
  template void Network<T>::add_activity_gradient(const Pass<T>&, T*, const Workspace<T>&,     \
                                                  std::size_t) const;                          \
  template void Network<T>::set_constraint(std::size_t, const Constraint&);                    \
  template void Network<T>::constrain_all(const Kernels<T>&, Worker&);                         \
  template void constrain<T>(const Kernels<T>&, const Constraint&, T*, const Shape&, Worker&)
MUNDUR_INSTANTIATE(float);
MUNDUR_INSTANTIATE(double);

}  // namespace mundur

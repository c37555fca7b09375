// Updates that don't follow each gradient at once, and what needs all of them: sums over several
// steps, clipping by norm.

#include <algorithm>
#include <cmath>

#include "kernels/table.h"
#include "mundur/network.h"
#include "mundur/optimizers.h"
#include "parallel/team.h"

namespace mundur {
namespace {

/// Elements whose squares one sum of 16 lanes takes; a parameter's pieces are added up in order, so
/// that a norm depends on nothing but the gradient.
constexpr std::int64_t kPiece = 4096;

/// Workers never share a line of memory.
constexpr std::int64_t kGrain = 64;

double scale_to(double norm, double most) { return norm > most ? most / norm : 1.0; }

}  // namespace

template <class T>
void Network<T>::plan_norms() {
  first_piece_ = {0};
  for (const Parameter<T>& parameter : bound_) {
    const std::int64_t pieces = (size_of(parameter.shape) + kPiece - 1) / kPiece;
    first_piece_.push_back(first_piece_.back() + static_cast<std::size_t>(pieces));
  }
  squares_.resize(first_piece_.back());
}

template <class T>
void Network<T>::update(const Kernels<T>& table, const Update<T>& update,
                        const Gathering& gathering, Worker& worker) {
  if (gathering.waits()) return update_gathered(table, update, gathering, worker);
  if (worker.count() == 1) return update_whole(table, update);
  update_shared(table, update, worker);
}

template <class T>
void Network<T>::update_shared(const Kernels<T>& table, const Update<T>& update, Worker& worker) {
  for (const Parameter<T>& parameter : bound_) {
    if (!parameter.trainable) continue;
    const std::int64_t columns = parameter.shape.back();
    const std::int64_t rows = size_of(parameter.shape) / columns;
    const Block part = own(rows, kParameterRows, columns, table.column_grain, worker);
    if (part.empty()) continue;
    const std::int64_t first =
        parameter.value - flat_values() + part.rows.begin * columns + part.columns.begin;
    table.update(update.at(first), flat_gradients() + first, part.rows.size(), part.columns.size(),
                 columns, columns);
  }
}

/// One worker takes neighbours as one stretch of the flat vector, in one pass.
template <class T>
void Network<T>::update_whole(const Kernels<T>& table, const Update<T>& update) {
  for (std::size_t i = 0; i < bound_.size();) {
    std::size_t end = i;
    while (end < bound_.size() && bound_[end].trainable) ++end;
    if (end > i) {
      const std::int64_t first = bound_[i].value - flat_values();
      const std::int64_t stop =
          end < bound_.size() ? bound_[end].value - flat_values() : flat_size_;
      table.update(update.at(first), flat_gradients() + first, 1, stop - first, 0, 0);
    }
    i = end + 1;
  }
}

/// g ← the sum so far, if one is kept; then every parameter with its gradient scaled down to the
/// norm allowed.
template <class T>
void Network<T>::update_gathered(const Kernels<T>& table, const Update<T>& update,
                                 const Gathering& gathering, Worker& worker) {
  const T* gradients = flat_gradients();
  T* const sum = static_cast<T*>(gathering.sum);
  const auto each_part = [&](auto&& work) {
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      if (!bound_[i].trainable) continue;
      const Range part = share(size_of(bound_[i].shape), kGrain, worker);
      if (!part.empty()) work(i, bound_[i].value - flat_values() + part.begin, part.size());
    }
  };
  if (sum) {
    each_part([&](std::size_t, std::int64_t first, std::int64_t size) {
      table.accumulate(sum + first, gradients + first, size);
    });
    if (!gathering.updates) return;
    gradients = sum;
    worker.barrier();
  }
  double whole = 1.0;
  if (gathering.clips()) {
    sum_squares(table, gradients, worker);
    worker.barrier();
    whole = scale_to(norm(0, bound_.size()) * update.scale, gathering.global_clipnorm);
  }
  each_part([&](std::size_t i, std::int64_t first, std::int64_t size) {
    const double own =
        gathering.clips() ? scale_to(norm(i, i + 1) * update.scale, gathering.clipnorm) : 1.0;
    Update<T> part = update.at(first);
    part.scale = static_cast<T>(update.scale * whole * own);
    table.update(part, gradients + first, 1, size, size, size);
    if (sum) std::fill_n(sum + first, size, T{0});
  });
}

template <class T>
void Network<T>::sum_squares(const Kernels<T>& table, const T* gradients, Worker& worker) {
  for (std::size_t i = 0; i < bound_.size(); ++i) {
    const std::int64_t size = size_of(bound_[i].shape);
    const T* g = gradients + (bound_[i].value - flat_values());
    const Range pieces =
        share(static_cast<std::int64_t>(first_piece_[i + 1] - first_piece_[i]), 1, worker);
    for (std::int64_t piece = pieces.begin; piece < pieces.end; ++piece) {
      const std::int64_t first = piece * kPiece;
      squares_[first_piece_[i] + static_cast<std::size_t>(piece)] =
          table.sum_squares(g + first, std::min(kPiece, size - first));
    }
  }
}

/// Of the gradients of parameters [first, last), without those that are frozen.
template <class T>
double Network<T>::norm(std::size_t first, std::size_t last) const {
  double sum = 0.0;
  for (std::size_t i = first; i < last; ++i) {
    if (!bound_[i].trainable) continue;
    for (std::size_t piece = first_piece_[i]; piece < first_piece_[i + 1]; ++piece) {
      sum += squares_[piece];
    }
  }
  return std::sqrt(sum);
}

template <class T>
void Network<T>::take_average(const T* average) {
  for (const Parameter<T>& parameter : bound_) {
    if (!parameter.trainable) continue;
    std::copy_n(average + (parameter.value - flat_values()), size_of(parameter.shape),
                parameter.value);
  }
}

#define MUNDUR_UPDATES(T)                                                                 \
  template void Network<T>::plan_norms();                                                 \
  template void Network<T>::update(const Kernels<T>&, const Update<T>&, const Gathering&, \
                                   Worker&);                                              \
  template void Network<T>::take_average(const T*)
MUNDUR_UPDATES(float);
MUNDUR_UPDATES(double);

}  // namespace mundur

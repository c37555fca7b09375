#pragma once

// Gradients of parameters that are all there: where they lie, and what their norms make of a step.

#include <cmath>

#include "cpu/resolver.h"

namespace mundur {

/// Where gradients lie: in the network's flat vector, or in the optimizer's sum of several steps.
template <class T>
struct Gradient {
  T* g;
  std::int64_t place;
  bool is_sum;
  Gradient(const Resolver<T>& r, Value value)
      : g(r[value].role == Role::sum ? nullptr : r.at(value)),
        place(r[value].place),
        is_sum(r[value].role == Role::sum) {}
  T* of(const Now<T>& now) const { return is_sum ? static_cast<T*>(now.gathering.sum) + place : g; }
};

/// The squares of all gradients and of one of them, in pieces; null where norms are without limits.
struct Norms {
  const double *squares = nullptr, *own = nullptr;
  std::int64_t all = 0, pieces = 0;

  /// What a step's gradient is multiplied by.
  template <class T>
  T scale(const Now<T>& now) const {
    if (!squares) return now.update.scale;
    const double whole = limit(squares, all, now.update.scale, now.gathering.global_clipnorm);
    const double one = limit(own, pieces, now.update.scale, now.gathering.clipnorm);
    return static_cast<T>(now.update.scale * whole * one);
  }

 private:
  static double limit(const double* squares, std::int64_t pieces, double scale, double most) {
    double sum = 0.0;
    for (std::int64_t piece = 0; piece < pieces; ++piece) sum += squares[piece];
    const double norm = std::sqrt(sum) * scale;
    return norm > most ? most / norm : 1.0;
  }
};

/// One gradient's after another's.
class EachNorm {
 public:
  template <class T>
  EachNorm(const Resolver<T>& r, Value squares, const std::vector<Value>& gradients) {
    all_.squares = all_.own = r.template at<double>(squares);
    for (Value g : gradients) all_.all += pieces_of(r.size(g));
  }
  Norms next(std::int64_t size) {
    Norms norms = all_;
    norms.pieces = pieces_of(size);
    if (all_.own) all_.own += norms.pieces;
    return norms;
  }

 private:
  Norms all_;
};

}  // namespace mundur

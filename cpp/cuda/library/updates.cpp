// Updates: a thread has an element of a parameter, or a piece of a sum.

#include "cpu/kernels/formulas/rules.h"
#include "cpu/kernels/isa/rows.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <Rule kRule, class T>
MUNDUR_INLINE void update_one(const mundur::Update<T>& u, i64 i, T g) {
  if (u.plain) return update_some<kRule, true>(u, i, Vec<T>(g), 1);
  update_some<kRule, false>(u, i, Vec<T>(g), 1);
}

template <class T>
MUNDUR_DEVICE void update_by_rule(const mundur::Update<T>& u, i64 i, T g) {
  switch (u.rule) {
    case Rule::sgd:
      return update_one<Rule::sgd>(u, i, g);
    case Rule::momentum:
      return update_one<Rule::momentum>(u, i, g);
    case Rule::nesterov:
      return update_one<Rule::nesterov>(u, i, g);
    case Rule::adam:
      return update_one<Rule::adam>(u, i, g);
    case Rule::amsgrad:
      return update_one<Rule::amsgrad>(u, i, g);
    case Rule::nadam:
      return update_one<Rule::nadam>(u, i, g);
    case Rule::adamax:
      return update_one<Rule::adamax>(u, i, g);
    case Rule::rmsprop:
      return update_one<Rule::rmsprop>(u, i, g);
    case Rule::adagrad:
      return update_one<Rule::adagrad>(u, i, g);
    case Rule::adadelta:
      return update_one<Rule::adadelta>(u, i, g);
    case Rule::lion:
      return update_one<Rule::lion>(u, i, g);
    case Rule::ftrl:
      return update_one<Rule::ftrl>(u, i, g);
    case Rule::adafactor:  // has operations of its own
      return;
  }
}

template <class T>
struct Code<launches::Update<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Update<T>& a,
                                const launches::Step<T>& step) {
    if (a.gathers && !step.updates) return;
    mundur::Update<T> u = step.update;
    if (i64 end = a.first + 1; u.is_spared(a.first, end)) u.keep = T(1);
    if (a.scale) u.scale = static_cast<T>(*a.scale);
    T* const g = a.g ? a.g : step.sum + a.first;
    block.each(a.rows * a.columns, [&](i64 i) {
      const i64 at = i / a.columns * a.ld + i % a.columns;
      update_by_rule(u, a.first + at, g[at]);
      if (a.clears) g[at] = T(0);
    });
  }
};

template <class T>
struct Code<launches::Accumulate<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Accumulate<T>& a,
                                const launches::Step<T>& step) {
    T* const sum = step.sum + a.first;
    block.each(a.n, [&](i64 i) { sum[i] = sum[i] + a.g[i]; });
  }
};

template <class T>
struct Code<launches::SumSquares<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::SumSquares<T>& a,
                                const launches::Step<T>& step) {
    if (!step.updates) return;
    const T* const g = a.g ? a.g : step.sum + a.first;
    block.each(pieces_of(a.n), [&](i64 piece) {
      const i64 first = piece * kPiece;
      a.squares[piece] = sum_squares(g + first, a.n - first < kPiece ? a.n - first : kPiece);
    });
  }
};

MUNDUR_INLINE double scale_to(const double* squares, i64 pieces, double scale, double most) {
  double sum = 0.0;
  for (i64 piece = 0; piece < pieces; ++piece) sum += squares[piece];
  const double norm = root(sum) * scale;
  return norm > most ? most / norm : 1.0;
}

template <class T>
struct Code<launches::ClippedScale<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ClippedScale<T>& a,
                                const launches::Step<T>& step) {
    if (!step.updates) return;
    const auto scale = static_cast<double>(step.update.scale);
    block.each(1, [&](i64) {
      const double whole = scale_to(a.squares, a.all, scale, step.global_clipnorm);
      const double one = scale_to(a.own, a.pieces, scale, step.clipnorm);
      *a.scale = scale * whole * one;
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(Update)
MUNDUR_STARTED(Accumulate)
MUNDUR_STARTED(SumSquares)
MUNDUR_STARTED(ClippedScale)
}  // namespace mundur

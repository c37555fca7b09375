// Penalties and limits of norms: a thread has an element, a piece or a column.

#include "cpu/kernels/isa/penalties.cpp"

#include "cpu/kernels/formulas/activations.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE double over(double factor, bool shared, i64 samples) {
  return shared ? factor / static_cast<double>(samples) : factor;
}

template <class T>
struct Code<launches::AddPenalty<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::AddPenalty<T>& a,
                                const launches::Step<T>& step) {
    const double l1 = over(a.penalty.l1, a.penalty.shared, step.samples);
    const double l2 = over(a.penalty.l2, a.penalty.shared, step.samples);
    const T by1 = static_cast<T>(l1), by2 = static_cast<T>(2.0 * l2);
    block.each(a.rows * a.columns, [&](i64 i) {
      const i64 r = i / a.columns, c = i % a.columns;
      T* const to = a.to + r * a.ldg + c;
      *to = a.g[r * a.ldg + c];
      add_penalty(to, a.w + r * a.ldw + c, 1, 1, 1, 1, by1, by2);
    });
  }
};

template <class T>
struct Code<launches::Penalties<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Penalties<T>& a,
                                const launches::Step<T>& step) {
    const double l1 = over(a.penalty.l1, a.penalty.shared, step.samples);
    const double l2 = over(a.penalty.l2, a.penalty.shared, step.samples);
    block.each(a.rows, [&](i64 r) {
      double sums[2];
      norms(sums, a.x + r * a.columns, r + 1 == a.rows ? a.rest : a.columns);
      const double value = l1 * sums[0] + l2 * sums[1];
      a.values[r] = a.onto ? a.values[r] + value : value;
    });
  }
};

template <class T>
struct Code<launches::Constrain<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Constrain<T>& a,
                                const launches::Step<T>& step) {
    if (!step.updates) return;
    if (a.non_negative) {
      return block.each(a.outer * a.n * a.inner,
                        [&](i64 i) { a.w[i] = first_lane(Relu<T>::value(a.w[i])); });
    }
    block.each(a.outer * a.inner, [&](i64 i) {
      T* const w = a.w + i / a.inner * a.n * a.inner + i % a.inner;
      limit_norms(w, a.n, 1, a.inner, a.least, a.most, a.rate);
    });
  }
};

/// Of element i along the axes of norms, or along the others.
template <class T>
MUNDUR_INLINE i64 place_of(const launches::ConstrainApart<T>& a, i64 i, bool along) {
  i64 place = 0, stride = 1;
  for (int axis = 0; axis < a.axes; ++axis) {
    const i64 extent = a.extents[axis];
    if (((axis % 2 == 0) == a.first) == along) {
      place += i % extent * stride;
      i /= extent;
    }
    stride *= extent;
  }
  return place;
}

/// As Constrained::limit_apart() of cpu/penalties.h has it: a plain sum in order.
template <class T>
struct Code<launches::ConstrainApart<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ConstrainApart<T>& a,
                                const launches::Step<T>& step) {
    if (!step.updates) return;
    block.each(a.vectors, [&](i64 i) {
      T* const own = a.w + place_of(a, i, false);
      T squares = T(0);
      for (i64 k = 0; k < a.n; ++k) {
        const T x = own[place_of(a, k, true)];
        squares += x * x;
      }
      const T norm = root(squares), above = norm < a.least ? a.least : norm;
      const T inside = a.most < above ? a.most : above;
      if (inside == norm) return;
      const T factor = (a.rate * inside + (T(1) - a.rate) * norm) / (norm + T(1e-7));
      for (i64 k = 0; k < a.n; ++k) own[place_of(a, k, true)] *= factor;
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(AddPenalty)
MUNDUR_STARTED(Penalties)
MUNDUR_STARTED(Constrain)
MUNDUR_STARTED(ConstrainApart)
}  // namespace mundur

// Activations: a thread has an element, or a row.

#include "cpu/kernels/isa/activations.cpp"

#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Code<launches::Activate<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Activate<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) {
      if (is_function(a.f)) return activation(a.y + i, a.x + i, 1, static_cast<Function>(a.f));
      curve(a.y + i, a.x + i, 1, curve_of(a.f), a.p);
    });
  }
};

template <class T>
struct Code<launches::ActivateDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ActivateDx<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) {
      if (is_function(a.f)) {
        return activation_backward(a.dx + i, a.of + i, a.dy + i, 1, static_cast<Function>(a.f));
      }
      curve_backward(a.dx + i, a.of + i, a.dy + i, 1, curve_of(a.f), a.p);
    });
  }
};

template <class T>
struct Code<launches::ActivateRows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ActivateRows<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows, [&](i64 b) {
      T* const y = a.y + b * a.columns;
      const T* const x = a.x + b * a.columns;
      if (a.f == Activation::softmax) return softmax(y, x, 1, a.columns);
      log_softmax(y, x, 1, a.columns);
    });
  }
};

template <class T>
struct Code<launches::ActivateRowsDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ActivateRowsDx<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows, [&](i64 b) {
      T* const dx = a.dx + b * a.columns;
      const T *const of = a.of + b * a.columns, *const dy = a.dy + b * a.columns;
      if (a.f == Activation::softmax) return softmax_backward(dx, of, dy, 1, a.columns);
      log_softmax_backward(dx, of, dy, 1, a.columns);
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(Activate)
MUNDUR_STARTED(ActivateDx)
MUNDUR_STARTED(ActivateRows)
MUNDUR_STARTED(ActivateRowsDx)
}  // namespace mundur

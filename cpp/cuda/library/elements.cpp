// Functions of elements, and copies: a thread has an element.

#include "cpu/kernels/isa/vec.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Code<launches::Fill<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Fill<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) { a.y[i] = a.value; });
  }
};

template <class T>
struct Code<launches::FillIds<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::FillIds<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) { a.y[i] = a.value; });
  }
};

template <class T>
struct Code<launches::CopyRows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::CopyRows<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows * a.columns, [&](i64 i) {
      const i64 r = i / a.columns, c = i % a.columns;
      a.y[r * a.ldy + c] = a.x[r / a.repeats * a.ldx + c];
    });
  }
};

template <class T>
struct Code<launches::Add<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Add<T>& a, const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) { a.y[i] = a.a[i] + a.b[i]; });
  }
};

template <class T>
struct Code<launches::Multiply<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Multiply<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) { a.y[i] = a.a[i] * a.b[i]; });
  }
};

template <class T>
struct Code<launches::Rescale<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Rescale<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) { a.y[i] = fused(a.x[i], a.scale, a.offset); });
  }
};

template <class T>
struct Code<launches::MaskSteps<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::MaskSteps<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows * a.columns,
               [&](i64 i) { a.y[i] = a.mask[i / a.columns] ? a.x[i] : a.fill; });
  }
};

template <class T>
struct Code<launches::MaskWeights<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::MaskWeights<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) {
      if (!a.mask[i]) a.weights[i] = T(0);
    });
  }
};

template <class T>
struct Code<launches::EitherMask<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::EitherMask<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) { a.y[i] = a.a[i] || a.b[i] ? 1 : 0; });
  }
};

template <class T>
struct Code<launches::FindMask<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::FindMask<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows, [&](i64 r) {
      bool differs = false;
      for (i64 c = 0; c < a.columns; ++c) differs = differs || a.x[r * a.columns + c] != a.value;
      a.mask[r] = differs;
    });
  }
};

template <class T>
struct Code<launches::SumSteps<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::SumSteps<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows * a.columns, [&](i64 i) {
      const T* const x = a.x + i / a.columns * a.steps * a.columns + i % a.columns;
      T sum = x[0];
      for (i64 t = 1; t < a.steps; ++t) sum = sum + x[t * a.columns];
      a.y[i] = sum;
    });
  }
};

template <class T>
struct Code<launches::Shift<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Shift<T>& a,
                                const launches::Step<T>&) {
    const i64 pixels = a.to_rows * a.to_columns;
    block.each(a.samples * pixels * a.channels, [&](i64 i) {
      const i64 c = i % a.channels, pixel = i / a.channels % pixels, n = i / a.channels / pixels;
      const i64 row = pixel / a.to_columns - a.rows, column = pixel % a.to_columns - a.columns;
      const bool is_there = row >= 0 && row < a.from_rows && column >= 0 && column < a.from_columns;
      const i64 from = (n * a.from_rows + row) * a.from_columns + column;
      a.y[i] = is_there ? a.x[from * a.channels + c] : T(0);
    });
  }
};

template <class T>
struct Code<launches::Permute<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Permute<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows * a.size, [&](i64 i) {
      const i64 row = i / a.size * a.size;
      i64 rest = i % a.size, other = row;
      for (int axis = a.axes - 1; axis >= 0; --axis) {
        other += rest % a.extents[axis] * a.strides[axis];
        rest /= a.extents[axis];
      }
      if (a.back) {
        a.y[other] = a.x[i];
      } else {
        a.y[i] = a.x[other];
      }
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(FindMask)
MUNDUR_STARTED(SumSteps)
MUNDUR_STARTED(Shift)
MUNDUR_STARTED(Permute)
MUNDUR_STARTED(Fill)
MUNDUR_STARTED(FillIds)
MUNDUR_STARTED(CopyRows)
MUNDUR_STARTED(Add)
MUNDUR_STARTED(Multiply)
MUNDUR_STARTED(Rescale)
MUNDUR_STARTED(MaskSteps)
MUNDUR_STARTED(MaskWeights)
MUNDUR_STARTED(EitherMask)
}  // namespace mundur

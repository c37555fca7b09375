// Sums over samples of whole matrices: a thread has a column.

#include "cpu/kernels/isa/sums.cpp"

#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Code<launches::SumRows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::SumRows<T>& a,
                                const launches::Step<T>&) {
    block.each(a.columns, [&](i64 o) { sum_rows(a.db + o, a.dy + o, 1, a.rows, a.each, a.ld); });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(SumRows)
}  // namespace mundur

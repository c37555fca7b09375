#pragma once

// A product as blocks and tiles see it.

#include "cpu/kernels/isa/panels.h"
#include "cpu/kernels/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE bool is_polynomial(Function f) {
  return f == Function::sigmoid || f == Function::tanh;
}

/// Chains along the rows of A and the columns of B.
template <class T>
struct Chains {
  i64 rows, columns, depth;
  const T* a;  // element (r, k) at a[r·a_row + k·a_step]; one of the two is 1
  i64 a_row, a_step;
  const T* b;  // element (k, c) at b[k·ldb + c]
  i64 ldb;
  T* c;  // element (r, c) at c[r·ldc + c]
  i64 ldc;
  const T* bias = nullptr;  // of each column; null: none
  Function f = Function::linear;
};

template <class T>
struct Job : Chains<T> {
  bool b_transposed, c_transposed;  // then (k, c) of B lies at b[c·ldb + k], (r, c) at c[c·ldc + r]
  T* scratch;
  i64 l2_bytes;                         // bytes of it
  const SampleRows* samples = nullptr;  // of a sum over samples, which the inner index counts
  i64 a_jump = 0, b_jump = 0;           // farther than a step, from a sample to the next

  bool jumps() const { return (a_jump | b_jump) != 0; }
  /// No shards at all, or a single one, whose rows lie evenly.
  bool is_chain() const { return !samples || (samples->count <= kShard && !jumps()); }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

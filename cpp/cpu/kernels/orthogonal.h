#pragma once

#include <cstdint>

#include "cpu/kernels/table.h"

namespace mundur {

/// q[rows, columns] with orthonormal columns, or rows where there are fewer of them, times `gain`:
/// uniformly distributed over all such matrices (Stewart 1980; Mezzadri 2007).
///
/// A matrix of normal numbers, element i of the stream, is orthogonalised column by column (the
/// modified Gram-Schmidt process) in plain double arithmetic, every sum one chain in order of the
/// rows; the result is rounded once. R's diagonal comes out positive, which is what makes the
/// distribution uniform.
template <class T>
void random_orthogonal(T* q, std::int64_t rows, std::int64_t columns, RandomKey key, double gain);

}  // namespace mundur

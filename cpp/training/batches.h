#pragma once

#include "kernels/table.h"
#include "mundur/data.h"
#include "parallel/team.h"

namespace mundur {

/// Samples order[begin + rows] of x (order null: themselves) into out[rows.begin...], converted.
/// True if all are finite.
template <class T>
bool gather(const Kernels<T>& kernels, T* out, const ArrayView& x, const std::int64_t* order,
            std::int64_t begin, Range rows);

}  // namespace mundur

#pragma once

#include "cpu/kernels/table.h"
#include "cpu/parallel/team.h"
#include "mundur/data.h"

namespace mundur {

/// Samples order[begin + rows] of x (order null: themselves) into out[rows.begin...], converted.
/// True if all are finite.
template <class T>
bool gather(const Kernels<T>& kernels, T* out, const ArrayView& x, const std::int64_t* order,
            std::int64_t begin, Range rows);

/// The same of ids; one that is none of [0, vocabulary), or no whole number, becomes 0, and the
/// result false.
bool gather_ids(std::int32_t* out, const ArrayView& x, const std::int64_t* order,
                std::int64_t begin, Range rows, std::int64_t vocabulary);

/// Elements of these samples of x, as they are, one behind the other.
void pack(std::byte* out, const ArrayView& x, Range rows);

}  // namespace mundur

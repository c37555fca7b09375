#pragma once

#include "cpu/kernels/table.h"
#include "mundur/data.h"

namespace mundur {

/// Changes rows of a batch x[B, size] in place. What happens to a sample is a function of (seed,
/// epoch, its place, element), so of nothing that threads choose. Row 0 is sample `place` of the
/// epoch.
template <class T>
void augment(const Kernels<T>& kernels, T* x, std::int64_t size, const Augmenting& with, Range rows,
             std::int64_t place);

}  // namespace mundur

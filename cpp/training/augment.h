#pragma once

#include <cstdint>
#include <vector>

#include "kernels/table.h"
#include "mundur/training.h"
#include "parallel/team.h"

namespace mundur {

/// Changes rows of a batch x[B, size] in place. Row i is sample `place + i` of the epoch; what
/// happens to it is a function of (seed, epoch, place, element), so of nothing that threads choose.
template <class T>
void augment(const Kernels<T>& kernels, T* x, std::int64_t size, std::int64_t place, Range rows,
             const std::vector<Augmentation>& steps, std::uint64_t seed, std::uint64_t epoch);

}  // namespace mundur

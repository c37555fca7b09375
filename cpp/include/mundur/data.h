#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "mundur/types.h"

namespace mundur {

/// A caller's array of samples, wherever and however it lies; nothing is copied but batches.
struct ArrayView {
  const std::byte* data = nullptr;
  ElementType type = ElementType::float32;
  std::int64_t n = 0;       // samples
  Shape sample;             // extents of one
  std::int64_t stride = 0;  // bytes from sample to sample
  Shape strides;            // bytes along each axis of a sample
  bool contiguous = false;  // each sample is one block
  std::int64_t sample_size() const { return size_of(sample); }
};

std::int64_t bytes_of(ElementType type);

/// First (sample, element of the sample) that is NaN or infinite.
std::optional<std::pair<std::int64_t, std::int64_t>> first_nonfinite(const ArrayView& x);

/// The order of an epoch's samples: a shuffle drawn from (seed, epoch) alone.
void permutation(std::int64_t* order, std::int64_t n, std::uint64_t seed, std::uint64_t epoch);
/// The same for samples too many for memory: blocks of neighbours in random order, the samples of
/// each block in random order.
void block_permutation(std::int64_t* order, std::int64_t n, std::int64_t block, std::uint64_t seed,
                       std::uint64_t epoch);

}  // namespace mundur

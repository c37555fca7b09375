#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "mundur/images.h"
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

/// What one output of a network is compared with. Weights may be null: one for each sample, or for
/// each of its rows, `weights_each` of them. `y` serves dense losses, `labels` the sparse one; a
/// label of -1, allowed where the set `ignores`, is that of no class and weighs nothing.
struct TargetSet {
  ArrayView y{};
  std::vector<std::int32_t> labels{};
  const double* weights = nullptr;
  std::int64_t weights_each = 1;
  bool ignores = false;
  bool weighs() const { return weights || ignores; }
};

/// What a pass over a set needs to know of it: for each input and each output of a network. `rows`:
/// which samples of the arrays it goes over, in this order; null: all.
struct DataSet {
  std::vector<ArrayView> x;
  std::vector<TargetSet> y;
  const std::int64_t* rows = nullptr;
  std::int64_t count = 0;  // of the rows
  std::int64_t samples() const { return rows ? count : in_arrays(); }
  std::int64_t in_arrays() const { return x.empty() ? 0 : x.front().n; }
};

/// Consecutive places of an epoch's order; `order` null: of the arrays themselves.
struct Batch {
  const std::int64_t* order;
  std::int64_t begin;
  std::int64_t count;
};

/// One change of a training batch. Pictures are (height, width, channels), row-major.
struct Augmentation {
  enum class Kind { noise, shift, flip, random };
  Kind kind = Kind::noise;
  double stddev = 0.0;                               // noise
  std::int64_t height = 0, width = 0, channels = 0;  // all others
  std::int64_t rows = 0, columns = 0;                // shift: the most in each direction
  double fill = 0.0;                                 // shift: what moves in
  bool horizontal = false, vertical = false;         // flip: each with probability 1/2
  RandomChange how{};                                // random: as the layer does it
};
/// Throws std::invalid_argument where a step does not suit samples of this size.
void require_augment(const std::vector<Augmentation>& steps, std::int64_t size);

/// What changes the samples of a batch: row i is sample `place + i` of the epoch.
struct Augmenting {
  std::vector<Augmentation> steps;
  std::uint64_t seed = 0, epoch = 0;
  std::int64_t place = 0;
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

#pragma once

#include "kernels/table.h"
#include "mundur/training.h"
#include "parallel/team.h"
#include "training/workspace.h"

namespace mundur {

/// The outputs of one sample as loss and metrics see them: see OutputRows.
template <class T>
OutputRows output_rows(const Network<T>& network, const Loss& loss);

/// Throws std::invalid_argument where the set does not fit the network and the loss: kernels trust
/// what passes here.
template <class T>
void require_fit(const Network<T>& network, const Loss& loss, const DataSet& data,
                 std::int64_t batch_size, const std::vector<Metric>& metrics);

/// The rows of some samples.
inline Range rows_of(Range samples, const OutputRows& per_sample) {
  return {samples.begin * per_sample.rows, samples.end * per_sample.rows};
}

/// The weights of a batch's rows, if anything weighs them.
template <class T>
const T* weights_of(const Network<T>& network, const DataSet& data, const Workspace<T>& space) {
  return data.weights || network.masks_output() ? space.weights : nullptr;
}

/// This worker's part of a batch into the workspace: features, targets, weights. A feature that is
/// not finite, or no id, clears space.finite.
template <class T>
void load_batch(const Network<T>& network, const Kernels<T>& kernels, Workspace<T>& space,
                const Loss& loss, const OutputRows& per_sample, const DataSet& data,
                const Batch& batch, Worker& worker);

/// Behind forward, where outputs have a mask: a row that is not there weighs nothing. All workers
/// meet at a barrier.
template <class T>
void mask_weights(const Network<T>& network, Workspace<T>& space, std::int64_t count,
                  Worker& worker) {
  if (!network.masks_output()) return;
  const std::int64_t rows = size_of(network.output_shape()) / network.output_shape().back();
  const Range part = share(count * rows, 64, worker);
  for (std::int64_t row = part.begin; row < part.end; ++row) {
    if (!space.mask[row]) space.weights[row] = T{0};
  }
  worker.barrier();
}

}  // namespace mundur

#pragma once

#include "kernels/table.h"
#include "mundur/training.h"
#include "parallel/team.h"
#include "training/workspace.h"

namespace mundur {

/// Where the classes of predictions and targets stand, for the rows of one worker: what the
/// accuracies compare.
template <class T>
void find_classes(const Kernels<T>& kernels, Workspace<T>& space, const Loss& loss,
                  const std::vector<Metric>& metrics, std::int64_t O, Range rows);

/// The outputs of a worker's rows of a batch to their samples' places in `to`; null: nobody asks.
template <class T>
void keep_outputs(T* to, const Workspace<T>& space, const Batch& batch, std::int64_t O, Range rows);

/// The weighted loss of each sample into space.values, for the rows of one worker.
template <class T>
void find_losses(const Kernels<T>& kernels, Workspace<T>& space, const T* weights, const Loss& loss,
                 std::int64_t O, Range rows);

/// Adds a batch to the tally: `sum`, that of its losses, the sum of its weights, the penalty, its
/// scores. Rows that are masked count for nothing.
template <class T>
void add_to(Tally& tally, double sum, double weight, double penalty, Workspace<T>& space,
            const Loss& loss, const std::vector<Metric>& metrics, std::int64_t samples,
            const OutputRows& per_sample);

}  // namespace mundur

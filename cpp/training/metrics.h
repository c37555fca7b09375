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

/// Adds a batch's losses (space.values, one per sample) and scores to the tally; returns the
/// batch's mean loss.
template <class T>
double add_to(Tally& tally, Workspace<T>& space, const T* weights, const Loss& loss,
              const std::vector<Metric>& metrics, std::int64_t B, std::int64_t O);

}  // namespace mundur

#pragma once

#include "kernels/table.h"
#include "mundur/training.h"
#include "parallel/team.h"
#include "training/workspace.h"

namespace mundur {

/// Throws std::invalid_argument where the set does not fit the network and the loss: kernels trust
/// what passes here.
template <class T>
void require_fit(const Network<T>& network, const Loss& loss, const DataSet& data,
                 std::int64_t batch_size, const std::vector<Metric>& metrics);

/// This worker's part of a batch into the workspace: features, targets, weights. A feature that is
/// not finite, or no id, clears space.finite.
template <class T>
void load_batch(const Network<T>& network, const Kernels<T>& kernels, Workspace<T>& space,
                const Loss& loss, const DataSet& data, const Batch& batch, Worker& worker);

}  // namespace mundur

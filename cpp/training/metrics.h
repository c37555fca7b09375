#pragma once

#include "training/runner.h"

namespace mundur {

/// The outputs of one sample as loss and metrics see them: see OutputRows.
template <class T>
OutputRows output_rows(const Network<T>& network, const Loss& loss);

/// Throws std::invalid_argument where the set does not fit the network and the loss: kernels trust
/// what passes here.
template <class T>
void require_fit(const Network<T>& network, const Loss& loss, const DataSet& data,
                 std::int64_t batch_size, const std::vector<Metric>& metrics);

/// What a program has found of a batch: losses, weights and penalties, summed up, and the scores.
template <class T>
struct Found {
  double sum = 0.0, weight = 0.0, factor = 0.0, penalty = 0.0;
  /// Of the batch, where the core computes it.
  double loss() const { return sum * factor + penalty; }
  /// What the lane's last batch left.
  Found(const Lane<T>& lane, const OutputRows& per_sample, double weights_penalty);
};

/// Adds the lane's last batch to the tally. Rows that are masked count for nothing.
template <class T>
void add_to(Tally& tally, const Found<T>& found, const Lane<T>& lane, const OutputRows& per_sample,
            std::vector<double>& scores);

}  // namespace mundur

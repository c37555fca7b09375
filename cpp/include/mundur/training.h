#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mundur/data.h"
#include "mundur/losses.h"
#include "mundur/network.h"
#include "mundur/optimizers.h"

namespace mundur {

/// Why a slice of work ended.
enum class Outcome {
  finished,  // the epoch, or the set, is through
  more,      // the time is up
  loss,      // a loss was not finite; everything is back at the epoch's start
  input      // a feature was not finite; likewise
};
std::string_view name_of(Outcome outcome);

enum class Metric { binary_accuracy, categorical_accuracy, sparse_categorical_accuracy };
/// "accuracy" takes the form that the loss and the outputs ask for.
Metric metric_from_name(const std::string& name, const Loss& loss, std::int64_t outputs);

/// What a pass over a set needs to know of it. Weights (n doubles) may be null; `y` serves dense
/// losses, `labels` the sparse one.
struct DataSet {
  ArrayView x;
  ArrayView y;
  std::vector<std::int32_t> labels;
  const double* weights = nullptr;
};

struct Batch;

/// Sums of a pass so far. The loss is a mean over weights, scores are means over samples, as
/// Keras's metrics are.
struct Tally {
  double loss = 0.0;
  double terms = 0.0;  // Σ weights · outputs in the mean
  std::vector<double> scores;
  double samples = 0.0;
  double mean_loss() const { return terms > 0.0 ? loss / terms : 0.0; }
  double mean_score(std::size_t metric) const {
    return samples > 0.0 ? scores[metric] / samples : 0.0;
  }
};

/// Epochs of training over a set, in slices of time.
template <class T>
class Trainer {
 public:
  struct Options {
    std::int64_t batch_size = 32;
    bool shuffle = true;
    std::uint64_t seed = 0;
    std::vector<Metric> metrics;
    bool check_finite = true;
  };
  Trainer(Network<T>& network, Optimizer& optimizer, const Loss& loss, const DataSet& data,
          Options options);

  std::int64_t steps_per_epoch() const;
  void begin_epoch(std::uint64_t epoch);
  /// Steps until the epoch ends, about `budget` seconds are over, or `max_steps` (< 0: no limit)
  /// are done.
  Outcome run(double budget, std::int64_t max_steps);

  std::int64_t step() const { return step_; }
  const Tally& tally() const { return tally_; }
  double batch_loss() const { return batch_loss_; }

 private:
  Outcome train_batch(const Pass<T>& pass, Workspace<T>& space, const Batch& batch);
  void keep_start();
  void restore_start();

  Network<T>& network_;
  Optimizer& optimizer_;
  const Loss& loss_;
  const DataSet& data_;
  Options options_;
  std::vector<std::int64_t> order_;
  Buffer start_values_;
  std::vector<Buffer> start_slots_;
  std::vector<double> start_scalars_;
  std::uint64_t start_forwards_ = 0;
  std::int64_t step_ = 0;
  Tally tally_;
  double batch_loss_ = 0.0;
};

/// The loss and the metrics of a network over a set, in slices of time.
template <class T>
class Evaluator {
 public:
  struct Options {
    std::int64_t batch_size = 32;
    std::vector<Metric> metrics;
    bool check_finite = true;
  };
  Evaluator(Network<T>& network, const Loss& loss, const DataSet& data, Options options);

  std::int64_t steps() const;
  Outcome run(double budget);
  std::int64_t step() const { return step_; }
  const Tally& tally() const { return tally_; }

 private:
  Network<T>& network_;
  const Loss& loss_;
  const DataSet& data_;
  Options options_;
  std::int64_t step_ = 0;
  Tally tally_;
};

}  // namespace mundur

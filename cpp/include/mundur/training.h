#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "mundur/data.h"
#include "mundur/exchange.h"
#include "mundur/losses.h"
#include "mundur/network.h"
#include "mundur/optimizers.h"

namespace mundur {

/// Why a slice of work ended.
enum class Outcome {
  finished,  // the epoch, or the set, is through
  more,      // the time is up
  loss,      // a loss was not finite; everything is back at the epoch's start
  input,     // a feature was not finite; likewise
  failed     // a function of the caller's threw; likewise, and what it threw goes on
};
std::string_view name_of(Outcome outcome);

enum class Metric { binary_accuracy, categorical_accuracy, sparse_categorical_accuracy };
/// "accuracy" takes the form that the loss and the outputs ask for.
Metric metric_from_name(const std::string& name, const Loss& loss, std::int64_t outputs);

/// The outputs of one sample: rows with a loss and scores of their own, of so many outputs. Each
/// place of the axes but the last, such as a time step, is a row, whatever loss, mask and metrics
/// make of it: what is asked about a training must not change its sums.
struct OutputRows {
  std::int64_t rows = 1;
  std::int64_t outputs = 1;
};

/// What is asked of an output: a loss, which counts so much in the sum that is made small, and
/// scores; or nothing.
struct Objective {
  const Loss* loss = nullptr;
  double weight = 1.0;
  std::vector<Metric> metrics{};
};

/// Sums of a pass so far. Losses are means over weights, scores are means over the rows that are
/// there, as Keras's metrics are; a batch's penalty counts for each of its samples.
struct Tally {
  struct Output {
    double weight = 1.0;  // of its loss
    double loss = 0.0;
    double terms = 0.0;  // Σ weights · outputs in the mean
    double rows = 0.0;
    std::vector<double> scores;
    double mean_loss() const { return terms > 0.0 ? loss / terms : 0.0; }
    double mean_score(std::size_t metric) const { return rows > 0.0 ? scores[metric] / rows : 0.0; }
  };
  std::vector<Output> outputs;
  double samples = 0.0;
  double penalties = 0.0;  // Σ of each batch's, times its samples

  explicit Tally(const std::vector<Objective>& objectives);
  /// All of it in a row, and back: what a file keeps of an epoch that is not over, but for the
  /// samples, which its place tells.
  std::vector<double> numbers() const;
  void set_numbers(const std::vector<double>& numbers);
  void clear();
  /// Of all outputs, weighted, and the penalties.
  double mean_loss() const;
  /// That, the loss of each output where there are several, and all scores.
  void add_means_to(std::vector<double>& all) const;
};

/// Epochs of training over a set, in slices of time.
template <class T>
class Trainer {
 public:
  struct Options {
    std::int64_t batch_size = 32;
    bool shuffle = true;
    std::uint64_t seed = 0;
    bool check_finite = true;
    // [n, outputs] of each output: each sample's, as of its step; none, or null: nobody asks.
    std::vector<T*> outputs{};
    Exchange* exchange = nullptr;  // with other ranks, which do the same; null: there are none
  };
  /// An objective for each of the network's outputs.
  Trainer(Network<T>& network, Optimizer& optimizer, std::vector<Objective> objectives,
          const DataSet& data, Options options);
  ~Trainer();

  std::int64_t steps_per_epoch() const;
  void begin_epoch(std::uint64_t epoch);
  /// Directly after begin_epoch: so many of its steps were done before, with these sums. Throws
  /// std::invalid_argument for what no epoch of this trainer can be at.
  void resume(std::int64_t step, const std::vector<double>& numbers);
  /// Steps until the epoch ends, about `budget` seconds are over, or `max_steps` (< 0: no limit)
  /// are done. Ranks look at no clock: all do the same steps. Small epochs may go on into the next
  /// ones, at most `more`, while the loss is above `stop_loss` and all parameters are finite.
  Outcome run(double budget, std::int64_t max_steps, std::int64_t more = 0,
              double stop_loss = -std::numeric_limits<double>::infinity());
  /// Loss and scores of each epoch that the last run left behind so.
  const std::vector<double>& passed() const;
  /// The set now holds the next batch of an epoch that is told batch by batch: a step of its own,
  /// while sums and places go on. The first comes before begin_epoch. Its outputs go to `outputs`,
  /// where those of the set before went somewhere.
  void feed(std::vector<T*> outputs = {});
  void set_augment(std::vector<Augmentation> steps);
  /// Shuffles keep blocks of so many neighbours together; 0: they keep none.
  void set_block(std::int64_t rows);

  std::int64_t step() const;
  const Tally& tally() const;
  /// Takes the epoch's updates back; false where no copy was kept, as in an epoch of one step.
  bool undo();
  /// Whether parameters, optimizer and state went back to where the epoch began.
  bool restored() const;
  double batch_loss() const;

 private:
  class Epoch;
  std::unique_ptr<Epoch> epoch_;
};

/// The losses and the metrics of a network over a set, in slices of time.
template <class T>
class Evaluator {
 public:
  struct Options {
    std::int64_t batch_size = 32;
    bool check_finite = true;
    std::vector<T*> outputs{};  // as Trainer's
  };
  Evaluator(Network<T>& network, std::vector<Objective> objectives, const DataSet& data,
            Options options);
  ~Evaluator();

  std::int64_t steps() const;
  /// Batches until the set is through or about `budget` seconds are over; 0: a single batch.
  Outcome run(double budget);
  /// The set now holds the next batch; sums go on. Outputs as Trainer's.
  void feed(std::vector<T*> outputs = {});
  std::int64_t step() const;
  const Tally& tally() const;

 private:
  class Evaluation;
  std::unique_ptr<Evaluation> evaluation_;
};

}  // namespace mundur

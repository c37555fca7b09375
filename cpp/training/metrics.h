#pragma once

#include "training/runner.h"

namespace mundur {

/// What a network's outputs are asked for, and how losses and metrics see each of them. Throws
/// std::invalid_argument where the objectives are not the network's.
template <class T>
class Judge {
 public:
  Judge(const Network<T>& network, std::vector<Objective> objectives);

  const std::vector<Objective>& objectives() const { return objectives_; }
  /// Whether a loss calls a function of the caller's.
  bool calls_outside() const { return calls_outside_; }
  /// Throws std::invalid_argument where the set does not fit: kernels trust what passes here.
  void require_fit(const DataSet& data, std::int64_t batch_size);
  /// Makes room for batches of so many samples.
  void reserve(std::int64_t batch_size);
  /// The loss of a lane's last batch, with what its program has found of penalties on top of these.
  /// It goes to the tally, with scores, if there is one. Rows that are masked count for nothing.
  double judge(const Lane<T>& lane, double penalty, Tally* tally);
  /// The same of some samples of the batch, which no other rank has a part of.
  double judge(const Lane<T>& lane, Range samples, double penalty, Tally* tally);

 private:
  double judge_part(const Lane<T>& lane, Range part, std::int64_t samples, double penalty,
                    Tally* tally);
  void require_targets(std::size_t output, const DataSet& data) const;

  const Network<T>& network_;
  std::vector<Objective> objectives_;
  std::vector<OutputRows> rows_;  // of each output, for the samples that were last fitted
  std::vector<double> scores_;
  bool calls_outside_ = false;
};

}  // namespace mundur

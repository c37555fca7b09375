// Passes over a set with a loss that the core does not compute: the team does what comes before it
// and what comes behind it, and has ended in between.

#include <algorithm>
#include <cmath>
#include <vector>

#include "losses/losses.h"
#include "mundur/runtime.h"
#include "mundur/training.h"
#include "parallel/pace.h"
#include "parallel/team.h"
#include "training/batch.h"
#include "training/clock.h"
#include "training/metrics.h"

namespace mundur {
namespace {

/// Batches weigh what their samples weigh; one that weighs nothing has loss and gradient zero, and
/// nobody is asked.
template <class T>
double evaluate(const OutsideLoss& loss, const Batch& batch, Workspace<T>& space, double weight,
                T* dp, std::int64_t O) {
  if (weight > 0.0) return loss.evaluate(batch, space.output, dp, O);
  if (dp) std::fill_n(dp, batch.count * O, T{0});
  return 0.0;
}

}  // namespace

template <class T>
Outcome Trainer<T>::run_outside(double budget, std::int64_t last_step, Workspace<T>& space,
                                int workers, std::unique_lock<Lock>& lock) {
  // Its steps take another time than those of the same size with a loss of our own.
  Pace& pace = network_.pace(-options_.batch_size, true, workers);
  const Kernels<T>& table = kernels<T>();
  const std::int64_t O = size_of(network_.output_shape());
  Deadline deadline(budget);
  while (step_ < last_step && !deadline.over()) {
    const Batch batch = batch_at(step_);
    const int team = pace.next().workers;
    const auto pass_of = [&](Worker& worker) -> Pass<T> {
      return {worker,
              table,
              batch.count,
              true,
              network_.seed(),
              network_.training_forwards,
              space.scratch[static_cast<std::size_t>(worker.index())]};
    };
    const std::vector<T> state(network_.state_values(),
                               network_.state_values() + network_.state_size());
    run_team(team, [&](Worker& worker) {
      load_training_batch(table, space, batch, worker);
      worker.barrier();
      network_.chain_forward(pass_of(worker), space);
      const Range rows = share(batch.count, 1, worker);
      find_classes(table, space, loss_, options_.metrics, O, rows);
      keep_outputs(options_.outputs, space, batch, O, rows);
      network_.find_penalties(table, worker);
    });
    const bool finite = space.finite.load(std::memory_order_relaxed);
    Outcome outcome = Outcome::input;
    try {
      if (finite || !options_.check_finite) {
        outcome = network_.failed() ? Outcome::failed : ask(space, batch, lock);
      }
    } catch (...) {  // forward has changed the layers' state, and the step is not to be
      std::copy(state.begin(), state.end(), network_.state_values());
      throw;
    }
    if (outcome == Outcome::more) {
      optimizer_.begin_step();
      run_team(team, [&](Worker& worker) { learn(pass_of(worker), space, false); });
      if (network_.failed()) outcome = Outcome::failed;
    }
    if (outcome != Outcome::more) {
      restore_start();
      network_.raise_failure();
      return outcome;
    }
    pace.record(1);
    ++step_;
    place_ += batch.count;
    ++network_.training_forwards;
    deadline.look();
  }
  return step_ >= steps_per_epoch() ? Outcome::finished : Outcome::more;
}

/// The loss and its gradient from outside. The optimizer is free meanwhile: whoever computes them
/// may look at it.
template <class T>
Outcome Trainer<T>::ask(Workspace<T>& space, const Batch& batch, std::unique_lock<Lock>& lock) {
  const std::int64_t O = size_of(network_.output_shape());
  const double weight = total_weight(data_.weights ? space.weights : nullptr, batch.count);
  lock.unlock();
  const double value = evaluate(*loss_.outside(), batch, space, weight, space.gradient[0], O);
  lock.lock();
  bind_optimizer();
  const double penalty = network_.penalty(space, batch.count);
  batch_loss_ = value + penalty;
  add_to(tally_, value * weight, weight, penalty, space, loss_, options_.metrics, batch.count,
         per_sample_);
  return std::isfinite(value + penalty) ? Outcome::more : Outcome::loss;
}

template <class T>
Outcome Evaluator<T>::run_outside(double budget, Workspace<T>& space, int workers) {
  Pace& pace = network_.pace(-options_.batch_size, false, workers);
  const Kernels<T>& table = kernels<T>();
  const std::int64_t O = size_of(network_.output_shape());
  Deadline deadline(budget);
  while (step_ < steps() && !deadline.over()) {
    const std::int64_t begin = step_ * options_.batch_size;
    const Batch batch{nullptr, begin, std::min(options_.batch_size, data_.x.n - begin)};
    run_team(pace.next().workers, [&](Worker& worker) {
      load_batch(network_, table, space, loss_, per_sample_, data_, batch, worker);
      worker.barrier();
      network_.chain_forward({worker, table, batch.count, false, network_.seed(), 0,
                              space.scratch[static_cast<std::size_t>(worker.index())]},
                             space);
      const Range rows = share(batch.count, 1, worker);
      find_classes(table, space, loss_, options_.metrics, O, rows);
      keep_outputs(options_.outputs, space, batch, O, rows);
      network_.find_penalties(table, worker);
    });
    network_.raise_failure();
    if (options_.check_finite && !space.finite.load(std::memory_order_relaxed)) {
      return Outcome::input;
    }
    const double weight = total_weight(data_.weights ? space.weights : nullptr, batch.count);
    const double value =
        evaluate(*loss_.outside(), batch, space, weight, static_cast<T*>(nullptr), O);
    add_to(tally_, value * weight, weight, network_.penalty(space, batch.count), space, loss_,
           options_.metrics, batch.count, per_sample_);
    pace.record(1);
    ++step_;
    deadline.look();
  }
  return step_ >= steps() ? Outcome::finished : Outcome::more;
}

template Outcome Trainer<float>::run_outside(double, std::int64_t, Workspace<float>&, int,
                                             std::unique_lock<Lock>&);
template Outcome Trainer<double>::run_outside(double, std::int64_t, Workspace<double>&, int,
                                              std::unique_lock<Lock>&);
template Outcome Trainer<float>::ask(Workspace<float>&, const Batch&, std::unique_lock<Lock>&);
template Outcome Trainer<double>::ask(Workspace<double>&, const Batch&, std::unique_lock<Lock>&);
template Outcome Evaluator<float>::run_outside(double, Workspace<float>&, int);
template Outcome Evaluator<double>::run_outside(double, Workspace<double>&, int);

}  // namespace mundur

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "losses/losses.h"
#include "mundur/runtime.h"
#include "mundur/training.h"
#include "training/augment.h"
#include "training/batch.h"
#include "training/metrics.h"
#include "training/steps.h"

namespace mundur {

template <class T>
Trainer<T>::Trainer(Network<T>& network, Optimizer& optimizer, const Loss& loss,
                    const DataSet& data, Options options)
    : network_(network),
      optimizer_(optimizer),
      loss_(loss),
      data_(data),
      options_(std::move(options)),
      per_sample_(output_rows(network, loss)) {
  require_fit(network, loss, data, options_.batch_size, options_.metrics);
  options_.batch_size = std::min(options_.batch_size, data.x.n);
  options_.check_finite |= network.vocabulary() > 0;  // what is no id has no row
  bind_optimizer();
  if (options_.shuffle) {
    order_ = Buffer(checked_product(data.x.n, sizeof(std::int64_t), "the order of the samples"),
                    "the order of the samples", Fill::none);
  }
  tally_.scores.resize(options_.metrics.size());
}

template <class T>
void Trainer<T>::bind_optimizer() {
  optimizer_.bind(network_.flat_size(), sizeof(T) == sizeof(double), network_.flat_values(),
                  network_.gaps());
}

template <class T>
std::int64_t Trainer<T>::steps_per_epoch() const {
  return (data_.x.n + options_.batch_size - 1) / options_.batch_size;
}

template <class T>
void Trainer<T>::feed() {
  require_fit(network_, loss_, data_, data_.x.n, options_.metrics);
  options_.batch_size = std::max(options_.batch_size, data_.x.n);
  fed_ = true;
  step_ = 0;
}

template <class T>
void Trainer<T>::set_augment(std::vector<Augmentation> steps) {
  require_augment(steps, data_.x.sample_size());
  if (!steps.empty() && network_.vocabulary() > 0) {
    throw std::invalid_argument("augment: expected none, since samples are ids");
  }
  augment_ = std::move(steps);
}

template <class T>
void Trainer<T>::begin_epoch(std::uint64_t epoch) {
  if (options_.shuffle && block_ > 0) {
    block_permutation(order_.as<std::int64_t>(), data_.x.n, block_, options_.seed, epoch);
  } else if (options_.shuffle) {
    permutation(order_.as<std::int64_t>(), data_.x.n, options_.seed, epoch);
  }
  const std::lock_guard lock(optimizer_.mutex());
  bind_optimizer();
  step_ = place_ = 0;
  epoch_ = epoch;
  restored_ = false;
  tally_ = {};
  tally_.scores.resize(options_.metrics.size());
  keep_start();
}

template <class T>
void Trainer<T>::resume(std::int64_t step, const std::vector<double>& numbers) {
  if (step < 0 || step > steps_per_epoch()) {
    throw std::invalid_argument("step: expected 0 to " + std::to_string(steps_per_epoch()) +
                                ", got " + std::to_string(step));
  }
  tally_.set_numbers(numbers);
  step_ = step;
  place_ = std::min(step * options_.batch_size, data_.x.n);
  tally_.samples = static_cast<double>(place_);
}

/// A step whose loss is not finite updates nothing, so that an epoch of one step needs no copy of
/// the vectors. Forward has changed the layers' state by then.
template <class T>
void Trainer<T>::keep_start() {
  start_scalars_.clear();
  for (const Optimizer::Scalar& scalar : optimizer_.scalars())
    start_scalars_.push_back(*scalar.value);
  start_forwards_ = network_.training_forwards;
  start_state_.assign(network_.state_values(), network_.state_values() + network_.state_size());
  if (one_step()) return;
  const auto take = [&](Buffer& values) {
    if (values.bytes() == 0) {
      values = Buffer(network_.flat_size() * static_cast<std::int64_t>(sizeof(T)),
                      "the parameters at the epoch's start", Fill::none);
    }
  };
  take(start_values_);
  start_slots_.resize(optimizer_.slots().size());
  for (Buffer& values : start_slots_) take(values);
  // Epochs of a few steps feel this.
  constexpr std::int64_t kGrain = 64;
  constexpr std::int64_t kWorthATeam = 1 << 18;
  const std::int64_t elements = network_.flat_size();
  run_team(elements < kWorthATeam ? 1 : num_threads(), [&](Worker& worker) {
    const Range part = share(elements, kGrain, worker);
    const auto copy = [&](Buffer& to, const T* from) {
      std::copy(from + part.begin, from + part.end, to.template as<T>() + part.begin);
    };
    copy(start_values_, network_.flat_values());
    for (std::size_t i = 0; i < start_slots_.size(); ++i) {
      copy(start_slots_[i], optimizer_.slots()[i].values.template as<T>());
    }
  });
}

template <class T>
void Trainer<T>::restore_start() {
  restored_ = true;
  const auto restore = [&](T* to, const Buffer& from) {
    std::copy_n(from.template as<T>(), from.bytes() / static_cast<std::int64_t>(sizeof(T)), to);
  };
  restore(network_.flat_values(), start_values_);
  std::copy(start_state_.begin(), start_state_.end(), network_.state_values());
  for (std::size_t i = 0; i < optimizer_.slots().size() && !one_step(); ++i) {
    T* values = optimizer_.slots()[i].values.template as<T>();
    if (i < start_slots_.size()) {
      restore(values, start_slots_[i]);
    } else {  // momentum was switched on within the epoch
      std::fill_n(values, network_.flat_size(), T{0});
    }
  }
  const std::vector<Optimizer::Scalar> scalars = optimizer_.scalars();
  for (std::size_t i = 0; i < scalars.size(); ++i) {  // as with slots, there may be more by now
    *scalars[i].value = i < start_scalars_.size() ? start_scalars_[i] : 0.0;
  }
  network_.training_forwards = start_forwards_;
}

template <class T>
bool Trainer<T>::undo() {
  if (one_step()) return false;
  const std::lock_guard lock(optimizer_.mutex());
  restore_start();
  return true;
}

namespace {

/// Steps between looks at the clock: a look costs as much as a tiny step.
std::int64_t steps_per_look(double work) {
  constexpr double kWorkPerLook = 1e6;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(kWorkPerLook / (work + 1e4)));
}

}  // namespace

template <class T>
Batch Trainer<T>::batch_at(std::int64_t step) const {
  const std::int64_t begin = step * options_.batch_size;
  return {order_.as<std::int64_t>(), begin, std::min(options_.batch_size, data_.x.n - begin)};
}

template <class T>
Outcome Trainer<T>::run(double budget, std::int64_t max_steps) {
  const std::int64_t batch_size = options_.batch_size;
  const std::int64_t last_step =
      max_steps < 0 ? steps_per_epoch() : std::min(steps_per_epoch(), step_ + max_steps);
  std::unique_lock lock(optimizer_.mutex());
  bind_optimizer();
  network_.forget_forward();
  if (step_ >= last_step) return step_ >= steps_per_epoch() ? Outcome::finished : Outcome::more;
  const int workers = network_.workers_for(batch_size, true);
  Workspace<T>& space = network_.workspace(batch_size, true, workers);
  if (loss_.outside()) return run_outside(budget, last_step, space, workers, lock);
  const Kernels<T>& table = kernels<T>();
  const std::int64_t per_look =
      steps_per_look(3.0 * network_.forward_work() * static_cast<double>(batch_size));
  Outcome outcome = Outcome::more;
  run_steps(
      network_.pace(batch_size, true, workers), budget, per_look,
      [&] { return outcome == Outcome::more && step_ < last_step; },
      [&](Worker& worker) {
        const Batch batch = batch_at(step_);
        return train_batch(
            {worker, table, batch.count, true, network_.seed(), network_.training_forwards,
             space.scratch[static_cast<std::size_t>(worker.index())]},
            space, batch);
      },
      [&](Outcome failed) {
        outcome = failed;
        if (failed != Outcome::more) return 1;
        place_ += std::min(batch_size, data_.x.n - step_ * batch_size);
        ++step_;
        ++network_.training_forwards;
        return 1;
      });
  if (outcome != Outcome::more) {
    restore_start();
    network_.raise_failure();
    return outcome;
  }
  return step_ >= steps_per_epoch() ? Outcome::finished : Outcome::more;
}

/// This worker's part of a batch, augmented.
template <class T>
void Trainer<T>::load_training_batch(const Kernels<T>& kernels, Workspace<T>& space,
                                     const Batch& batch, Worker& worker) {
  load_batch(network_, kernels, space, loss_, per_sample_, data_, batch, worker);
  if (augment_.empty()) return;
  augment(kernels, space.input, data_.x.sample_size(), place_, share(batch.count, 1, worker),
          augment_, options_.seed, epoch_);
}

/// One step: forward, loss, δ, gradients, and at once the update. Every worker returns the same
/// outcome; `more` is a good step.
template <class T>
Outcome Trainer<T>::train_batch(const Pass<T>& pass, Workspace<T>& space, const Batch& batch) {
  Worker& worker = pass.worker;
  load_training_batch(pass.kernels, space, batch, worker);
  if (worker.first()) optimizer_.begin_step();
  worker.barrier();
  if (options_.check_finite && !space.finite.load(std::memory_order_relaxed)) return Outcome::input;
  network_.chain_forward(pass, space);
  if (network_.failed()) return Outcome::failed;

  const std::int64_t O = per_sample_.outputs;
  const std::int64_t count = batch.count * per_sample_.rows;
  const T* weights = weights_of(network_, data_, space);
  const Range samples = share(batch.count, 1, worker);
  const Range rows = rows_of(samples, per_sample_);
  mask_weights(network_, space, batch.count, worker);
  const bool fused = network_.head() == loss_.fuses_with() && !loss_.from_logits() &&
                     loss_.fuses_with() != Activation::linear && !network_.penalises_output();
  const double weight = total_weight(weights, count);
  const double factor = mean_factor(loss_, weight, O, per_sample_.rows);
  find_losses(pass.kernels, space, weights, loss_, O, rows);
  pass.kernels.loss_gradient(space.gradient[0] + rows.begin * O, space.output + rows.begin * O,
                             loss_.sparse() ? nullptr : space.targets + rows.begin * O,
                             loss_.sparse() ? space.labels + rows.begin : nullptr,
                             weights ? weights + rows.begin : nullptr, rows.size(), O,
                             static_cast<T>(factor), loss_.kind(), loss_.numbers(), fused);
  find_classes(pass.kernels, space, loss_, options_.metrics, O, rows);
  keep_outputs(options_.outputs, space, batch, O * per_sample_.rows, samples);
  network_.find_penalties(pass.kernels, worker);
  worker.barrier();
  const double sum = sum_over_samples(space.values, count);
  const double penalty = network_.penalty(space, batch.count);
  if (worker.first()) {
    batch_loss_ = sum * factor + penalty;
    add_to(tally_, sum, weight, penalty, space, loss_, options_.metrics, batch.count, per_sample_);
  }
  if (!std::isfinite(sum * factor + penalty)) return Outcome::loss;
  return learn(pass, space, fused);
}

/// What comes behind the loss: δ of the outputs is in place.
template <class T>
Outcome Trainer<T>::learn(const Pass<T>& pass, Workspace<T>& space, bool fused) {
  Worker& worker = pass.worker;
  const Update<T> update = optimizer_.template update_of<T>(network_.flat_values());
  // All parameters of a small network in one stretch take less than each by itself.
  constexpr std::int64_t kSmall = 4096;
  const Gathering gathering = optimizer_.gathering();
  const bool is_small = worker.count() == 1 && network_.flat_size() <= kSmall;
  // What may still fail in a layer below must find nothing updated.
  const bool at_once = is_small || gathering.waits() || network_.calls_back();
  Pass<T> backward = pass;
  if (!at_once) backward.update = &update;
  network_.chain_backward(backward, space, fused, false);
  if (network_.failed()) return Outcome::failed;
  if (at_once) network_.update(pass.kernels, update, gathering, worker);
  if (gathering.updates) network_.constrain(pass.kernels, worker);
  return Outcome::more;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace mundur

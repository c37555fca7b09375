#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "mundur/runtime.h"
#include "mundur/training.h"
#include "training/metrics.h"

namespace mundur {

template <class T>
class Trainer<T>::Epoch final : public Pass<T> {
 public:
  Epoch(Network<T>& of, Optimizer& with, std::vector<Objective> by, const DataSet& set, Options how)
      : network(of),
        optimizer(with),
        data(set),
        options(std::move(how)),
        judge(of, std::move(by)),
        tally(judge.objectives()),
        lanes_(1) {
    judge.require_fit(data, options.batch_size);
    if (!options.outputs.empty()) network.require_outputs(options.outputs.size(), "outputs");
    options.batch_size = std::min(options.batch_size, data.samples());
    network.require_batches(data.samples(), options.batch_size);
    count_steps();
    if (options.exchange && judge.calls_outside()) {
      throw std::invalid_argument(
          "exchange: expected none, since the core does not compute the loss");
    }
    purpose_.compares.assign(judge.objectives().begin(), judge.objectives().end());
    bind_optimizer();
    if (options.shuffle) {
      constexpr const char* kWhat = "the order of the samples";
      order_ =
          Buffer(checked_product(data.samples(), sizeof(std::int64_t), kWhat), kWhat, Fill::none);
    }
  }

  Network<T>& network;
  Optimizer& optimizer;
  const DataSet& data;
  Options options;
  Judge<T> judge;
  Augmenting augmenting;
  Tally tally;
  std::int64_t step = 0;
  std::int64_t block = 0;
  bool fed = false;
  bool restored = false;
  double batch_loss = 0.0;
  std::vector<double> passed;

  std::int64_t steps_per_epoch() const { return steps_; }
  void begin(std::uint64_t epoch);
  void resume(std::int64_t from, const std::vector<double>& numbers);
  Outcome run(double budget, std::int64_t max_steps, std::int64_t more, double stop_loss);
  void feed(std::vector<T*> outputs) {
    judge.require_fit(data, data.samples());
    options.outputs = std::move(outputs);
    options.batch_size = std::max(options.batch_size, data.samples());
    count_steps();
    fed = true;
    step = 0;
  }
  bool undo() {
    if (one_step()) return false;
    const std::lock_guard lock(optimizer.mutex());
    restore_start();
    return true;
  }

 private:
  using Pass<T>::ahead;
  bool any() const override {
    return outcome_ == Outcome::more && step + ahead < steps_per_epoch() && steps_left_ > ahead;
  }
  std::int64_t coming() const override {
    const std::int64_t begin = (step + ahead) * options.batch_size;
    return any() ? std::min(options.batch_size, data.samples() - begin) : 0;
  }
  void next(Now<T>& now) override;
  bool goes_on(std::size_t behind, Lane<T>& lane, const Worker& worker) override;
  std::int64_t finish(Lane<T>& lane) override;
  void outside(const Operation& operation, Now<T>& now, const std::function<void()>& call) override;

  /// What this rank computes of a batch of so many samples.
  BatchPart part(std::int64_t samples) const {
    if (!options.exchange) return {{0, samples}, samples, 1};
    return part_of_batch(samples, options.exchange->rank(), options.exchange->ranks());
  }
  void count_steps() { steps_ = (data.samples() + options.batch_size - 1) / options.batch_size; }
  bool one_step() const { return !fed && steps_per_epoch() == 1; }
  void bind_optimizer() {
    optimizer.bind(network.flat_size(), sizeof(T) == sizeof(double), network.flat_values(),
                   network.gaps());
  }
  void begin_step(Now<T>& now);
  void hold();
  void compile();
  void start(std::uint64_t epoch, bool on_device);
  void pass_on();
  void keep_start(bool on_device);
  void restore_start();
  /// A function of the caller's threw. A loss leaves the model as the last whole step did, others
  /// as the epoch began.
  void undo_step() {
    if (!loss_threw_) return restore_start();
    std::copy(step_state_.begin(), step_state_.end(), network.state_values());
    loss_threw_ = false;
  }

  std::int64_t steps_ = 0;  // of an epoch
  std::vector<Lane<T>> lanes_;
  Purpose purpose_;
  Compiled<T>* program_ = nullptr;                      // within run()
  std::size_t input_is_known_ = 0, loss_is_known_ = 0;  // behind these stretches
  bool steps_alike_ = false, has_update_ = false;  // an update that holds for all of a run's steps
  const Operation* last_ask_ = nullptr;            // of a loss that somebody else computes
  std::unique_lock<Lock> lock_;
  std::int64_t steps_left_ = 0, epochs_left_ = 0;
  double stop_loss_ = 0.0;
  Outcome outcome_ = Outcome::more;
  bool loss_threw_ = false;
  std::shared_ptr<DeviceData> held_;  // the set, on the network's device
  bool was_held_ = false;             // or asked whether it can be
  bool start_is_there_ = false;
  Buffer order_;  // of the samples, as 64-bit integers; none without a shuffle
  Buffer start_values_;
  std::vector<Buffer> start_slots_;
  std::vector<double> start_scalars_;
  std::vector<T> start_state_, step_state_;
  std::uint64_t start_forwards_ = 0;
};

// ---- epochs -------------------------------------------------------------------------------------

template <class T>
void Trainer<T>::Epoch::begin(std::uint64_t epoch) {
  const std::lock_guard lock(optimizer.mutex());
  bind_optimizer();
  start(epoch, false);
}

template <class T>
void Trainer<T>::Epoch::start(std::uint64_t epoch, bool on_device) {
  if (options.shuffle && block > 0) {
    block_permutation(order_.as<std::int64_t>(), data.samples(), block, options.seed, epoch);
  } else if (options.shuffle) {
    permutation(order_.as<std::int64_t>(), data.samples(), options.seed, epoch);
  }
  if (options.shuffle && data.rows) {
    auto* const order = order_.as<std::int64_t>();
    std::transform(order, order + data.samples(), order,
                   [this](std::int64_t place) { return data.rows[place]; });
  }
  step = 0;
  augmenting.seed = options.seed;
  augmenting.epoch = epoch;
  augmenting.place = 0;
  restored = false;
  tally.clear();
  keep_start(on_device);
}

namespace {

template <class T>
bool all_finite(const T* values, std::int64_t n) {
  return std::all_of(values, values + n, [](T w) { return std::isfinite(w); });
}

}  // namespace

/// The epoch is over. A small one, or one on a device, where nobody looks, is followed by the next
/// at once: what lies between two calls takes longer than its steps.
template <class T>
void Trainer<T>::Epoch::pass_on() {
  constexpr std::int64_t kSmall = 4096;
  const bool is_small = data.samples() <= kSmall && network.flat_size() <= kSmall;
  if (epochs_left_ == 0 || !(tally.mean_loss() > stop_loss_)) return;
  // On a device the parameters come back with the call's end.
  if (network.device() ? !this->held || !network.device()->all_finite()
                       : !is_small || !all_finite(network.flat_values(), network.flat_size())) {
    return;
  }
  --epochs_left_;
  tally.add_means_to(passed);
  start(augmenting.epoch + 1, network.device() != nullptr);
}

template <class T>
void Trainer<T>::Epoch::resume(std::int64_t from, const std::vector<double>& numbers) {
  if (from < 0 || from > steps_per_epoch()) {
    throw std::invalid_argument("step: expected 0 to " + std::to_string(steps_per_epoch()) +
                                ", got " + std::to_string(from));
  }
  tally.set_numbers(numbers);
  step = from;
  augmenting.place = std::min(from * options.batch_size, data.samples());
  tally.samples = static_cast<double>(augmenting.place);
}

/// A step whose loss is not finite updates nothing, so that an epoch of one step needs no copy of
/// the vectors. Forward has changed the layers' state by then.
template <class T>
void Trainer<T>::Epoch::keep_start(bool on_device) {
  start_scalars_.clear();
  for (const Optimizer::Scalar& scalar : optimizer.scalars())
    start_scalars_.push_back(*scalar.value);
  start_forwards_ = network.training_forwards;
  start_is_there_ = on_device;
  if (on_device) {
    std::vector<T*> slots;
    for (Optimizer::Slot& slot : optimizer.slots()) slots.push_back(slot.values.template as<T>());
    return network.device()->keep_start(slots);
  }
  start_state_.assign(network.state_values(), network.state_values() + network.state_size());
  if (one_step()) return;
  const auto take = [&](Buffer& values) {
    if (values.bytes() == 0) {
      values = Buffer(network.flat_size() * static_cast<std::int64_t>(sizeof(T)),
                      "the parameters at the epoch's start", Fill::none);
    }
  };
  take(start_values_);
  start_slots_.resize(optimizer.slots().size());
  for (Buffer& values : start_slots_) take(values);
  // Epochs of a few steps feel this.
  constexpr std::int64_t kTogether = 64;
  constexpr std::int64_t kWorthATeam = 1 << 18;
  const std::int64_t elements = network.flat_size();
  run_team(elements < kWorthATeam ? 1 : num_threads(), [&](Worker& worker) {
    const Range part = share(elements, kTogether, worker);
    const auto copy = [&](Buffer& to, const T* from) {
      std::copy(from + part.begin, from + part.end, to.template as<T>() + part.begin);
    };
    copy(start_values_, network.flat_values());
    for (std::size_t i = 0; i < start_slots_.size(); ++i) {
      copy(start_slots_[i], optimizer.slots()[i].values.template as<T>());
    }
  });
}

template <class T>
void Trainer<T>::Epoch::restore_start() {
  restored = true;
  const auto restore = [&](T* to, const Buffer& from) {
    std::copy_n(from.template as<T>(), from.bytes() / static_cast<std::int64_t>(sizeof(T)), to);
  };
  if (start_is_there_) {
    network.device()->restore_start();
  } else {
    restore(network.flat_values(), start_values_);
    std::copy(start_state_.begin(), start_state_.end(), network.state_values());
  }
  for (std::size_t i = 0; i < optimizer.slots().size() && !one_step() && !start_is_there_; ++i) {
    T* values = optimizer.slots()[i].values.template as<T>();
    if (i < start_slots_.size()) {
      restore(values, start_slots_[i]);
    } else {  // momentum was switched on within the epoch
      std::fill_n(values, network.flat_size(), T{0});
    }
  }
  const std::vector<Optimizer::Scalar> scalars = optimizer.scalars();
  for (std::size_t i = 0; i < scalars.size(); ++i) {  // as with slots, there may be more by now
    *scalars[i].value = i < start_scalars_.size() ? start_scalars_[i] : 0.0;
  }
  network.training_forwards = start_forwards_;
}

// ---- steps --------------------------------------------------------------------------------------

namespace {

/// Of what calls a function of the caller's, which may stand in front of all of backward.
bool is_backward(const Operation& operation) {
  return std::holds_alternative<op::ActivateDx>(operation) ||
         std::holds_alternative<op::AskLayerDx>(operation);
}

}  // namespace

/// The program of a step, unless it is there.
template <class T>
void Trainer<T>::Epoch::compile() {
  // All parameters of a small network in one stretch take less than each by itself.
  constexpr std::int64_t kSmall = 4096;
  const Gathering gathering = optimizer.gathering();
  const bool is_small =
      network.workers_for(options.batch_size, true) == 1 && network.flat_size() <= kSmall;
  Purpose& purpose = purpose_;
  purpose.training = purpose.backward = true;
  purpose.asked_for_outputs = !options.outputs.empty();
  purpose.augments = !augmenting.steps.empty();
  purpose.weigh(data);
  purpose.sums = gathering.sum != nullptr;
  purpose.clips = gathering.clips();
  purpose.whole = gathering.whole;
  purpose.asks_update = gathering.rule != nullptr;
  purpose.is_part = options.exchange != nullptr;
  // What may still fail in a layer below must find nothing updated.
  purpose.updates = is_small || purpose.is_part || gathering.waits() || network.calls_outside()
                        ? Purpose::Updates::at_end
                        : Purpose::Updates::at_once;
  program_ = &network.compiled(purpose);
  lanes_[0].program = program_;
  hold();
  const std::vector<Stretch>& stretches = program_->program().stretches;
  input_is_known_ = loss_is_known_ = 0;
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    if (stretches[i].stage == Stage::backward || stretches[i].stage == Stage::update) break;
    if (stretches[i].stage == Stage::load) input_is_known_ = i;
    const Operation& first = program_->program().operations[stretches[i].begin];
    if (!is_backward(first)) loss_is_known_ = i;
    if (std::holds_alternative<op::AskLoss>(first)) last_ask_ = &first;
  }
  this->asked = {input_is_known_, loss_is_known_};
}

/// A device computes many steps at once from a set that it has; what is told batch by batch, or
/// read from a file as it goes, it has not.
template <class T>
void Trainer<T>::Epoch::hold() {
  this->held = nullptr;
  Device<T>* const device = network.device();
  if (!device || fed || block > 0 || one_step() || judge.calls_outside()) return;
  if (!program_->together(options.batch_size)) return;
  if (!was_held_) {
    std::vector<std::int64_t> vocabularies;
    for (std::size_t i = 0; i < data.x.size(); ++i) {
      vocabularies.push_back(network.graph().vocabulary(i));
    }
    held_ = device->hold(data, vocabularies);
    was_held_ = true;
  }
  this->held = held_.get();
}

template <class T>
void Trainer<T>::Epoch::begin_step(Now<T>& now) {
  optimizer.begin_step();
  if (has_update_) return;
  has_update_ = steps_alike_;
  now.update = optimizer.template update_of<T>(network.flat_values());
  now.gathering = optimizer.gathering();
}

template <class T>
void Trainer<T>::Epoch::next(Now<T>& now) {
  const std::int64_t begin = (step + ahead) * options.batch_size;
  now.data = &data;
  now.exchange = options.exchange;
  now.part = part(std::min(options.batch_size, data.samples() - begin));
  now.batch = {options.shuffle ? order_.as<std::int64_t>() : data.rows,
               begin + now.part.samples.begin, now.part.samples.size()};
  now.seed = network.seed();
  now.forward = network.training_forwards + static_cast<std::uint64_t>(ahead);
  now.augmenting = &augmenting;
  now.outputs = &options.outputs;
  now.begin_checks();
  if (!judge.calls_outside()) return begin_step(now);
  step_state_.assign(network.state_values(), network.state_values() + network.state_size());
}

template <class T>
bool Trainer<T>::Epoch::goes_on(std::size_t behind, Lane<T>& lane, const Worker& worker) {
  if (behind == input_is_known_ && !lane.now.passes(options.check_finite)) return false;
  if (behind != loss_is_known_) return true;
  const double loss = judge.judge(lane, 0.0, worker.first() ? &tally : nullptr);
  if (worker.first()) batch_loss = loss;
  return std::isfinite(loss) && lane.now.passes(options.check_finite);
}

template <class T>
std::int64_t Trainer<T>::Epoch::finish(Lane<T>& lane) {
  if (!lane.whole) {
    outcome_ = lane.now.passes(options.check_finite) ? Outcome::loss : Outcome::input;
    return 1;
  }
  augmenting.place += lane.now.samples();
  ++step;
  --steps_left_;
  ++network.training_forwards;
  if (step == steps_per_epoch()) pass_on();
  return 1;
}

/// The optimizer is free meanwhile: whoever computes a loss may look at it.
template <class T>
void Trainer<T>::Epoch::outside(const Operation& operation, Now<T>& now,
                                const std::function<void()>& call) {
  if (!std::holds_alternative<op::AskLoss>(operation)) return call();
  loss_threw_ = true;
  lock_.unlock();
  call();
  lock_.lock();
  bind_optimizer();
  const Gathering gathering = optimizer.gathering();
  const Purpose& purpose = program_->purpose();
  if (purpose.sums != (gathering.sum != nullptr) || purpose.clips != gathering.clips()) {
    throw std::runtime_error("optimizer: its accumulation or clipping changed within a step");
  }
  loss_threw_ = false;
  if (&operation == last_ask_) begin_step(now);
}

namespace {

/// Steps between looks at the clock: a look costs as much as a tiny step.
std::int64_t steps_per_look(double work) {
  constexpr double kWorkPerLook = 1e6;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(kWorkPerLook / (work + 1e4)));
}

}  // namespace

template <class T>
Outcome Trainer<T>::Epoch::run(double budget, std::int64_t max_steps, std::int64_t more,
                               double stop_loss) {
  constexpr std::int64_t kMostEpochs = 1 << 16;  // passed on at a time
  const std::int64_t batch_size = options.batch_size;
  steps_left_ = max_steps < 0 ? std::numeric_limits<std::int64_t>::max() : max_steps;
  epochs_left_ = std::min(more, kMostEpochs);
  stop_loss_ = stop_loss;
  passed.clear();
  tally.add_means_to(passed);
  passed.reserve(static_cast<std::size_t>(epochs_left_) * passed.size());
  passed.clear();
  lock_ = std::unique_lock(optimizer.mutex());
  bind_optimizer();
  // A function of the caller's may set what it likes.
  steps_alike_ = optimizer.steps_alike() && !judge.calls_outside() && !network.calls_outside();
  has_update_ = false;
  network.forget_forward();
  outcome_ = Outcome::more;
  ahead = 0;
  if (any()) {
    compile();
    judge.reserve(batch_size);
    const int workers = network.workers_for(batch_size, true);
    const std::int64_t rest = data.samples() % batch_size;
    // Steps with a loss from outside take another time than those of the same size.
    Pace& pace = network.pace(judge.calls_outside() ? -batch_size : batch_size, true, workers);
    try {
      if (options.exchange) budget = std::numeric_limits<double>::infinity();
      Runner<T>(lanes_, pace, part(batch_size).samples.size(),
                part(rest ? rest : batch_size).samples.size(), workers)
          .run(*this, budget,
               steps_per_look(3.0 * network.forward_work() * static_cast<double>(batch_size)));
    } catch (...) {
      if (!lock_.owns_lock()) lock_.lock();
      undo_step();
      lock_.unlock();
      throw;
    }
  }
  if (outcome_ != Outcome::more) restore_start();
  lock_.unlock();
  if (outcome_ != Outcome::more) return outcome_;
  return step >= steps_per_epoch() ? Outcome::finished : Outcome::more;
}

// ---- what others see ----------------------------------------------------------------------------

template <class T>
Trainer<T>::Trainer(Network<T>& network, Optimizer& optimizer, std::vector<Objective> objectives,
                    const DataSet& data, Options options)
    : epoch_(std::make_unique<Epoch>(network, optimizer, std::move(objectives), data,
                                     std::move(options))) {}
template <class T>
Trainer<T>::~Trainer() = default;

template <class T>
std::int64_t Trainer<T>::steps_per_epoch() const {
  return epoch_->steps_per_epoch();
}
template <class T>
void Trainer<T>::begin_epoch(std::uint64_t epoch) {
  epoch_->begin(epoch);
}
template <class T>
void Trainer<T>::resume(std::int64_t step, const std::vector<double>& numbers) {
  epoch_->resume(step, numbers);
}
template <class T>
Outcome Trainer<T>::run(double budget, std::int64_t max_steps, std::int64_t more,
                        double stop_loss) {
  return epoch_->run(budget, max_steps, more, stop_loss);
}
template <class T>
const std::vector<double>& Trainer<T>::passed() const {
  return epoch_->passed;
}
template <class T>
void Trainer<T>::feed(std::vector<T*> outputs) {
  epoch_->feed(std::move(outputs));
}
template <class T>
void Trainer<T>::set_augment(std::vector<Augmentation> steps) {
  require_augment(steps, epoch_->data.x.front().sample_size());
  const Graph& graph = epoch_->network.graph();
  if (!steps.empty() && (graph.inputs.size() > 1 || graph.vocabulary(0) > 0)) {
    throw std::invalid_argument(graph.inputs.size() > 1
                                    ? "augment: expected none, since there are several inputs"
                                    : "augment: expected none, since samples are ids");
  }
  epoch_->augmenting.steps = std::move(steps);
}
template <class T>
void Trainer<T>::set_block(std::int64_t rows) {
  epoch_->block = rows;
}
template <class T>
std::int64_t Trainer<T>::step() const {
  return epoch_->step;
}
template <class T>
const Tally& Trainer<T>::tally() const {
  return epoch_->tally;
}
template <class T>
bool Trainer<T>::undo() {
  return epoch_->undo();
}
template <class T>
bool Trainer<T>::restored() const {
  return epoch_->restored;
}
template <class T>
double Trainer<T>::batch_loss() const {
  return epoch_->batch_loss;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace mundur

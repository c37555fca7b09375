#include "mundur/network.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "cpu/parallel/pace.h"
#include "cpu/penalties.h"
#include "cuda/session.h"
#include "layers/layer.h"
#include "mundur/optimizers.h"
#include "mundur/runtime.h"
#include "training/runner.h"

namespace mundur {
namespace {

void require_flags(std::size_t flags, std::size_t expected, const char* one) {
  if (flags == expected) return;
  throw std::invalid_argument("flags: expected one per " + std::string(one) + " (" +
                              std::to_string(expected) + "), got " + std::to_string(flags));
}

/// Throws where arrays differ from those that are there.
void require_same(const std::vector<Array>& made, const std::vector<Array>& there,
                  const Graph& graph) {
  require(made.size() == there.size(), "layers: expected the same ones");
  for (std::size_t i = 0; i < made.size(); ++i) {
    require(made[i].shape == there[i].shape && made[i].layer == there[i].layer, [&] {
      return graph.layer_text(static_cast<std::size_t>(made[i].layer)) + ": its " + made[i].name +
             " has another shape for samples of this one";
    });
  }
}

}  // namespace

/// Of each kind of native call.
struct Paces {
  Pace training;
  Pace inference;
  Pace forward;
  Pace backward;
  Pace update;
};

template <class T>
Network<T>::Network(Graph graph, std::uint64_t seed, Compute compute)
    : seed_(seed),
      compute_(compute),
      graph_(std::move(graph)),
      training_arena_(std::make_unique<Arena<T>>()),
      paces_(std::make_unique<Paces>()) {
  if (compute != Compute::own && sizeof(T) != sizeof(float)) {
    throw std::invalid_argument("compute_dtype: bfloat16 goes with dtype float32 only");
  }
  Setup setup = wire();
  parameters_ = std::move(setup.parameters);
  states_ = std::move(setup.states);
  learning_.assign(static_cast<std::size_t>(setup.places), true);
  activity_.resize(graph_.layers.size());
  allocate();
  find_masks();
}

template <class T>
Network<T>::~Network() = default;

template <class T>
void Network<T>::reshape(Graph graph) {
  std::vector<std::unique_ptr<Layer>> calls;
  std::vector<std::string> scopes;
  std::vector<Shape> shapes;
  std::vector<Activation> heads;
  const auto exchange = [&] {
    std::swap(graph_, graph);
    calls_.swap(calls);
    scopes_.swap(scopes);
    shapes_.swap(shapes);
    heads_.swap(heads);
  };
  const double work = forward_work_;
  exchange();
  try {
    const Setup setup = wire();
    require_same(setup.parameters, parameters_, graph_);
    require_same(setup.states, states_, graph_);
    find_masks();
    Ports ports;
    if (device_) device_->require(compile({}, ports));
  } catch (...) {
    exchange();
    forward_work_ = work;
    find_masks();
    throw;
  }
  forget_programs();
}

template <class T>
void Network<T>::move_to(const std::shared_ptr<cuda::Gpu>& gpu) {
  if (!gpu) {
    leave_device();
    return;
  }
  if (compute_ != Compute::own) {
    throw NotSupported(
        "device: \"cuda\" computes in float32 and float64 only, got compute_dtype \"" +
        std::string(name_of(compute_)) + "\"");
  }
  const cuda::Flat<T> flats[kRoles] = {{},
                                       {flat_values(), flat_size_},
                                       {flat_gradients(), flat_size_},
                                       {state_values(), state_size_},
                                       {}};
  std::unique_ptr<Device<T>> device = cuda::make_session<T>(gpu, flats);
  Ports ports;
  device->require(compile({}, ports));
  leave_device();
  device_ = std::move(device);
}

/// They are of another network from now on.
template <class T>
void Network<T>::forget_programs() {
  ++version_;
  compiled_.clear();
  for (auto& program : by_hand_) program = nullptr;
  other_ = {};
  forward_batch_ = 0;
}

/// What it keeps of programs goes with it.
template <class T>
void Network<T>::leave_device() {
  forget_programs();
  training_arena_->mirror = nullptr;
  for (const auto& arena : inference_arenas_) arena->mirror = nullptr;
  device_ = nullptr;
}

template <class T>
std::vector<typename Network<T>::Entry> Network<T>::parameters() {
  std::vector<Entry> all;
  for (const Array& array : parameters_) {
    all.push_back(
        {array.layer,
         {array.name, array.shape, flat_values() + array.place, flat_gradients() + array.place}});
  }
  return all;
}

template <class T>
std::vector<typename Network<T>::StateEntry> Network<T>::state() {
  std::vector<StateEntry> all;
  for (const Array& array : states_) {
    all.push_back({array.layer, {array.name, array.shape, state_values() + array.place}});
  }
  return all;
}

template <class T>
void Network<T>::set_learning(const std::vector<bool>& flags) {
  require_flags(flags.size(), learning_.size(), "layer");
  learning_ = flags;
  ++version_;
}

template <class T>
void Network<T>::set_trainable(const std::vector<bool>& flags) {
  require_flags(flags.size(), parameters_.size(), "parameter");
  for (std::size_t i = 0; i < flags.size(); ++i) {
    Array& array = parameters_[i];
    array.trainable = flags[i];
    if (!flags[i]) std::fill_n(flat_gradients() + array.place, size_of(array.shape), T{0});
  }
  ++version_;
}

template <class T>
void Network<T>::take_average(const T* average) {
  for (const Array& array : parameters_) {
    if (!array.trainable) continue;
    std::copy_n(average + array.place, size_of(array.shape), flat_values() + array.place);
  }
}

// ---- penalties and constraints ------------------------------------------------------------------

template <class T>
void Network<T>::set_penalty(std::size_t parameter, const Penalty& penalty) {
  parameters_.at(parameter).penalty = penalty;
  ++version_;
}

template <class T>
void Network<T>::set_activity_penalty(std::size_t layer, const Penalty& penalty) {
  activity_.at(layer) = penalty;
  ++version_;
}

template <class T>
void Network<T>::set_constraint(std::size_t parameter, const Constraint& constraint) {
  Array& array = parameters_.at(parameter);
  const Constrained fits(constraint, array.shape);
  array.constraint = fits.constraint;
  ++version_;
}

template <class T>
double Network<T>::weight_penalty(std::int64_t samples) {
  double sum = 0.0;
  for (const Array& array : parameters_) {
    if (!array.penalty.any()) continue;
    const Penalty penalty = array.penalty.over(samples);
    const T* const w = flat_values() + array.place;
    const std::int64_t size = size_of(array.shape);
    for (std::int64_t at = 0; at < size; at += kPiece) {
      sum += piece_penalty(kernels<T>(), penalty, w + at, std::min(kPiece, size - at));
    }
  }
  return sum;
}

template <class T>
double Network<T>::penalty() {
  const double weights = weight_penalty(std::max<std::int64_t>(forward_batch_, 1));
  if (forward_batch_ == 0) return weights;
  const Compiled<T>& program = by_hand(forward_training_);
  const double* const activity = program.template at<double>(program.ports().activity);
  if (!activity) return weights;
  return weights +
         sum_over_samples(activity, forward_batch_, 1) / static_cast<double>(forward_batch_);
}

// ---- workers ------------------------------------------------------------------------------------

template <class T>
int Network<T>::workers_for(std::int64_t batch, bool training) const {
  // A step below this much work is over before a second worker would have paid for its barriers;
  // unless it waits for weights that two caches hold, and one does not.
  constexpr double kWorthATeam = 3e6;
  if (device_) return 1;  // who hands over what the device does
  const double work = forward_work_ * static_cast<double>(batch) * (training ? 3.0 : 1.0);
  // A multiply-add reads a weight; not all are read by one, as rows of embeddings.
  const double read = std::min(forward_work_ / 2.0, static_cast<double>(flat_size_)) * sizeof(T);
  const bool is_cached = read <= static_cast<double>(kernels<T>(current_isa()).l2_bytes);
  return adaptive() && work < kWorthATeam && is_cached ? 1 : num_threads();
}

template <class T>
Pace& Network<T>::pace(std::int64_t batch, bool training, int workers) {
  Pace& pace = training ? paces_->training : paces_->inference;
  // Of networks that are alike in these the steps are taken to be.
  const std::uint64_t of_size = static_cast<std::uint64_t>(flat_size_) << 8 | sizeof(T) << 1 |
                                static_cast<std::uint64_t>(training);
  pace.about(batch, workers, std::bit_cast<std::uint64_t>(forward_work_) ^ of_size);
  return pace;
}

template <class T>
Arena<T>& Network<T>::inference_arena(std::size_t lane) {
  while (inference_arenas_.size() <= lane) {
    inference_arenas_.push_back(std::make_unique<Arena<T>>());
  }
  return *inference_arenas_[lane];
}

template <class T>
std::int64_t Network<T>::workspace_bytes(std::int64_t batch, bool training) {
  Purpose purpose;
  if (training) {
    const auto loss = make_loss("mean_squared_error", false);  // others differ by a few numbers
    purpose.training = purpose.backward = true;
    purpose.compares.assign(graph_.outputs.size(), Objective{loss.get()});
    purpose.updates = Purpose::Updates::at_once;
  }
  return Compiled<T>(*this, purpose).bytes(batch, workers_for(batch, training));
}

template <class T>
Compiled<T>& Network<T>::compiled(const Purpose& purpose, std::size_t lane) {
  constexpr std::size_t kMost = 1024;  // lanes are as many as workers
  if (!compiled_.empty() && !compiled_.front()->is_current()) compiled_.clear();
  const auto found = std::find_if(compiled_.begin(), compiled_.end(), [&](const auto& one) {
    return one->lane() == lane && one->purpose() == purpose;
  });
  if (found == compiled_.end()) {
    if (compiled_.size() >= kMost) compiled_.pop_back();
    compiled_.insert(compiled_.begin(), std::make_unique<Compiled<T>>(*this, purpose, lane));
  } else {
    std::rotate(compiled_.begin(), found, found + 1);
  }
  return *compiled_.front();
}

// ---- by hand ------------------------------------------------------------------------------------

namespace {

/// One batch, through the stretches before `end`.
template <class T>
struct Once final : Pass<T> {
  std::function<void(Now<T>&)> set;
  bool done = false;

  Once(std::function<void(Now<T>&)> how, std::size_t end) : set(std::move(how)) {
    this->asked = {end - 1};
  }
  bool any() const override { return !done; }
  void next(Now<T>& now) override {
    set(now);
    done = true;
  }
  bool goes_on(std::size_t, Lane<T>&, const Worker&) override { return false; }
  std::int64_t finish(Lane<T>&) override { return 1; }
};

/// Stretches in front of backward.
std::size_t forward_stretches(const Program& program) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < program.stretches.size(); ++i) {
    const Stage stage = program.stretches[i].stage;
    if (stage == Stage::load || stage == Stage::forward) first = i + 1;
    if (stage == Stage::backward) break;
  }
  // A function of the caller's may be the last of forward.
  while (first < program.stretches.size() && program.stretches[first].stage == Stage::outside)
    ++first;
  return first;
}

}  // namespace

template <class T>
Compiled<T>& Network<T>::by_hand(bool training) {
  std::unique_ptr<Compiled<T>>& program = by_hand_[training];
  if (!program || !program->is_current()) {
    Purpose purpose;
    purpose.training = training;
    purpose.backward = purpose.by_hand = purpose.asked_for_outputs = true;
    purpose.watched = watches_;
    auto made = std::make_unique<Compiled<T>>(*this, purpose);
    if (program && program->capacity() > 0 && forward_training_ == training && forward_batch_ > 0) {
      made->reserve(program->capacity(), 1);
      if (!made->lies_as(*program)) forward_batch_ = 0;
    }
    program = std::move(made);
  }
  return *program;
}

template <class T>
void Network<T>::forward(const std::vector<T*>& y, const std::vector<ArrayView>& x, bool training) {
  require_inputs(x);
  require_outputs(y.size(), "y");
  const std::int64_t batch = x.front().n;
  require_batches(batch, batch);
  const int workers = workers_for(batch, true);
  Compiled<T>& program = by_hand(training);
  forward_batch_ = 0;
  DataSet data{x, {}};
  std::vector<Lane<T>> lanes(1);
  lanes[0].program = &program;
  Once<T> pass(
      [&](Now<T>& now) {
        now.data = &data;
        now.batch = {nullptr, 0, batch};
        now.seed = seed_;
        now.forward = training_forwards;
        now.outputs = &y;
      },
      forward_stretches(program.program()));
  Pace& pace = paces_->forward;
  pace.about(batch, workers);
  const std::vector<T> state(state_values(), state_values() + state_size_);
  try {
    Runner<T>(lanes, pace, batch, batch, workers).run(pass, 1e9, 1);
    if (!lanes[0].now.known.load(std::memory_order_relaxed)) {
      throw std::invalid_argument(with_unknown_id(x) + ": holds an id outside of the vocabulary");
    }
  } catch (...) {
    std::copy(state.begin(), state.end(), state_values());
    throw;
  }
  if (training) ++training_forwards;
  forward_batch_ = batch;
  forward_training_ = training;
}

template <class T>
void Network<T>::backward(const std::vector<T*>& dx, const std::vector<const T*>& delta) {
  require_deltas(dx, delta);
  if (forward_batch_ == 0) {
    throw std::runtime_error("backward: call forward first; it keeps what backward needs");
  }
  const int workers = workers_for(forward_batch_, true);
  Compiled<T>& program = by_hand(forward_training_);
  const std::int64_t batch = forward_batch_;
  if (batch == 0) {
    throw std::runtime_error("backward: the model changed since forward; call it again");
  }
  const std::uint64_t generation = program.generation();
  program.reserve(batch, workers);
  if (generation != program.generation()) {
    forward_batch_ = 0;
    throw std::runtime_error(
        "backward: the number of threads changed since forward; call it again");
  }
  std::vector<Lane<T>> lanes(1);
  lanes[0].program = &program;
  Once<T> pass(
      [&](Now<T>& now) {
        now.batch = {nullptr, 0, batch};
        now.seed = seed_;
        now.forward = training_forwards;
        now.deltas = &delta;
      },
      program.program().stretches.size());
  Pace& pace = paces_->backward;
  pace.about(batch, workers);
  Runner<T>(lanes, pace, batch, batch, workers)
      .run(pass, 1e9, 1, forward_stretches(program.program()));
  for (const Array& array : parameters_) {
    if (!array.trainable) std::fill_n(flat_gradients() + array.place, size_of(array.shape), T{0});
  }
  for (std::size_t i = 0; i < dx.size(); ++i) {
    if (!dx[i]) continue;
    std::copy_n(program.at(program.ports().dx[i]), batch * size_of(input_shape(i)), dx[i]);
  }
}

template <class T>
void Network<T>::exchange() {
  if (!other_.arena) other_.arena = std::make_unique<Arena<T>>();
  std::swap(training_arena_, other_.arena);
  std::swap(by_hand_, other_.programs);
  std::swap(forward_batch_, other_.batch);
  std::swap(forward_training_, other_.training);
  watches_ = !watches_;
}

template <class T>
void Network<T>::forget_watch() {
  other_ = {};
}

template <class T>
std::vector<State<T>> Network<T>::watched_values() {
  const Compiled<T>& compiled = by_hand(forward_training_);
  if (forward_batch_ == 0) throw std::runtime_error("watched_values: call forward first, watched");
  std::vector<State<T>> all;
  for (const auto& [name, value] : compiled.program().names) {
    const ValueInfo& info = compiled.program()[value];
    Shape shape = {forward_batch_};
    if (info.samples > 1) shape.push_back(info.samples);
    shape.insert(shape.end(), info.shape.begin(), info.shape.end());
    all.push_back({name, std::move(shape), compiled.at(value)});
  }
  return all;
}

template <class T>
void Network<T>::step(Optimizer& optimizer) {
  optimizer.bind(flat_size_, sizeof(T) == sizeof(double), flat_values(), gaps_);
  optimizer.begin_step();
  Purpose purpose;
  purpose.alone = true;
  purpose.updates = Purpose::Updates::at_end;
  purpose.sums = optimizer.gathering().sum != nullptr;
  purpose.clips = optimizer.gathering().clips();
  purpose.whole = optimizer.gathering().whole;
  purpose.asks_update = optimizer.gathering().rule != nullptr;
  Compiled<T>& program = compiled(purpose);
  std::vector<Lane<T>> lanes(1);
  lanes[0].program = &program;
  Once<T> pass(
      [&](Now<T>& now) {
        now.batch = {nullptr, 0, 1};
        now.update = optimizer.update_of(flat_values());
        now.gathering = optimizer.gathering();
      },
      program.program().stretches.size());
  constexpr std::int64_t kWorthATeam = 1 << 16;
  const bool is_small = adaptive() && flat_size_ < kWorthATeam;
  const int workers = device_ || is_small ? 1 : num_threads();
  Pace& pace = paces_->update;
  pace.about(0, workers);
  Runner<T>(lanes, pace, 1, 1, workers).run(pass, 1e9, 1);
}

// ---- predictions --------------------------------------------------------------------------------

namespace {

template <class T>
struct Predicting final : Pass<T> {
  const DataSet& data;
  std::uint64_t seed;
  std::int64_t start, batch, done;  // done: samples in front of it are
  bool checks_finite, finite = true;
  const std::vector<T*>& out;

  Predicting(const DataSet& set, std::uint64_t of, std::int64_t from, std::int64_t size,
             bool checks, const std::vector<T*>& to)
      : data(set), seed(of), start(from), batch(size), done(from), checks_finite(checks), out(to) {}
  bool any() const override { return finite && start < data.samples(); }
  void next(Now<T>& now) override {
    now.data = &data;
    now.batch = {nullptr, start, std::min(batch, data.samples() - start)};
    now.seed = seed;
    now.outputs = &out;
    now.begin_checks();
    start += now.batch.count;
  }
  std::int64_t finish(Lane<T>& lane) override {
    finite &= lane.now.passes(checks_finite);
    done += lane.now.batch.count;
    return lane.now.batch.count;
  }
};

}  // namespace

template <class T>
std::int64_t Network<T>::predict(const std::vector<T*>& out, const std::vector<ArrayView>& x,
                                 std::int64_t start, std::int64_t batch, double budget,
                                 bool check_finite) {
  require_inputs(x);
  require_outputs(out.size(), "out");
  const std::int64_t left = x.front().n - start;
  if (start < 0 || left < 0 || batch < 1) {
    throw std::invalid_argument("predict: expected a start of 0 to " + std::to_string(x.front().n) +
                                " and a batch of 1 or more, got " + std::to_string(start) +
                                " and " + std::to_string(batch));
  }
  if (left == 0) return start;
  require_batches(left, batch);
  Purpose purpose;
  purpose.asked_for_outputs = true;
  const int workers = workers_for(left, false);
  Compiled<T>& program = compiled(purpose, 0);
  const Bundle by = in_order() ? Bundle{batch, true} : program.bundle(batch, left);
  batch = by.samples;
  // Many samples: each worker takes its own, and neither waits nor passes a line of memory on. The
  // samples' outputs stay in its cache from layer to layer.
  const std::int64_t apart = std::min({batch, kMostApart, (left + workers - 1) / workers});
  const bool is_apart =
      !in_order() && !device_ && (workers == 1 || (apart >= kLeastApart && !by.together));
  const std::int64_t size = is_apart ? program.in_cache(apart) : std::min(batch, left);
  const std::size_t count = is_apart ? static_cast<std::size_t>(workers) : 1;
  std::vector<Lane<T>> lanes(count);
  for (std::size_t i = 0; i < count; ++i) lanes[i].program = i ? &compiled(purpose, i) : &program;
  const DataSet data{x, {}};
  Predicting<T> pass(data, seed_, start, size, check_finite, out);
  Runner<T>(lanes, pace(is_apart ? size : -size, false, workers), size,
            left % size == 0 ? size : left % size, workers)
      .run(pass, budget, 1);
  return pass.finite ? pass.done : -1;
}

template class Network<float>;
template class Network<double>;

}  // namespace mundur

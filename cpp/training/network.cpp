#include "mundur/network.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "kernels/table.h"
#include "mundur/data.h"
#include "mundur/optimizers.h"
#include "mundur/runtime.h"
#include "parallel/pace.h"
#include "parallel/team.h"
#include "training/batches.h"
#include "training/steps.h"
#include "training/workspace.h"

namespace mundur {
namespace {

/// Parameters start on cache lines, so that workers that share the flat vector out never share a
/// line.
constexpr std::int64_t kParameterGrain = 64;

std::int64_t rounded_up(std::int64_t n, std::int64_t grain) {
  return (n + grain - 1) / grain * grain;
}

/// One piece of work on as many workers as pay.
template <class Work>
void run_paced(Pace& pace, std::int64_t kind, int most, Work&& work) {
  pace.about(kind, most);
  run_team(pace.next().workers, work);
  pace.record(1);
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
Network<T>::Network(const std::vector<LayerSpec>& layers, Shape input_shape, std::uint64_t seed,
                    Compute compute)
    : seed_(seed), compute_(compute), paces_(std::make_unique<Paces>()) {
  if (compute == Compute::bfloat16 && sizeof(T) != sizeof(float)) {
    throw std::invalid_argument("compute_dtype: bfloat16 goes with dtype float32 only");
  }
  std::int64_t size = 1;
  for (std::int64_t extent : input_shape) {
    if (extent < 1) {
      throw std::invalid_argument("input_shape: expected extents >= 1, got " +
                                  std::to_string(extent));
    }
    size = checked_product(size, extent, "one sample");
  }
  shapes_.push_back(std::move(input_shape));
  build(layers);
  allocate();
  allocate_state();
}

template <class T>
Network<T>::~Network() = default;

template <class T>
void Network<T>::build(const std::vector<LayerSpec>& specs) {
  int place = 0;
  for (std::size_t index = 0; index < specs.size(); ++index) {
    layers_.push_back(make_layer<T>(specs[index]));
    layers_.back()->compute_in(compute_);
    shapes_.push_back(layers_.back()->build(shapes_.back(), place));
    place += layers_.back()->places();
    layers_.back()->add_custom(custom_);
    std::int64_t size = 1;
    for (std::int64_t extent : shapes_.back()) size = checked_product(size, extent, "one sample");
    for (Parameter<T>& parameter : layers_.back()->parameters()) {
      parameters_.push_back({static_cast<int>(index), std::move(parameter)});
    }
    for (State<T>& state : layers_.back()->state()) {
      state_.push_back({static_cast<int>(index), std::move(state)});
    }
  }
}

template <class T>
void Network<T>::allocate() {
  constexpr const char* kWhat = "the model's parameters";
  for (const Entry& entry : parameters_) {
    std::int64_t size = 1;
    for (std::int64_t extent : entry.parameter.shape) size = checked_product(size, extent, kWhat);
    flat_size_ = checked_sum(flat_size_, checked_sum(size, kParameterGrain, kWhat), kWhat);
    flat_size_ = flat_size_ / kParameterGrain * kParameterGrain;
    // Two operations per weight and row: a layer on sequences has several rows, told by its
    // output's size.
    const Shape& out = shapes_[static_cast<std::size_t>(entry.layer) + 1];
    if (entry.parameter.shape.size() > 1) {
      forward_work_ += 2.0 * static_cast<double>(size) *
                       (static_cast<double>(size_of(out)) / static_cast<double>(out.back()));
    }
  }
  const std::int64_t bytes =
      checked_product(flat_size_, static_cast<std::int64_t>(sizeof(T)), kWhat);
  require_memory(checked_sum(bytes, bytes, kWhat), kWhat);  // gradients too, before taking either
  values_ = Buffer(bytes, kWhat);
  gradients_ = Buffer(bytes, "the model's gradients");
  std::int64_t at = 0;
  for (Entry& entry : parameters_) {
    const std::int64_t size = size_of(entry.parameter.shape);
    entry.parameter.value = flat_values() + at;
    entry.parameter.gradient = flat_gradients() + at;
    bound_.push_back(entry.parameter);
    at += rounded_up(size, kParameterGrain);
  }
  plan_norms();
  Parameter<T>* next = bound_.data();
  for (std::size_t index = 0; index < layers_.size(); ++index) {
    layers_[index]->bind(next);
    next += layers_[index]->parameters().size();
  }
  set_trainable(std::vector<bool>(parameters_.size(), true));
}

template <class T>
void Network<T>::set_trainable(const std::vector<bool>& flags) {
  if (flags.size() != parameters_.size()) {
    throw std::invalid_argument("flags: expected one per parameter (" +
                                std::to_string(parameters_.size()) + "), got " +
                                std::to_string(flags.size()));
  }
  first_trainable_ = layers_.size();
  for (std::size_t i = 0; i < flags.size(); ++i) {
    parameters_[i].parameter.trainable = bound_[i].trainable = flags[i];
    if (flags[i]) {
      first_trainable_ = std::min(first_trainable_, static_cast<std::size_t>(parameters_[i].layer));
    } else {
      std::fill_n(bound_[i].gradient, size_of(bound_[i].shape), T{0});
    }
  }
}

// ---- the memory plan
// -------------------------------------------------------------------------------------------------

template <class T>
Workspace<T>::Workspace(Workspace&& other) noexcept
    : batch(other.batch),
      workers(other.workers),
      bytes(other.bytes),
      memory(std::move(other.memory)),
      input(other.input),
      saved(std::move(other.saved)),
      output(other.output),
      gradient{other.gradient[0], other.gradient[1]},
      scratch(std::move(other.scratch)),
      targets(other.targets),
      labels(other.labels),
      predicted(other.predicted),
      expected(other.expected),
      weights(other.weights),
      values(other.values),
      scores(other.scores),
      activity(other.activity) {}

namespace {

/// Walks the same list of blocks twice: once to learn the size, once to place them.
class Planner {
 public:
  template <class U>
  U* take(std::int64_t count) {
    constexpr const char* kWhat = "the workspace of one batch";
    constexpr std::int64_t kLine = 64;
    const std::int64_t wanted = checked_product(count, static_cast<std::int64_t>(sizeof(U)), kWhat);
    const std::int64_t at = total_;
    total_ = checked_sum(total_, checked_sum(wanted, kLine - 1, kWhat) / kLine * kLine, kWhat);
    return base_ ? reinterpret_cast<U*>(base_ + at) : nullptr;
  }
  std::int64_t total() const { return total_; }
  void place(std::byte* base) {
    base_ = base;
    total_ = 0;
  }

 private:
  std::byte* base_ = nullptr;
  std::int64_t total_ = 0;
};

}  // namespace

template <class T>
Workspace<T> Network<T>::plan(std::int64_t batch, bool training, int workers, bool allocate) const {
  Workspace<T> space;
  space.batch = batch;
  space.workers = workers;
  std::int64_t widest = 0;
  for (const Shape& shape : shapes_) widest = std::max(widest, size_of(shape));
  // A workspace outlives a change of the instruction set.
  std::int64_t scratch_size = 0;
  for (Isa isa : available_isas()) scratch_size = std::max(scratch_size, kernels<T>(isa).scratch);
  const auto lay_out = [&](Planner& planner) {
    const auto rows = [&](const Shape& shape) {
      return checked_product(batch, size_of(shape), "the workspace of one batch");
    };
    space.input = planner.take<T>(rows(shapes_.front()));
    // Inference needs one output at a time: two buffers in turn. Training keeps all of them.
    T* turn[2] = {};
    if (!training) {
      turn[0] = planner.take<T>(rows({widest}));
      turn[1] = planner.take<T>(rows({widest}));
    }
    space.saved.clear();
    const T* x = space.input;
    T* last = space.input;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Saved<T> saved{x, nullptr, nullptr};
      saved.extra = planner.take<std::byte>(layers_[i]->saved_bytes(batch, training));
      if (training) {
        // Dropout passes through in an inference by hand, yet keeps a place for training.
        saved.y = layers_[i]->passes_through(true) ? last : planner.take<T>(rows(shapes_[i + 1]));
      } else {
        T* other = last == turn[0] ? turn[1] : turn[0];
        saved.y = layers_[i]->passes_through(false) ? last : other;
      }
      space.saved.push_back(saved);
      x = last = saved.y;
    }
    space.output = last;
    if (training) {
      space.gradient[0] = planner.take<T>(rows({widest}));
      space.gradient[1] = planner.take<T>(rows({widest}));
    }
    space.scratch.resize(static_cast<std::size_t>(workers));
    for (T*& scratch : space.scratch) scratch = planner.take<T>(scratch_size);
    space.targets = planner.take<T>(rows(shapes_.back()));
    space.labels = planner.take<std::int32_t>(batch);
    space.predicted = planner.take<std::int32_t>(batch);
    space.expected = planner.take<std::int32_t>(batch);
    space.weights = planner.take<T>(batch);
    space.values = planner.take<double>(batch);
    space.scores = planner.take<double>(batch);
    space.activity = planner.take<double>(batch);
  };
  Planner planner;
  lay_out(planner);
  space.bytes = planner.total();
  if (allocate) {
    space.memory = Buffer(space.bytes, "the workspace of one batch");
    planner.place(space.memory.template as<std::byte>());
    lay_out(planner);
  }
  return space;
}

template <class T>
std::int64_t Network<T>::workspace_bytes(std::int64_t batch, bool training) const {
  return plan(batch, training, workers_for(batch, training), false).bytes;
}

template <class T>
Workspace<T>& Network<T>::workspace(std::int64_t batch, bool training, int workers) {
  std::unique_ptr<Workspace<T>>& held = training ? training_workspace_ : inference_workspace_;
  if (!held || held->batch < batch || held->workers < workers) {
    if (training) forward_batch_ = 0;  // what forward kept goes with the old workspace
    const std::int64_t most = held ? std::max(batch, held->batch) : batch;
    held.reset();
    held = std::make_unique<Workspace<T>>(plan(most, training, workers, true));
  }
  held->finite.store(true, std::memory_order_relaxed);
  return *held;
}

template <class T>
int Network<T>::workers_for(std::int64_t batch, bool training) const {
  // A step below this much work is over before a second worker would have paid for its barriers.
  constexpr double kWorthATeam = 3e6;
  const double work = forward_work_ * static_cast<double>(batch) * (training ? 3.0 : 1.0);
  return adaptive() && work < kWorthATeam ? 1 : num_threads();
}

template <class T>
Pace& Network<T>::pace(std::int64_t batch, bool training, int workers) {
  Pace& pace = training ? paces_->training : paces_->inference;
  pace.about(batch, workers);
  return pace;
}

// ---- the chain
// -------------------------------------------------------------------------------------------------------

template <class T>
void Network<T>::chain_forward(const Pass<T>& pass, Workspace<T>& workspace) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Saved<T>& saved = workspace.saved[i];
    if (layers_[i]->passes_through(pass.training)) {
      if (saved.y == saved.x) {  // else the plan gave it a place of its own
        if (penalises_activity(i)) add_activity(pass, workspace, i);
        continue;
      }
      const Range part = share(pass.batch * size_of(shapes_[i + 1]), kParameterGrain, pass.worker);
      std::memcpy(saved.y + part.begin, saved.x + part.begin,
                  static_cast<std::size_t>(part.size()) * sizeof(T));
    } else {
      layers_[i]->forward(pass, saved);
    }
    pass.worker.barrier();
    if (penalises_activity(i)) add_activity(pass, workspace, i);
  }
}

template <class T>
const T* Network<T>::chain_backward(const Pass<T>& pass, Workspace<T>& workspace, bool at_logits,
                                    bool want_dx) const {
  T* dy = workspace.gradient[0];
  T* dx = workspace.gradient[1];
  const std::size_t lowest = want_dx ? 0 : first_trainable_;
  Seam seam;
  seam.at_logits = at_logits;
  for (std::size_t i = layers_.size(); i-- > lowest;) {
    if (penalises_activity(i)) add_activity_gradient(pass, dy, workspace, i);
    if (layers_[i]->passes_through(pass.training)) continue;
    const bool wanted = want_dx || i > lowest;
    const bool is_whole = i > lowest && !penalises_activity(i - 1);
    const Activation below = is_whole ? layers_[i - 1]->head() : Activation::linear;
    const bool joins = layers_[i]->joins_below() && is_function(below);
    seam.below = joins ? below : Activation::linear;
    layers_[i]->backward(pass, wanted ? dx : nullptr, dy, workspace.saved[i], seam);
    seam.at_logits = seam.below != Activation::linear;
    pass.worker.barrier();
    std::swap(dx, dy);
  }
  return want_dx ? dy : nullptr;
}

// ---- by hand
// ---------------------------------------------------------------------------------------------------------

template <class T>
void Network<T>::forward(T* y, const ArrayView& x, bool training) {
  const int workers = workers_for(x.n, true);
  Workspace<T>& space = workspace(x.n, true, workers);
  const Kernels<T>& table = kernels<T>();
  run_paced(paces_->forward, x.n, workers, [&](Worker& worker) {
    gather(table, space.input, x, nullptr, 0, share(x.n, 1, worker));
    worker.barrier();
    chain_forward({worker, table, x.n, training, seed_, training_forwards,
                   space.scratch[static_cast<std::size_t>(worker.index())]},
                  space);
  });
  if (failed()) forward_batch_ = 0;
  raise_failure();
  std::memcpy(y, space.output, static_cast<std::size_t>(x.n * size_of(output_shape())) * sizeof(T));
  if (training) ++training_forwards;
  forward_batch_ = x.n;
  forward_training_ = training;
}

template <class T>
void Network<T>::backward(T* dx, const T* delta) {
  if (forward_batch_ == 0) {
    throw std::runtime_error("backward: call forward first; it keeps what backward needs");
  }
  const int workers = workers_for(forward_batch_, true);
  Workspace<T>& space = workspace(forward_batch_, true, workers);
  if (forward_batch_ == 0) {
    throw std::runtime_error(
        "backward: the number of threads changed since forward; call it again");
  }
  const Kernels<T>& table = kernels<T>();
  std::memcpy(space.gradient[0], delta,
              static_cast<std::size_t>(forward_batch_ * size_of(output_shape())) * sizeof(T));
  const T* found = nullptr;
  run_paced(paces_->backward, forward_batch_, workers, [&](Worker& worker) {
    const T* at =
        chain_backward({worker, table, forward_batch_, forward_training_, seed_, training_forwards,
                        space.scratch[static_cast<std::size_t>(worker.index())]},
                       space, false, true);
    if (worker.first()) found = at;
  });
  raise_failure();
  std::memcpy(dx, found,
              static_cast<std::size_t>(forward_batch_ * size_of(input_shape())) * sizeof(T));
}

template <class T>
void Network<T>::step(Optimizer& optimizer) {
  optimizer.bind(flat_size_, sizeof(T) == sizeof(double), flat_values());
  optimizer.begin_step();
  const Update<T> step = optimizer.update_of(flat_values());
  const Gathering gathering = optimizer.gathering();
  const Kernels<T>& table = kernels<T>();
  constexpr std::int64_t kWorthATeam = 1 << 16;
  run_paced(paces_->update, 0, adaptive() && flat_size_ < kWorthATeam ? 1 : num_threads(),
            [&](Worker& worker) {
              update(table, step, gathering, worker);
              if (gathering.updates) constrain(table, worker);
            });
}

template <class T>
void Network<T>::predict_some(T* out, const ArrayView& x, std::int64_t start, std::int64_t count,
                              Workspace<T>& space, Worker& worker) const {
  const Kernels<T>& table = kernels<T>();
  const Range rows = share(count, 1, worker);
  if (!gather(table, space.input, x, nullptr, start, rows)) {
    space.finite.store(false, std::memory_order_relaxed);
  }
  worker.barrier();
  chain_forward({worker, table, count, false, seed_, 0,
                 space.scratch[static_cast<std::size_t>(worker.index())]},
                space);
  const std::int64_t width = size_of(output_shape());
  std::memcpy(out + (start + rows.begin) * width, space.output + rows.begin * width,
              static_cast<std::size_t>(rows.size() * width) * sizeof(T));
}

template <class T>
std::int64_t Network<T>::predict(T* out, const ArrayView& x, std::int64_t start, std::int64_t batch,
                                 double budget, bool check_finite) {
  // Many samples: each worker takes its own, and neither waits nor passes a line of memory on. The
  // samples' outputs stay in its cache from layer to layer.
  constexpr std::int64_t kMostApart = 256;
  constexpr std::int64_t kLeastApart = 16;
  const std::int64_t left = x.n - start;
  const int workers = workers_for(left, false);
  const std::int64_t apart = std::min({batch, kMostApart, (left + workers - 1) / workers});
  const bool is_apart = workers == 1 || (apart >= kLeastApart && !calls_back());
  if (is_apart) {
    if (apart_.size() < static_cast<std::size_t>(workers) || apart_.front().batch < apart) {
      apart_.clear();
      for (int i = 0; i < workers; ++i) apart_.push_back(plan(apart, false, 1, true));
    }
    for (Workspace<T>& space : apart_) space.finite.store(true, std::memory_order_relaxed);
  }
  const std::int64_t together = std::min(batch, left);
  Workspace<T>* const shared = is_apart ? nullptr : &workspace(together, false, workers);

  bool finite = true;
  run_steps(
      pace(is_apart ? apart : -together, false, workers), budget, 1,
      [&] { return finite && !failed() && start < x.n; },
      [&](Worker& worker) {
        if (!is_apart) {
          const std::int64_t count = std::min(batch, x.n - start);
          predict_some(out, x, start, count, *shared, worker);
          return count;
        }
        const std::int64_t begin = start + worker.index() * apart;
        const std::int64_t count = std::min(apart, x.n - begin);
        Worker alone = worker.alone();
        if (count > 0) {
          predict_some(out, x, begin, count, apart_[static_cast<std::size_t>(worker.index())],
                       alone);
        }
        return std::min(x.n - start, apart * worker.count());
      },
      [&](std::int64_t count) {
        const auto is_finite = [](const Workspace<T>& space) {
          return space.finite.load(std::memory_order_relaxed);
        };
        finite = !check_finite || (is_apart ? std::all_of(apart_.begin(), apart_.end(), is_finite)
                                            : is_finite(*shared));
        start += count;
        return count;
      });
  raise_failure();
  return finite ? start : -1;
}

template class Network<float>;
template class Network<double>;
template struct Workspace<float>;
template struct Workspace<double>;

}  // namespace mundur

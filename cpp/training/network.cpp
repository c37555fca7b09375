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
  follow_mask();
}

template <class T>
void Network<T>::follow_mask() {
  bool masked = false;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const MaskFlow flow = layers_[i]->mask_flow();
    if (flow == MaskFlow::makes) mask_size_ = size_of(shapes_[i]);
    masked_.push_back(masked || flow == MaskFlow::makes);
    masked = masked_.back() && flow != MaskFlow::ends;
  }
  masked_.push_back(masked);
}

template <class T>
void Network<T>::allocate() {
  constexpr const char* kWhat = "the model's parameters";
  for (const Entry& entry : parameters_) {
    std::int64_t size = 1;
    for (std::int64_t extent : entry.parameter.shape) size = checked_product(size, extent, kWhat);
    flat_size_ = checked_sum(flat_size_, checked_sum(size, kParameterGrain, kWhat), kWhat);
    flat_size_ = flat_size_ / kParameterGrain * kParameterGrain;
  }
  for (std::size_t i = 0; i < layers_.size(); ++i)
    forward_work_ += layers_[i]->work(shapes_[i + 1]);
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
    if (size % kParameterGrain != 0) {
      gaps_.insert(gaps_.end(), {at + size, at + rounded_up(size, kParameterGrain)});
    }
    at += rounded_up(size, kParameterGrain);
  }
  if (at < flat_size_) gaps_.insert(gaps_.end(), {at, flat_size_});
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

// ---- workspaces
// -------------------------------------------------------------------------------------------------

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

template <class T>
bool Network<T>::take(const Kernels<T>& kernels, Workspace<T>& workspace, const ArrayView& x,
                      const std::int64_t* order, std::int64_t begin, Range rows) const {
  if (vocabulary() == 0) return gather(kernels, workspace.input, x, order, begin, rows);
  return gather_ids(reinterpret_cast<std::int32_t*>(workspace.input), x, order, begin, rows,
                    vocabulary());
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
    if (!take(table, space, x, nullptr, 0, share(x.n, 1, worker))) {
      space.finite.store(false, std::memory_order_relaxed);
    }
    worker.barrier();
    chain_forward({worker, table, x.n, training, seed_, training_forwards,
                   space.scratch[static_cast<std::size_t>(worker.index())]},
                  space);
  });
  const bool is_known = vocabulary() == 0 || space.finite.load(std::memory_order_relaxed);
  if (failed() || !is_known) forward_batch_ = 0;
  raise_failure();
  if (!is_known) throw std::invalid_argument("x: holds an id outside of the vocabulary");
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
  optimizer.bind(flat_size_, sizeof(T) == sizeof(double), flat_values(), gaps_);
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
void Network<T>::predict_some(const Kernels<T>& table, T* out, const ArrayView& x,
                              std::int64_t start, std::int64_t count, Workspace<T>& space,
                              Worker& worker) const {
  const Range rows = share(count, 1, worker);
  if (!take(table, space, x, nullptr, start, rows)) {
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
  if (is_apart) workspaces_apart(apart, workers);
  const std::int64_t together = std::min(batch, left);
  Workspace<T>* const shared = is_apart ? nullptr : &workspace(together, false, workers);
  const Kernels<T>& table = kernels<T>();

  bool finite = true;
  run_steps(
      pace(is_apart ? apart : -together, false, workers), budget, 1,
      [&] { return finite && !failed() && start < x.n; },
      [&](Worker& worker) {
        if (!is_apart) {
          const std::int64_t count = std::min(batch, x.n - start);
          predict_some(table, out, x, start, count, *shared, worker);
          return count;
        }
        const std::int64_t begin = start + worker.index() * apart;
        const std::int64_t count = std::min(apart, x.n - begin);
        Worker alone = worker.alone();
        if (count > 0) {
          predict_some(table, out, x, begin, count,
                       apart_[static_cast<std::size_t>(worker.index())], alone);
        }
        return std::min(x.n - start, apart * worker.count());
      },
      [&](std::int64_t count) {
        const auto is_finite = [](const Workspace<T>& space) {
          return space.finite.load(std::memory_order_relaxed);
        };
        finite =
            !(check_finite || vocabulary() > 0) ||
            (is_apart ? std::all_of(apart_.begin(), apart_.end(), is_finite) : is_finite(*shared));
        start += count;
        return count;
      });
  raise_failure();
  return finite ? start : -1;
}

template class Network<float>;
template class Network<double>;

}  // namespace mundur

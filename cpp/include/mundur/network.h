#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "mundur/layers.h"
#include "mundur/lock.h"
#include "mundur/memory.h"
#include "mundur/types.h"

namespace mundur {

class Optimizer;
struct Gathering;
struct Range;
class Pace;
struct ArrayView;
struct Paces;
template <class T>
struct Workspace;

/// A chain of layers and the flat vectors of its parameters and gradients.
template <class T>
class Network {
 public:
  /// Throws std::invalid_argument where shapes do not fit and OutOfMemory where the parameters do
  /// not.
  Network(const std::vector<LayerSpec>& layers, Shape input_shape, std::uint64_t seed,
          Compute compute = Compute::own);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  std::uint64_t seed() const { return seed_; }
  Compute compute() const { return compute_; }
  const Shape& input_shape() const { return shapes_.front(); }
  const Shape& output_shape() const { return shapes_.back(); }
  /// The shape in front of each layer, and behind the last.
  const std::vector<Shape>& shapes() const { return shapes_; }
  Activation head() const { return layers_.empty() ? Activation::linear : layers_.back()->head(); }
  /// How many ids there are, if samples are ids of [0, n) instead of numbers; else 0.
  std::int64_t vocabulary() const { return layers_.empty() ? 0 : layers_.front()->vocabulary(); }

  /// The mask of the outputs' time steps: one for each row of the last axis, or none.
  bool masks_output() const {
    return masked_.back() && mask_size_ * output_shape().back() == size_of(output_shape());
  }

  struct Entry {
    int layer;
    Parameter<T> parameter;
  };
  std::vector<Entry>& parameters() { return parameters_; }
  /// Padding included, which stays zero.
  std::int64_t flat_size() const { return flat_size_; }
  /// That padding, as pairs of begin and end.
  const std::vector<std::int64_t>& gaps() const { return gaps_; }
  T* flat_values() { return values_.template as<T>(); }
  T* flat_gradients() { return gradients_.template as<T>(); }
  struct StateEntry {
    int layer;
    State<T> state;
  };
  const std::vector<StateEntry>& state() const { return state_; }
  /// All state in one vector, for those who keep a copy.
  std::int64_t state_size() const { return state_size_; }
  T* state_values() { return state_values_.template as<T>(); }
  /// One flag per layer, those within others behind them; see Layer::set_learning.
  void set_learning(const std::vector<bool>& flags);
  /// A frozen parameter gets no gradient and no update; what its gradient held is cleared.
  void set_trainable(const std::vector<bool>& flags);

  /// Training forwards so far: the counter of dropout's masks.
  std::uint64_t training_forwards = 0;

  std::int64_t workspace_bytes(std::int64_t batch, bool training) const;

  // ---- by hand: each call is whole, on its own team of threads
  // ------------------------------------------------------
  /// y[batch, *output_shape] from the samples of x; keeps what backward needs. Throws
  /// std::invalid_argument on a wrong shape.
  void forward(T* y, const ArrayView& x, bool training);
  /// Samples of the forward that backward would follow; 0 before any.
  std::int64_t forward_batch() const { return forward_batch_; }
  /// What forward kept is about to be overwritten.
  void forget_forward() { forward_batch_ = 0; }
  /// dL/dx[batch, *input_shape] from delta[batch, *output_shape]; fills the gradients.
  void backward(T* dx, const T* delta);
  /// One update of the parameters from the gradients.
  void step(Optimizer& optimizer);
  /// Batches from `start` into out[start:], for about `budget` seconds; returns where the next call
  /// starts, or -1 where a feature is not finite and `check_finite`.
  std::int64_t predict(T* out, const ArrayView& x, std::int64_t start, std::int64_t batch,
                       double budget, bool check_finite);

  // ---- for the training loop, called by every worker
  // ----------------------------------------------------------------
  /// Samples order[begin + row], as gather() has them, into the workspace, as numbers or as ids;
  /// false where a number is not finite, or an id is none of the vocabulary.
  bool take(const Kernels<T>& kernels, Workspace<T>& workspace, const ArrayView& x,
            const std::int64_t* order, std::int64_t begin, Range rows) const;
  void chain_forward(const Pass<T>& pass, Workspace<T>& workspace) const;
  /// `delta` lies in the workspace's first gradient buffer. Returns where dL/dx stands, null unless
  /// asked for.
  const T* chain_backward(const Pass<T>& pass, Workspace<T>& workspace, bool at_logits,
                          bool want_dx) const;
  /// Whether a layer calls a function of the caller's, on the first worker.
  bool calls_back() const { return !custom_.empty(); }
  /// Whether such a function threw, to be asked behind a barrier; and what it threw, out of a team.
  bool failed() const { return calls_back() && mundur::failed(custom_); }
  void raise_failure() {
    if (calls_back()) mundur::raise_failure(custom_);
  }
  /// The optimizer's step for all parameters, by all workers, when their gradients are known.
  void update(const Kernels<T>& kernels, const Update<T>& update, const Gathering& gathering,
              Worker& worker);
  /// The parameters become `average`, but for those that are frozen.
  void take_average(const T* average);

  // ---- penalties and constraints: training/penalties.cpp
  // --------------------------------------------------------------
  void set_penalty(std::size_t parameter, const Penalty& penalty);
  /// Of a layer's outputs, divided by the samples of the batch.
  void set_activity_penalty(std::size_t layer, const Penalty& penalty);
  void set_constraint(std::size_t parameter, const Constraint& constraint);
  bool penalises_activity(std::size_t layer) const {
    return !activity_.empty() && activity_[layer].any();
  }
  bool penalises_output() const {
    return !layers_.empty() && penalises_activity(layers_.size() - 1);
  }
  /// What the weights add to the loss, found by all workers; penalty() after the next barrier.
  void find_penalties(const Kernels<T>& kernels, Worker& worker) {
    if (!pieces_.empty()) find_pieces(kernels, worker);
  }
  /// What weights and the activities of a batch, forward in the workspace, add to the loss.
  double penalty(const Workspace<T>& workspace, std::int64_t batch) const {
    return pieces_.empty() && activity_.empty() ? 0.0 : batch_penalty(workspace, batch);
  }
  /// By hand: with the activities of the last forward, if what it left is still there.
  double penalty();
  /// By all workers, behind an update.
  void constrain(const Kernels<T>& kernels, Worker& worker) {
    if (constrained_) constrain_all(kernels, worker);
  }

  /// The memory of a training (all outputs kept) or an inference (two buffers), at least this
  /// large.
  Workspace<T>& workspace(std::int64_t batch, bool training, int workers);
  /// One for each worker, for inference in which none waits for another; at least `workers`.
  std::vector<Workspace<T>>& workspaces_apart(std::int64_t batch, int workers);
  /// Floating-point operations of a forward pass over one sample: what decides how many workers
  /// pay.
  double forward_work() const { return forward_work_; }
  /// The most workers for a batch: one where the whole pass is shorter than the team's barriers.
  int workers_for(std::int64_t batch, bool training) const;
  /// What was learned of the team's best size for steps over such batches, on at most so many
  /// workers.
  Pace& pace(std::int64_t batch, bool training, int workers);

  /// One native call at a time: workspaces are shared.
  Lock& mutex() { return mutex_; }

 private:
  void build(const std::vector<LayerSpec>& specs);
  void follow_mask();
  /// Outputs of samples [start, start + count), by all workers of a team together.
  void predict_some(const Kernels<T>& kernels, T* out, const ArrayView& x, std::int64_t start,
                    std::int64_t count, Workspace<T>& space, Worker& worker) const;
  void update_whole(const Kernels<T>& kernels, const Update<T>& update);
  void update_shared(const Kernels<T>& kernels, const Update<T>& update, Worker& worker);
  void update_gathered(const Kernels<T>& kernels, const Update<T>& update,
                       const Gathering& gathering, Worker& worker);
  /// Their squares, summed up by all workers together; each then asks for norms.
  void sum_squares(const Kernels<T>& kernels, const T* gradients, Worker& worker);
  double norm(std::size_t first, std::size_t last) const;
  void plan_norms();
  // The smallest steps would feel a call for each of these that does nothing.
  void find_pieces(const Kernels<T>& kernels, Worker& worker);
  double batch_penalty(const Workspace<T>& workspace, std::int64_t batch) const;
  void constrain_all(const Kernels<T>& kernels, Worker& worker);
  /// Adds what a layer's outputs cost to workspace.activity: each worker for its samples.
  void add_activity(const Pass<T>& pass, Workspace<T>& workspace, std::size_t layer) const;
  void add_activity_gradient(const Pass<T>& pass, T* dy, const Workspace<T>& workspace,
                             std::size_t layer) const;
  void allocate();
  void allocate_state();
  Workspace<T> plan(std::int64_t batch, bool training, int workers, bool allocate) const;

  std::uint64_t seed_;
  Compute compute_;
  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<CustomFunction*> custom_;
  std::vector<Shape> shapes_;
  std::int64_t mask_size_ = 0;  // of one sample; 0: no layer makes a mask
  std::vector<bool> masked_;    // whether each layer gets the mask, or makes it; then the output
  std::vector<Entry> parameters_;
  std::vector<Parameter<T>> bound_;  // what layers point into, in the order of parameters_
  struct Piece {
    const T* w;
    std::int64_t size;
    Penalty penalty;
    double value;
  };
  std::vector<Piece> pieces_;      // of the parameters that have a penalty
  std::vector<Penalty> activity_;  // of each layer; empty where none has one
  bool constrained_ = false;
  std::int64_t flat_size_ = 0;
  std::vector<std::int64_t> gaps_;
  Buffer values_;
  Buffer gradients_;
  std::vector<StateEntry> state_;
  std::int64_t state_size_ = 0;
  Buffer state_values_;
  std::vector<double> squares_;           // sums of squared gradients, one per piece of a parameter
  std::vector<std::size_t> first_piece_;  // of each parameter, and behind the last
  double forward_work_ = 0.0;
  std::size_t first_trainable_ = 0;  // index of the first layer with a trainable parameter
  std::unique_ptr<Workspace<T>> training_workspace_;
  std::unique_ptr<Workspace<T>> inference_workspace_;
  std::vector<Workspace<T>> apart_;
  std::unique_ptr<Paces> paces_;
  std::int64_t forward_batch_ = 0;
  bool forward_training_ = false;
  Lock mutex_{"the network"};
};

}  // namespace mundur

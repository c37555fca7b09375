#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mundur/data.h"
#include "mundur/graph.h"
#include "mundur/lock.h"
#include "mundur/losses.h"
#include "mundur/memory.h"
#include "mundur/types.h"

namespace mundur {

class Builder;
class Layer;
class Optimizer;
class Pace;
class Setup;
struct Array;
struct Gathering;
struct Paces;
struct Purpose;
struct Ports;
struct Program;
template <class T>
struct Arena;
template <class T>
class Compiled;
template <class T>
class Device;
namespace cuda {
class Gpu;
}

/// A trainable array, in the network's flat vectors.
template <class T>
struct Parameter {
  std::string name;
  Shape shape;
  T* value = nullptr;
  T* gradient = nullptr;
};

/// An array that training changes, but no gradient (moving statistics).
template <class T>
struct State {
  std::string name;
  Shape shape;
  T* value = nullptr;
};

/// A graph of layers, and the flat vectors of their parameters, gradients and state.
template <class T>
class Network {
 public:
  /// Throws std::invalid_argument where shapes do not fit and OutOfMemory where the parameters do
  /// not.
  Network(Graph graph, std::uint64_t seed, Compute compute = Compute::own);
  Network(const std::vector<LayerSpec>& chain, Shape input_shape, std::uint64_t seed,
          Compute compute = Compute::own, const std::vector<std::string>& names = {})
      : Network(Graph::chain(chain, std::move(input_shape), names), seed, compute) {}
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// From now on the same layers are called on samples of other shapes; programs are compiled anew.
  /// Parameters, state and all that was said of them stay. Throws std::invalid_argument where the
  /// shape of one of those follows from that of the samples; the network is then as it was.
  void reshape(Graph graph);
  /// From now on programs run there; null: on the CPU. Throws NotSupported where it lacks what the
  /// network needs, and OutOfMemory.
  void move_to(const std::shared_ptr<cuda::Gpu>& gpu);
  /// Null: programs run on the CPU.
  Device<T>* device() const { return device_.get(); }

  std::uint64_t seed() const { return seed_; }
  Compute compute() const { return compute_; }
  const Graph& graph() const { return graph_; }
  /// Of each value of the graph.
  const std::vector<Shape>& shapes() const { return shapes_; }
  const Shape& input_shape(std::size_t input = 0) const { return shapes_[input]; }
  const Shape& output_shape(std::size_t output = 0) const {
    return shapes_[graph_.outputs[output]];
  }
  /// The activation that made an output.
  Activation head(std::size_t output = 0) const { return heads_[graph_.outputs[output]]; }
  /// Throws std::invalid_argument where these are not the samples of each input.
  void require_inputs(const std::vector<ArrayView>& x) const;
  /// ... or where there is not one array for each output.
  void require_outputs(std::size_t given, const std::string& what) const;

  struct Entry {
    int layer;
    Parameter<T> parameter;
  };
  std::vector<Entry> parameters();
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
  std::vector<StateEntry> state();
  /// All state in one vector, for those who keep a copy.
  std::int64_t state_size() const { return state_size_; }
  T* state_values() { return state_values_.template as<T>(); }
  /// One flag per layer, those within others behind them. One that does not learn keeps its state,
  /// and in training works as in an inference.
  void set_learning(const std::vector<bool>& flags);
  /// A frozen parameter gets no gradient and no update; what its gradient held is cleared.
  void set_trainable(const std::vector<bool>& flags);
  /// Where the optimizer keeps a mean of the parameters, those that are trainable become it.
  void take_average(const T* average);

  /// Training forwards so far: the counter of dropout's masks.
  std::uint64_t training_forwards = 0;

  std::int64_t workspace_bytes(std::int64_t batch, bool training);

  // ---- by hand: each call is whole, on its own team of threads ----------------------------------
  /// y[batch, *output_shape] of each output (null: nobody asks for it) from the samples of each
  /// input; keeps what backward needs. Throws std::invalid_argument on a wrong shape.
  void forward(const std::vector<T*>& y, const std::vector<ArrayView>& x, bool training);
  /// Samples of the forward that backward would follow; 0 before any.
  std::int64_t forward_batch() const { return forward_batch_; }
  /// What forward kept is about to be overwritten.
  void forget_forward() { forward_batch_ = 0; }
  /// dL/dx[batch, *input_shape] of each input (null: nobody asks for it) from
  /// delta[batch, *output_shape] of each output; fills the gradients.
  void backward(const std::vector<T*>& dx, const std::vector<const T*>& delta);
  /// While it lives, calls by hand leave alone what others keep for each other: theirs lies in
  /// memory of its own, with the values of all layers, until forget_watch().
  class Watch {
   public:
    explicit Watch(Network& network) : network_(network) { network_.exchange(); }
    ~Watch() { network_.exchange(); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Network& network_;
  };
  /// What the last forward and backward left under a watch, by name: "dense/z".
  std::vector<State<T>> watched_values();
  void forget_watch();
  /// One update of the parameters from the gradients.
  void step(Optimizer& optimizer);
  /// Batches from `start` into out[start:] of each output (null: nobody asks for it), for about
  /// `budget` seconds; returns where the next call starts, or -1 where a feature is not finite and
  /// `check_finite`, or no id.
  std::int64_t predict(const std::vector<T*>& out, const std::vector<ArrayView>& x,
                       std::int64_t start, std::int64_t batch, double budget, bool check_finite);

  // ---- penalties and constraints ----------------------------------------------------------------
  void set_penalty(std::size_t parameter, const Penalty& penalty);
  /// Of a layer's outputs, divided by the samples of the batch.
  void set_activity_penalty(std::size_t layer, const Penalty& penalty);
  void set_constraint(std::size_t parameter, const Constraint& constraint);
  /// What the weights add to the loss of a batch.
  double weight_penalty(std::int64_t samples);
  /// By hand: with the activities of the last forward, if what it left is still there.
  double penalty();

  // ---- for passes over sets ---------------------------------------------------------------------
  /// A program for such a purpose; see training/compiled.h.
  Program compile(const Purpose& purpose, Ports& ports) const;
  /// The same with memory behind it, for one of several lanes; kept until it is one of too many.
  Compiled<T>& compiled(const Purpose& purpose, std::size_t lane = 0);
  /// Whether a layer calls a function of the caller's.
  bool calls_outside() const { return calls_outside_; }
  /// The samples of every batch, where layers keep state from one to the next; else 0.
  std::int64_t batch() const { return batch_; }
  /// Throws std::invalid_argument where a set falls into others.
  void require_batches(std::int64_t samples, std::int64_t batch) const;
  /// Whether batches must come one by one, in their order.
  bool in_order() const { return calls_outside_ || batch_ > 0; }
  /// Whenever it grows, programs compiled before are of another network.
  std::uint64_t version() const { return version_; }
  /// The memory of programs that keep what backward needs, and of those that do not: of each lane
  /// that batches go through by themselves.
  Arena<T>& training_arena() { return *training_arena_; }
  Arena<T>& inference_arena(std::size_t lane);
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
  /// What calls by hand leave for each other.
  struct ByHand {
    std::unique_ptr<Arena<T>> arena;
    std::unique_ptr<Compiled<T>> programs[2];
    std::int64_t batch = 0;
    bool training = false;
  };
  Setup wire();
  void build(Setup& setup, const Graph::Call& call);
  void find_masks();
  void require_deltas(const std::vector<T*>& dx, const std::vector<const T*>& delta) const;
  void require_exact_ids(const Graph::Call& call) const;
  /// "x", or which of several inputs holds an id that is none.
  std::string with_unknown_id(const std::vector<ArrayView>& x) const;
  std::string scope_of(std::size_t layer) const;
  void allocate();
  void emit_calls(Builder& b, const Purpose& purpose, Ports& ports) const;
  void exchange();
  void forget_programs();
  void leave_device();
  Compiled<T>& by_hand(bool training);

  std::uint64_t seed_;
  Compute compute_;
  Graph graph_;
  std::vector<std::unique_ptr<Layer>> calls_;  // the layer of each, built for its inputs
  std::vector<std::string> scopes_;            // of each call: what its values' names begin with
  std::vector<Shape> shapes_;                  // of each value
  std::vector<Activation> heads_;              // that made each value
  std::vector<Array> parameters_, states_;
  std::vector<bool> learning_;
  std::vector<Penalty> activity_;   // of each layer
  std::vector<bool> masks_output_;  // of each output: its mask has one for each of its rows
  bool calls_outside_ = false;
  std::int64_t batch_ = 0;
  std::int64_t flat_size_ = 0, state_size_ = 0;
  std::vector<std::int64_t> gaps_;
  Buffer values_, gradients_, state_values_;
  std::unique_ptr<Device<T>> device_;
  double forward_work_ = 0.0;
  std::uint64_t version_ = 0;
  std::unique_ptr<Arena<T>> training_arena_;
  std::vector<std::unique_ptr<Arena<T>>> inference_arenas_;
  std::unique_ptr<Compiled<T>> by_hand_[2];             // inference, training
  std::vector<std::unique_ptr<Compiled<T>>> compiled_;  // others, the last used first
  std::unique_ptr<Paces> paces_;
  std::int64_t forward_batch_ = 0;
  bool forward_training_ = false;
  ByHand other_;  // a watch's, or, under one, those before it
  bool watches_ = false;
  Lock mutex_{"the network"};
};

}  // namespace mundur

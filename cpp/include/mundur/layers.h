#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mundur/types.h"

namespace mundur {

class Worker;
template <class T>
struct Kernels;
template <class T>
struct Update;

// ---- descriptions: what the user asked for, without memory or element type
// ------------------------------------------

/// First those of Function, then those that act on a row, then those of Curve, all in their order.
enum class Activation : int {
  linear,
  relu,
  sigmoid,
  tanh,
  softmax,
  log_softmax,
  rectifier,
  elu,
  selu,
  gelu,
  gelu_tanh,
  silu,
  softplus,
  softsign,
  mish,
  hard_sigmoid,
  hard_silu,
  exponential,
  custom
};

/// Throws std::invalid_argument for an unknown name, and for "custom".
Activation activation_from_name(const std::string& name);
std::string_view name_of(Activation activation);
/// Whether the activation is one of Function: written through its output.
constexpr bool is_function(Activation activation) { return activation <= Activation::tanh; }

/// A function of the caller's with its derivative, called by one thread for a whole batch. What it
/// throws waits: work of a team must not throw.
class CustomFunction {
 public:
  virtual ~CustomFunction() = default;
  /// y[B,O] = f(z[B,O]); y is not z. After a failure nothing is called.
  template <class T>
  void value(T* y, const T* z, std::int64_t B, std::int64_t O) noexcept {
    attempt([&] { find_value(y, z, B, O); });
  }
  /// dx[B,O] = dy[B,O] · f'(z[B,O]); dx may be dy.
  template <class T>
  void backward(T* dx, const T* z, const T* dy, std::int64_t B, std::int64_t O) noexcept {
    attempt([&] { find_backward(dx, z, dy, B, O); });
  }
  /// To be read behind a barrier.
  bool failed() const { return static_cast<bool>(failure_); }
  /// What was caught, or null; from then on it is called again.
  std::exception_ptr take_failure() { return std::exchange(failure_, nullptr); }

 private:
  template <class Work>
  void attempt(Work&& work) noexcept {
    if (failed()) return;
    try {
      work();
    } catch (...) {
      failure_ = std::current_exception();
    }
  }
  virtual void find_value(float* y, const float* z, std::int64_t B, std::int64_t O) = 0;
  virtual void find_value(double* y, const double* z, std::int64_t B, std::int64_t O) = 0;
  virtual void find_backward(float* dx, const float* z, const float* dy, std::int64_t B,
                             std::int64_t O) = 0;
  virtual void find_backward(double* dx, const double* z, const double* dy, std::int64_t B,
                             std::int64_t O) = 0;

  std::exception_ptr failure_;
};

bool failed(const std::vector<CustomFunction*>& functions);
/// Throws what the first of them caught, if any did; all can be called again.
void raise_failure(const std::vector<CustomFunction*>& functions);

/// An activation and what belongs to it: a curve's parameters, or the caller's function.
struct ActivationFunction {
  ActivationFunction(Activation which = Activation::linear) : activation(which) {}
  /// Throws std::invalid_argument unless `values` are as many as the activation takes.
  ActivationFunction(Activation which, const std::vector<double>& values);
  explicit ActivationFunction(std::shared_ptr<CustomFunction> function)
      : activation(Activation::custom), custom(std::move(function)) {}

  Activation activation;
  double parameters[kCurveParameters] = {};
  std::shared_ptr<CustomFunction> custom;
};

struct DenseSpec {
  std::int64_t units;
  ActivationFunction activation = Activation::linear;
  bool use_bias = true;
};
struct ActivationSpec {
  ActivationFunction function;
};
struct DropoutSpec {
  double rate;
  std::optional<std::uint64_t> seed;  // none: the network's
};
struct FlattenSpec {};
struct RescalingSpec {
  double scale;
  double offset = 0.0;
};
struct BatchNormalizationSpec {
  double momentum;
  double epsilon;
  bool scale = true;   // gamma
  bool center = true;  // beta
};
struct LayerNormalizationSpec {
  double epsilon;
  bool scale = true;
  bool center = true;
};
struct GaussianNoiseSpec {
  double stddev;
  std::optional<std::uint64_t> seed;
};
struct GaussianDropoutSpec {
  double rate;
  std::optional<std::uint64_t> seed;
};
struct AlphaDropoutSpec {
  double rate;
  std::optional<std::uint64_t> seed;
};
struct EmbeddingSpec {
  std::int64_t input_dim;   // V: ids are 0 to V - 1
  std::int64_t output_dim;  // O
  bool mask_zero = false;
};
/// What stands in for steps beyond a sample's ends: nothing, so windows stay within; as much as
/// leaves an output for each step (with strides, each of so many), the more behind; or only what is
/// in front, so that no output sees a later step.
enum class Padding { valid, same, causal };
/// Throws std::invalid_argument for an unknown name.
Padding padding_from_name(const std::string& name);
struct Conv1DSpec {
  std::int64_t filters;
  std::int64_t kernel_size;
  std::int64_t strides = 1;
  Padding padding = Padding::valid;
  std::int64_t dilation_rate = 1;
  std::int64_t groups = 1;  // each with its own channels and filters
  ActivationFunction activation = Activation::linear;
  bool use_bias = true;
};
struct RecurrentSpec {
  std::int64_t units;
  bool use_bias = true;
  double dropout = 0.0;            // of the inputs
  double recurrent_dropout = 0.0;  // of the state, on its way into the product
  std::optional<std::uint64_t> seed;
  bool return_sequences = false;
  bool go_backwards = false;
};
struct LSTMSpec {
  RecurrentSpec recurrent;
};
struct GRUSpec {
  RecurrentSpec recurrent;
};
struct SimpleRNNSpec {
  RecurrentSpec recurrent;
  Activation activation = Activation::tanh;  // is_function()
};
struct LayerNode;
struct BidirectionalSpec {
  enum class Merge { concat, sum, mul, ave };
  std::vector<LayerNode> layers;   // recurrent ones: ahead, and backwards
  std::vector<std::string> names;  // in front of their parameters' names
  Merge merge = Merge::concat;
};
struct Pooling1DSpec {
  bool average = false;
  bool global = false;  // over all steps; then only keepdims, whether they stay an axis, matters
  std::int64_t pool_size = 1;
  std::int64_t strides = 1;
  Padding padding = Padding::valid;
  bool keepdims = false;
};
struct SpatialDropout1DSpec {
  double rate;
  std::optional<std::uint64_t> seed;
};
struct ReshapeSpec {
  Shape shape;  // of one sample; one extent may be -1, what the others leave
};
struct PermuteSpec {
  Shape axes;  // of the input, from 0 on, in the output's order
};
struct ZeroPadding1DSpec {
  std::int64_t before;
  std::int64_t after;
};
struct TimeDistributedSpec {
  std::vector<LayerNode> layer;  // one
  std::string name;              // in front of its parameters' names
};
struct ResidualSpec {
  std::vector<LayerNode> layers;
  std::vector<std::string> names;  // in front of their parameters' names
};
using LayerSpec =
    std::variant<DenseSpec, ActivationSpec, DropoutSpec, FlattenSpec, RescalingSpec,
                 BatchNormalizationSpec, LayerNormalizationSpec, GaussianNoiseSpec,
                 GaussianDropoutSpec, AlphaDropoutSpec, EmbeddingSpec, Conv1DSpec, Pooling1DSpec,
                 SpatialDropout1DSpec, ReshapeSpec, PermuteSpec, ZeroPadding1DSpec, LSTMSpec,
                 GRUSpec, SimpleRNNSpec, BidirectionalSpec, TimeDistributedSpec, ResidualSpec>;
struct LayerNode {
  LayerSpec spec;
};

// ---- layers: arithmetic on the chain's memory
// ------------------------------------------------------------------------

/// A part of the loss, l1·Σ|w| + l2·Σw².
struct Penalty {
  double l1 = 0.0;
  double l2 = 0.0;
  bool any() const { return l1 != 0.0 || l2 != 0.0; }
};

/// What holds for a parameter after each update.
struct Constraint {
  enum class Kind { none, non_negative, norms };
  Kind kind = Kind::none;
  // Norms along `axis` in [least, most], or, with a rate below 1, by so much closer to it.
  int axis = 0;
  double least = 0.0;
  double most = 0.0;
  double rate = 1.0;
};

/// A trainable array: its place in the network's flat vectors.
template <class T>
struct Parameter {
  std::string name;
  Shape shape;
  T* value = nullptr;
  T* gradient = nullptr;
  bool trainable = true;
  Penalty penalty{};
  Constraint constraint{};
};

/// An array that training changes, but no gradient (moving statistics): its place in the network's
/// flat vector of state.
template <class T>
struct State {
  std::string name;
  Shape shape;
  T* value = nullptr;
};

/// Rows of a parameter that workers own together, where they own rows.
inline constexpr std::int64_t kParameterRows = 8;

/// What a pass over one batch hands to every layer, on every worker.
template <class T>
struct Pass {
  Worker& worker;
  const Kernels<T>& kernels;
  std::int64_t batch;
  bool training;
  std::uint64_t seed;     // of the network
  std::uint64_t forward;  // count of training forwards: the masks' counter
  T* scratch;             // this worker's
  /// The optimizer's step, done on each part of a parameter as soon as its gradient is known; null:
  /// backward leaves the gradients.
  const Update<T>* update = nullptr;
};

/// What forward leaves for backward: its input and output stay in the chain's memory; `extra` is
/// what the layer asked for in saved_bytes(). An inference has it too, if it asked.
template <class T>
struct Saved {
  const T* x;
  T* y;
  std::byte* extra;
  /// Which time steps of each sample are there (1) and which are not (0), [B,mask_size]; null where
  /// the layer's input has no mask. Only the layer that makes it writes it.
  std::uint8_t* mask = nullptr;
  /// Whether `extra` has what a training asked for, so that a backward may follow.
  bool keeps = true;
  std::int64_t mask_size = 0;  // of one sample

  /// The mask of a layer that goes through so many steps; null where it is none of theirs.
  const std::uint8_t* mask_of(std::int64_t steps) const {
    return mask && mask_size == steps ? mask : nullptr;
  }
  /// The input of a layer that takes ids.
  const std::int32_t* ids() const { return reinterpret_cast<const std::int32_t*>(x); }
};

/// What becomes of the mask of time steps that a layer's input has.
enum class MaskFlow {
  passes,  // it holds for the output as well
  makes,   // the layer makes one, whatever its input has
  ends
};

/// How a layer's backward joins those of its neighbours.
struct Seam {
  bool at_logits = false;  // dy is already the gradient in front of this layer's activation
  /// dx is wanted in front of this activation, whose output is x (is_function(); joins_below()).
  Activation below = Activation::linear;
};

template <class T>
class Layer {
 public:
  virtual ~Layer() = default;

  /// How many indices the layer takes: its own, and those of the layers within it.
  virtual int places() const { return 1; }
  /// Fixes the layer's place in the chain; returns the output shape; throws std::invalid_argument
  /// if `input` does not fit.
  virtual Shape build(const Shape& input, int index) = 0;
  virtual std::vector<Parameter<T>> parameters() const { return {}; }
  /// The layer's own parameters, in the order of parameters(), now with memory behind them.
  virtual void bind(Parameter<T>* /*parameters*/) {}
  virtual std::vector<State<T>> state() const { return {}; }
  /// As bind(), for state().
  virtual void bind_state(State<T>* /*state*/) {}
  /// flags[at] belongs to this layer, those behind it to the layers within it (places()). A layer
  /// that does not learn keeps its state, and in training works as in an inference.
  virtual void set_learning(const std::vector<bool>& /*flags*/, std::size_t /*at*/) {}
  /// How many ids there are, if the layer takes ids of [0, n) instead of numbers; else 0.
  virtual std::int64_t vocabulary() const { return 0; }
  virtual MaskFlow mask_flow() const { return MaskFlow::passes; }
  /// Floating-point operations of a forward pass over one sample whose output has this shape. By
  /// default two per weight and row of the output.
  virtual double work(const Shape& output) const;
  /// Before build(); layers without products have nothing to do.
  virtual void compute_in(Compute /*compute*/) {}
  virtual std::int64_t saved_bytes(std::int64_t /*batch*/, bool /*training*/) const { return 0; }
  /// Whether the output is the input's memory, untouched, in this mode.
  virtual bool passes_through(bool /*training*/) const { return false; }
  /// The activation behind the output: what a loss wants to know of the last layer.
  virtual Activation head() const { return Activation::linear; }
  /// Appends the caller's functions within the layer.
  virtual void add_custom(std::vector<CustomFunction*>& /*all*/) const {}

  /// y from x. All workers call it together; they meet at a barrier afterwards.
  virtual void forward(const Pass<T>& pass, const Saved<T>& saved) const = 0;
  /// Whether backward can take dx on to what lies in front of the activation that made x.
  virtual bool joins_below() const { return false; }
  /// dL/dx and the parameters' gradients from dL/dy. dx is null where nobody asks for it; dy may be
  /// overwritten.
  virtual void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                        const Seam& seam) const = 0;
};

template <class T>
std::unique_ptr<Layer<T>> make_layer(const LayerSpec& spec);

}  // namespace mundur

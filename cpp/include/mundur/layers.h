#pragma once

// Layers as the user asks for them: descriptions, without memory or element type.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mundur/activations.h"
#include "mundur/images.h"
#include "mundur/outside.h"
#include "mundur/types.h"

namespace mundur {

struct DenseSpec {
  std::int64_t units;
  ActivationFunction activation = Activation::linear;
  bool use_bias = true;
};
struct ActivationSpec {
  ActivationFunction function;
};
/// Softmax over other axes than the last alone.
struct SoftmaxSpec {
  Shape axes;  // together; negative ones from the end
};
/// A rectifier whose slope below 0 is learned.
struct PReLUSpec {
  Shape shared = {};  // axes along which a slope is the same
};
struct DropoutSpec {
  double rate;
  std::optional<std::uint64_t> seed;  // none: the network's
  Shape shared = {};                  // axes along which elements are kept or dropped together
};
struct FlattenSpec {};
struct RescalingSpec {
  double scale;
  double offset = 0.0;
};
struct BatchNormalizationSpec {
  double momentum;
  double epsilon;
  bool scale = true;       // gamma
  bool center = true;      // beta
  std::int64_t axis = -1;  // the columns'; negative ones from the end
};
struct LayerNormalizationSpec {
  double epsilon;
  bool scale = true;
  bool center = true;
  Shape axes = {};  // what is normalised together; none: the last
};
/// Parts of a sample brought to length 1.
struct UnitNormalizationSpec {
  Shape axes = {};  // what is a part; none: the last
};
struct GroupNormalizationSpec {
  std::int64_t groups;  // of channels; -1: as many as channels
  double epsilon;
  bool scale = true;
  bool center = true;
};
/// Columns brought to a scale by numbers that are known beforehand.
struct NormalizationSpec {
  bool is_single = false;  // one mean and variance for all
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
/// Of images: sizes are pairs, of the rows and of the columns.
struct Conv2DSpec {
  std::int64_t filters;
  Shape kernel_size;
  Shape strides = {1, 1};
  Padding padding = Padding::valid;
  Shape dilation_rate = {1, 1};
  std::int64_t groups = 1;  // each with its own channels and filters
  ActivationFunction activation = Activation::linear;
  bool use_bias = true;
};
/// Of sequences or of images, which sizes have a number for each axis of: each channel has filters
/// of its own, so many; and behind them, if there are `filters`, those of windows of one place.
struct DepthwiseConvSpec {
  Shape kernel_size;
  Shape strides;
  Padding padding = Padding::valid;
  Shape dilation_rate;
  std::int64_t depth_multiplier = 1;
  std::int64_t filters = 0;  // 0: nothing is behind them
  ActivationFunction activation = Activation::linear;
  bool use_bias = true;
};
/// What undoes a Conv1D's step: each step of the input is seen by kernel_size steps of the output,
/// `strides` apart from those that see the one before.
struct Conv1DTransposeSpec {
  std::int64_t filters;
  std::int64_t kernel_size;
  std::int64_t strides = 1;
  Padding padding = Padding::valid;
  std::int64_t dilation_rate = 1;
  ActivationFunction activation = Activation::linear;
  bool use_bias = true;
};
/// Of images: sizes are pairs, of the rows and of the columns.
struct Conv2DTransposeSpec {
  std::int64_t filters;
  Shape kernel_size;
  Shape strides = {1, 1};
  Padding padding = Padding::valid;
  Shape dilation_rate = {1, 1};
  Shape output_padding{};  // as Keras counts it; none: what `padding` says
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
  bool return_state = false;          // the last state is given as well
  bool zero_output_for_mask = false;  // y is 0 at masked steps
  std::int64_t stateful = 0;  // the state goes on from batch to batch, each of so many samples
  bool in_order = false;      // the outputs stand in the order of time, though it goes backwards
};
// Activations act on single elements, and are none of the caller's.
struct LSTMSpec {
  RecurrentSpec recurrent;
  ActivationFunction activation = Activation::tanh;
  ActivationFunction recurrent_activation = Activation::sigmoid;
};
struct GRUSpec {
  RecurrentSpec recurrent;
  ActivationFunction activation = Activation::tanh;
  ActivationFunction recurrent_activation = Activation::sigmoid;
  bool reset_after = true;  // the reset gate stands behind the product with the state
};
struct SimpleRNNSpec {
  RecurrentSpec recurrent;
  ActivationFunction activation = Activation::tanh;
};
/// What several values become: parts side by side on one axis, or their sum, product, mean, the
/// difference of two, the largest or the smallest of each element.
enum class Merge { concat, sum, mul, ave, sub, max, min };
struct MergingSpec {
  Merge merge;
  std::int64_t axis = -1;  // of a sample, from 0 on, where parts are side by side; -1: the last
};
/// y[i,j] = Σ_k a[i,k]·b[j,k], where k is this axis of each sample and i and j, if there, the
/// other.
struct DotSpec {
  std::int64_t axis_a;
  std::int64_t axis_b;
  bool normalize = false;  // what is multiplied has length 1
};
struct LayerNode;
struct BidirectionalSpec {
  std::vector<LayerNode> layers;   // recurrent ones: ahead, and backwards
  std::vector<std::string> names;  // in front of their parameters' names
  Merge merge = Merge::concat;
};
/// In these descriptions a Shape has a number for each axis in front of the channels: for steps, or
/// for rows and columns.
struct PoolingSpec {
  Shape pool_size = {1};
  Shape strides = {1};
  Padding padding = Padding::valid;
  bool average = false;
  bool global = false;  // over all of a sample; then only keepdims, whether axes stay, matters
  bool keepdims = false;
};
struct SpatialDropoutSpec {
  double rate;
  std::optional<std::uint64_t> seed;
  std::int64_t axes = 1;  // in front of the channels
};
/// Zeros around a sample; negative numbers take away from it.
struct MarginsSpec {
  Shape before, after;
};
struct UpSamplingSpec {
  Shape size;
};
/// What an image becomes in training by chance.
struct RandomImageSpec {
  RandomChange how;
  Shape size = {};  // crop: of the output
};
/// Images of another size, by what lies between their pixels.
struct ResizingSpec {
  /// What becomes of another ratio of height and width: another ratio; the largest part in the
  /// middle that has the ratio; the image with margins; or the middle as it is, unless the image is
  /// smaller, which is as `crop`.
  enum class Fit : std::uint8_t { stretch, crop, pad, middle };
  Shape size;  // of the output
  Fit fit = Fit::stretch;
  bool nearest = false;
  double fill = 0.0;   // what margins hold
  bool times = false;  // `size` is in sizes of the input
};
struct ReshapeSpec {
  Shape shape;  // of one sample; one extent may be -1, what the others leave
};
struct PermuteSpec {
  Shape axes;  // of the input, from 0 on, in the output's order
};
struct MaskingSpec {
  double mask_value;  // a step that holds nothing else is not there
};
struct RepeatVectorSpec {
  std::int64_t n;  // steps
};
struct TimeDistributedSpec {
  std::vector<LayerNode> layer;  // one
  std::string name;              // in front of its parameters' names
};
struct ResidualSpec {
  std::vector<LayerNode> layers;
  std::vector<std::string> names;  // in front of their parameters' names
};
/// A layer of the caller's: the shape of its output, and what it has.
struct OutsideSpec {
  struct Entry {
    std::string name;
    Shape shape;
  };
  std::shared_ptr<OutsideLayer> layer;
  Shape output;
  std::vector<Entry> parameters, states;
  bool passes_mask = false;
};
using LayerSpec = std::variant<
    DenseSpec, ActivationSpec, DropoutSpec, FlattenSpec, RescalingSpec, BatchNormalizationSpec,
    LayerNormalizationSpec, GaussianNoiseSpec, GaussianDropoutSpec, AlphaDropoutSpec, EmbeddingSpec,
    Conv1DSpec, PoolingSpec, SpatialDropoutSpec, ReshapeSpec, PermuteSpec, MarginsSpec, MaskingSpec,
    RepeatVectorSpec, LSTMSpec, GRUSpec, SimpleRNNSpec, BidirectionalSpec, TimeDistributedSpec,
    ResidualSpec, MergingSpec, DotSpec, NormalizationSpec, UpSamplingSpec, Conv1DTransposeSpec,
    SoftmaxSpec, PReLUSpec, UnitNormalizationSpec, OutsideSpec, GroupNormalizationSpec, Conv2DSpec,
    DepthwiseConvSpec, Conv2DTransposeSpec, RandomImageSpec, ResizingSpec>;
struct LayerNode {
  LayerSpec spec;
};
/// How many values the layer makes.
std::size_t outputs_of(const LayerSpec& spec);

}  // namespace mundur

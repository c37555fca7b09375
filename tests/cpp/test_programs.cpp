// Programs of every kind of layer: teams of any size train the same bits. Under the thread
// sanitizer, a barrier that was derived wrongly shows even where the bits do not.

#include <algorithm>
#include <memory>
#include <optional>

#include "check.h"
#include "cpu/parallel/pace.h"
#include "mundur/training.h"

namespace {

using mundur::Activation;
using mundur::LayerSpec;

constexpr std::int64_t kSamples = 23, kBatch = 9, kSteps = 8, kChannels = 6, kIds = 11;

struct Chain {
  const char* name;
  bool ids;
  std::vector<LayerSpec> layers;
};

mundur::RecurrentSpec recurrent(bool sequences, bool backwards = false, double dropout = 0.0) {
  mundur::RecurrentSpec spec{};
  spec.units = 5;
  spec.return_sequences = sequences;
  spec.go_backwards = backwards;
  spec.dropout = spec.recurrent_dropout = dropout;
  return spec;
}

mundur::BidirectionalSpec both_ways(mundur::Merge merge, bool sequences) {
  mundur::BidirectionalSpec spec{{}, {"ahead", "back"}, merge};
  spec.layers.push_back({mundur::LSTMSpec{recurrent(sequences)}});
  spec.layers.push_back({mundur::LSTMSpec{recurrent(sequences, true)}});
  return spec;
}

mundur::Conv1DSpec convolution(std::int64_t strides, mundur::Padding padding, std::int64_t dilation,
                               std::int64_t groups, Activation activation) {
  return {6, 3, strides, padding, dilation, groups, activation, true};
}

std::vector<Chain> chains() {
  using Merge = mundur::Merge;
  using mundur::Padding;
  const mundur::EmbeddingSpec embedding{kIds, kChannels, true};
  const mundur::BatchNormalizationSpec batch_normalization{0.9, 1e-3};
  const mundur::LayerNormalizationSpec layer_normalization{1e-3};
  mundur::Pooling1DSpec windows;
  windows.pool_size = windows.strides = 2;
  mundur::Pooling1DSpec whole;
  whole.average = whole.global = true;
  mundur::ResidualSpec residual{{}, {"normal", "dense"}};
  residual.layers.push_back({batch_normalization});
  residual.layers.push_back({mundur::DenseSpec{5, Activation::tanh}});
  mundur::TimeDistributedSpec each_step{{}, "dense"};
  each_step.layer.push_back({mundur::DenseSpec{4, Activation::softmax}});
  std::vector<Chain> all = {
      {"lstm behind a mask", true, {embedding, mundur::LSTMSpec{recurrent(false)}}},
      {"gru with dropout", true, {embedding, mundur::GRUSpec{recurrent(true, false, 0.3)}}},
      {"simple rnn", false, {mundur::SimpleRNNSpec{recurrent(true, true)}, residual, whole}},
      {"masked normalization", true, {embedding, batch_normalization, whole}},
      {"convolutions",
       false,
       {convolution(1, Padding::same, 1, 1, Activation::relu),
        convolution(1, Padding::causal, 2, 1, Activation::silu),
        convolution(2, Padding::valid, 1, 1, Activation::tanh), layer_normalization, windows}},
      {"masking", false, {mundur::MaskingSpec{0.0}, both_ways(Merge::concat, true), whole}},
      {"an encoder and a decoder",
       false,
       {mundur::MaskingSpec{0.0}, mundur::LSTMSpec{recurrent(false)}, mundur::RepeatVectorSpec{3},
        mundur::GRUSpec{recurrent(true)}}},
      {"groups", false, {convolution(1, Padding::same, 1, 3, Activation::linear), windows}},
      {"noise",
       false,
       {mundur::GaussianNoiseSpec{0.1, {}}, mundur::GaussianDropoutSpec{0.2, {}},
        mundur::AlphaDropoutSpec{0.2, {}}, mundur::SpatialDropout1DSpec{0.2, {}},
        mundur::DenseSpec{7, Activation::gelu}}},
      {"axes",
       false,
       {mundur::PermuteSpec{{1, 0}}, mundur::ZeroPadding1DSpec{1, 2}, each_step,
        mundur::ReshapeSpec{{-1}}, mundur::ActivationSpec{Activation::log_softmax}}},
  };
  for (Merge merge : {Merge::concat, Merge::sum, Merge::mul, Merge::ave}) {
    all.push_back({"both ways", true, {embedding, both_ways(merge, true), whole}});
  }
  return all;
}

template <class T>
mundur::ArrayView view(const std::vector<T>& values, mundur::ElementType type,
                       mundur::Shape sample) {
  mundur::ArrayView all;
  all.data = reinterpret_cast<const std::byte*>(values.data());
  all.type = type;
  all.n = kSamples;
  all.stride = static_cast<std::int64_t>(sizeof(T)) * mundur::size_of(sample);
  all.strides.resize(sample.size());
  std::int64_t stride = sizeof(T);
  for (std::size_t axis = sample.size(); axis-- > 0; stride *= sample[axis]) {
    all.strides[axis] = stride;
  }
  all.sample = std::move(sample);
  all.contiguous = true;
  return all;
}

/// What a training pass makes that is watched, or is not while another that is comes between.
template <class T>
std::vector<double> by_hand(mundur::Network<T>& network, const mundur::ArrayView& x, bool watched) {
  using Watch = typename mundur::Network<T>::Watch;
  std::vector<T> y(static_cast<std::size_t>(kSamples * mundur::size_of(network.output_shape())));
  std::vector<T> other(y), dx(static_cast<std::size_t>(kSamples * mundur::size_of(x.sample)));
  std::optional<Watch> watch;
  if (watched) watch.emplace(network);
  network.forward({y.data()}, {x}, true);
  --network.training_forwards;  // the next one draws the same numbers
  if (!watched) {
    const Watch between(network);
    network.forward({other.data()}, {x}, false);
    network.backward({dx.data()}, {y.data()});
  }
  network.backward({dx.data()}, {y.data()});
  std::vector<double> all(y.begin(), y.end());
  all.insert(all.end(), dx.begin(), dx.end());
  all.insert(all.end(), network.flat_gradients(), network.flat_gradients() + network.flat_size());
  return all;
}

/// All values of the last watched pass.
template <class T>
std::vector<double> values_of(mundur::Network<T>& network) {
  const typename mundur::Network<T>::Watch watch(network);
  std::vector<double> all;
  for (const auto& one : network.watched_values()) {
    CHECK(one.shape.front() == kSamples);
    all.insert(all.end(), one.value, one.value + mundur::size_of(one.shape));
  }
  CHECK(!all.empty());
  return all;
}

/// Every number a training and what follows it make.
template <class T>
std::vector<double> train(const Chain& chain, int threads) {
  mundur::set_num_threads(threads);
  const mundur::Shape input = chain.ids ? mundur::Shape{kSteps} : mundur::Shape{kSteps, kChannels};
  mundur::Network<T> network(chain.layers, input, 3);
  check::Numbers numbers(5);
  for (auto& entry : network.parameters()) {
    const std::int64_t size = mundur::size_of(entry.parameter.shape);
    for (std::int64_t i = 0; i < size; ++i) {
      entry.parameter.value[i] = static_cast<T>(numbers.uniform(-0.5, 0.5));
    }
  }
  auto x = numbers.vector<float>(kSamples * kSteps * kChannels, -1, 1);
  for (std::int64_t step = 0; step < kSamples * kSteps; step += 3) {  // for Masking to find
    std::fill_n(x.begin() + step * kChannels, kChannels, 0.0F);
  }
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < kSamples * kSteps; ++i) {
    ids.push_back(static_cast<std::int32_t>(i * 7 % kIds));
  }
  const std::int64_t outputs = mundur::size_of(network.output_shape());
  const auto y = numbers.vector<float>(kSamples * outputs, -1, 1);
  mundur::DataSet data;
  data.x = {chain.ids ? view(ids, mundur::ElementType::int32, {kSteps})
                      : view(x, mundur::ElementType::float32, {kSteps, kChannels})};
  data.y.resize(1);
  data.y[0].y = view(y, mundur::ElementType::float32, {outputs});
  const auto loss = mundur::make_loss("mean_squared_error", false);
  const auto adam = mundur::make_optimizer("Adam", {{"learning_rate", 1e-2}});
  mundur::Trainer<T> trainer(network, *adam, {{loss.get()}}, data, {kBatch, true, 5});
  std::vector<double> all;
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    trainer.begin_epoch(epoch);
    CHECK(trainer.run(1e9, -1) == mundur::Outcome::finished);
    all.push_back(trainer.tally().mean_loss());
  }
  std::vector<T> p(static_cast<std::size_t>(kSamples * outputs));
  CHECK(network.predict({p.data()}, data.x, 0, kSamples, 1e9, true) == kSamples);
  all.insert(all.end(), p.begin(), p.end());
  const std::vector<double> watched = by_hand(network, data.x[0], true);
  const std::vector<double> values = values_of(network);
  CHECK(check::same_bits(by_hand(network, data.x[0], false), watched));
  for (const auto& more : {watched, values}) all.insert(all.end(), more.begin(), more.end());
  all.insert(all.end(), network.flat_values(), network.flat_values() + network.flat_size());
  return all;
}

template <class T>
void test_teams(const Chain& chain) {
  const std::vector<double> expected = train<T>(chain, 1);
  for (double value : expected) CHECK(!(value != value));
  for (int threads : {2, 3, 5}) {
    check::context = std::string(chain.name) + (sizeof(T) == 4 ? " float32" : " float64") +
                     " threads " + std::to_string(threads);
    CHECK(check::same_bits(train<T>(chain, threads), expected));
  }
}

}  // namespace

int main() {
  mundur::set_adaptive(false);  // each count of workers is meant
  for (const Chain& chain : chains()) {
    test_teams<float>(chain);
    test_teams<double>(chain);
  }
  return check::result();
}

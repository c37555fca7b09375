// Programs of every kind of layer: teams of any size train the same bits. Under the thread
// sanitizer, a barrier that was derived wrongly shows even where the bits do not. Without threads,
// one worker after another between barriers, each barrier that is left out shows in the bits.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "check.h"
#include "cpu/parallel/pace.h"
#include "cpu/plan.h"
#include "mundur/training.h"
#include "training/compiled.h"
#include "views.h"

namespace {

using mundur::Activation;
using mundur::LayerSpec;

constexpr std::int64_t kSamples = 23, kBatch = 9, kSteps = 8, kChannels = 6, kIds = 11;

struct Chain {
  const char* name;
  bool ids;
  std::vector<LayerSpec> layers;
  bool barriers_show = true;  // each of them, where it is left out
};

mundur::RecurrentSpec recurrent(std::int64_t units, bool sequences, bool backwards = false,
                                double dropout = 0.0) {
  mundur::RecurrentSpec spec{};
  spec.units = units;
  spec.return_sequences = sequences;
  spec.go_backwards = backwards;
  spec.dropout = spec.recurrent_dropout = dropout;
  return spec;
}

mundur::BidirectionalSpec both_ways(mundur::Merge merge, std::int64_t units) {
  mundur::BidirectionalSpec spec{{}, {"ahead", "back"}, merge};
  spec.layers.push_back({mundur::LSTMSpec{recurrent(units, true)}});
  spec.layers.push_back({mundur::LSTMSpec{recurrent(units, true, true)}});
  return spec;
}

mundur::Conv1DSpec convolution(std::int64_t filters, std::int64_t strides, mundur::Padding padding,
                               std::int64_t dilation, std::int64_t groups, Activation activation) {
  return {filters, 3, strides, padding, dilation, groups, activation, true};
}

/// What is 0 at masked steps.
mundur::LSTMSpec other_gates(mundur::RecurrentSpec spec) {
  spec.zero_output_for_mask = true;
  return {spec, Activation::softsign, Activation::hard_sigmoid};
}

/// Of every kind of layer; so many times as wide.
std::vector<Chain> chains(std::int64_t wide) {
  using Merge = mundur::Merge;
  using mundur::Padding;
  const mundur::EmbeddingSpec embedding{kIds, kChannels, true};
  const mundur::BatchNormalizationSpec batch_normalization{0.9, 1e-3};
  const mundur::LayerNormalizationSpec layer_normalization{1e-3};
  mundur::PoolingSpec windows;
  windows.pool_size = windows.strides = {2};
  mundur::PoolingSpec whole;
  whole.average = whole.global = true;
  mundur::ResidualSpec residual{{}, {"normal", "dense"}};
  residual.layers.push_back({batch_normalization});
  residual.layers.push_back({mundur::DenseSpec{5 * wide, Activation::tanh}});
  mundur::GRUSpec front{recurrent(5 * wide, true, true, 0.3)};
  front.reset_after = false;
  mundur::TimeDistributedSpec each_step{{}, "dense"};
  each_step.layer.push_back({mundur::DenseSpec{4 * wide, Activation::softmax}});
  mundur::PoolingSpec means;
  means.pool_size = {3, 2};
  means.strides = {1, 1};
  means.padding = Padding::same;
  means.average = true;
  mundur::PoolingSpec image;
  image.pool_size = image.strides = {1, 1};
  image.global = true;
  std::vector<Chain> all = {
      {"lstm behind a mask", true, {embedding, mundur::LSTMSpec{recurrent(5 * wide, false)}}},
      {"gru with dropout",
       true,
       {embedding, mundur::GRUSpec{recurrent(5 * wide, true, false, 0.3)}}},
      {"gates of other kinds", true, {embedding, other_gates(recurrent(5 * wide, true)), front}},
      {"simple rnn",
       false,
       {mundur::SimpleRNNSpec{recurrent(5 * wide, true, true)}, residual, whole}},
      {"masked normalization", true, {embedding, batch_normalization, whole}},
      {"convolutions",
       false,
       {convolution(6 * wide, 1, Padding::same, 1, 1, Activation::relu),
        convolution(6 * wide, 1, Padding::causal, 2, 1, Activation::silu),
        convolution(6 * wide, 2, Padding::valid, 1, 1, Activation::tanh), layer_normalization,
        windows}},
      {"masking", false, {mundur::MaskingSpec{0.0}, both_ways(Merge::concat, 5 * wide), whole}},
      {"an encoder and a decoder",
       false,
       {mundur::MaskingSpec{0.0}, mundur::LSTMSpec{recurrent(5 * wide, false)},
        mundur::RepeatVectorSpec{3}, mundur::GRUSpec{recurrent(5 * wide, true)}}},
      {"products",
       false,
       {mundur::DenseSpec{70, Activation::relu}, mundur::DenseSpec{97, Activation::relu},
        mundur::DenseSpec{40, Activation::softmax}}},
      {"groups",
       false,
       {convolution(6 * wide, 1, Padding::same, 1, 3, Activation::linear), windows}},
      {"noise",
       false,
       {mundur::DenseSpec{kChannels}, mundur::GaussianNoiseSpec{0.1, {}},
        mundur::GaussianDropoutSpec{0.2, {}}, mundur::AlphaDropoutSpec{0.2, {}},
        mundur::SpatialDropoutSpec{0.2, {}}, mundur::DenseSpec{7 * wide, Activation::gelu}}},
      {"few steps and many",
       false,
       {mundur::NormalizationSpec{true}, mundur::MarginsSpec{{-1}, {0}},
        mundur::Conv1DTransposeSpec{9 * wide, 3, 2, mundur::Padding::same},
        mundur::UpSamplingSpec{{2}}, mundur::DropoutSpec{0.25, {}, {0}},
        mundur::LayerNormalizationSpec{1e-3, true, true, {0, 1}},
        mundur::BatchNormalizationSpec{0.9, 1e-3, true, true, 0}}},
      {"bends and directions",
       false,
       {mundur::PReLUSpec{{0}}, mundur::UnitNormalizationSpec{{0}}, mundur::PReLUSpec{},
        mundur::SoftmaxSpec{{0, 1}}, mundur::UnitNormalizationSpec{}, mundur::DenseSpec{5 * wide}}},
      {"convolutions of images",
       false,
       {mundur::ReshapeSpec{{kSteps, -1, 1}},
        mundur::Conv2DSpec{
            2 * wide, {2, 2}, {1, 1}, mundur::Padding::same, {1, 1}, 1, Activation::relu},
        mundur::Conv2DSpec{6 * wide, {2, 2}, {1, 1}, mundur::Padding::same},
        mundur::Conv2DSpec{2 * wide, {3, 1}, {2, 1}, mundur::Padding::same, {1, 1}, 2},
        mundur::Conv2DSpec{5, {1, 1}}}},
      {"convolutions of channels, and back",
       false,
       {mundur::ReshapeSpec{{kSteps, -1, 2}},
        mundur::DepthwiseConvSpec{{2, 2}, {1, 1}, mundur::Padding::same, {1, 1}, 2 * wide},
        mundur::DepthwiseConvSpec{
            {3, 1}, {2, 1}, mundur::Padding::same, {1, 1}, 1, 3 * wide, Activation::tanh},
        mundur::Conv2DTransposeSpec{2 * wide, {3, 2}, {2, 1}, mundur::Padding::same, {1, 1}, {}},
        mundur::Conv2DTransposeSpec{2 * wide, {1, 2}, {2, 1}, mundur::Padding::valid, {1, 1}, {}},
        mundur::DepthwiseConvSpec{{1, 1}, {1, 1}, mundur::Padding::valid, {1, 1}}}},
      {"axes",
       false,
       {mundur::PermuteSpec{{1, 0}}, mundur::MarginsSpec{{1}, {2}}, each_step,
        mundur::ReshapeSpec{{-1}}, mundur::ActivationSpec{Activation::log_softmax}}},
      {"images",
       false,
       {mundur::DenseSpec{6 * wide}, mundur::ReshapeSpec{{-1, 2, 3}},
        mundur::MarginsSpec{{1, 0}, {0, 2}}, means, mundur::UpSamplingSpec{{2, 3}},
        mundur::SpatialDropoutSpec{0.2, {}, 2}, mundur::GroupNormalizationSpec{3, 1e-3},
        mundur::MarginsSpec{{-1, 0}, {-1, -2}}, image},
       false},  // one more is derived than the bits show to be needed
      {"images from elsewhere",
       false,
       {mundur::DenseSpec{6 * wide}, mundur::ReshapeSpec{{-1, 2, 3}},
        mundur::RandomImageSpec{{.kind = mundur::RandomChange::Kind::rotation,
                                 .low = {-0.1, 0.0},
                                 .high = {0.1, 0.0},
                                 .sampling = {mundur::Edge::reflect}}},
        mundur::RandomImageSpec{
            {.kind = mundur::RandomChange::Kind::contrast, .low = {0.5, -9.0}, .high = {1.5, 9.0}}},
        mundur::ResizingSpec{{5, 3}}, image}},
  };
  for (Merge merge : {Merge::concat, Merge::sum, Merge::mul, Merge::ave}) {
    all.push_back({"both ways", true, {embedding, both_ways(merge, 5 * wide), whole}});
  }
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

/// A chain's network, and a set for it.
template <class T>
struct Pupil {
  mundur::Network<T> network;
  std::int64_t outputs = mundur::size_of(network.output_shape());
  std::vector<float> x, y;
  std::vector<std::int32_t> ids;
  mundur::DataSet data;
  std::unique_ptr<mundur::Loss> loss = mundur::make_loss("mean_squared_error", false);

  explicit Pupil(const Chain& chain, mundur::Compute compute = mundur::Compute::own)
      : network(chain.layers, chain.ids ? mundur::Shape{kSteps} : mundur::Shape{kSteps, kChannels},
                3, compute) {
    check::Numbers numbers(5);
    for (auto& entry : network.parameters()) {
      const std::int64_t size = mundur::size_of(entry.parameter.shape);
      for (std::int64_t i = 0; i < size; ++i) {
        entry.parameter.value[i] = static_cast<T>(numbers.uniform(-0.5, 0.5));
      }
    }
    std::fill_n(network.state_values(), network.state_size(), T(0.5));  // a variance, too
    x = numbers.vector<float>(kSamples * kSteps * kChannels, -1, 1);
    for (std::int64_t step = 0; step < kSamples * kSteps; step += 3) {  // for Masking to find
      std::fill_n(x.begin() + step * kChannels, kChannels, 0.0F);
    }
    for (std::int64_t i = 0; i < kSamples * kSteps; ++i) {
      ids.push_back(static_cast<std::int32_t>(i * 7 % kIds));
    }
    y = numbers.vector<float>(kSamples * outputs, -1, 1);
    data.x = {chain.ids ? check::view(ids, kSamples, {kSteps})
                        : check::view(x, kSamples, {kSteps, kChannels})};
    data.y.resize(1);
    data.y[0].y = check::view(y, kSamples, {outputs});
  }
};

/// Every number a training and what follows it make.
template <class T>
std::vector<double> train(const Chain& chain, int threads) {
  mundur::set_num_threads(threads);
  Pupil<T> pupil(chain);
  mundur::Network<T>& network = pupil.network;
  const mundur::DataSet& data = pupil.data;
  const std::int64_t outputs = pupil.outputs;
  const auto adam = mundur::make_optimizer("Adam", {{"learning_rate", 1e-2}});
  mundur::Trainer<T> trainer(network, *adam, {{pupil.loss.get()}}, data, {kBatch, true, 5});
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

// ---- barriers -----------------------------------------------------------------------------------

/// One step of a training as workers do it, but one after another between barriers, without
/// threads.
class Serial {
 public:
  Serial(const Chain& chain, int workers, mundur::Compute compute, bool clips)
      : pupil_(chain, compute), workers_(workers), clips_(clips) {
    mundur::Network<float>& network = pupil_.network;
    network.set_activity_penalty(0, {0.01, 0.02});
    if (!network.parameters().empty()) {
      network.set_penalty(0, {0.01, 0.02});
      network.set_constraint(0, {mundur::Constraint::Kind::norms, 1, 0.1, 0.2, 0.5});
    }
    mundur::Purpose purpose;
    purpose.training = purpose.backward = true;
    purpose.compares.emplace_back(mundur::Objective{pupil_.loss.get()});
    purpose.clips = clips;
    purpose.updates = clips ? mundur::Purpose::Updates::at_end : mundur::Purpose::Updates::at_once;
    program_ = network.compile(purpose, ports_);
    placement_ = chain.ids ? apart() : mundur::place(program_, bytes);
    planned_ = mundur::Buffer(placement_.bytes, "the values");
    const mundur::Kernels<float>& kernels = mundur::kernels<float>(mundur::Isa::generic);
    const std::int64_t scratch = kernels.scratch * std::int64_t{sizeof(float)};
    scratch_ = mundur::Buffer(scratch, "the scratch");  // one at a time
    mundur::Memory<float> memory;
    memory.planned = planned_.as<std::byte>();
    memory.flat[static_cast<int>(mundur::Role::parameter)] = network.flat_values();
    memory.flat[static_cast<int>(mundur::Role::gradient)] = network.flat_gradients();
    memory.flat[static_cast<int>(mundur::Role::state)] = network.state_values();
    memory.scratch.assign(static_cast<std::size_t>(workers), scratch_.as<float>());
    plan_.emplace(program_, placement_, memory, kBatch, workers, kernels);
    values_.assign(network.flat_values(), network.flat_values() + network.flat_size());
    state_.assign(network.state_values(), network.state_values() + network.state_size());
  }

  /// The pieces that have a barrier in front of them.
  std::vector<std::size_t> behind_barriers() const {
    std::vector<std::size_t> found;
    for (std::size_t stretch = 0, piece = 0; stretch < program_.stretches.size(); ++stretch) {
      while (++piece < plan_->pieces_until(stretch)) found.push_back(piece);
    }
    return found;
  }

  /// What the step makes where the workers go in the order of their numbers, or from the last to
  /// the first; without the barrier in front of a piece. What nobody has written is NaN.
  std::vector<double> step(bool from_last, std::size_t without = 0) {
    mundur::Network<float>& network = pupil_.network;
    std::copy(values_.begin(), values_.end(), network.flat_values());
    std::copy(state_.begin(), state_.end(), network.state_values());
    std::memset(planned_.as<std::byte>(), 0xFF, static_cast<std::size_t>(planned_.bytes()));
    const auto sgd = mundur::make_optimizer("SGD", {{"learning_rate", 0.5}});
    if (clips_) *std::get<double*>(sgd->option("global_clipnorm").value) = 0.01;
    sgd->bind(network.flat_size(), false, network.flat_values(), network.gaps());
    sgd->begin_step();
    mundur::Now<float> now;
    now.data = &pupil_.data;
    now.batch = {nullptr, 0, kBatch};
    now.part = {{0, kBatch}, kBatch, 1};
    now.update = sgd->update_of<float>(network.flat_values());
    now.gathering = sgd->gathering();
    for (std::size_t stretch = 0, piece = 0; stretch < program_.stretches.size(); ++stretch) {
      while (piece < plan_->pieces_until(stretch)) {
        const std::size_t end = piece + (piece + 1 == without ? 2 : 1);
        for (int i = 0; i < workers_; ++i) {
          mundur::Worker worker(from_last ? workers_ - 1 - i : i, workers_, barrier_);
          for (std::size_t own = piece; own < end; ++own) plan_->run_piece(own, now, worker);
        }
        piece = end;
      }
    }
    std::vector<double> all(network.flat_values(), network.flat_values() + network.flat_size());
    all.insert(all.end(), network.state_values(), network.state_values() + network.state_size());
    add<float>(all, ports_.outputs[0].p, kBatch * pupil_.outputs);
    add<double>(all, ports_.activity, kBatch);
    return all;
  }

 private:
  static std::int64_t bytes(const mundur::ValueInfo& value) {
    return mundur::bytes_of(value, kBatch, sizeof(float));
  }
  /// Each value where no other lies: lists of places, read too soon, must not hold just any number.
  mundur::Placement apart() const {
    mundur::Placement found;
    for (std::size_t i = 0; i < program_.values.size(); ++i) {
      const mundur::Value value{static_cast<std::int32_t>(i)}, root = program_.root(value);
      if (root == value) {
        found.offsets.push_back(found.bytes);
        found.bytes += (bytes(program_[value]) + 63) / 64 * 64;
      } else {
        found.offsets.push_back(found.offsets[static_cast<std::size_t>(root.index)]);
      }
    }
    return found;
  }
  template <class U>
  void add(std::vector<double>& all, mundur::Value value, std::int64_t n) {
    if (!value) return;
    const auto* const from = reinterpret_cast<const U*>(
        planned_.as<std::byte>() + placement_.offsets[static_cast<std::size_t>(value.index)]);
    all.insert(all.end(), from, from + n);
  }

  Pupil<float> pupil_;
  int workers_;
  bool clips_;
  mundur::Ports ports_;
  mundur::Program program_;
  mundur::Placement placement_;
  mundur::Buffer planned_, scratch_;
  mundur::Barrier barrier_;
  std::optional<mundur::Plan<float>> plan_;
  std::vector<float> values_, state_;
};

/// Whether that is so in another process, or ends it.
template <class Work>
bool holds_elsewhere(Work work) {
  const pid_t child = fork();
  if (child == 0) _exit(work() ? 1 : 0);
  int status = 0;
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/// Each barrier that is left out shows. The place of a maximum, read too early, may be anywhere:
/// where that ends the process for all, or leaves something behind in it, each gets its own.
template <class Shows>
void check_barriers(const std::vector<std::size_t>& all, Shows shows) {
  const auto hides = [&](std::size_t piece) { return !shows(piece); };
  const std::size_t none = 0;
  if (!holds_elsewhere([&] { return std::ranges::any_of(all, hides) || shows(none); })) return;
  for (std::size_t piece : all) CHECK(holds_elsewhere([&] { return shows(piece); }));
}

void test_barriers(const Chain& chain, mundur::Compute compute) {
  for (const bool clips : {false, true}) {
    const std::vector<double> expected = Serial(chain, 1, compute, clips).step(false);
    for (double value : expected) CHECK(!(value != value));
    for (int workers : {2, 3, 5}) {
      Serial serial(chain, workers, compute, clips);
      const auto shows = [&](std::size_t without) {
        check::context = std::string(chain.name) + (clips ? ", clipped" : "") + ", workers " +
                         std::to_string(workers) + ", without barrier " + std::to_string(without);
        return !check::same_bits(serial.step(false, without), expected) ||
               !check::same_bits(serial.step(true, without), expected);
      };
      CHECK(!shows(0));
      // In tiles some memory is used twice within a piece: only finer interleaving would show that.
      if (compute == mundur::Compute::bfloat16 || !chain.barriers_show) continue;
      check_barriers(serial.behind_barriers(), shows);
    }
  }
}

/// Products in bfloat16 belong to float32: float64 says so when the program is made ready.
void test_what_is_lacking() {
  using mundur::Element;
  mundur::Program program;
  for (const Element element : {Element::real, Element::bfloat16}) {
    mundur::ValueInfo info;
    info.name = element == Element::real ? "dense/x" : "dense/bfloat16";
    info.shape = {4, 4};
    info.element = element;
    program.values.push_back(info);
  }
  const mundur::Value x{0}, low{1};
  program.stretches = {{mundur::Stage::forward, 0, 1}};
  mundur::op::Convolve2D rounded{x, low, x, {}, {{1, 1}, {4, 4}}};
  rounded.rounded = Element::bfloat16;
  std::pair<const char*, mundur::Operation> all[] = {
      {"ToBfloat16", mundur::op::ToBfloat16{low, x}},
      {"RoundWindows", mundur::op::RoundWindows{low, x, {4, 4}}},
      {"WindowsDx", mundur::op::WindowsDx{x, low, x, {{1, 1}, {4, 4}}}},
      {"Convolve2D", rounded},
      {"Convolve2DDw", mundur::op::Convolve2DDw{x, x, low, {{1, 1}, {4, 4}}}},
      {"Product", mundur::op::Product{x, low, x, {}}},
      {"ProductDx", mundur::op::ProductDx{x, low, x}},
      {"ProductDw", mundur::op::ProductDw{x, low, low}}};
  std::vector<std::byte> memory(1 << 12);
  const auto prepare = [&]<class T>(T) {
    mundur::Memory<T> places;
    places.planned = memory.data();
    places.scratch = {nullptr, nullptr};
    mundur::Placement placement;
    placement.offsets = {0, 1024};
    const mundur::Plan<T> plan(program, placement, places, 1, 2, mundur::kernels<T>());
  };
  for (auto& [name, operation] : all) {
    check::context = name;
    program.operations.clear();
    program.operations.push_back(std::move(operation));
    prepare(0.0f);
    try {
      prepare(0.0);
      CHECK(false);
    } catch (const std::invalid_argument& error) {
      CHECK(std::string(error.what()).starts_with(std::string(name) + " of dense/bfloat16: "));
    }
  }
}

}  // namespace

int main() {
  test_what_is_lacking();
  mundur::set_adaptive(false);  // each count of workers is meant
  for (const Chain& chain : chains(1)) {
    test_teams<float>(chain);
    test_teams<double>(chain);
  }
  for (const Chain& chain : chains(8)) {
    test_barriers(chain, mundur::Compute::own);
    test_barriers(chain, mundur::Compute::bfloat16);
    test_barriers(chain, mundur::Compute::bfloat16_pairs);
  }
  return check::result();
}

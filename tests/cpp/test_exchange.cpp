// Ranks that share each batch: threads of this process, each with a network, an optimizer and a
// trainer of its own. Whatever their number, they train the bits of one.

#include <barrier>
#include <cstdlib>
#include <memory>
#include <thread>

#include "check.h"
#include "cpu/parallel/pace.h"
#include "mundur/exchange.h"
#include "mundur/training.h"
#include "views.h"

namespace {

using check::Numbers;
using mundur::Activation;
using mundur::LayerSpec;
using i64 = std::int64_t;

constexpr i64 kSteps = 6, kChannels = 5, kIds = 13;

// ---- ranks in one process -----------------------------------------------------------------------

/// Where the threads meet: what each hands in, and what all get.
class Room {
 public:
  explicit Room(int ranks) : barrier(ranks), handed_in(static_cast<std::size_t>(ranks)) {}
  struct HandedIn {
    const void* sums;
    i64 n;
    int parts;
  };
  std::barrier<> barrier;
  std::vector<HandedIn> handed_in;
};

class InOneRoom final : public mundur::Exchange {
 public:
  InOneRoom(Room& room, int rank) : room_(room), rank_(rank) {}
  int rank() const override { return rank_; }
  int ranks() const override { return static_cast<int>(room_.handed_in.size()); }
  void join(float* sums, i64 n, int parts) override { join_all(sums, n, parts); }
  void join(double* sums, i64 n, int parts) override { join_all(sums, n, parts); }
  i64 meetings() const { return meetings_; }

 private:
  template <class T>
  void join_all(T* sums, i64 n, int parts) {
    ++meetings_;
    room_.handed_in[static_cast<std::size_t>(rank_)] = {sums, n, parts};
    room_.barrier.arrive_and_wait();
    std::vector<const T*> all;
    for (const Room::HandedIn& one : room_.handed_in) {
      if (one.n != n || one.parts != parts) std::abort();  // the others would wait for ever
      all.push_back(static_cast<const T*>(one.sums));
    }
    std::vector<T> whole(static_cast<std::size_t>(n));
    mundur::join_parts(whole.data(), all.data(), parts, n);
    room_.barrier.arrive_and_wait();
    std::copy(whole.begin(), whole.end(), sums);
  }

  Room& room_;
  int rank_;
  i64 meetings_ = 0;
};

// ---- trainings ----------------------------------------------------------------------------------

using Settings = std::vector<std::pair<std::string, double>>;

struct Training {
  const char* name;
  std::vector<LayerSpec> layers;
  bool ids = false;
  const char* loss = "mean_squared_error";
  bool weighted = false;
  bool penalised = false;
  Settings options{};      // of the optimizer
  std::size_t shared = 0;  // this layer is called twice, one call behind the other; 0: none
};

mundur::RecurrentSpec recurrent(bool sequences, double dropout) {
  mundur::RecurrentSpec spec{};
  spec.units = 4;
  spec.return_sequences = sequences;
  spec.dropout = spec.recurrent_dropout = dropout;
  return spec;
}

std::vector<Training> trainings() {
  using mundur::Padding;
  const mundur::BatchNormalizationSpec normal{0.9, 1e-3};
  const mundur::EmbeddingSpec embedding{kIds, kChannels, true};
  const mundur::DenseSpec dense{7, Activation::tanh};
  mundur::PoolingSpec mean;
  mean.average = mean.global = true;
  const auto flat = [](std::vector<LayerSpec> layers) {
    layers.insert(layers.begin(), mundur::FlattenSpec{});
    return layers;
  };
  const Settings clipped = {{"global_clipnorm", 0.05}, {"gradient_accumulation_steps", 2}};
  const std::vector<LayerSpec> plain = flat({dense, mundur::DenseSpec{3}});
  return {
      {"plain", plain},
      {"batch normalization, dropout",
       flat({dense, normal, mundur::DropoutSpec{0.3, {}}, mundur::DenseSpec{3}})},
      {"noise, weights, labels",
       flat({mundur::GaussianNoiseSpec{0.1, {}}, mundur::AlphaDropoutSpec{0.2, {}}, dense,
             mundur::DenseSpec{4}}),
       false, "sparse_categorical_crossentropy", true},
      {"sequences", {dense, normal, mundur::LayerNormalizationSpec{1e-3}, mundur::DenseSpec{2}}},
      {"images by chance",
       {mundur::ReshapeSpec{{kSteps, -1, 1}},
        mundur::RandomImageSpec{
            {.kind = mundur::RandomChange::Kind::rotation, .low = {-0.1, 0.0}, .high = {0.1, 0.0}}},
        mundur::RandomImageSpec{
            {.kind = mundur::RandomChange::Kind::contrast, .low = {0.5, -9.0}, .high = {1.5, 9.0}}},
        mundur::FlattenSpec{}, mundur::DenseSpec{3}}},
      {"convolutions",
       {mundur::Conv1DSpec{6, 3, 2, Padding::same}, normal,
        mundur::Conv1DSpec{4, 2, 1, Padding::causal, 2}, mean}},
      {"lstm behind a mask",
       {embedding, normal, mundur::LSTMSpec{recurrent(true, 0.2)}, mundur::DenseSpec{2}},
       true},
      {"gru with dropout",
       {mundur::SpatialDropoutSpec{0.2, {}}, mundur::GRUSpec{recurrent(false, 0.2)}}},
      {"gru with its reset gate in front",
       {mundur::GRUSpec{recurrent(true, 0.2), Activation::tanh, Activation::hard_sigmoid, false}}},
      {"penalties", plain, false, "mean_squared_error", true, true},
      {"clipped by the global norm", plain, false, "mean_squared_error", false, false, clipped},
      {"a table in the middle",
       {mundur::RescalingSpec{6.0, 6.5}, mundur::FlattenSpec{}, embedding, mean}},
      {"a shared normalization",
       flat({normal, dense}),
       false,
       "mean_squared_error",
       false,
       false,
       {},
       1},
      {"a shared layer",
       flat({mundur::DenseSpec{kSteps * kChannels, Activation::tanh}, mundur::DenseSpec{3}}), false,
       "mean_squared_error", false, true, clipped, 1},
  };
}

/// Every number that a rank has in the end.
template <class T>
std::vector<double> train(const Training& training, i64 samples, i64 batch,
                          mundur::Exchange* exchange) {
  const mundur::Shape input =
      training.ids ? mundur::Shape{kSteps} : mundur::Shape{kSteps, kChannels};
  mundur::Graph graph = mundur::Graph::chain(training.layers, input, {});
  if (training.shared > 0) {
    for (std::size_t i = training.shared; i < graph.calls.size(); ++i) ++graph.calls[i].from[0];
    graph.calls.insert(graph.calls.begin() + static_cast<std::ptrdiff_t>(training.shared),
                       {training.shared, {training.shared}});
    ++graph.outputs[0];
  }
  mundur::Network<T> network(graph, 3);
  Numbers numbers(5);
  for (auto& entry : network.parameters()) {
    const i64 size = mundur::size_of(entry.parameter.shape);
    for (i64 i = 0; i < size; ++i) {
      entry.parameter.value[i] = static_cast<T>(numbers.uniform(-0.5, 0.5));
    }
  }
  if (training.penalised) {
    network.set_penalty(0, {1e-3, 1e-2});
    network.set_activity_penalty(1, {1e-3, 1e-2});
    network.set_constraint(0, {mundur::Constraint::Kind::norms, 1, 0.0, 0.9});
  }
  mundur::DataSet data;
  const auto x = numbers.vector<float>(samples * kSteps * kChannels, -1, 1);
  std::vector<std::int32_t> ids;
  for (i64 i = 0; i < samples * kSteps; ++i) ids.push_back(static_cast<std::int32_t>(i * 7 % kIds));
  data.x = {training.ids ? check::view(ids, samples, input) : check::view(x, samples, input)};
  data.y.resize(1);
  const auto loss = mundur::make_loss(training.loss, true);
  std::vector<mundur::Metric> metrics;
  const i64 outputs = mundur::size_of(network.output_shape());
  const auto y = numbers.vector<float>(samples * outputs, -1, 1);
  const auto weights = numbers.vector<double>(samples, 0, 2);
  if (loss->sparse()) {
    metrics = {mundur::Metric::sparse_categorical_accuracy};
    for (i64 i = 0; i < samples; ++i) {
      data.y[0].labels.push_back(static_cast<std::int32_t>(i % outputs));
    }
  } else {
    metrics = {mundur::Metric::categorical_accuracy};
    data.y[0].y = check::view(y, samples, network.output_shape());
  }
  if (training.weighted) data.y[0].weights = weights.data();
  Settings settings = training.options;
  settings.emplace_back("learning_rate", 1e-2);
  const auto adam = mundur::make_optimizer("Adam", settings);
  mundur::Trainer<T> trainer(network, *adam, {{loss.get(), 1.0, metrics}}, data,
                             {batch, true, 5, true, {}, exchange});
  std::vector<double> all;
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    trainer.begin_epoch(epoch);
    check::that(trainer.run(1e9, -1) == mundur::Outcome::finished, "finished", __FILE__, __LINE__);
    const std::vector<double> sums = trainer.tally().numbers();
    all.insert(all.end(), sums.begin(), sums.end());
    all.push_back(trainer.tally().samples);
  }
  all.insert(all.end(), network.flat_values(), network.flat_values() + network.flat_size());
  all.insert(all.end(), network.state_values(), network.state_values() + network.state_size());
  return all;
}

template <class T>
void test_ranks(const Training& training, i64 samples, i64 batch) {
  const std::vector<double> expected = train<T>(training, samples, batch, nullptr);
  for (double value : expected) CHECK(value == value);
  for (int ranks : {1, 2, 3, 5}) {
    check::context = std::string(training.name) + (sizeof(T) == 4 ? " float32" : " float64") +
                     " batch " + std::to_string(batch) + " ranks " + std::to_string(ranks);
    Room room(ranks);
    std::vector<std::vector<double>> found(static_cast<std::size_t>(ranks));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < ranks; ++rank) {
      threads.emplace_back([&, rank] {
        InOneRoom exchange(room, rank);
        found[static_cast<std::size_t>(rank)] = train<T>(training, samples, batch, &exchange);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<double>& one : found) CHECK(check::same_bits(one, expected));
  }
}

/// Whatever a rank finds wrong, all end the same way.
void test_failures() {
  const std::vector<LayerSpec> dense = {mundur::DenseSpec{1}};
  const std::vector<LayerSpec> table = {mundur::RescalingSpec{0.5, 0.5},
                                        mundur::EmbeddingSpec{2, 1}, mundur::FlattenSpec{},
                                        dense[0]};
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  struct Fault {
    const char* what;
    const std::vector<LayerSpec>& layers;
    float x, y;  // of the last sample, which is the last rank's
    mundur::Outcome expected;
  };
  for (const Fault& fault :
       {Fault{"an input that is not finite", dense, kInfinite, 0.0F, mundur::Outcome::input},
        Fault{"a loss that is not finite", dense, 0.0F, kInfinite, mundur::Outcome::loss},
        Fault{"an id that is none", table, 5.0F, 0.0F, mundur::Outcome::input},
        Fault{"nothing", table, 0.0F, 0.0F, mundur::Outcome::finished}}) {
    const i64 samples = 600;
    auto x = Numbers(1).vector<float>(samples * 3, -1, 1);
    auto y = Numbers(2).vector<float>(samples, -1, 1);
    x.back() = fault.x;
    y.back() = fault.y;
    Room room(3);
    std::vector<std::thread> threads;
    std::vector<mundur::Outcome> found(3);
    for (int rank = 0; rank < 3; ++rank) {
      threads.emplace_back([&, rank] {
        InOneRoom exchange(room, rank);
        mundur::Network<float> network(fault.layers, {3}, 1);
        mundur::DataSet data{{check::view(x, samples, {3})}, {}};
        data.y.resize(1);
        data.y[0].y = check::view(y, samples, {1});
        const auto loss = mundur::make_loss("mean_squared_error", false);
        const auto sgd = mundur::make_optimizer("SGD", {{"learning_rate", 0.1}});
        mundur::Trainer<float> trainer(network, *sgd, {{loss.get()}}, data,
                                       {samples, false, 1, true, {}, &exchange});
        trainer.begin_epoch(0);
        found[static_cast<std::size_t>(rank)] = trainer.run(1e9, -1);
      });
    }
    for (std::thread& thread : threads) thread.join();
    check::context = fault.what;
    for (mundur::Outcome one : found) CHECK(one == fault.expected);
  }
}

/// Parts are whole sums of the tree, in order, and cover the batch.
void test_parts() {
  for (i64 samples : {1, 255, 256, 257, 700, 2048, 2049, 5000}) {
    for (int ranks : {1, 2, 3, 5, 8, 64}) {
      check::context = std::to_string(samples) + " samples, ranks " + std::to_string(ranks);
      i64 next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const mundur::BatchPart part = mundur::part_of_batch(samples, rank, ranks);
        CHECK(part.samples.begin == next && part.whole == samples);
        CHECK((rank < part.parts) == !part.samples.empty());
        next = part.samples.end;
      }
      CHECK(next == samples);
    }
  }
}

}  // namespace

int main() {
  mundur::set_adaptive(false);  // each count of workers is meant
  test_parts();
  test_failures();
  for (int threads : {1, 2}) {
    mundur::set_num_threads(threads);
    for (const Training& training : trainings()) {
      // Groups of each batch: 3, of the last one 2; or 6, and of the last one 1; or a single one.
      test_ranks<float>(training, 1000, 700);
      if (threads == 1) test_ranks<double>(training, 1500, 1400);
      if (threads == 1) test_ranks<float>(training, 60, 40);
    }
  }
  return check::result();
}

// Whole trainings, one for each loss and form of it: the same bits with every instruction set and
// for teams of any size, and the bits of other machines (their hash is stored).

#include <memory>

#include "check.h"
#include "cpu/parallel/pace.h"
#include "mundur/training.h"
#include "views.h"

namespace {

using mundur::Activation;

struct Training {
  const char* loss;
  bool from_logits;
  Activation head;
  std::int64_t outputs;
  const char* optimizer;
  bool weighted;
};
constexpr Training kTrainings[] = {
    {"mean_squared_error", false, Activation::linear, 3, "sgd", false},
    {"mean_squared_error", false, Activation::tanh, 1, "momentum", true},
    {"binary_crossentropy", false, Activation::sigmoid, 1, "nesterov", false},
    {"binary_crossentropy", true, Activation::linear, 4, "adam", true},
    {"categorical_crossentropy", false, Activation::softmax, 5, "adam", false},
    {"categorical_crossentropy", true, Activation::linear, 17, "momentum", false},
    {"sparse_categorical_crossentropy", false, Activation::softmax, 10, "sgd", true},
    {"sparse_categorical_crossentropy", true, Activation::linear, 10, "adam", false},
};

std::unique_ptr<mundur::Optimizer> optimizer_of(const std::string& name) {
  if (name == "adam") return mundur::make_optimizer("Adam", {{"learning_rate", 1e-3}});
  return mundur::make_optimizer("SGD", {{"learning_rate", 0.05},
                                        {"momentum", name == "sgd" ? 0.0 : 0.9},
                                        {"nesterov", name == "nesterov"}});
}

/// A batch makes two shards of samples and is work enough for a team; the last one is short.
constexpr std::int64_t kSamples = 280, kBatch = 264;

/// Every number a training makes: the loss and the score of each epoch, then the parameters.
template <class T>
std::vector<double> train(const Training& training) {
  mundur::Network<T> network(
      {mundur::RescalingSpec{0.5, 0.125}, mundur::FlattenSpec{},
       mundur::DenseSpec{100, Activation::relu, true}, mundur::DropoutSpec{0.25, {}},
       mundur::DenseSpec{50, Activation::softmax, false},
       mundur::ActivationSpec{Activation::sigmoid},
       mundur::DenseSpec{training.outputs, training.head, true}},
      {6, 5}, 3);
  check::Numbers numbers(5);
  for (auto& entry : network.parameters()) {
    const std::int64_t size = mundur::size_of(entry.parameter.shape);
    for (std::int64_t i = 0; i < size; ++i) {
      entry.parameter.value[i] = static_cast<T>(numbers.uniform(-0.25, 0.25));
    }
  }
  mundur::DataSet data;
  const auto x = numbers.vector<float>(kSamples * 30, -1, 1);
  data.x = {check::view(x, kSamples, {6, 5})};
  data.y.resize(1);
  const bool classes = std::string(training.loss).find("categorical") != std::string::npos;
  const bool bits = std::string(training.loss) == "binary_crossentropy";
  auto y = numbers.vector<float>(kSamples * training.outputs, -1, 1);
  for (std::int64_t i = 0; i < kSamples * training.outputs; ++i) {
    float& target = y[static_cast<std::size_t>(i)];
    const std::int64_t row = i / training.outputs, column = i % training.outputs;
    if (classes) target = row % training.outputs == column ? 1.0F : 0.0F;
    if (bits) target = target > 0 ? 1.0F : 0.0F;
  }
  const auto loss = mundur::make_loss(training.loss, training.from_logits);
  if (loss->sparse()) {
    for (std::int64_t i = 0; i < kSamples; ++i) {
      data.y[0].labels.push_back(static_cast<std::int32_t>(i % training.outputs));
    }
  } else {
    data.y[0].y = check::view(y, kSamples, {training.outputs});
  }
  const auto weights = numbers.vector<double>(kSamples, 0, 2);
  if (training.weighted) data.y[0].weights = weights.data();

  const auto optimizer = optimizer_of(training.optimizer);
  std::vector<mundur::Metric> metrics;
  if (bits || classes) {
    metrics = {mundur::metric_from_name("accuracy", *loss, training.outputs)};
  }
  mundur::Trainer<T> trainer(network, *optimizer, {{loss.get(), 1.0, std::move(metrics)}}, data,
                             {kBatch, true, 5});
  std::vector<double> all;
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    trainer.begin_epoch(epoch);
    CHECK(trainer.run(1e9, -1) == mundur::Outcome::finished);
    all.push_back(trainer.tally().mean_loss());
    for (double score : trainer.tally().outputs[0].scores) all.push_back(score);
  }
  CHECK(all.back() == all.back());
  for (const auto& entry : network.parameters()) {
    const T* const values = entry.parameter.value;
    all.insert(all.end(), values, values + mundur::size_of(entry.parameter.shape));
  }
  return all;
}

template <class T>
void test_bits(const Training& training) {
  std::vector<double> expected;
  for (mundur::Isa isa : mundur::available_isas()) {
    for (int threads : {1, 3}) {
      check::context = std::string(training.loss) + (training.from_logits ? " logits " : " ") +
                       training.optimizer + (sizeof(T) == 4 ? " float32 " : " float64 ") +
                       std::string(name_of(isa)) + " threads " + std::to_string(threads);
      mundur::set_isa(isa);
      mundur::set_num_threads(threads);
      const std::vector<double> found = train<T>(training);
      if (expected.empty()) expected = found;
      CHECK(check::same_bits(found, expected));
    }
  }
  check::add_to_hash(expected.data(), expected.size() * sizeof(double));
}

}  // namespace

int main() {
  mundur::set_adaptive(false);  // each count of workers is meant
  for (const Training& training : kTrainings) {
    test_bits<float>(training);
    test_bits<double>(training);
  }
  return check::result(0xAD8A4F9F8DCDA5DEu);
}

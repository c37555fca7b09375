// Whole training steps of workloads W1 to W9, W4 with products in bfloat16 too, as `fit` runs them:
// gather, forward, loss, backward, update. Each line prints the time of one step (in the median
// epoch), the machine's limit, which is the step's floating-point operations over the FMA peak
// measured in this process, and the share of it that is reached.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "mundur/runtime.h"
#include "mundur/training.h"
#include "peak.h"
#include "timing.h"

namespace {

using mundur::Activation;

struct Workload {
  const char* name;
  mundur::Shape inputs;  // of one sample
  std::vector<mundur::LayerSpec> layers;
  const char* loss;
  const char* optimizer;
  std::int64_t batch;
  std::int64_t samples;
  mundur::Compute compute = mundur::Compute::own;
};

/// Dense layers so wide; the output is linear.
std::vector<mundur::LayerSpec> perceptron(const std::vector<std::int64_t>& widths,
                                          Activation hidden) {
  std::vector<mundur::LayerSpec> layers;
  for (std::int64_t width : widths) layers.push_back(mundur::DenseSpec{width, hidden});
  std::get<mundur::DenseSpec>(layers.back()).activation = Activation::linear;
  return layers;
}

mundur::LSTMSpec lstm(std::int64_t units) {
  mundur::LSTMSpec layer;
  layer.recurrent.units = units;
  return layer;
}

mundur::PoolingSpec max_pooling(std::int64_t size) {
  mundur::PoolingSpec layer;
  layer.pool_size = layer.strides = {size};
  return layer;
}

const std::vector<Workload>& workloads() {
  constexpr const char* kSparse = "sparse_categorical_crossentropy";
  constexpr const char* kSquares = "mean_squared_error";
  constexpr const char* kBinary = "binary_crossentropy";
  const auto w1 = perceptron({128, 10}, Activation::relu);
  const auto w2 = perceptron({512, 512, 10}, Activation::relu);
  const auto w3 = perceptron({64, 64, 1}, Activation::tanh);
  const auto w4 = perceptron({2048, 2048, 1000}, Activation::relu);
  const std::vector<mundur::LayerSpec> w5(2, mundur::DenseSpec{2, Activation::sigmoid});
  const mundur::EmbeddingSpec embedding{10'000, 64};
  const mundur::DenseSpec logit{1};
  const std::vector<mundur::LayerSpec> w6 = {embedding, lstm(64), logit};
  const mundur::Conv1DSpec convolution{
      .filters = 64, .kernel_size = 5, .activation = Activation::relu};
  const std::vector<mundur::LayerSpec> w7 = {embedding, convolution, max_pooling(4), lstm(64),
                                             logit};
  const std::vector<mundur::LayerSpec> w9 = {mundur::EmbeddingSpec{20'000, 64}, lstm(64), logit};
  const auto w10 = perceptron({32, 16, 4}, Activation::tanh);
  const auto w11 = perceptron({300, 300, 300, 300, 300, 1}, Activation::tanh);
  static const std::vector<Workload> all = {
      {"W1", {784}, w1, kSparse, "sgd", 64, 6'400},
      {"W2", {784}, w2, kSparse, "adam", 128, 6'400},
      {"W3", {16}, w3, kSquares, "adam", 32, 6'400},
      {"W4", {1024}, w4, kSparse, "momentum", 512, 1'024},
      {"W4bfloat16", {1024}, w4, kSparse, "momentum", 512, 1'024, mundur::Compute::bfloat16},
      {"W4bfloat16_pairs",
       {1024},
       w4,
       kSparse,
       "momentum",
       512,
       1'024,
       mundur::Compute::bfloat16_pairs},
      {"W5", {2}, w5, kSquares, "sgd", 1, 4'096},
      {"W6", {100}, w6, kBinary, "adam", 32, 1'600},
      {"W7", {200}, w7, kBinary, "adam", 32, 1'600},
      {"W8", {784}, w1, kSparse, "adam", 128, 60'000},
      {"W9", {200}, w9, kBinary, "adam", 64, 12'800},
      {"W10", {4}, w10, kSquares, "adam", 10'000, 10'000},
      {"W11", {28}, w11, kBinary, "adam", 100, 10'000},
  };
  return all;
}

/// Floating-point operations of one sample's matrix products forward.
double products(const mundur::LayerSpec& layer, const mundur::Shape& in, const mundur::Shape& out) {
  std::int64_t terms = 0;
  if (const auto* dense = std::get_if<mundur::DenseSpec>(&layer)) {
    terms = mundur::size_of(in) * dense->units;
  } else if (const auto* convolution = std::get_if<mundur::Conv1DSpec>(&layer)) {
    terms = mundur::size_of(out) * convolution->kernel_size * in[1];
  } else if (const auto* recurrent = std::get_if<mundur::LSTMSpec>(&layer)) {
    const std::int64_t units = recurrent->recurrent.units;
    terms = in[0] * (in[1] + units) * 4 * units;
  }
  return 2.0 * static_cast<double>(terms);
}

std::unique_ptr<mundur::Optimizer> optimizer_of(const std::string& name) {
  if (name == "adam") return mundur::make_optimizer("Adam", {{"learning_rate", 1e-3}});
  return mundur::make_optimizer(
      "SGD", {{"learning_rate", 0.01}, {"momentum", name == "momentum" ? 0.9 : 0.0}});
}

/// A network with its data; random numbers from a plain linear generator, since only time is of
/// interest.
class Setup {
 public:
  explicit Setup(const Workload& workload)
      : workload_(workload), network_(workload.layers, workload.inputs, 1, workload.compute) {
    for (auto& entry : network_.parameters()) {
      auto& parameter = entry.parameter;
      const std::int64_t size = mundur::size_of(parameter.shape);
      const float scale =
          parameter.shape.size() > 1
              ? std::sqrt(6.0F / static_cast<float>(parameter.shape[0] + parameter.shape[1]))
              : 0.0F;
      for (std::int64_t i = 0; i < size; ++i) parameter.value[i] = scale * next();
    }
    const auto values =
        static_cast<std::size_t>(workload.samples * mundur::size_of(workload.inputs));
    const std::int64_t outputs = network_.output_shape()[0];
    if (const auto* embedding = std::get_if<mundur::EmbeddingSpec>(&workload.layers.front())) {
      ids_.resize(values);
      for (std::int32_t& id : ids_) id = below(static_cast<std::int32_t>(embedding->input_dim));
      data_.x = {view(ids_, mundur::ElementType::int32, workload.inputs[0])};
    } else {
      x_.resize(values);
      for (float& value : x_) value = next();
      data_.x = {view(x_, mundur::ElementType::float32, workload.inputs[0])};
    }
    data_.y.resize(1);
    const std::string loss = workload.loss;
    if (loss == "sparse_categorical_crossentropy") {
      for (std::int64_t i = 0; i < workload.samples; ++i) {
        data_.y[0].labels.push_back(static_cast<std::int32_t>(i % outputs));
      }
    } else {
      y_.resize(static_cast<std::size_t>(workload.samples * outputs));
      for (float& value : y_) {
        value = loss == "binary_crossentropy" ? static_cast<float>(below(2)) : next();
      }
      data_.y[0].y = view(y_, mundur::ElementType::float32, outputs);
    }
    loss_ = mundur::make_loss(loss, loss != "mean_squared_error");
    optimizer_ = optimizer_of(workload.optimizer);
    trainer_ = std::make_unique<mundur::Trainer<float>>(
        network_, *optimizer_, std::vector<mundur::Objective>{{loss_.get()}}, data_,
        mundur::Trainer<float>::Options{workload.batch, true, 1, true});
  }

  mundur::Trainer<float>& trainer() { return *trainer_; }
  /// Of a step: forward, gradient of the weights, and of the inputs of all layers but the first.
  double operations() const {
    double sum = 0.0;
    for (std::size_t i = 0; i < workload_.layers.size(); ++i) {
      const double forward =
          products(workload_.layers[i], network_.shapes()[i], network_.shapes()[i + 1]);
      sum += static_cast<double>(workload_.batch) * forward * (i == 0 ? 2.0 : 3.0);
    }
    return sum;
  }

 private:
  template <class Value>
  static mundur::ArrayView view(const std::vector<Value>& values, mundur::ElementType type,
                                std::int64_t width) {
    mundur::ArrayView all;
    all.data = reinterpret_cast<const std::byte*>(values.data());
    all.type = type;
    all.n = static_cast<std::int64_t>(values.size()) / width;
    all.sample = {width};
    all.stride = width * static_cast<std::int64_t>(sizeof(Value));
    all.strides = {sizeof(Value)};
    all.contiguous = true;
    return all;
  }
  /// A whole number from 0 on.
  std::int32_t below(std::int32_t end) {
    return std::min(static_cast<std::int32_t>((next() + 1.0F) / 2.0F * static_cast<float>(end)),
                    end - 1);
  }
  float next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<float>(static_cast<std::int32_t>(state_ >> 32)) * 0x1p-31F;
  }

  const Workload& workload_;
  std::uint64_t state_ = 1;
  mundur::Network<float> network_;
  std::vector<float> x_;
  std::vector<std::int32_t> ids_;
  std::vector<float> y_;
  mundur::DataSet data_;
  std::unique_ptr<mundur::Loss> loss_;
  std::unique_ptr<mundur::Optimizer> optimizer_;
  std::unique_ptr<mundur::Trainer<float>> trainer_;
};

void run_epochs(benchmark::State& state, const Workload& workload, int threads) {
  mundur::set_num_threads(threads);
  Setup setup(workload);
  std::vector<double> epochs;
  for ([[maybe_unused]] auto _ : state) {
    const double start = mundur_bench::now();
    setup.trainer().begin_epoch(epochs.size());
    setup.trainer().run(1e9, -1);
    epochs.push_back(mundur_bench::now() - start);
  }
  std::nth_element(epochs.begin(), epochs.begin() + static_cast<std::ptrdiff_t>(epochs.size() / 2),
                   epochs.end());
  const double step =
      epochs[epochs.size() / 2] / static_cast<double>(setup.trainer().steps_per_epoch());
  const mundur::Isa isa = mundur::current_isa();
  const double limit =
      setup.operations() / (workload.compute != mundur::Compute::own
                                ? mundur_bench::bfloat16_peak(isa, workload.compute, threads)
                                : mundur_bench::fma_peak<float>(isa, threads));
  state.counters["step"] = step;
  state.counters["limit"] = limit;
  state.counters["of_limit"] = limit / step;
  mundur::set_num_threads(0);
}

[[maybe_unused]] const bool registered = [] {
  for (const Workload& workload : workloads()) {
    for (int threads = 1; threads <= mundur::available_threads(); threads *= 2) {
      benchmark::RegisterBenchmark(
          (std::string("step/") + workload.name + "/threads:" + std::to_string(threads)).c_str(),
          [&workload, threads](benchmark::State& state) { run_epochs(state, workload, threads); })
          ->UseRealTime()
          ->MinTime(2.0)
          ->Unit(benchmark::kMillisecond);
    }
  }
  return true;
}();

}  // namespace

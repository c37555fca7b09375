// Whole training steps of workloads W1 to W5 and W8, W4 with products in bfloat16 too, as `fit`
// runs them: gather, forward, loss, backward, update. Each line prints the time of one step (in the
// median epoch), the machine's limit, which is the step's floating-point operations over the FMA
// peak measured in this process, and the share of it that is reached.

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
  std::vector<std::int64_t> widths;  // inputs, hidden layers, outputs
  Activation activation;
  const char* loss;
  const char* optimizer;
  std::int64_t batch;
  std::int64_t samples;
  mundur::Compute compute = mundur::Compute::own;
};

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = {
      {"W1", {784, 128, 10}, Activation::relu, "sparse_categorical_crossentropy", "sgd", 64, 6400},
      {"W2",
       {784, 512, 512, 10},
       Activation::relu,
       "sparse_categorical_crossentropy",
       "adam",
       128,
       6400},
      {"W3", {16, 64, 64, 1}, Activation::tanh, "mean_squared_error", "adam", 32, 6400},
      {"W4",
       {1024, 2048, 2048, 1000},
       Activation::relu,
       "sparse_categorical_crossentropy",
       "momentum",
       512,
       1024},
      {"W4bfloat16",
       {1024, 2048, 2048, 1000},
       Activation::relu,
       "sparse_categorical_crossentropy",
       "momentum",
       512,
       1024,
       mundur::Compute::bfloat16},
      {"W5", {2, 2, 2}, Activation::sigmoid, "mean_squared_error", "sgd", 1, 4096},
      {"W8",
       {784, 128, 10},
       Activation::relu,
       "sparse_categorical_crossentropy",
       "adam",
       128,
       60000},
  };
  return all;
}

std::unique_ptr<mundur::Optimizer> make_optimizer(const std::string& name) {
  if (name == "adam") return std::make_unique<mundur::Adam>(1e-3, mundur::AdamOptions{});
  return std::make_unique<mundur::Sgd>(0.01,
                                       mundur::SgdOptions{name == "momentum" ? 0.9 : 0.0, false});
}

/// A network with its data; random numbers from a plain linear generator, since only time is of
/// interest.
class Setup {
 public:
  explicit Setup(const Workload& workload)
      : workload_(workload),
        network_(specs(workload), {workload.widths.front()}, 1, workload.compute) {
    for (auto& entry : network_.parameters()) {
      auto& parameter = entry.parameter;
      const std::int64_t size = mundur::size_of(parameter.shape);
      const float scale =
          parameter.shape.size() > 1
              ? std::sqrt(6.0F / static_cast<float>(parameter.shape[0] + parameter.shape[1]))
              : 0.0F;
      for (std::int64_t i = 0; i < size; ++i) parameter.value[i] = scale * next();
    }
    const std::int64_t inputs = workload.widths.front();
    const std::int64_t outputs = workload.widths.back();
    x_.resize(static_cast<std::size_t>(workload.samples * inputs));
    for (float& value : x_) value = next();
    data_.x = view(x_, workload.samples, inputs);
    if (std::string(workload.loss) == "mean_squared_error") {
      y_.resize(static_cast<std::size_t>(workload.samples * outputs));
      for (float& value : y_) value = next();
      data_.y = view(y_, workload.samples, outputs);
    } else {
      for (std::int64_t i = 0; i < workload.samples; ++i) {
        data_.labels.push_back(static_cast<std::int32_t>(i % outputs));
      }
    }
    loss_ = mundur::make_loss(workload.loss, data_.y.n == 0);
    optimizer_ = make_optimizer(workload.optimizer);
    trainer_ = std::make_unique<mundur::Trainer<float>>(
        network_, *optimizer_, *loss_, data_,
        mundur::Trainer<float>::Options{workload.batch, true, 1, {}, true});
  }

  mundur::Trainer<float>& trainer() { return *trainer_; }
  /// Of a step: forward, gradient of the weights, and of the inputs of all layers but the first.
  double operations() const {
    double sum = 0.0;
    for (std::size_t i = 0; i + 1 < workload_.widths.size(); ++i) {
      const double product = 2.0 * static_cast<double>(workload_.batch * workload_.widths[i] *
                                                       workload_.widths[i + 1]);
      sum += product * (i == 0 ? 2.0 : 3.0);
    }
    return sum;
  }

 private:
  static std::vector<mundur::LayerSpec> specs(const Workload& workload) {
    std::vector<mundur::LayerSpec> layers;
    for (std::size_t i = 1; i < workload.widths.size(); ++i) {
      const bool last = i + 1 == workload.widths.size();
      // The 2-2-2 example has a logistic output too.
      const bool linear = last && workload.batch > 1;
      layers.push_back(mundur::DenseSpec{workload.widths[i],
                                         linear ? Activation::linear : workload.activation, true});
    }
    return layers;
  }
  static mundur::ArrayView view(const std::vector<float>& values, std::int64_t n,
                                std::int64_t width) {
    mundur::ArrayView all;
    all.data = reinterpret_cast<const std::byte*>(values.data());
    all.type = mundur::ElementType::float32;
    all.n = n;
    all.sample = {width};
    all.stride = width * static_cast<std::int64_t>(sizeof(float));
    all.strides = {sizeof(float)};
    all.contiguous = true;
    return all;
  }
  float next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<float>(static_cast<std::int32_t>(state_ >> 32)) * 0x1p-31F;
  }

  const Workload& workload_;
  std::uint64_t state_ = 1;
  mundur::Network<float> network_;
  std::vector<float> x_;
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
  const double limit = setup.operations() / (workload.compute == mundur::Compute::bfloat16
                                                 ? mundur_bench::bfloat16_peak(isa, threads)
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

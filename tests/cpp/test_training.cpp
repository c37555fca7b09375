// What only C++ sees of the training loop: that a steady step allocates nothing, that the team's
// size changes no bit, and that a resumed epoch is the whole one.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cpu/parallel/pace.h"
#include "mundur/runtime.h"
#include "mundur/training.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MUNDUR_COUNTS_ALLOCATIONS 0  // the sanitizer has malloc for itself
#else
#define MUNDUR_COUNTS_ALLOCATIONS 1
#endif

#if MUNDUR_COUNTS_ALLOCATIONS && defined(__GLIBC__)
static std::atomic<std::int64_t> allocations{0};
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_memalign(std::size_t alignment, std::size_t size);
extern "C" void* malloc(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
#endif

namespace {

int failures = 0;

void check(bool holds, const char* what) {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "failed: %s\n", what);
}

/// A set of 200 samples of 70 features in 5 classes, and a network with every kind of layer.
template <class T>
struct Setup {
  std::vector<float> x;
  mundur::DataSet data;
  mundur::Network<T> network;
  std::unique_ptr<mundur::Optimizer> adam =
      mundur::make_optimizer("Adam", {{"learning_rate", 1e-3}});
  std::unique_ptr<mundur::Loss> loss = mundur::make_loss("sparse_categorical_crossentropy", true);
  std::unique_ptr<mundur::Trainer<T>> trainer;

  explicit Setup(mundur::Compute compute = mundur::Compute::own)
      : network(
            {mundur::RescalingSpec{0.5, 0.1}, mundur::FlattenSpec{},
             mundur::DenseSpec{300, mundur::Activation::relu, true}, mundur::DropoutSpec{0.25, {}},
             mundur::DenseSpec{90, mundur::Activation::softmax, true},
             mundur::ActivationSpec{mundur::Activation::tanh},
             mundur::DenseSpec{5, mundur::Activation::linear, true}},
            {7, 10}, 3, compute) {
    constexpr std::int64_t kSamples = 200;
    constexpr std::int64_t kFeatures = 70;
    std::uint32_t state = 1;
    const auto next = [&] {
      state = state * 1664525U + 1013904223U;
      return static_cast<float>(state >> 8) * 0x1p-24F - 0.5F;
    };
    for (std::int64_t i = 0; i < kSamples * kFeatures; ++i) x.push_back(next());
    for (auto& entry : network.parameters()) {
      const std::int64_t size = mundur::size_of(entry.parameter.shape);
      for (std::int64_t i = 0; i < size; ++i) {
        entry.parameter.value[i] = static_cast<T>(next()) * T{0.2F};
      }
    }
    data.x.resize(1);
    data.y.resize(1);
    data.x[0].data = reinterpret_cast<const std::byte*>(x.data());
    data.x[0].n = kSamples;
    data.x[0].sample = {7, 10};
    data.x[0].stride = kFeatures * 4;
    data.x[0].strides = {40, 4};
    data.x[0].contiguous = true;
    for (std::int64_t i = 0; i < kSamples; ++i) {
      data.y[0].labels.push_back(static_cast<std::int32_t>(i % 5));
    }
    trainer = std::make_unique<mundur::Trainer<T>>(
        network, *adam, objectives(), data, typename mundur::Trainer<T>::Options{64, true, 5});
  }
  std::vector<mundur::Objective> objectives() const {
    return {{loss.get(), 1.0, {mundur::Metric::sparse_categorical_accuracy}}};
  }
};

template <class T>
std::vector<T> train(int threads, mundur::Compute compute) {
  mundur::set_num_threads(threads);
  Setup<T> setup(compute);
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    setup.trainer->begin_epoch(epoch);
    check(setup.trainer->run(1e9, -1) == mundur::Outcome::finished, "an epoch finishes");
  }
  check(setup.trainer->step() == 4, "200 samples are 4 batches of 64");
  T* values = setup.network.flat_values();
  return std::vector<T>(values, values + setup.network.flat_size());
}

/// An epoch that another trainer takes up within, and the outputs of each step at their places.
template <class T>
void test_an_epoch_is_resumed() {
  mundur::set_num_threads(2);
  constexpr std::int64_t kOutputs = 200 * 5;
  const auto options = [](T* outputs) {
    return typename mundur::Trainer<T>::Options{64, true, 5, true, {outputs}};
  };
  Setup<T> whole;
  std::vector<T> all(kOutputs, T{-1});
  mundur::Trainer<T> first(whole.network, *whole.adam, whole.objectives(), whole.data,
                           options(all.data()));
  first.begin_epoch(3);
  first.run(1e9, -1);

  Setup<T> part;
  std::vector<T> some(kOutputs, T{-1});
  mundur::Trainer<T> before(part.network, *part.adam, part.objectives(), part.data,
                            options(some.data()));
  before.begin_epoch(3);
  before.run(1e9, 3);
  check(std::count(some.begin(), some.end(), T{-1}) == 8 * 5, "8 samples are not yet seen");
  mundur::Trainer<T> after(part.network, *part.adam, part.objectives(), part.data,
                           options(some.data()));
  after.begin_epoch(3);
  after.resume(before.step(), before.tally().numbers());
  check(after.run(1e9, -1) == mundur::Outcome::finished, "a resumed epoch finishes");
  check(after.tally().numbers() == first.tally().numbers(), "its sums are those of the whole");
  check(some == all, "so are its outputs");
  const T* a = whole.network.flat_values();
  const T* b = part.network.flat_values();
  const auto bytes = static_cast<std::size_t>(whole.network.flat_size()) * sizeof(T);
  check(std::memcmp(a, b, bytes) == 0, "so are its parameters");

  for (const auto& [step, numbers] :
       {std::pair<std::int64_t, std::vector<double>>{5, after.tally().numbers()}, {2, {1.0}}}) {
    bool refused = false;
    try {
      after.resume(step, numbers);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    check(refused, "a place that no epoch can be at is refused");
  }
}

template <class T>
void test_bits_across_teams(mundur::Compute compute = mundur::Compute::own) {
  const std::vector<T> expected = train<T>(1, compute);
  for (int threads : {2, 3, 8}) {
    const std::vector<T> found = train<T>(threads, compute);
    check(std::memcmp(found.data(), expected.data(), found.size() * sizeof(T)) == 0,
          "a team of any size trains the same bits");
  }
}

#if MUNDUR_COUNTS_ALLOCATIONS && defined(__GLIBC__)
std::int64_t allocations_of(mundur::Trainer<float>& trainer, std::int64_t steps) {
  const std::int64_t before = allocations.load() + mundur::allocation_count();
  trainer.run(1e9, steps);
  return allocations.load() + mundur::allocation_count() - before;
}

void test_a_steady_step_allocates_nothing() {
  for (int threads : {1, 2}) {
    mundur::set_num_threads(threads);
    Setup<float> setup;
    setup.trainer->begin_epoch(0);
    allocations_of(*setup.trainer, 1);  // takes the workspace, wakes the pool
    check(allocations_of(*setup.trainer, 3) == allocations_of(*setup.trainer, 0),
          "three more steps allocate nothing");
  }
  check(allocations.load() > 0, "the count counts");
}
#endif

void test_double_does_not_compute_in_bfloat16() {
  bool refused = false;
  try {
    Setup<double> setup(mundur::Compute::bfloat16);
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  check(refused, "float64 parameters with products in bfloat16 are refused");
}

void test_a_bad_set_is_refused() {
  Setup<float> setup;
  setup.data.y[0].labels[7] = 5;
  bool refused = false;
  try {
    mundur::Trainer<float> trainer(setup.network, *setup.adam, setup.objectives(), setup.data, {});
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  check(refused, "a label beyond the outputs is refused");
}

void test_a_feature_that_is_not_finite_changes_nothing() {
  Setup<float> setup;
  float* values = setup.network.flat_values();
  const std::vector<float> before(values, values + setup.network.flat_size());
  setup.x[150 * 70 + 3] = 1.0F / 0.0F;
  setup.trainer->begin_epoch(0);
  check(setup.trainer->run(1e9, -1) == mundur::Outcome::input, "an infinite feature is found");
  check(std::memcmp(before.data(), values, before.size() * sizeof(float)) == 0,
        "parameters are back at the epoch's start");
  check(setup.adam->iterations() == 0 && setup.network.training_forwards == 0,
        "so are the counters");
  const auto where = mundur::first_nonfinite(setup.data.x[0]);
  check(where && where->first == 150 && where->second == 3, "and its place is told");
}

}  // namespace

int main() {
  mundur::set_adaptive(false);  // each count of workers is meant
  test_bits_across_teams<float>();
  test_bits_across_teams<double>();
  test_bits_across_teams<float>(mundur::Compute::bfloat16);
  test_bits_across_teams<float>(mundur::Compute::bfloat16_pairs);
  test_an_epoch_is_resumed<float>();
  test_an_epoch_is_resumed<double>();
  test_double_does_not_compute_in_bfloat16();
#if MUNDUR_COUNTS_ALLOCATIONS && defined(__GLIBC__)
  test_a_steady_step_allocates_nothing();
#endif
  test_a_bad_set_is_refused();
  test_a_feature_that_is_not_finite_changes_nothing();
  mundur::set_num_threads(0);
  if (failures == 0) std::puts("training: all held");
  return failures == 0 ? 0 : 1;
}

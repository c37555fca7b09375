// The elementary functions on one core: nanoseconds for each element of an array in L1, and the
// largest error in units of the last place over a sample (tests/cpp/test_functions.cpp goes through
// every float32). Names read function/isa/type/name.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "cpu/kernels/table.h"
#include "mundur/runtime.h"
#include "numbers.h"
#include "timing.h"
#include "ulp.h"

namespace {

using mundur::Isa;
using mundur_bench::Numbers;
using mundur_bench::numbers;
using i64 = std::int64_t;

/// Where the functions are neither constant nor infinite, log's numbers positive.
template <class T>
Numbers<T> arguments(int function, i64 n) {
  Numbers<T> x = numbers<T>(n);
  for (i64 i = 0; i < n; ++i) {
    T& value = x[static_cast<std::size_t>(i)];
    value = function == 1 ? value + T(1.5) : value * T(4);
  }
  return x;
}

template <class T>
void run_function(benchmark::State& state, Isa isa, int function) {
  constexpr i64 kSize = 16384 / sizeof(T), kSample = 1 << 18;
  const auto& kernels = mundur::kernels<T>(isa);
  const auto x = arguments<T>(function, kSample), y = numbers<T>(kSample);
  kernels.elementary(y.get(), x.get(), kSample, function);
  const double error = ulp::worst(function, y.get(), x.get(), kSample);
  for ([[maybe_unused]] auto _ : state) {
    const auto times = mundur_bench::times_of(
        1, [&](mundur::Worker&) { kernels.elementary(y.get(), x.get(), kSize, function); });
    const double median = times[times.size() / 2];
    state.SetIterationTime(median);
    state.counters["ns_each"] = median / static_cast<double>(kSize) * 1e9;
  }
  state.counters["ulp"] = error;
}

template <class T>
void register_functions(Isa isa) {
  for (int function = 0; function < ulp::kFunctions; ++function) {
    const std::string name = "function/" + std::string(mundur::name_of(isa)) + "/" +
                             mundur_bench::type_name<T>() + "/" + ulp::kNames[function];
    benchmark::RegisterBenchmark(
        name.c_str(),
        [isa, function](benchmark::State& state) { run_function<T>(state, isa, function); })
        ->Iterations(1)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

[[maybe_unused]] const bool registered = [] {
  for (Isa isa : mundur::available_isas()) {
    register_functions<float>(isa);
    register_functions<double>(isa);
  }
  return true;
}();

}  // namespace

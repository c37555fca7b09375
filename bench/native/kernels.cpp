// The kernels on one core: the product's three forms over shapes, beside the FMA peak measured in
// this process, and the elementary functions. Time is the process's own (CPU), so that a busy
// machine spoils little. Names read product/isa/type/form/rows/columns/depth;
// --benchmark_filter chooses among them.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "mundur/runtime.h"
#include "peak.h"

namespace {

using mundur::Function;
using mundur::Isa;
using mundur::Kernels;
using i64 = std::int64_t;

template <class T>
const char* type_name() {
  return sizeof(T) == 4 ? "float32" : "float64";
}

struct Free {
  void operator()(void* p) const { std::free(p); }
};

/// n elements at a cache line's start, in (-1, 1).
template <class T>
std::unique_ptr<T[], Free> numbers(i64 n) {
  const std::size_t bytes = (static_cast<std::size_t>(n) * sizeof(T) / 64 + 1) * 64;
  std::unique_ptr<T[], Free> x(static_cast<T*>(std::aligned_alloc(64, bytes)));
  std::uint64_t state = 1;
  for (i64 i = 0; i < n; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    x[static_cast<std::size_t>(i)] =
        static_cast<T>(static_cast<double>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31);
  }
  return x;
}

// ---- products -----------------------------------------------------------------------------------

enum class Form { product, product_dx, product_dw };
constexpr const char* kForms[] = {"y", "dx", "dw"};

/// Of the result and of the inner index, whichever form makes it.
struct Extents {
  i64 rows, columns, depth;
};

constexpr Extents kExtents[] = {// in L2, and beyond it
                                {64, 128, 784},
                                {64, 784, 128},
                                {128, 784, 64},
                                {256, 256, 256},
                                {1024, 1024, 1024},
                                {2048, 2048, 2048},
                                {1024, 512, 4096},
                                // a dimension of 1 to 16: output layers, regressors, a batch of one
                                {1, 2, 2},
                                {1, 128, 784},
                                {1, 10, 128},
                                {4, 128, 784},
                                {16, 128, 784},
                                {32, 64, 16},
                                {32, 64, 64},
                                {32, 1, 64},
                                {64, 10, 128},
                                {64, 128, 10},
                                {1024, 1, 256}};

template <class T>
void run_product(benchmark::State& state, Isa isa, Form form, Extents e) {
  const Kernels<T>& kernels = mundur::kernels<T>(isa);
  const double peak = mundur_bench::fma_peak<T>(isa);
  const auto a = numbers<T>(e.rows * e.depth), b = numbers<T>(e.depth * e.columns),
             bias = numbers<T>(e.columns), c = numbers<T>(e.rows * e.columns),
             scratch = numbers<T>(kernels.scratch);
  const bool lanes = mundur::uses_lanes(e.depth, e.columns);
  const std::clock_t start = std::clock();
  for ([[maybe_unused]] auto _ : state) {
    switch (form) {
      case Form::product:
        kernels.product(c.get(), a.get(), b.get(), bias.get(), e.rows, e.columns, e.depth,
                        e.columns, e.depth, e.columns, Function::relu, lanes, scratch.get());
        break;
      case Form::product_dx:
        kernels.product_dx(c.get(), a.get(), b.get(), e.rows, e.columns, e.depth, e.columns,
                           e.depth, e.depth, lanes, scratch.get());
        break;
      case Form::product_dw:
        kernels.product_dw(c.get(), a.get(), b.get(), e.rows, e.columns, e.depth, e.columns, e.rows,
                           e.columns, scratch.get());
        break;
    }
    benchmark::ClobberMemory();
  }
  const double operations = 2.0 * static_cast<double>(e.rows * e.columns * e.depth);
  const double taken = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const double rate = operations * static_cast<double>(state.iterations()) / taken;
  state.counters["FLOP/s"] = rate;
  state.counters["of_peak"] = rate / peak;
}

template <class T>
void register_products(Isa isa) {
  for (const Extents& e : kExtents) {
    // Without hardware's fused multiply-add the large ones would take minutes.
    if (isa == Isa::generic && e.rows * e.columns * e.depth > 1 << 20) continue;
    for (Form form : {Form::product, Form::product_dx, Form::product_dw}) {
      const std::string name = "product/" + std::string(mundur::name_of(isa)) + "/" +
                               type_name<T>() + "/" + kForms[static_cast<int>(form)] + "/" +
                               std::to_string(e.rows) + "/" + std::to_string(e.columns) + "/" +
                               std::to_string(e.depth);
      benchmark::RegisterBenchmark(
          name.c_str(),
          [isa, form, e](benchmark::State& state) { run_product<T>(state, isa, form, e); })
          ->MinTime(0.1)
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

// ---- elementary functions -----------------------------------------------------------------------

constexpr const char* kFunctions[] = {"exp", "log", "tanh", "sigmoid", "erf"};

template <class T>
void run_function(benchmark::State& state, Isa isa, int function) {
  constexpr i64 kSize = 4096;
  const auto x = numbers<T>(kSize), y = numbers<T>(kSize);
  for (i64 i = 0; i < kSize; ++i) {
    T& value = x[static_cast<std::size_t>(i)];
    value = function == 1 ? value + T(1.5) : value * T(4);  // log is for positive numbers
  }
  for ([[maybe_unused]] auto _ : state) {
    mundur::kernels<T>(isa).elementary(y.get(), x.get(), kSize, function);
    benchmark::ClobberMemory();
  }
  using benchmark::Counter;
  state.counters["per_element"] =
      Counter(kSize, Counter::kIsIterationInvariantRate | Counter::kInvert);
}

template <class T>
void register_functions(Isa isa) {
  for (int function = 0; function < 5; ++function) {
    const std::string name = "function/" + std::string(mundur::name_of(isa)) + "/" +
                             type_name<T>() + "/" + kFunctions[function];
    benchmark::RegisterBenchmark(
        name.c_str(),
        [isa, function](benchmark::State& state) { run_function<T>(state, isa, function); })
        ->MinTime(0.1)
        ->Unit(benchmark::kMicrosecond);
  }
}

// ---- the peak itself ----------------------------------------------------------------------------

template <class T>
void register_peak(Isa isa) {
  const std::string name =
      "peak/" + std::string(mundur::name_of(isa)) + "/" + std::string(type_name<T>());
  benchmark::RegisterBenchmark(name.c_str(), [isa](benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(mundur_bench::fma_peak<T>(isa));
    state.counters["FLOP/s"] = mundur_bench::fma_peak<T>(isa);
  })->Iterations(1);
}

[[maybe_unused]] const bool registered = [] {
  const auto isas = mundur::available_isas();
  for (Isa isa : isas) register_peak<float>(isa), register_peak<double>(isa);
  for (auto isa = isas.rbegin(); isa != isas.rend(); ++isa) {
    register_products<float>(*isa);
    register_products<double>(*isa);
  }
  for (Isa isa : isas) register_functions<float>(isa), register_functions<double>(isa);
  return true;
}();

}  // namespace

BENCHMARK_MAIN();

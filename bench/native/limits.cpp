// The limits of this machine. bench/limits.py reads three of them from here, limit/peak/threads:N,
// limit/peak/bfloat16/threads:N and limit/read/bytes:B/threads:N, of the widest instruction set.

#include <benchmark/benchmark.h>

#include <string>

#include "mundur/runtime.h"
#include "numbers.h"
#include "peak.h"

namespace {

template <class Measure>
void register_limit(const std::string& name, int threads, const char* unit, Measure measure) {
  const std::string full = "limit/" + name + "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) state.counters[unit] = measure();
  })->Iterations(1);
}

template <class T>
void register_arithmetic(mundur::Isa isa) {
  const std::string name = std::string(name_of(isa)) + "/" + mundur_bench::type_name<T>();
  for (int threads = 1; threads <= mundur::available_threads(); ++threads) {
    register_limit("peak/" + name, threads, "FLOP/s",
                   [=] { return mundur_bench::fma_peak<T>(isa, threads); });
  }
  register_limit("latency/" + name, 1, "seconds",
                 [=] { return mundur_bench::fma_latency<T>(isa); });
}

[[maybe_unused]] const bool registered = [] {
  for (mundur::Isa isa : mundur::available_isas()) {
    register_arithmetic<float>(isa);
    register_arithmetic<double>(isa);
    for (mundur::Compute kind : {mundur::Compute::bfloat16, mundur::Compute::bfloat16_pairs}) {
      register_limit("peak/" + std::string(name_of(isa)) + "/" + std::string(name_of(kind)), 1,
                     "FLOP/s", [=] { return mundur_bench::bfloat16_peak(isa, kind); });
    }
  }
  // From 16 KiB, which the nearest cache holds, to 256 MiB, which none does.
  constexpr std::int64_t kLeast = 1 << 14, kMost = 1 << 28;
  const mundur::Isa widest = mundur::available_isas().back();
  for (int threads = 1; threads <= mundur::available_threads(); ++threads) {
    if (threads > 1) {
      register_limit("barrier", threads, "seconds",
                     [=] { return mundur_bench::barrier_time(threads); });
    }
    register_limit("peak", threads, "FLOP/s",
                   [=] { return mundur_bench::fma_peak<float>(widest, threads); });
    register_limit("peak/bfloat16", threads, "FLOP/s", [=] {
      return mundur_bench::bfloat16_peak(widest, mundur::Compute::bfloat16, threads);
    });
    for (std::int64_t bytes = kLeast; bytes <= kMost; bytes *= 4) {
      register_limit("read/bytes:" + std::to_string(bytes), threads, "B/s",
                     [=] { return mundur_bench::read_rate(widest, bytes, threads); });
    }
  }
  return true;
}();

}  // namespace

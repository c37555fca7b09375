// The limits of this machine, for the programs beside: bench/limits.py reads them from here as
// limit/peak/threads:N and limit/read/bytes:B/threads:N.

#include <benchmark/benchmark.h>

#include <string>

#include "mundur/runtime.h"
#include "peak.h"

namespace {

template <class Measure>
void register_limit(const std::string& name, int threads, const char* unit, Measure measure) {
  const std::string full = "limit/" + name + "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) state.counters[unit] = measure();
  })->Iterations(1);
}

[[maybe_unused]] const bool registered = [] {
  // From 64 KiB, which the nearest cache holds, to 256 MiB, which none does.
  constexpr std::int64_t kLeast = 1 << 16, kMost = 1 << 28;
  const mundur::Isa widest = mundur::available_isas().back();
  for (int threads = 1; threads <= mundur::available_threads(); ++threads) {
    register_limit("peak", threads, "FLOP/s",
                   [=] { return mundur_bench::fma_peak<float>(widest, threads); });
    for (std::int64_t bytes = kLeast; bytes <= kMost; bytes *= 4) {
      register_limit("read/bytes:" + std::to_string(bytes), threads, "B/s",
                     [=] { return mundur_bench::read_rate(widest, bytes, threads); });
    }
  }
  return true;
}();

}  // namespace

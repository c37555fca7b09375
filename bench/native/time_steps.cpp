// One time step of an LSTM on one core, forward: the product h·U onto what x·W left, then the
// gates. Each line prints the share of the FMA peak that product and gates reach together, counting
// the product's operations alone, and the share of the time that the gates take. Names read
// time_step/isa/type/lstm/units x samples.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cpu/kernels/table.h"
#include "mundur/runtime.h"
#include "numbers.h"
#include "peak.h"
#include "timing.h"

namespace {

using mundur::Isa;
using mundur_bench::numbers;
using i64 = std::int64_t;

template <class T>
double median_of(const std::vector<T>& times) {
  return times[times.size() / 2];
}

template <class T>
void run_step(benchmark::State& state, Isa isa, i64 O, i64 B) {
  const auto& kernels = mundur::kernels<T>(isa);
  const i64 Z = 4 * O;
  const auto x = numbers<T>(B * Z), z = numbers<T>(B * Z), u = numbers<T>(O * Z),
             bias = numbers<T>(Z), h = numbers<T>(B * O), c = numbers<T>(B * O),
             panels = numbers<T>(mundur::panels_size(O, Z));
  kernels.pack(panels.get(), {u.get(), Z}, O, Z, false, 0, O, B);
  mundur::TimeStep<T> step;
  step.h = h.get();
  step.c = c.get();
  step.z = z.get();
  step.ldz = Z;
  step.gates = z.get();
  step.ld_gates = Z;
  const auto product = [&](mundur::Worker&) {
    std::copy_n(x.get(), B * Z, z.get());  // else z would grow from call to call
    kernels.product_panels({z.get(), Z}, {h.get(), O}, panels.get(), bias.get(), B, Z, O, B, true);
  };
  const auto whole = [&](mundur::Worker& worker) {
    product(worker);
    kernels.lstm(step, B, O);
  };
  double seconds = 0.0;
  for ([[maybe_unused]] auto _ : state) {
    seconds = median_of(mundur_bench::times_of(1, whole));
    state.SetIterationTime(seconds);
  }
  const double alone = median_of(mundur_bench::times_of(1, product));
  const double operations = 2.0 * static_cast<double>(B * Z * O);
  state.counters["of_peak"] = operations / seconds / mundur_bench::fma_peak<T>(isa);
  state.counters["product_of_peak"] = operations / alone / mundur_bench::fma_peak<T>(isa);
  state.counters["gates"] = 1.0 - alone / seconds;
}

template <class T>
void register_steps(Isa isa) {
  const i64 sizes[][2] = {{16, 16}, {64, 1}, {64, 8}, {64, 16}, {64, 32}, {128, 16}, {512, 32}};
  for (const auto& [O, B] : sizes) {
    const std::string name = "time_step/" + std::string(mundur::name_of(isa)) + "/" +
                             mundur_bench::type_name<T>() + "/lstm/" + std::to_string(O) + "x" +
                             std::to_string(B);
    benchmark::RegisterBenchmark(
        name.c_str(),
        [isa, O = O, B = B](benchmark::State& state) { run_step<T>(state, isa, O, B); })
        ->Iterations(1)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

[[maybe_unused]] const bool registered = [] {
  for (Isa isa : mundur::available_isas()) {
    if (isa == Isa::avx512bf16 || isa == Isa::amx) continue;  // have those of avx512
    register_steps<float>(isa);
    register_steps<double>(isa);
  }
  return true;
}();

}  // namespace

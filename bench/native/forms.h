#pragma once

// What the benchmarks of products share, whatever they are computed in: the forms, their extents,
// how a team shares them out, and their names.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "cpu/kernels/table.h"
#include "cpu/resolver.h"
#include "mundur/layers.h"
#include "mundur/runtime.h"

namespace mundur_bench {

enum class Form { y, dx, dw };
inline constexpr Form kForms[] = {Form::y, Form::dx, Form::dw};

/// Of the result and of the inner index, whichever form makes it.
struct Extents {
  std::int64_t rows, columns, depth;
  double operations() const { return 2.0 * static_cast<double>(rows * columns * depth); }
};

/// As cpp/layers/dense.cpp shares results out.
inline mundur::Block part_of(Form form, const Extents& e, std::int64_t column_grain,
                             const mundur::Worker& worker) {
  constexpr std::int64_t kTileRows = 8;
  if (form == Form::dw) {
    return mundur::own(e.rows, mundur::kParameterRows, e.columns, column_grain, worker);
  }
  return mundur::share(e.rows, kTileRows, e.columns, column_grain, worker);
}

/// Registers run(state, form, extents, threads) for each form, by one core and by a team, as
/// product/isa/type/form/rows/columns/depth/threads.
template <class Run>
void register_product(mundur::Isa isa, const std::string& type, const Extents& e, Run run) {
  // Without hardware's fused multiply-add the large ones would take minutes.
  if (isa == mundur::Isa::generic && e.operations() > 2 << 20) return;
  constexpr const char* kNames[] = {"y", "dx", "dw"};
  for (Form form : kForms) {
    for (int threads : {1, 2}) {
      if (threads > mundur::available_threads()) continue;
      std::string name = "product/" + std::string(mundur::name_of(isa)) + "/" + type + "/" +
                         kNames[static_cast<int>(form)];
      for (std::int64_t extent : {e.rows, e.columns, e.depth}) name += "/" + std::to_string(extent);
      name += "/threads:" + std::to_string(threads);
      benchmark::RegisterBenchmark(
          name.c_str(),
          [run, form, e, threads](benchmark::State& state) { run(state, form, e, threads); })
          ->Iterations(1)
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace mundur_bench

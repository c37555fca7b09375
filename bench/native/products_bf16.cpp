// The products in bfloat16, by one core and by a team, beside the peak of what they are computed
// with. Names read product/isa/bfloat16/form/rows/columns/depth/threads; the time is the median of
// one product, whose operands x and dy are rounded already, as the dense layer hands them over.

#include <benchmark/benchmark.h>

#include <vector>

#include "cpu/kernels/table.h"
#include "forms.h"
#include "mundur/runtime.h"
#include "numbers.h"
#include "peak.h"
#include "timing.h"

namespace {

using mundur::Block;
using mundur::Isa;
using mundur::Worker;
using mundur_bench::Extents;
using mundur_bench::Form;
using mundur_bench::Numbers;
using mundur_bench::numbers;
using i64 = std::int64_t;
using Short = std::uint16_t;

constexpr Extents kExtents[] = {{64, 128, 784},     {64, 784, 128},     {256, 256, 256},
                                {1024, 1024, 1024}, {2048, 2048, 2048}, {512, 2048, 2048},
                                {2048, 2048, 512},  {1, 128, 784},      {16, 128, 784},
                                {64, 10, 128},      {128, 10, 512}};

/// Operands of one product, and its call by one worker of a team.
class Product {
 public:
  Product(Isa isa, Form form, const Extents& e, int threads)
      : kernels_(mundur::kernels<float>(isa)),
        form_(form),
        e_(e),
        b_(numbers<float>(e.depth * e.columns)),
        c_(numbers<float>(e.rows * e.columns)) {
    const auto a = numbers<float>(e.rows * e.depth);
    if (form == Form::dw) {
      a16_ = rounded(a.get(), e.depth, e.rows);
      b16_ = rounded(b_.get(), e.depth, e.columns);
    } else {
      a16_ = rounded(a.get(), e.rows, e.depth);
    }
    for (int i = 0; i < threads; ++i) scratch_.push_back(numbers<float>(kernels_.scratch));
  }

  void operator()(Worker& worker) {
    const Block part = mundur_bench::part_of(form_, e_, kernels_.column_grain, worker);
    if (part.empty()) return;
    const i64 r = part.rows.begin, n = part.columns.begin, rows = part.rows.size(),
              columns = part.columns.size();
    const i64 ld = mundur::bfloat16_stride(form_ == Form::dw ? e_.rows : e_.depth);
    float* scratch = scratch_[static_cast<std::size_t>(worker.index())].get();
    const mundur::Matrix<float> c{c_.get() + r * e_.columns + n, e_.columns};
    switch (form_) {
      case Form::y:
        kernels_.product_bf16({c,
                               {a16_.get() + r * ld, ld},
                               {b_.get() + n, e_.columns},
                               rows,
                               columns,
                               e_.depth,
                               scratch,
                               nullptr,
                               mundur::Function::relu});
        break;
      case Form::dx:
        kernels_.product_dx_bf16({c,
                                  {a16_.get() + r * ld, ld},
                                  {b_.get() + n * e_.depth, e_.depth},
                                  rows,
                                  columns,
                                  e_.depth,
                                  scratch});
        break;
      case Form::dw:
        kernels_.product_dw_bf16({c,
                                  {a16_.get() + r, ld},
                                  {b16_.get() + n, mundur::bfloat16_stride(e_.columns)},
                                  rows,
                                  columns,
                                  {e_.depth},
                                  scratch});
        break;
    }
  }

 private:
  Numbers<Short> rounded(const float* x, i64 rows, i64 columns) const {
    const i64 ld = mundur::bfloat16_stride(columns);
    Numbers<Short> y = numbers<Short>(rows * ld);
    kernels_.to_bfloat16(y.get(), x, rows, columns, ld, columns);
    return y;
  }

  const mundur::Kernels<float>& kernels_;
  Form form_;
  Extents e_;
  Numbers<float> b_, c_;
  Numbers<Short> a16_, b16_;
  std::vector<Numbers<float>> scratch_;
};

void run_product(benchmark::State& state, Isa isa, Form form, const Extents& e, int threads) {
  Product product(isa, form, e, threads);
  double median = 0.0;
  for ([[maybe_unused]] auto _ : state) {
    const auto times = mundur_bench::times_of(threads, [&](Worker& worker) { product(worker); });
    median = times[times.size() / 2];
    state.SetIterationTime(median);
  }
  const double rate = e.operations() / median;
  state.counters["FLOP/s"] = rate;
  state.counters["of_peak"] = rate / mundur_bench::bfloat16_peak(isa, threads);
}

[[maybe_unused]] const bool registered = [] {
  for (Isa isa : mundur::available_isas()) {
    for (const Extents& e : kExtents) {
      mundur_bench::register_product(
          isa, "bfloat16", e,
          [isa](benchmark::State& state, Form form, const Extents& of, int threads) {
            run_product(state, isa, form, of, threads);
          });
    }
  }
  return true;
}();

}  // namespace

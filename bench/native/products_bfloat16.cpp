// The products in bfloat16, by one core and by a team, beside the peak of what they are computed
// with. Names read product/isa/bfloat16/form/rows/columns/depth/threads, or bfloat16_pairs; the
// time is the median of one product, whose operands x and dy are rounded already, as the dense
// layer hands them over.

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
using mundur::Compute;
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
  Product(Isa isa, Compute kind, Form form, const Extents& e, int threads)
      : kernels_(mundur::kernels<float>(isa)),
        in_tiles_(kind == Compute::bfloat16),
        products_(in_tiles_ ? kernels_.tiles : kernels_.pairs),
        form_(form),
        e_(e),
        b_(numbers<float>(e.depth * e.columns)),
        c_(numbers<float>(e.rows * e.columns)) {
    const auto a = numbers<float>(e.rows * e.depth);
    if (form == Form::dw) {
      a16_ = in_tiles_ ? tiled(kernels_.to_left, a.get(), e.depth, e.rows)
                       : rounded(a.get(), e.depth, e.rows);
      b16_ = in_tiles_ ? tiled(kernels_.to_right, b_.get(), e.depth, e.columns)
                       : rounded(b_.get(), e.depth, e.columns);
    } else {
      a16_ = rounded(a.get(), e.rows, e.depth);
    }
    for (int i = 0; i < threads; ++i)
      scratch_.push_back(numbers<float>(
          products_.scratch_of(form == Form::dw ? e.depth : e.rows, e.columns,
                               form == Form::dw ? e.rows : e.depth, kernels_.l2_bytes)));
  }

  void operator()(Worker& worker) {
    const i64 grain = in_tiles_ ? 2 * mundur::kTileSide : kernels_.column_grain;
    const Block part = mundur_bench::part_of(form_, e_, grain, worker);
    if (part.empty()) return;
    const i64 r = part.rows.begin, n = part.columns.begin, rows = part.rows.size(),
              columns = part.columns.size();
    const i64 ld = mundur::bfloat16_stride(form_ == Form::dw ? e_.rows : e_.depth);
    float* scratch = scratch_[static_cast<std::size_t>(worker.index())].get();
    const mundur::Matrix<float> c{c_.get() + r * e_.columns + n, e_.columns};
    switch (form_) {
      case Form::y:
        products_.product({c,
                           {a16_.get() + r * ld, ld},
                           {b_.get() + n, e_.columns},
                           rows,
                           columns,
                           e_.depth,
                           scratch,
                           nullptr,
                           mundur::Function::relu,
                           false,
                           kernels_.l2_bytes});
        break;
      case Form::dx:
        products_.product_dx({c,
                              {a16_.get() + r * ld, ld},
                              {b_.get() + n * e_.depth, e_.depth},
                              rows,
                              columns,
                              e_.depth,
                              scratch,
                              nullptr,
                              mundur::Function::linear,
                              false,
                              kernels_.l2_bytes});
        break;
      case Form::dw:
        products_.product_dw(
            {c, a_of(r, ld), b_of(n), rows, columns, {e_.depth}, scratch, kernels_.l2_bytes});
        break;
    }
  }

 private:
  Numbers<Short> rounded(const float* x, i64 rows, i64 columns) const {
    const i64 ld = mundur::bfloat16_stride(columns);
    Numbers<Short> y = numbers<Short>(rows * ld);
    const i64 filled = (columns + mundur::kTileDepth - 1) / mundur::kTileDepth * mundur::kTileDepth;
    kernels_.to_bfloat16(y.get(), x, rows, columns, ld, columns, filled);
    return y;
  }
  template <class ToTiles>
  static Numbers<Short> tiled(ToTiles to_tiles, const float* x, i64 rows, i64 columns) {
    const i64 ld = mundur::tiles_stride(rows);
    const i64 tiles = (columns + mundur::kTileSide - 1) / mundur::kTileSide;
    Numbers<Short> y = numbers<Short>(tiles * ld);
    to_tiles(y.get(), x, rows, columns, ld, columns);
    return y;
  }
  /// From a row, or column, of dw on.
  mundur::Matrix<const Short> a_of(i64 r, i64 ld) const {
    const i64 tiles = mundur::tiles_stride(e_.depth);
    if (in_tiles_) return {a16_.get() + r / mundur::kTileSide * tiles, tiles};
    return {a16_.get() + r, ld};
  }
  mundur::Matrix<const Short> b_of(i64 n) const {
    const i64 tiles = mundur::tiles_stride(e_.depth);
    if (in_tiles_) return {b16_.get() + n / mundur::kTileSide * tiles, tiles};
    return {b16_.get() + n, mundur::bfloat16_stride(e_.columns)};
  }

  const mundur::Kernels<float>& kernels_;
  bool in_tiles_;
  const mundur::Bfloat16Products<float>& products_;
  Form form_;
  Extents e_;
  Numbers<float> b_, c_;
  Numbers<Short> a16_, b16_;
  std::vector<Numbers<float>> scratch_;
};

void run_product(benchmark::State& state, Isa isa, Compute kind, Form form, const Extents& e,
                 int threads) {
  Product product(isa, kind, form, e, threads);
  mundur_bench::Beside found{};
  for ([[maybe_unused]] auto _ : state) {
    found = mundur_bench::beside_peak(
        threads, e.operations(), [&](Worker& worker) { product(worker); },
        [=] { return mundur_bench::bfloat16_work(isa, kind); });
    state.SetIterationTime(found.seconds);
  }
  state.counters["FLOP/s"] = e.operations() / found.seconds;
  state.counters["of_peak"] = found.of_peak;
}

[[maybe_unused]] const bool registered = [] {
  for (Isa isa : mundur::available_isas()) {
    for (Compute kind : {Compute::bfloat16, Compute::bfloat16_pairs}) {
      for (const Extents& e : kExtents) {
        mundur_bench::register_product(
            isa, std::string(name_of(kind)), e,
            [=](benchmark::State& state, Form form, const Extents& of, int threads) {
              run_product(state, isa, kind, form, of, threads);
            });
      }
    }
  }
  return true;
}();

}  // namespace

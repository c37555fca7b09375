// The product's three forms over shapes, by one core and by a team that shares the result out as
// the dense layer does, beside the limit of each. Names read
// product/isa/type/form/rows/columns/depth/threads; --benchmark_filter chooses among them. The time
// is the median of one product, operands where the last one left them; since the next one does not
// wait for its result, the latency of a chain can be passed by a little.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cpu/kernels/table.h"
#include "forms.h"
#include "mundur/runtime.h"
#include "numbers.h"
#include "peak.h"
#include "timing.h"

namespace {

using mundur::Block;
using mundur::Function;
using mundur::Isa;
using mundur::Kernels;
using mundur::Worker;
using mundur_bench::Extents;
using mundur_bench::Form;
using mundur_bench::Numbers;
using mundur_bench::numbers;
using i64 = std::int64_t;

// Of whole layers.
constexpr Extents kWide[] = {{64, 128, 784},   {64, 784, 128},     {128, 784, 64},
                             {256, 256, 256},  {1024, 1024, 1024}, {2048, 2048, 2048},
                             {1024, 512, 4096}};
// A dimension of 1 to 16: output layers, regressors, a batch of one.
constexpr Extents kThin[] = {{1, 2, 2},      {1, 128, 784},  {1, 512, 784},  {1, 10, 128},
                             {4, 128, 784},  {8, 128, 784},  {16, 128, 784}, {32, 64, 16},
                             {32, 1, 64},    {64, 1, 64},    {64, 10, 128},  {64, 128, 10},
                             {128, 10, 512}, {128, 512, 10}, {784, 16, 64},  {1024, 1, 256}};

// ---- the limit ----------------------------------------------------------------------------------

/// The least time that a product can take, and what sets it.
struct Limit {
  double seconds;
  std::string what;
  void at_least(double other, const std::string& name) {
    if (other > seconds) *this = {other, name};
  }
};

/// Fused multiply-adds that wait for one another in an element's sum, joins of lanes or shards
/// included.
double chain(Form form, const Extents& e) {
  const auto steps = [](i64 n) { return static_cast<double>(n); };
  if (form == Form::dw) {
    const i64 shards = std::max<i64>(1, (e.depth + mundur::kShard - 1) / mundur::kShard);
    return steps(std::min(e.depth, mundur::kShard)) + std::ceil(std::log2(steps(shards)));
  }
  constexpr i64 kLanes = 16, kJoins = 4;
  if (!mundur::uses_lanes(e.depth, e.columns)) return steps(e.depth);
  return steps((e.depth + kLanes - 1) / kLanes + kJoins);
}

/// What one worker reads and writes at least, its part of the result being a band of rows or of
/// columns.
template <class T>
i64 bytes(const Extents& e, int threads) {
  const i64 a = e.rows * e.depth, b = e.depth * e.columns, c = e.rows * e.columns;
  return static_cast<i64>(sizeof(T)) * std::min((a + c) / threads + b, (b + c) / threads + a);
}

template <class T>
Limit limit_of(Isa isa, Form form, const Extents& e, int threads) {
  Limit limit{e.operations() / (mundur_bench::fma_peak<T>(isa, threads)), "FMA peak"};
  // Of at least 8 KB, so that the reading and not its beginning is measured.
  const i64 moved = bytes<T>(e, threads), read = std::max<i64>(moved, 8192);
  const double rate = mundur_bench::read_rate(isa, read * threads, threads) / threads;
  limit.at_least(static_cast<double>(moved) / rate,
                 "reading from " + mundur_bench::cache_of(moved));
  limit.at_least(chain(form, e) * mundur_bench::fma_latency<T>(isa), "FMA latency");
  return limit;
}

// ---- the product --------------------------------------------------------------------------------

/// Operands of one product, and its call by one worker of a team.
template <class T>
class Product {
 public:
  Product(Isa isa, Form form, const Extents& e, int threads)
      : kernels_(mundur::kernels<T>(isa)),
        form_(form),
        e_(e),
        lanes_(mundur::uses_lanes(e.depth, e.columns)),
        a_(numbers<T>(e.rows * e.depth)),
        b_(numbers<T>(e.depth * e.columns)),
        bias_(numbers<T>(e.columns)),
        c_(numbers<T>(e.rows * e.columns)) {
    for (int i = 0; i < threads; ++i) scratch_.push_back(numbers<T>(kernels_.scratch));
  }

  void operator()(Worker& worker) {
    const Block part = mundur_bench::part_of(form_, e_, kernels_.column_grain, worker);
    if (part.empty()) return;
    const i64 r = part.rows.begin, n = part.columns.begin, rows = part.rows.size(),
              columns = part.columns.size();
    T* scratch = scratch_[static_cast<std::size_t>(worker.index())].get();
    const mundur::Matrix<T> c{c_.get() + r * e_.columns + n, e_.columns};
    switch (form_) {
      case Form::y:  // x[rows, depth] · w[depth, columns]
        kernels_.product({c,
                          {a_.get() + r * e_.depth, e_.depth},
                          {b_.get() + n, e_.columns},
                          rows,
                          columns,
                          e_.depth,
                          scratch,
                          bias_.get() + n,
                          Function::relu,
                          lanes_,
                          kernels_.l2_bytes});
        break;
      case Form::dx:  // dy[rows, depth] · w[columns, depth]ᵀ
        kernels_.product_dx({c,
                             {a_.get() + r * e_.depth, e_.depth},
                             {b_.get() + n * e_.depth, e_.depth},
                             rows,
                             columns,
                             e_.depth,
                             scratch,
                             nullptr,
                             Function::linear,
                             lanes_,
                             kernels_.l2_bytes});
        break;
      case Form::dw:  // x[depth, rows]ᵀ · dy[depth, columns]
        kernels_.product_dw({c,
                             {a_.get() + r, e_.rows},
                             {b_.get() + n, e_.columns},
                             rows,
                             columns,
                             {e_.depth},
                             scratch,
                             kernels_.l2_bytes});
        break;
    }
  }

 private:
  const Kernels<T>& kernels_;
  Form form_;
  Extents e_;
  bool lanes_;
  Numbers<T> a_, b_, bias_, c_;
  std::vector<Numbers<T>> scratch_;
};

template <class T>
void run_product(benchmark::State& state, Isa isa, Form form, Extents e, int threads) {
  const Limit limit = limit_of<T>(isa, form, e, threads);
  Product<T> product(isa, form, e, threads);
  mundur_bench::Beside found{};
  for ([[maybe_unused]] auto _ : state) {
    found = mundur_bench::beside_peak(
        threads, e.operations(), [&](Worker& worker) { product(worker); },
        [isa] { return mundur_bench::fma_work<T>(isa); });
    state.SetIterationTime(found.seconds);
  }
  state.counters["FLOP/s"] = e.operations() / found.seconds;
  state.counters["of_peak"] = found.of_peak;
  state.counters["limit"] = limit.seconds;
  state.counters["of_limit"] = limit.seconds / found.seconds;
  state.SetLabel("limit: " + limit.what);
}

template <class T>
void register_products(Isa isa) {
  const auto add = [isa](const Extents& e) {
    mundur_bench::register_product(
        isa, mundur_bench::type_name<T>(), e,
        [isa](benchmark::State& state, Form form, const Extents& of, int threads) {
          run_product<T>(state, isa, form, of, threads);
        });
  };
  for (const Extents& e : kWide) add(e);
  for (const Extents& e : kThin) add(e);
}

[[maybe_unused]] const bool registered = [] {
  const auto isas = mundur::available_isas();
  for (auto isa = isas.rbegin(); isa != isas.rend(); ++isa) {
    if (*isa == Isa::avx512bf16 || *isa == Isa::amx) continue;  // have those of avx512
    register_products<float>(*isa);
    register_products<double>(*isa);
  }
  return true;
}();

}  // namespace

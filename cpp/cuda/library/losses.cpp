// Losses: a thread has a row.

#include "cpu/kernels/isa/losses.cpp"

#include "cpu/kernels/shards.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Code<launches::LossValues<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::LossValues<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows, [&](i64 b) {
      loss_value(a.values + b, a.p + b * a.columns, a.y ? a.y + b * a.columns : nullptr,
                 a.labels ? a.labels + b : nullptr, 1, a.columns, a.kind, a.numbers);
      if (!a.weights) return;
      // A sample of weight zero is not there, whatever its value.
      a.values[b] = a.weights[b] == T(0) ? 0.0 : a.values[b] * static_cast<double>(a.weights[b]);
    });
  }
};

/// One block: a thread has a shard at a time, the first joins them.
template <class T>
struct Code<launches::TotalWeight<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::TotalWeight<T>& a,
                                const launches::Step<T>&) {
    const ShardTree tree(a.n, a.each);
    block.phase([&](int thread) {
      for (i64 shard = thread; shard < tree.shards(); shard += block.threads()) {
        const i64 end = (shard + 1) * kShard < a.n ? (shard + 1) * kShard : a.n;
        double sum = 0.0;
        for (i64 i = shard * kShard; i < end; ++i) sum += static_cast<double>(a.weights[i]);
        a.sums[shard] = sum;
      }
    });
    block.alone([&](int thread) {
      if (thread != 0) return;
      double waiting[kMaxSlots];
      for (i64 shard = 0;; ++shard) {
        double sum = a.sums[shard];
        const int slot = tree.after(shard, [&](int earlier) { sum = waiting[earlier] + sum; });
        if (slot < 0) {
          *a.total = sum;
          return;
        }
        waiting[slot] = sum;
      }
    });
  }
};

template <class T>
struct Code<launches::LossGradient<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::LossGradient<T>& a,
                                const launches::Step<T>& step) {
    const double weight = a.total ? *a.total : static_cast<double>(step.samples * a.each);
    const T factor =
        static_cast<T>(mean_factor(a.sums, a.elementwise, weight, a.columns) * a.scale);
    block.each(a.rows, [&](i64 b) {
      const i64 at = b * a.columns;
      loss_gradient(a.dp + at, a.p + at, a.y ? a.y + at : nullptr,
                    a.labels ? a.labels + b : nullptr, a.weights ? a.weights + b : nullptr, 1,
                    a.columns, factor, a.kind, a.numbers, a.fused);
    });
  }
};

template <class T>
struct Code<launches::ArgMax<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ArgMax<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows, [&](i64 b) { a.index[b] = row_argmax(a.x + b * a.columns, a.columns); });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(LossValues)
MUNDUR_STARTED(TotalWeight)
MUNDUR_STARTED(LossGradient)
MUNDUR_STARTED(ArgMax)
}  // namespace mundur

#pragma once

// The team of threads. One parallel region holds it together for as long as a native call lasts;
// inside, workers meet at a barrier of their own, which costs nanoseconds where a fork and join
// costs microseconds.

#include <atomic>
#include <cstdint>

namespace mundur {

/// Where all workers wait for the last one: spins briefly, then yields, so that more threads than
/// cores still get on.
class Barrier {
 public:
  void wait(int count);

 private:
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> generation_{0};
};

class Worker {
 public:
  Worker(int index, int count, Barrier& barrier)
      : index_(index), count_(count), barrier_(barrier) {}
  int index() const { return index_; }
  int count() const { return count_; }
  bool first() const { return index_ == 0; }
  void barrier() {
    if (count_ > 1) barrier_.wait(count_);
  }

 private:
  int index_;
  int count_;
  Barrier& barrier_;
};

using TeamWork = void (*)(void* context, Worker& worker);
void run_team(int threads, TeamWork work, void* context);

/// Runs work(worker) on up to `threads` workers at once and returns when all have ended. Work must
/// not throw. Rounding is to nearest and subnormals are kept, in every worker; what was set before
/// is restored.
template <class Work>
void run_team(int threads, Work&& work) {
  run_team(
      threads, [](void* context, Worker& worker) { (*static_cast<Work*>(context))(worker); },
      &work);
}

/// A part of [0, n) for one worker.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
  bool empty() const { return end <= begin; }
};

/// Shares [0, n) out in whole grains, as evenly as they allow.
inline Range share(std::int64_t n, std::int64_t grain, const Worker& worker) {
  const std::int64_t grains = (n + grain - 1) / grain;
  const std::int64_t begin = grains * worker.index() / worker.count() * grain;
  const std::int64_t end = grains * (worker.index() + 1) / worker.count() * grain;
  return {begin < n ? begin : n, end < n ? end : n};
}

/// A block of a matrix for one worker.
struct Block {
  Range rows;
  Range columns;
  bool empty() const { return rows.empty() || columns.empty(); }
};

/// Shares rows × columns out along the side that leaves the busiest worker with less.
inline Block share(std::int64_t rows, std::int64_t row_grain, std::int64_t columns,
                   std::int64_t column_grain, const Worker& worker) {
  const auto busiest = [&](std::int64_t n, std::int64_t grain) {
    const std::int64_t grains = (n + grain - 1) / grain;
    return (grains + worker.count() - 1) / worker.count() * grain;
  };
  const std::int64_t by_columns = busiest(columns, column_grain) * rows;
  const std::int64_t full_columns = (columns + column_grain - 1) / column_grain * column_grain;
  const std::int64_t by_rows = busiest(rows, row_grain) * full_columns;
  if (by_columns <= by_rows) return {{0, rows}, share(columns, column_grain, worker)};
  return {share(rows, row_grain, worker), {0, columns}};
}

}  // namespace mundur

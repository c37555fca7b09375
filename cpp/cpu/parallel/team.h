#pragma once

// The team of threads. One parallel region holds it together for as long as a native call lasts;
// inside, workers meet at a barrier of their own, which costs nanoseconds where a fork and join
// costs microseconds.

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "mundur/types.h"

namespace mundur {

/// More workers than this are never asked for: set_num_threads(1000) is a team of so many.
inline constexpr int kMostWorkers = 256;

/// Which processor each worker runs on. Schedulers may leave two workers of a team on one core for
/// seconds while another core idles, and each barrier then costs two changes of context.
class Seats {
 public:
  /// Notes where this worker runs.
  void sit(int index);
  /// Moves this worker to a free processor if one before it sits on the same. Its affinity stays
  /// what it was: the scheduler may move it again.
  void spread(int index, int count);

 private:
  std::atomic<int> processor_[kMostWorkers] = {};
};

/// Where all workers wait for the last one: spins briefly, then yields, so that more threads than
/// cores still get on. Each writes only a line of its own and reads the others': one journey of a
/// line between cores, where a shared counter takes three.
class Barrier {
 public:
  void wait(int index, int count);
  /// Once, when a worker comes: sees to it that no two share a processor while others idle.
  void take_seat(int index, int count);

 private:
  struct alignas(64) Arrivals {
    std::atomic<std::uint32_t> count{0};
  };
  void wait_for(const Arrivals& other, std::uint32_t round, int index, int count);

  Arrivals arrivals_[kMostWorkers];
  Seats seats_;
};

/// One of a team: what decides which part of some work is its.
class Member {
 public:
  Member(int index, int count) : index_(index), count_(count) {}
  int index() const { return index_; }
  int count() const { return count_; }
  bool first() const { return index_ == 0; }

 private:
  int index_;
  int count_;
};

class Worker : public Member {
 public:
  Worker(int index, int count, Barrier& barrier) : Member(index, count), barrier_(barrier) {}
  /// The same thread as a team of one, for work that nobody shares.
  Worker alone() const { return {0, 1, barrier_}; }
  void barrier() {
    if (count() > 1) barrier_.wait(index(), count());
  }

 private:
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
      threads,
      [](void* context, Worker& worker) {
        (*static_cast<std::remove_reference_t<Work>*>(context))(worker);
      },
      &work);
}

/// Shares [0, n) out in whole grains, as evenly as they allow.
inline Range share(std::int64_t n, std::int64_t grain, const Member& worker) {
  if (worker.count() == 1) return {0, n};  // divisions would be felt in the smallest steps
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
  bool operator==(const Block&) const = default;
};

/// Shares a parameter out the same way every time, by rows where there are enough of them: whoever
/// computes a part of the gradient also updates it, and its lines of memory stay in one core's
/// cache.
inline Block own(std::int64_t rows, std::int64_t row_grain, std::int64_t columns,
                 std::int64_t column_grain, const Member& worker) {
  if (worker.count() == 1) return {{0, rows}, {0, columns}};
  if (rows >= 2 * row_grain * worker.count()) return {share(rows, row_grain, worker), {0, columns}};
  return {{0, rows}, share(columns, column_grain, worker)};
}

/// Shares rows × columns out along the side that leaves the busiest worker with less.
inline Block share(std::int64_t rows, std::int64_t row_grain, std::int64_t columns,
                   std::int64_t column_grain, const Member& worker) {
  if (worker.count() == 1) return {{0, rows}, {0, columns}};
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

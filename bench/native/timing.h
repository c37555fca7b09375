#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "cpu/parallel/team.h"

namespace mundur_bench {

inline double now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

/// How long a measurement goes on, in seconds.
inline constexpr double kDuration = 0.05;

/// A team's calls of work(worker) in blocks of 0.2 ms or more. The workers meet after each call, as
/// they do after each layer of a step.
template <class Work>
class Blocks {
 public:
  Blocks(int threads, Work work) : threads_(threads), work_(std::move(work)) {
    constexpr double kBlock = 2e-4;
    double taken = run();  // warms caches and wakes the pool
    while (taken < kBlock && calls_ < std::int64_t{1} << 24) {
      calls_ *= 2;
      taken = run();
    }
  }
  std::int64_t calls() const { return calls_; }
  /// Seconds of one block.
  double run() {
    double taken = 0.0;
    mundur::run_team(threads_, [&](mundur::Worker& worker) {
      worker.barrier();  // all have come
      const double start = now();
      for (std::int64_t i = 0; i < calls_; ++i) {
        work_(worker);
        worker.barrier();
      }
      if (worker.first()) taken = now() - start;
    });
    return taken;
  }

 private:
  int threads_;
  Work work_;
  std::int64_t calls_ = 1;
};

/// Seconds of each call, by blocks, sorted.
template <class Work>
std::vector<double> times_of(int threads, Work work) {
  Blocks<Work> blocks(threads, std::move(work));
  std::vector<double> times;
  const double end = now() + kDuration;
  do times.push_back(blocks.run() / static_cast<double>(blocks.calls()));
  while (now() < end || times.size() < 3);
  std::sort(times.begin(), times.end());
  return times;
}

/// The median seconds of a call of so many operations, and its median share of the peak that was
/// taken right before and after it, each for as long: clocks fall under load.
struct Beside {
  double seconds, of_peak;
};
/// peak() does some microseconds of what the peak is made of, and says how many operations.
template <class Work, class Peak>
Beside beside_peak(int threads, double operations, Work work, Peak peak) {
  const auto rate = [&](double seconds) {
    std::vector<double> rates(static_cast<std::size_t>(threads));
    mundur::run_team(threads, [&](mundur::Worker& worker) {
      worker.barrier();
      const double start = now();
      double done = 0.0, taken = 0.0;
      while (taken < seconds) {
        done += static_cast<double>(peak());
        taken = now() - start;
      }
      rates[static_cast<std::size_t>(worker.index())] = done / taken;
    });
    return std::accumulate(rates.begin(), rates.end(), 0.0);
  };
  Blocks<Work> blocks(threads, std::move(work));
  const double all = operations * static_cast<double>(blocks.calls());
  std::vector<double> times, shares;
  double before = rate(blocks.run());
  const double end = now() + 2 * kDuration;
  do {
    const double taken = blocks.run();
    const double behind = rate(taken);
    times.push_back(taken / static_cast<double>(blocks.calls()));
    shares.push_back(all / taken / ((before + behind) / 2));
    before = behind;
  } while (now() < end || times.size() < 3);
  std::sort(times.begin(), times.end());
  std::sort(shares.begin(), shares.end());
  return {times[times.size() / 2], shares[shares.size() / 2]};
}

}  // namespace mundur_bench

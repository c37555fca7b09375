#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "cpu/parallel/team.h"

namespace mundur_bench {

inline double now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

/// How long a measurement goes on, in seconds.
inline constexpr double kDuration = 0.05;

/// Seconds of each of a team's calls of work(worker), by blocks of calls of 0.2 ms or more, sorted.
/// The workers meet after each call, as they do after each layer of a step.
template <class Work>
std::vector<double> times_of(int threads, Work work) {
  const auto block = [&](std::int64_t calls) {
    double taken = 0.0;
    mundur::run_team(threads, [&](mundur::Worker& worker) {
      worker.barrier();  // all have come
      const double start = now();
      for (std::int64_t i = 0; i < calls; ++i) {
        work(worker);
        worker.barrier();
      }
      if (worker.first()) taken = now() - start;
    });
    return taken;
  };
  constexpr double kBlock = 2e-4;
  std::int64_t calls = 1;
  double taken = block(calls);  // warms caches and wakes the pool
  while (taken < kBlock && calls < std::int64_t{1} << 24) {
    calls *= 2;
    taken = block(calls);
  }
  std::vector<double> times;
  const double end = now() + kDuration;
  do times.push_back(block(calls) / static_cast<double>(calls));
  while (now() < end || times.size() < 3);
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace mundur_bench

#include "parallel/team.h"

#include <thread>

#include "parallel/float_environment.h"
#include "parallel/fork.h"

#if defined(_OPENMP)
#include <omp.h>
#else
#include <vector>
#endif

namespace mundur {
namespace {

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

void work_as(int index, int count, Barrier& barrier, TeamWork work, void* context) {
  FloatEnvironment environment;
  Worker worker(index, count, barrier);
  work(context, worker);
}

}  // namespace

void Barrier::wait(int count) {
  const std::uint32_t generation = generation_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
    arrived_.store(0, std::memory_order_relaxed);
    generation_.store(generation + 1, std::memory_order_release);
    return;
  }
  // About 20 µs of spinning: longer than an even share's jitter, shorter than a time slice.
  constexpr int kSpins = 1000;
  for (int spin = 0; generation_.load(std::memory_order_acquire) == generation; ++spin) {
    if (spin < kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void run_team(int threads, TeamWork work, void* context) {
  Barrier barrier;
  if (threads <= 1 || in_forked_child()) {
    work_as(0, 1, barrier, work, context);
    return;
  }
#if defined(_OPENMP)
#pragma omp parallel num_threads(threads)
  work_as(omp_get_thread_num(), omp_get_num_threads(), barrier, work, context);
#else
  std::vector<std::thread> others;
  for (int index = 1; index < threads; ++index) {
    others.emplace_back([&, index] { work_as(index, threads, barrier, work, context); });
  }
  work_as(0, threads, barrier, work, context);
  for (std::thread& other : others) other.join();
#endif
}

}  // namespace mundur

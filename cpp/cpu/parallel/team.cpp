#include "cpu/parallel/team.h"

#include <sched.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "cpu/parallel/float_environment.h"
#include "cpu/parallel/fork.h"

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
  barrier.take_seat(index, count);
  work(context, worker);
}

}  // namespace

namespace {

/// About 20 µs of spinning: longer than an even share's jitter, shorter than a time slice.
constexpr int kSpins = 1000;
/// None where there are more workers than processors: who is waited for needs this one.
thread_local int spins = kSpins;

/// What a thread may run on, after it was moved. Where that has changed meanwhile, so that none of
/// it is left, everything is asked for, of which the system grants what there is: no thread stays
/// bound to the processor it was moved to.
void give_back(const cpu_set_t& allowed) {
  if (sched_setaffinity(0, sizeof(allowed), &allowed) == 0) return;
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof(all));
  sched_setaffinity(0, sizeof(all), &all);
}

}  // namespace

void Seats::sit(int index) { processor_[index].store(sched_getcpu(), std::memory_order_relaxed); }

void Seats::spread(int index, int count) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  spins = CPU_COUNT(&allowed) < count ? 0 : kSpins;
  cpu_set_t free = allowed;
  const int mine = processor_[index].load(std::memory_order_relaxed);
  int before = 0;  // workers before this one that look for a seat as well
  bool shared = false;
  for (int other = 0; other < count; ++other) {
    const int seat = processor_[other].load(std::memory_order_relaxed);
    if (seat < 0 || seat >= CPU_SETSIZE) return;
    if (other < index && seat == mine) shared = true;
    if (other < index && !CPU_ISSET(seat, &free)) ++before;
    CPU_CLR(seat, &free);
  }
  if (!shared) return;
  for (int seat = 0; seat < CPU_SETSIZE; ++seat) {
    if (!CPU_ISSET(seat, &free) || before-- > 0) continue;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(seat, &only);
    if (sched_setaffinity(0, sizeof(only), &only) == 0) give_back(allowed);
    sit(index);
    return;
  }
}

void Barrier::take_seat(int index, int count) {
  if (count == 1) return;
  seats_.sit(index);
  wait(index, count);
  seats_.spread(index, count);
}

void Barrier::wait(int index, int count) {
  const std::uint32_t round = arrivals_[index].count.load(std::memory_order_relaxed) + 1;
  arrivals_[index].count.store(round, std::memory_order_release);
  for (int other = 0; other < count; ++other) wait_for(arrivals_[other], round, index, count);
}

void Barrier::wait_for(const Arrivals& other, std::uint32_t round, int index, int count) {
  constexpr int kYieldsPerLook = 64;
  // Nobody is ever more than one round ahead or behind, so that the difference's sign tells.
  const auto behind = [&] {
    return static_cast<std::int32_t>(other.count.load(std::memory_order_acquire) - round) < 0;
  };
  if (!behind()) return;
  for (int spin = spins; spin > 0; --spin) {
    pause();
    if (!behind()) return;
  }
  for (int yields = 1; behind(); ++yields) {
    std::this_thread::yield();
    if (yields % kYieldsPerLook == 0) {
      seats_.sit(index);
      seats_.spread(index, count);
    }
  }
}

void run_team(int threads, TeamWork work, void* context) {
  Barrier barrier;
  threads = std::min(threads, kMostWorkers);
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

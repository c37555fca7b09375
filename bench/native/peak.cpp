#include "peak.h"

#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <map>
#include <numeric>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "numbers.h"
#include "timing.h"

#define MUNDUR_DECLARE_LOOPS(name)                                                           \
  namespace mundur::name {                                                                   \
  std::int64_t run_peak(float* sink, std::int64_t steps);                                    \
  std::int64_t run_peak(double* sink, std::int64_t steps);                                   \
  std::int64_t run_pairs_peak(float* sink, std::int64_t steps);                              \
  std::int64_t run_tiles_peak(float* sink, std::int64_t steps);                              \
  std::int64_t run_chain(float* sink, std::int64_t steps);                                   \
  std::int64_t run_chain(double* sink, std::int64_t steps);                                  \
  std::int64_t run_read(float* sink, const float* x, std::int64_t size, std::int64_t times); \
  }
MUNDUR_DECLARE_LOOPS(generic)
MUNDUR_DECLARE_LOOPS(avx2)
MUNDUR_DECLARE_LOOPS(avx512)
MUNDUR_DECLARE_LOOPS(avx512bf16)
MUNDUR_DECLARE_LOOPS(amx)
MUNDUR_DECLARE_LOOPS(neon)

namespace mundur_bench {
namespace {

using mundur::Isa;

// 12 registers of 16 floats.
constexpr std::size_t kSink = 12 * 16;

/// The loops of one instruction set.
template <class T>
struct Loops {
  std::int64_t (*peak)(T*, std::int64_t);
  std::int64_t (*chain)(T*, std::int64_t);
  std::int64_t (*pairs_peak)(float*, std::int64_t);
  std::int64_t (*tiles_peak)(float*, std::int64_t);
  std::int64_t (*read)(float*, const float*, std::int64_t, std::int64_t);
};

#define MUNDUR_LOOPS(name)                                                         \
  return {                                                                         \
    mundur::name::run_peak, mundur::name::run_chain, mundur::name::run_pairs_peak, \
        mundur::name::run_tiles_peak, mundur::name::run_read                       \
  }
template <class T>
Loops<T> loops(Isa isa) {
  switch (isa) {
#ifdef MUNDUR_HAS_avx2
    case Isa::avx2:
      MUNDUR_LOOPS(avx2);
#endif
#ifdef MUNDUR_HAS_avx512
    case Isa::avx512:
      MUNDUR_LOOPS(avx512);
#endif
#ifdef MUNDUR_HAS_avx512bf16
    case Isa::avx512bf16:
      MUNDUR_LOOPS(avx512bf16);
#endif
#ifdef MUNDUR_HAS_amx
    case Isa::amx:
      MUNDUR_LOOPS(amx);
#endif
#ifdef MUNDUR_HAS_neon
    case Isa::neon:
      MUNDUR_LOOPS(neon);
#endif
    default:
      MUNDUR_LOOPS(generic);
  }
}

// Without hardware's fused multiply-add a step takes a hundred times as long.
std::int64_t steps_of(Isa isa) { return isa == Isa::generic ? 20 : 2000; }

/// measure() of a key, remembered.
template <class Key, class Measure>
double once(std::map<Key, double>& known, const Key& key, Measure measure) {
  const auto [entry, fresh] = known.try_emplace(key, 0.0);
  if (fresh) entry->second = measure();
  return entry->second;
}

/// What all threads together do per second in the best of many rounds. make() runs once in each
/// thread and returns a piece of work: a callable that does some microseconds of it and says how
/// much.
template <class Make>
double best_rate(int threads, Make make) {
  // 100 ms altogether: long enough for the clock to settle, each round short enough to pass
  // between two interruptions, and long beside what the threads start apart.
  constexpr int kRounds = 100;
  constexpr double kRound = 1e-3;
  std::vector<double> rates(static_cast<std::size_t>(threads));
  double best = 0.0;
  std::barrier all(threads);
  const auto run = [&](std::size_t index) {
    auto piece = make();
    for (int round = 0; round < kRounds; ++round) {
      all.arrive_and_wait();
      const double start = now();
      double done = 0.0, taken = 0.0;
      while (taken < kRound) {
        done += static_cast<double>(piece());
        taken = now() - start;
      }
      rates[index] = done / taken;
      all.arrive_and_wait();
      if (index == 0) best = std::max(best, std::accumulate(rates.begin(), rates.end(), 0.0));
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(run, static_cast<std::size_t>(i));
  run(0);
  for (std::thread& other : others) other.join();
  return best;
}

}  // namespace

template <class T>
double fma_peak(Isa isa, int threads) {
  static std::map<std::pair<Isa, int>, double> known;
  return once(known, std::pair(isa, threads), [&] {
    return best_rate(threads, [isa] {
      return [isa, sink = std::vector<T>(kSink)]() mutable {
        return loops<T>(isa).peak(sink.data(), steps_of(isa));
      };
    });
  });
}

double bfloat16_peak(Isa isa, mundur::Compute kind, int threads) {
  static std::map<std::tuple<Isa, mundur::Compute, int>, double> known;
  return once(known, std::tuple(isa, kind, threads), [&] {
    const auto loop = kind == mundur::Compute::bfloat16_pairs ? loops<float>(isa).pairs_peak
                                                              : loops<float>(isa).tiles_peak;
    return best_rate(threads, [isa, loop] {
      return [isa, loop, sink = std::vector<float>(kSink)]() mutable {
        return loop(sink.data(), steps_of(isa));
      };
    });
  });
}

template <class T>
std::int64_t fma_work(Isa isa) {
  thread_local std::vector<T> sink(kSink);
  return loops<T>(isa).peak(sink.data(), steps_of(isa));
}
template std::int64_t fma_work<float>(Isa);
template std::int64_t fma_work<double>(Isa);

std::int64_t bfloat16_work(Isa isa, mundur::Compute kind) {
  thread_local std::vector<float> sink(kSink);
  const Loops<float> all = loops<float>(isa);
  const auto loop = kind == mundur::Compute::bfloat16_pairs ? all.pairs_peak : all.tiles_peak;
  return loop(sink.data(), steps_of(isa));
}

template <class T>
double fma_latency(Isa isa) {
  static std::map<Isa, double> known;
  return once(known, isa, [&] {
    return 1.0 / best_rate(1, [isa] {
             return [isa, sink = std::vector<T>(kSink)]() mutable {
               loops<T>(isa).chain(sink.data(), steps_of(isa));
               return steps_of(isa);
             };
           });
  });
}

template double fma_peak<float>(Isa, int);
template double fma_peak<double>(Isa, int);
template double fma_latency<float>(Isa);
template double fma_latency<double>(Isa);

// Shares are read in pieces of 256 KB, so that a round ends in time, and smaller shares several
// times, or the look at the clock would cost as much as the reading.
constexpr std::int64_t kPiece = 64 * 1024;

double read_rate(Isa isa, std::int64_t bytes, int threads) {
  static std::map<std::tuple<Isa, std::int64_t, int>, double> known;
  const std::int64_t share = bytes / 4 / threads;
  return once(known, std::tuple(isa, bytes, threads), [&] {
    return best_rate(threads, [isa, share] {
      return [isa, share, at = std::int64_t{0}, x = numbers<float>(share),
              sink = std::vector<float>(kSink)]() mutable {
        if (at >= share) at = 0;
        const std::int64_t size = std::min(kPiece, share - at);
        const std::int64_t times = std::max<std::int64_t>(1, kPiece / share);
        const std::int64_t read = loops<float>(isa).read(sink.data(), x.get() + at, size, times);
        at += size;
        return read;
      };
    });
  });
}

std::string cache_of(std::int64_t bytes) {
  if (sysconf(_SC_LEVEL1_DCACHE_SIZE) <= 0) return "cache or memory";  // not told here
  if (bytes <= sysconf(_SC_LEVEL1_DCACHE_SIZE)) return "L1";
  if (bytes <= sysconf(_SC_LEVEL2_CACHE_SIZE)) return "L2";
  return bytes <= sysconf(_SC_LEVEL3_CACHE_SIZE) ? "L3" : "memory";
}

double barrier_time(int threads) {
  static std::map<int, double> known;
  return once(known, threads, [&] { return times_of(threads, [](mundur::Worker&) {}).front(); });
}

}  // namespace mundur_bench

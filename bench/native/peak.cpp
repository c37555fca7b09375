#include "peak.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <map>
#include <numeric>
#include <thread>
#include <tuple>
#include <vector>

#define MUNDUR_DECLARE_PEAK(name)                                        \
  namespace mundur::name {                                               \
  std::int64_t run_peak(float* sink, std::int64_t steps);                \
  std::int64_t run_peak(double* sink, std::int64_t steps);               \
  std::int64_t run_read(float* sink, const float* x, std::int64_t size); \
  }
MUNDUR_DECLARE_PEAK(generic)
MUNDUR_DECLARE_PEAK(avx2)
MUNDUR_DECLARE_PEAK(avx512)
MUNDUR_DECLARE_PEAK(neon)

namespace mundur_bench {
namespace {

using mundur::Isa;

// 12 registers of 16 floats.
constexpr std::size_t kSink = 12 * 16;

/// The loops of one instruction set.
struct Loops {
  std::int64_t (*peak_float)(float*, std::int64_t);
  std::int64_t (*peak_double)(double*, std::int64_t);
  std::int64_t (*read)(float*, const float*, std::int64_t);
};

Loops loops(Isa isa) {
  switch (isa) {
#ifdef MUNDUR_HAS_avx2
    case Isa::avx2:
      return {mundur::avx2::run_peak, mundur::avx2::run_peak, mundur::avx2::run_read};
#endif
#ifdef MUNDUR_HAS_avx512
    case Isa::avx512:
      return {mundur::avx512::run_peak, mundur::avx512::run_peak, mundur::avx512::run_read};
#endif
#ifdef MUNDUR_HAS_neon
    case Isa::neon:
      return {mundur::neon::run_peak, mundur::neon::run_peak, mundur::neon::run_read};
#endif
    default:
      return {mundur::generic::run_peak, mundur::generic::run_peak, mundur::generic::run_read};
  }
}

std::int64_t run_peak(Isa isa, float* sink, std::int64_t steps) {
  return loops(isa).peak_float(sink, steps);
}
std::int64_t run_peak(Isa isa, double* sink, std::int64_t steps) {
  return loops(isa).peak_double(sink, steps);
}

double seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
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
      const double start = seconds();
      double done = 0.0, taken = 0.0;
      while (taken < kRound) {
        done += static_cast<double>(piece());
        taken = seconds() - start;
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
  const auto [entry, fresh] = known.try_emplace({isa, threads}, 0.0);
  if (fresh) {
    entry->second = best_rate(threads, [isa] {
      return [isa, sink = std::vector<T>(kSink)]() mutable {
        // Without hardware's fused multiply-add a step takes a hundred times as long.
        return run_peak(isa, sink.data(), isa == Isa::generic ? 20 : 2000);
      };
    });
  }
  return entry->second;
}

template double fma_peak<float>(Isa, int);
template double fma_peak<double>(Isa, int);

double read_rate(Isa isa, std::int64_t bytes, int threads) {
  const auto share =
      static_cast<std::size_t>(bytes) / sizeof(float) / static_cast<std::size_t>(threads);
  return best_rate(threads, [isa, share] {
    // Pieces of at most 64 KB, one after the other, so that a round ends in time.
    return [isa, share, at = std::size_t{0}, x = std::vector<float>(share, 1.0F),
            sink = std::vector<float>(kSink)]() mutable {
      constexpr std::size_t kPiece = 16 * 1024;
      if (at >= share) at = 0;
      const std::size_t size = std::min(kPiece, share - at);
      const std::int64_t read =
          loops(isa).read(sink.data(), x.data() + at, static_cast<std::int64_t>(size));
      at += size;
      return read;
    };
  });
}

}  // namespace mundur_bench

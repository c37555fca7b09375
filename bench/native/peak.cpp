#include "peak.h"

#include <algorithm>
#include <chrono>
#include <map>

#define MUNDUR_DECLARE_PEAK(name)                          \
  namespace mundur::name {                                 \
  std::int64_t run_peak(float* sink, std::int64_t steps);  \
  std::int64_t run_peak(double* sink, std::int64_t steps); \
  }
MUNDUR_DECLARE_PEAK(generic)
MUNDUR_DECLARE_PEAK(avx2)
MUNDUR_DECLARE_PEAK(avx512)
MUNDUR_DECLARE_PEAK(neon)

namespace mundur_bench {
namespace {

using mundur::Isa;

template <class T>
std::int64_t run_peak(Isa isa, T* sink, std::int64_t steps) {
  switch (isa) {
#ifdef MUNDUR_HAS_avx2
    case Isa::avx2:
      return mundur::avx2::run_peak(sink, steps);
#endif
#ifdef MUNDUR_HAS_avx512
    case Isa::avx512:
      return mundur::avx512::run_peak(sink, steps);
#endif
#ifdef MUNDUR_HAS_neon
    case Isa::neon:
      return mundur::neon::run_peak(sink, steps);
#endif
    default:
      return mundur::generic::run_peak(sink, steps);
  }
}

double seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

template <class T>
double measure(Isa isa) {
  T sink[12 * 16] = {};
  double best = 0.0;
  // 100 ms altogether: long enough for the clock to settle, each piece short enough to pass
  // between two interruptions.
  const double end = seconds() + 0.1;
  for (std::int64_t steps = 1000; seconds() < end;) {
    const double start = seconds();
    const auto operations = static_cast<double>(run_peak(isa, sink, steps));
    const double taken = seconds() - start;
    best = std::max(best, operations / taken);
    if (taken < 1e-4) steps *= 2;
  }
  return best;
}

}  // namespace

template <class T>
double fma_peak(Isa isa) {
  static std::map<Isa, double> known;
  const auto found = known.find(isa);
  return found != known.end() ? found->second : known[isa] = measure<T>(isa);
}

template double fma_peak<float>(Isa);
template double fma_peak<double>(Isa);

}  // namespace mundur_bench

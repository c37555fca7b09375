// exp, log, tanh, sigmoid and erf: their error in ulp against a wider type, and equal bits in every
// instruction set. By default a stride over all float32 values; with --exhaustive each of them. A
// function's name chooses it alone.

#include <atomic>
#include <thread>

#include "check.h"
#include "ulp.h"

namespace {

struct Case {
  double float_ulp, double_ulp;  // told in kernels/formulas/functions.h and by layers.Activation
  double low, high;              // where float64 is sampled besides random bits
};
constexpr Case kCases[ulp::kFunctions] = {{0.990, 0.980, -746, 710},
                                          {0.827, 0.829, 0, 1e3},
                                          {1.641, 1.909, -22, 22},
                                          {0.982, 0.966, -746, 40},
                                          {1.160, 1.173, -6.2, 6.2}};
constexpr std::size_t kBlock = 1 << 14;

/// The largest error over the values added; checks that every instruction set agrees.
template <class T>
class Scan {
 public:
  explicit Scan(int function) : function_(function), y_(kBlock), z_(kBlock) { x_.reserve(kBlock); }
  void add(T x) {
    x_.push_back(x);
    if (x_.size() == kBlock) flush();
  }
  double worst() const { return worst_; }
  bool same() const { return same_; }
  void flush() {
    const auto n = static_cast<std::int64_t>(x_.size());
    mundur::kernels<T>().elementary(y_.data(), x_.data(), n, function_);
    worst_ = std::max(worst_, ulp::worst(function_, y_.data(), x_.data(), n));
    for (mundur::Isa isa : mundur::available_isas()) {
      if (isa == mundur::current_isa()) continue;
      mundur::kernels<T>(isa).elementary(z_.data(), x_.data(), n, function_);
      for (std::size_t i = 0; i < x_.size(); ++i) {
        same_ = same_ && check::same_bits(y_[i], z_[i]);
      }
    }
    x_.clear();
  }

 private:
  int function_;
  double worst_ = 0;
  bool same_ = true;
  std::vector<T> x_, y_, z_;
};

/// Every stride-th pattern of bits, by all processors.
double scan_float(int function, std::uint64_t stride) {
  constexpr std::uint64_t kPatterns = std::uint64_t{1} << 32;
  const std::uint64_t piece = stride * kBlock * 16;
  std::atomic<std::uint64_t> next{0};
  const auto work = [&](Scan<float>& scan) {
    for (std::uint64_t begin; (begin = next.fetch_add(piece)) < kPatterns;) {
      const std::uint64_t end = std::min(kPatterns, begin + piece);
      for (std::uint64_t pattern = begin; pattern < end; pattern += stride) {
        const auto bits = static_cast<std::uint32_t>(pattern);
        float x;
        std::memcpy(&x, &bits, sizeof x);
        scan.add(x);
      }
    }
    scan.flush();
  };
  mundur::kernels<float>();  // chosen before there are threads
  std::vector<Scan<float>> scans(static_cast<std::size_t>(mundur::available_threads()),
                                 Scan<float>(function));
  std::vector<std::thread> threads;
  for (Scan<float>& scan : scans) threads.emplace_back(work, std::ref(scan));
  for (std::thread& thread : threads) thread.join();
  double worst = 0;
  for (const Scan<float>& scan : scans) {
    worst = std::max(worst, scan.worst());
    CHECK(scan.same());
  }
  return worst;
}

double scan_double(int function, int samples) {
  const Case& c = kCases[function];
  Scan<double> scan(function);
  check::Numbers numbers(static_cast<std::uint64_t>(function) + 1);
  for (int i = 0; i < samples; ++i) {
    const std::uint64_t bits = numbers.bits();
    double any;
    std::memcpy(&any, &bits, sizeof any);
    scan.add(any);
    scan.add(numbers.uniform(c.low, c.high));
    scan.add(function == 1 ? numbers.uniform(0.5, 2) : numbers.uniform(-3, 3));
  }
  for (double x : {0.0, -0.0, 0x1p-1074, -0x1p-1074, 0x1p-1022, 1.0, -1.0, HUGE_VAL, -HUGE_VAL,
                   std::nan(""), 709.78271289338397, 709.78271289338409, -745.13321910194110,
                   -745.13321910194122, 1.7976931348623157e308}) {
    scan.add(x);
  }
  scan.flush();
  CHECK(scan.same());
  return scan.worst();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool exhaustive = !arguments.empty() && arguments.front() == "--exhaustive";
  for (int function = 0; function < ulp::kFunctions; ++function) {
    if (arguments.size() > 1 && arguments[1] != ulp::kNames[function]) continue;
    check::context = ulp::kNames[function];
    const double in_float = scan_float(function, exhaustive ? 1 : 8191);
    const double in_double = scan_double(function, exhaustive ? 4000000 : 40000);
    std::printf("%-8s float32 %.3f ulp, float64 %.3f ulp\n", ulp::kNames[function], in_float,
                in_double);
    CHECK(in_float <= kCases[function].float_ulp);
    CHECK(in_double <= kCases[function].double_ulp);
  }
  return check::result();
}

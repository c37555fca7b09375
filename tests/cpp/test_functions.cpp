// exp, log, tanh, sigmoid and erf: their error in ulp against a wider type, and equal bits in every
// instruction set. By default a stride over all float32 values; with --exhaustive each of them.

#include "check.h"

namespace {

using check::same_bits;

struct Case {
  const char* name;
  double float_ulp, double_ulp;  // promised in kernels/isa/functions.h
  double low, high;              // where float64 is sampled besides random bits
};
constexpr Case kCases[] = {{"exp", 0.991, 1.0, -746, 710},
                           {"log", 0.828, 0.8, 0, 1e3},
                           {"tanh", 1.641, 1.95, -22, 22},
                           {"sigmoid", 0.982, 1.0, -746, 40},
                           {"erf", 1.16, 1.2, -6.2, 6.2}};
constexpr std::size_t kBlock = 1 << 14;

template <class Wide>
Wide exact(int function, Wide x) {
  switch (function) {
    case 0:
      return std::exp(x);
    case 1:
      return std::log(x);
    case 2:
      return std::tanh(x);
    case 3:
      return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
    default:
      return std::erf(x);
  }
}

/// Distance of `found` from `wide` in units of the last place of T at `wide`.
template <class T, class Wide>
double ulp_error(T found, Wide wide) {
  using Limits = std::numeric_limits<T>;
  const T rounded = static_cast<T>(wide);
  if (same_bits(found, rounded) || (found == 0 && rounded == 0)) {
    if (!std::isfinite(rounded)) return 0;
  } else if (!std::isfinite(found) || !std::isfinite(rounded)) {
    return 1e9;
  }
  int exponent;
  std::frexp(wide, &exponent);
  const int lowest = Limits::min_exponent - Limits::digits;
  exponent -= Limits::digits;
  const Wide ulp = std::ldexp(Wide(1), exponent < lowest ? lowest : exponent);
  return static_cast<double>(std::fabs(static_cast<Wide>(found) - wide) / ulp);
}

template <class T, class Wide>
class Scan {
 public:
  explicit Scan(int function) : function_(function), y_(kBlock), z_(kBlock) { x_.reserve(kBlock); }
  void add(T x) {
    x_.push_back(x);
    if (x_.size() == kBlock) flush();
  }
  double finish() {
    flush();
    return worst_;
  }

 private:
  void flush() {
    const auto n = static_cast<std::int64_t>(x_.size());
    mundur::kernels<T>().elementary(y_.data(), x_.data(), n, function_);
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const double error = ulp_error(y_[i], exact<Wide>(function_, static_cast<Wide>(x_[i])));
      if (!(error <= worst_)) worst_ = error;
    }
    for (mundur::Isa isa : mundur::available_isas()) {
      if (isa == mundur::current_isa()) continue;
      mundur::kernels<T>(isa).elementary(z_.data(), x_.data(), n, function_);
      bool same = true;
      for (std::size_t i = 0; i < x_.size(); ++i) same = same && same_bits(y_[i], z_[i]);
      CHECK(same);
    }
    x_.clear();
  }
  int function_;
  double worst_ = 0;
  std::vector<T> x_, y_, z_;
};

double scan_float(int function, std::uint64_t stride) {
  Scan<float, double> scan(function);
  for (std::uint64_t pattern = 0; pattern < (std::uint64_t{1} << 32); pattern += stride) {
    const auto bits = static_cast<std::uint32_t>(pattern);
    float x;
    std::memcpy(&x, &bits, sizeof x);
    scan.add(x);
  }
  return scan.finish();
}

double scan_double(int function, const Case& c, int samples) {
  Scan<double, long double> scan(function);
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
  return scan.finish();
}

}  // namespace

int main(int argc, char** argv) {
  const bool exhaustive = argc > 1 && std::string(argv[1]) == "--exhaustive";
  for (int function = 0; function < 5; ++function) {
    const Case& c = kCases[function];
    check::context = c.name;
    const double in_float = scan_float(function, exhaustive ? 1 : 8191);
    const double in_double = scan_double(function, c, exhaustive ? 4000000 : 40000);
    std::printf("%-8s float32 %.3f ulp, float64 %.3f ulp\n", c.name, in_float, in_double);
    CHECK(in_float <= c.float_ulp);
    CHECK(in_double <= c.double_ulp);
  }
  return check::result();
}

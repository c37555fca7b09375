// Conversion of every element type, the report of what isn't finite, rescaling; equal bits.

#include "check.h"

namespace {

using check::Output;
using mundur::ElementType;
using mundur::Kernels;

/// x cycled to n elements, converted by every build; what the compiler's own cast says it must be.
template <class T, class Source>
void test_convert(const std::vector<Source>& values, ElementType type) {
  for (std::int64_t n : check::kSizes) {
    std::vector<Source> x;
    bool expected_finite = true;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      x.push_back(values[i % values.size()]);
      if (!std::isfinite(static_cast<double>(static_cast<T>(x.back())))) expected_finite = false;
    }
    const auto y = check::same_everywhere<T>("convert", [&](const Kernels<T>& k) {
      Output<T> out(n);
      CHECK(k.convert(out.data(), x.data(), n, type) == expected_finite);
      return out.take();
    });
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK(check::same_bits(y[i], static_cast<T>(x[i])));
    }
  }
}

template <class Whole>
std::vector<Whole> whole_numbers() {
  using Limits = std::numeric_limits<Whole>;
  std::vector<Whole> x = {
      0, 1, 2, Limits::max(), Limits::min(), Limits::max() / 2, Limits::max() / 3};
  check::Numbers numbers(11);
  for (int i = 0; i < 40; ++i) x.push_back(static_cast<Whole>(numbers.bits() >> (i % 40)));
  return x;
}

double half_value(std::uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const double sign = half >> 15 ? -1 : 1;
  if (exponent == 31) return fraction ? NAN : sign * HUGE_VAL;
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

/// All 65536 of them.
template <class T>
void test_half() {
  std::vector<std::uint16_t> x;
  for (int i = 0; i < 65536; ++i) x.push_back(static_cast<std::uint16_t>(i));
  const auto y = check::same_everywhere<T>("float16", [&](const Kernels<T>& k) {
    Output<T> out(65536);
    CHECK(!k.convert(out.data(), x.data(), 65536, ElementType::float16));
    CHECK(k.convert(out.data(), x.data(), 0x7C00, ElementType::float16));
    CHECK(!k.convert(out.data(), x.data(), 0x7C01, ElementType::float16));
    k.convert(out.data(), x.data(), 65536, ElementType::float16);
    return out.take();
  });
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(check::same_bits(y[i], static_cast<T>(half_value(x[i]))));
  }
  for (std::int64_t n : check::kSizes) {
    for (mundur::Isa isa : mundur::available_isas()) {
      Output<T> out(n);
      const std::vector<std::uint16_t> part(x.begin() + 15000, x.begin() + 15000 + n);
      CHECK(mundur::kernels<T>(isa).convert(out.data(), part.data(), n, ElementType::float16));
      CHECK(check::same_bits(out.take(), std::vector<T>(y.begin() + 15000, y.begin() + 15000 + n)));
    }
  }
}

template <class T>
void test_boolean() {
  const std::vector<std::uint8_t> x = {0, 1, 2, 255, 0};
  Output<T> out(5);
  CHECK(mundur::kernels<T>().convert(out.data(), x.data(), 5, ElementType::boolean));
  CHECK(check::same_bits(out.take(), {T(0), T(1), T(1), T(1), T(0)}));
}

template <class T>
void test_rescale() {
  for (std::int64_t n : check::kSizes) {
    const std::vector<T> x = check::Numbers(9).vector<T>(n, 0, 255);
    const T scale = T(1) / T(255), offset = T(-0.5);
    const auto y = check::same_everywhere<T>("rescale", [&](const Kernels<T>& k) {
      Output<T> out(n), in_place(x);
      k.rescale(out.data(), x.data(), n, scale, offset);
      k.rescale(in_place.data(), in_place.data(), n, scale, offset);
      const auto result = out.take();
      CHECK(check::same_bits(in_place.take(), result));
      return result;
    });
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK(check::same_bits(y[i], std::fma(x[i], scale, offset)));
    }
  }
}

template <class T>
void test_all() {
  test_convert<T>(whole_numbers<std::int8_t>(), ElementType::int8);
  test_convert<T>(whole_numbers<std::uint8_t>(), ElementType::uint8);
  test_convert<T>(whole_numbers<std::int16_t>(), ElementType::int16);
  test_convert<T>(whole_numbers<std::uint16_t>(), ElementType::uint16);
  test_convert<T>(whole_numbers<std::int32_t>(), ElementType::int32);
  test_convert<T>(whole_numbers<std::uint32_t>(), ElementType::uint32);
  test_convert<T>(whole_numbers<std::int64_t>(), ElementType::int64);
  test_convert<T>(whole_numbers<std::uint64_t>(), ElementType::uint64);
  const float inf = HUGE_VALF;
  test_convert<T, float>({0.0f, -0.0f, 1.5f, 0x1p-149f, 3.4e38f}, ElementType::float32);
  test_convert<T, float>({1.0f, 2.0f, 3.0f, -inf, 4.0f}, ElementType::float32);
  test_convert<T, float>({1.0f, NAN, 3.0f}, ElementType::float32);
  test_convert<T, double>(
      {0.1, -0.0, 1.0 + 0x1p-24, 1.0 + 0x1.8p-24, 0x1p-150, 0x1.8p-150, 0x1p-1074},
      ElementType::float64);
  test_convert<T, double>({1.0, 2.0, 1e300}, ElementType::float64);
  test_convert<T, double>({1.0, 2.0, NAN}, ElementType::float64);
  test_half<T>();
  test_boolean<T>();
  test_rescale<T>();
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  return check::result(0xCA67095BF9395773u);
}

// Random numbers: Random123's known answers, independence of how the work is split, the shapes of
// the distributions, and equal bits.

#include "check.h"
#include "cpu/kernels/philox.h"

namespace {

using check::Output;
using mundur::Kernels;
using mundur::RandomKey;

constexpr RandomKey kKey = {0x123456789ABCDEF0u, 0xFEDCBA9876543210u};

void test_known_answers() {
  using Block = mundur::PhiloxBlock;
  const auto equal = [](Block a, Block b) { return std::memcmp(&a, &b, sizeof a) == 0; };
  const std::uint32_t ones = 0xFFFFFFFFu;
  CHECK(equal(mundur::philox4x32_10({{0, 0, 0, 0}}, 0, 0),
              {{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}}));
  CHECK(equal(mundur::philox4x32_10({{ones, ones, ones, ones}}, ones, ones),
              {{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}}));
  CHECK(equal(mundur::philox4x32_10({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}},
                                    0xa4093822u, 0x299f31d0u),
              {{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}}));
}

/// The word that the layout of kernels/isa/random.cpp gives to an element of a dropout mask.
std::uint32_t dropout_word(std::uint64_t element) {
  const std::uint64_t r = element % 64, block = element / 64 * 16 + r % 16;
  const mundur::PhiloxBlock counter = {
      {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
       static_cast<std::uint32_t>(kKey.stream), static_cast<std::uint32_t>(kKey.stream >> 32)}};
  return mundur::philox4x32_10(counter, static_cast<std::uint32_t>(kKey.key),
                               static_cast<std::uint32_t>(kKey.key >> 32))
      .word[r / 16];
}

template <class T>
void test_dropout(std::int64_t first, std::int64_t n) {
  const std::uint32_t threshold = 1u << 30;
  const std::vector<T> x = check::Numbers(5).vector<T>(n, -1, 1);
  std::vector<std::uint8_t> mask;
  const auto y = check::same_everywhere<T>("dropout", [&](const Kernels<T>& k) {
    Output<T> out(n), in_place(x);
    Output<std::uint8_t> keep(n);
    k.dropout(out.data(), keep.data(), x.data(), first, n, kKey, threshold, T(1.25));
    k.dropout(in_place.data(), keep.data(), in_place.data(), first, n, kKey, threshold, T(1.25));
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    mask = keep.take();
    return result;
  });
  for (std::size_t i = 0; i < y.size(); ++i) {
    const bool kept = dropout_word(static_cast<std::uint64_t>(first) + i) >= threshold;
    CHECK(mask[i] == (kept ? 1 : 0));
    CHECK(check::same_bits(y[i], kept ? x[i] * T(1.25) : T(0)));
  }
  const auto dx = check::same_everywhere<T>("dropout_backward", [&](const Kernels<T>& k) {
    Output<T> out(n), in_place(x);
    k.dropout_backward(out.data(), mask.data(), x.data(), n, T(1.25));
    k.dropout_backward(in_place.data(), mask.data(), in_place.data(), n, T(1.25));
    const auto result = out.take();
    CHECK(check::same_bits(in_place.take(), result));
    return result;
  });
  CHECK(check::same_bits(dx, y));
}

template <class T>
std::vector<T> draw(bool normal, std::int64_t n, double a, double b) {
  return check::same_everywhere<T>(normal ? "normal" : "uniform", [&](const Kernels<T>& k) {
    Output<T> out(n);
    (normal ? k.random_normal : k.random_uniform)(out.data(), n, kKey, a, b);
    return out.take();
  });
}

/// Element i is the same for every length, and the float32 draw is the rounded float64 one.
void test_draws_of_any_length(bool normal) {
  const auto longest = draw<double>(normal, 300, -1, 2);
  for (std::int64_t n : check::kSizes) {
    const auto wide = draw<double>(normal, n, -1, 2);
    const auto narrow = draw<float>(normal, n, -1, 2);
    for (std::size_t i = 0; i < wide.size(); ++i) {
      CHECK(check::same_bits(wide[i], longest[i]));
      CHECK(check::same_bits(narrow[i], static_cast<float>(longest[i])));
    }
  }
}

struct Moments {
  double mean = 0, variance = 0, lowest = 1e300, highest = -1e300;
  explicit Moments(const std::vector<double>& x) {
    const auto n = static_cast<double>(x.size());
    for (double v : x) {
      mean += v / n;
      lowest = std::fmin(lowest, v);
      highest = std::fmax(highest, v);
    }
    for (double v : x) variance += (v - mean) * (v - mean) / n;
  }
};

void test_distributions() {
  const Moments uniform(draw<double>(false, 200000, 3, 5));
  CHECK(std::fabs(uniform.mean - 4) < 0.01 && std::fabs(uniform.variance - 1 / 3.0) < 0.01);
  CHECK(uniform.lowest >= 3 && uniform.lowest < 3.001);
  CHECK(uniform.highest < 5 && uniform.highest > 4.999);
  const auto x = draw<double>(true, 200000, 3, 2);
  const Moments normal(x);
  CHECK(std::fabs(normal.mean - 3) < 0.02 && std::fabs(normal.variance - 4) < 0.05);
  CHECK(normal.lowest < -4 && normal.highest > 10);
  double within = 0;
  for (double v : x) within += std::fabs(v - 3) < 2 ? 1 : 0;
  CHECK(std::fabs(within / 200000 - 0.6826895) < 0.005);
}

/// Each normal draw, put through the distribution function, must return its uniform number.
void test_quantiles() {
  const auto x = draw<double>(true, 20000, 0, 1);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint64_t r = i % 32, block = i / 32 * 16 + r % 16;
    const auto words = mundur::philox4x32_10(
        {{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
          static_cast<std::uint32_t>(kKey.stream), static_cast<std::uint32_t>(kKey.stream >> 32)}},
        static_cast<std::uint32_t>(kKey.key), static_cast<std::uint32_t>(kKey.key >> 32));
    const std::uint64_t low = words.word[2 * (r / 16)], high = words.word[2 * (r / 16) + 1];
    const double u = (static_cast<double>((high << 32 | low) >> 12) + 0.5) * 0x1p-52;
    const double tail = std::fmin(u, 1 - u);
    const double back = 0.5 * std::erfc(std::fabs(x[i]) * 0.70710678118654752440);
    CHECK(std::fabs(back / tail - 1) < 1e-14 && (x[i] < 0) == (u < 0.5));
  }
}

/// `high` is never reached, even where rounding to float32 would.
void test_uniform_stays_below() {
  for (float v : draw<float>(false, 100000, 1.0, 1.0 + 0x1p-22))
    CHECK(v >= 1.0f && v < 1.0f + 0x1p-22f);
  for (float v : draw<float>(false, 100, 2.0, 2.0)) CHECK(v == 2.0f);
}

}  // namespace

int main() {
  test_known_answers();
  for (std::int64_t first : {std::int64_t{0}, std::int64_t{1}, std::int64_t{63}, std::int64_t{64},
                             std::int64_t{1000}, (std::int64_t{1} << 36) + 5}) {
    for (std::int64_t n : check::kSizes) {
      test_dropout<float>(first, n);
      test_dropout<double>(first, n);
    }
  }
  test_draws_of_any_length(false);
  test_draws_of_any_length(true);
  test_distributions();
  test_quantiles();
  test_uniform_stays_below();
  return check::result(0x836688D10CAE1D3Eu);
}

// Random numbers from Philox. An element's number depends on its index alone, so any worker may
// fill any part.

#include "cpu/kernels/formulas/normal.h"
#include "cpu/kernels/philox.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// 16 consecutive counters at once: word w of counter 16·group + i lands in [16·w + i].
struct Random {
  std::uint32_t word[64];
};

/// philox4x32_10 of a register of counters.
MUNDUR_INLINE void philox(Words (&c)[4], std::uint64_t key) {
  auto key0 = static_cast<std::uint32_t>(key), key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    Words low0, high0, low1, high1;
    multiply_wide(c[0], kPhiloxMultiplier[0], low0, high0);
    multiply_wide(c[2], kPhiloxMultiplier[1], low1, high1);
    c[0] = high1 ^ c[1] ^ set_words(key0);
    c[2] = high0 ^ c[3] ^ set_words(key1);
    c[1] = low1;
    c[3] = low0;
    key0 += kPhiloxKeyStep[0];
    key1 += kPhiloxKeyStep[1];
  }
}

constexpr std::uint32_t kLane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

MUNDUR_INLINE Random random_words(RandomKey key, std::uint64_t group) {
  Random random;
  const std::uint64_t block = group * 16;
  const Words low = set_words(static_cast<std::uint32_t>(block));
  for (int i = 0; i < 16; i += Words::kWidth) {
    Words c[4] = {low ^ load_words(kLane + i), set_words(static_cast<std::uint32_t>(block >> 32)),
                  set_words(static_cast<std::uint32_t>(key.stream)),
                  set_words(static_cast<std::uint32_t>(key.stream >> 32))};
    philox(c, key.key);
    for (int w = 0; w < 4; ++w) store_words(random.word + 16 * w + i, c[w]);
  }
  return random;
}

/// f(done, within, count) for the parts of [first, first + n) in groups of kGroup elements: done of
/// them are, and the next count begin at number `within` of the group that the element is in.
template <int kGroup, class F>
MUNDUR_INLINE void for_each_part(i64 first, i64 n, F f) {
  for (i64 done = 0; done < n;) {
    const int within = static_cast<int>(static_cast<std::uint64_t>(first + done) % kGroup);
    const int rest = kGroup - within;
    const int count = n - done < rest ? static_cast<int>(n - done) : rest;
    f(done, within, count);
    done += count;
  }
}

// Dropout: group b of 16 counters serves elements 64·b to 64·b + 63, word r/16 of counter r%16.

constexpr int kDropoutGroup = 64;

/// y[i] = keep[i] ? live(x[i]) : dead for n <= 64 elements. Through a local array: y may be x, and
/// `keep` may, as far as a compiler knows, be anything.
template <class T, class Live>
MUNDUR_INLINE void keep_or_drop(T* y, const std::uint8_t* keep, const T* x, int n, Live live,
                                T dead) {
  T kept[kDropoutGroup];
  for (int i = 0; i < n; ++i) kept[i] = keep[i] ? live(x[i]) : dead;
  for (int i = 0; i < n; ++i) y[i] = kept[i];
}

/// n <= 64 elements whose random words start at `random`.
template <class T, class Live>
MUNDUR_INLINE void drop(T* y, std::uint8_t* keep, const T* x, const std::uint32_t* random, int n,
                        std::uint32_t threshold, Live live, T dead) {
  std::uint8_t kept[kDropoutGroup];
  for (int i = 0; i < n; ++i) kept[i] = random[i] >= threshold;
  for (int i = 0; i < n; ++i) keep[i] = kept[i];
  keep_or_drop(y, kept, x, n, live, dead);
}

template <class T, class Live>
MUNDUR_INLINE void drop_parts(T* y, std::uint8_t* keep, const T* x, i64 first, i64 n, RandomKey key,
                              std::uint32_t threshold, Live live, T dead) {
  for_each_part<kDropoutGroup>(first, n, [&](i64 done, int within, int count) MUNDUR_BODY {
    const auto group = static_cast<std::uint64_t>(first + done) / kDropoutGroup;
    const Random random = random_words(key, group);
    if (count < kDropoutGroup) {
      drop(y + done, keep + done, x + done, random.word + within, count, threshold, live, dead);
    } else {
      drop(y + done, keep + done, x + done, random.word, kDropoutGroup, threshold, live, dead);
    }
  });
}

template <class T>
void dropout(T* y, std::uint8_t* keep, const T* x, i64 first, i64 n, RandomKey key,
             std::uint32_t threshold, T scale) {
  const auto live = [=](T a) MUNDUR_BODY { return a * scale; };
  drop_parts(y, keep, x, first, n, key, threshold, live, T(0));
}

template <class T>
void alpha_dropout(T* y, std::uint8_t* keep, const T* x, i64 first, i64 n, RandomKey key,
                   std::uint32_t threshold, T scale, T offset, T dropped) {
  const auto live = [=](T a) MUNDUR_BODY { return a * scale + offset; };
  drop_parts(y, keep, x, first, n, key, threshold, live, dropped);
}

template <class T>
void dropout_backward(T* dx, const std::uint8_t* keep, const T* dy, i64 n, T scale) {
  const auto live = [=](T d) MUNDUR_BODY { return d * scale; };
  i64 i = 0;
  for (; i + kDropoutGroup <= n; i += kDropoutGroup) {
    keep_or_drop(dx + i, keep + i, dy + i, kDropoutGroup, live, T(0));
  }
  keep_or_drop(dx + i, keep + i, dy + i, static_cast<int>(n - i), live, T(0));
}

// Draws are made in double, so that a float32 weight is the rounded float64 one. Group b of 16
// counters serves elements 32·b to 32·b + 31: words 2·(r/16) and the next of counter r%16.

constexpr int kDrawGroup = 32;

/// 64 random bits for each of a group's elements.
MUNDUR_INLINE void draw_bits(std::uint64_t (&bits)[kDrawGroup], RandomKey key,
                             std::uint64_t group) {
  const Random random = random_words(key, group);
  for (int i = 0; i < 16; ++i) {
    bits[i] = std::uint64_t{random.word[16 + i]} << 32 | random.word[i];
    bits[16 + i] = std::uint64_t{random.word[48 + i]} << 32 | random.word[32 + i];
  }
}

/// f(first, count, bits) for every group, with 64 random bits for each of its count <= 32 elements.
template <class F>
MUNDUR_INLINE void for_each_group(i64 n, RandomKey key, F f) {
  for (i64 first = 0; first < n; first += kDrawGroup) {
    std::uint64_t bits[kDrawGroup];
    draw_bits(bits, key, static_cast<std::uint64_t>(first / kDrawGroup));
    f(first, n - first < kDrawGroup ? static_cast<int>(n - first) : kDrawGroup, bits);
  }
}

/// low + u (high - low), u the upper 53 bits. Rounding may reach `high` itself, which becomes
/// `low`.
template <class T>
void random_uniform(T* y, i64 n, RandomKey key, double low, double high) {
  for_each_group(n, key, [&](i64 first, int count, const std::uint64_t* bits) MUNDUR_BODY {
    for (int i = 0; i < count; ++i) {
      const double u = static_cast<double>(bits[i] >> 11) * 0x1p-53;
      const T value = static_cast<T>(low + u * (high - low));
      y[first + i] = static_cast<double>(value) < high ? value : static_cast<T>(low);
    }
  });
}

/// u = (k + ½) / 2^52 with the upper 52 bits: symmetric about ½, never 0 or 1. Truncated, the
/// quantile of a number between the shares P and 1 - P that lie beyond two deviations.
template <bool kTruncated>
MUNDUR_INLINE void normals(double (&x)[kDrawGroup], const std::uint64_t* bits, double mean,
                           double deviation) {
  for (int i = 0; i < kDrawGroup; ++i) {
    x[i] = (static_cast<double>(bits[i] >> 12) + 0.5) * 0x1p-52;
  }
  for (int i = 0; i < kDrawGroup; i += Vec<double>::kWidth) {
    Vec<double> p = load(x + i);
    if constexpr (kTruncated) p = fma(p, 1.0 - 2.0 * kBeyondTwo, kBeyondTwo);
    store(x + i, fma(deviation, normal_quantile(p), mean));
  }
}

template <bool kTruncated, class T>
void random_quantiles(T* y, i64 n, RandomKey key, double mean, double deviation) {
  for_each_group(n, key, [&](i64 first, int count, const std::uint64_t* bits) MUNDUR_BODY {
    double x[kDrawGroup];
    normals<kTruncated>(x, bits, mean, deviation);
    for (int i = 0; i < count; ++i) y[first + i] = static_cast<T>(x[i]);
  });
}

template <class T>
void normal_noise(T* y, i64 first, i64 n, RandomKey key, double mean, double deviation) {
  for_each_part<kDrawGroup>(first, n, [&](i64 done, int within, int count) MUNDUR_BODY {
    std::uint64_t bits[kDrawGroup];
    draw_bits(bits, key, static_cast<std::uint64_t>((first + done) / kDrawGroup));
    double x[kDrawGroup];
    normals<false>(x, bits, mean, deviation);
    for (int i = 0; i < count; ++i) y[done + i] = static_cast<T>(x[within + i]);
  });
}

template <class T>
void fill_random_rows(Kernels<T>& table) {
  table.dropout = dropout<T>;
  table.dropout_backward = dropout_backward<T>;
  table.alpha_dropout = alpha_dropout<T>;
  table.normal_noise = normal_noise<T>;
  table.random_uniform = random_uniform<T>;
  table.random_normal = random_quantiles<false, T>;
  table.random_truncated = random_quantiles<true, T>;
}

}  // namespace

void fill_random(Kernels<float>& table) { fill_random_rows(table); }
void fill_random(Kernels<double>& table) { fill_random_rows(table); }

}  // namespace mundur::MUNDUR_ISA

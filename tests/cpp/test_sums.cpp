// Sums over samples, to the bit: groups of kShard samples, in shards of kShard rows, each joined by
// its tree; and the chains of convolutions, which are cut by the same rule. Everything against
// loops.

#include <algorithm>
#include <utility>

#include "check.h"
#include "cpu/kernels/shards.h"
#include "cpu/parallel/pace.h"
#include "mundur/network.h"

namespace {

using check::Numbers;
using mundur::Kernels;
using mundur::kShard;
using i64 = std::int64_t;

template <class T>
std::size_t at(const std::vector<T>&, i64 i) {
  return static_cast<std::size_t>(i);
}

// ---- the rule -----------------------------------------------------------------------------------

/// `count` sums joined pairwise: the earlier half of the largest power of two, then the rest.
template <class T, class Sum>
T joined(i64 first, i64 count, const Sum& sum) {
  if (count <= 1) return sum(first);
  i64 half = 1;
  while (2 * half < count) half *= 2;
  return joined<T>(first, half, sum) + joined<T>(first + half, count - half, sum);
}

/// add(sum, row) of each row, `each` of a sample.
template <class T, class Add>
T over_samples(i64 rows, i64 each, const Add& add) {
  const i64 shards = std::max<i64>((rows + kShard - 1) / kShard, 1);
  return joined<T>(0, (shards + each - 1) / each, [&](i64 group) {
    return joined<T>(group * each, std::min(each, shards - group * each), [&](i64 shard) {
      T sum = 0;
      for (i64 b = shard * kShard; b < std::min(rows, (shard + 1) * kShard); ++b) sum = add(sum, b);
      return sum;
    });
  });
}

// ---- kernels ------------------------------------------------------------------------------------

template <class T>
std::vector<T> product_dw(const Kernels<T>& k, const T* x, const T* dy, i64 I, i64 O,
                          const mundur::SampleRows& rows, i64 l2 = mundur::kUsualL2) {
  static std::vector<T> scratch;
  scratch.resize(static_cast<std::size_t>(k.scratch + 64));
  check::Output<T> dw(I * O);
  k.product_dw({{dw.data(), O}, {x, I}, {dy, O}, I, O, rows, scratch.data(), l2});
  return dw.take();
}

template <class T>
void test_rows(i64 samples, i64 each, i64 I, i64 O) {
  Numbers numbers(static_cast<std::uint64_t>(samples * 1000 + each));
  const i64 B = samples * each;
  const auto x = numbers.vector<T>(B * I, -1, 1), dy = numbers.vector<T>(B * O, -1, 1);
  const auto sums = [&](i64 columns, const auto& add) {
    std::vector<T> all(static_cast<std::size_t>(columns));
    for (i64 c = 0; c < columns; ++c) {
      all[at(all, c)] = over_samples<T>(B, each, [&](T sum, i64 b) { return add(sum, b, c); });
    }
    return all;
  };
  const std::string what = "samples " + std::to_string(samples) + " each " + std::to_string(each) +
                           " O " + std::to_string(O) + " ";
  const auto expect = [&](const char* name, const std::vector<T>& expected, const auto& run) {
    const auto found = check::same_everywhere<T>(what + name, run);
    CHECK(check::same_bits(found, expected));
  };
  const auto dw = sums(I * O, [&](T sum, i64 b, i64 c) {
    return std::fma(x[at(x, b * I + c / O)], dy[at(dy, b * O + c % O)], sum);
  });
  expect("dw", dw,
         [&](const Kernels<T>& k) { return product_dw(k, x.data(), dy.data(), I, O, {B, each}); });
  expect("dw in small blocks", dw, [&](const Kernels<T>& k) {
    return product_dw(k, x.data(), dy.data(), I, O, {B, each}, 1 << 10);
  });
  const auto db = sums(O, [&](T sum, i64 b, i64 o) { return sum + dy[at(dy, b * O + o)]; });
  expect("db", db, [&](const Kernels<T>& k) {
    check::Output<T> out(O);
    k.sum_rows(out.data(), dy.data(), O, B, each, O);
    return out.take();
  });
  const mundur::Counted all{nullptr, 1, B};
  expect("column sums", db, [&](const Kernels<T>& k) {
    check::Output<T> out(O);
    k.column_sums(out.data(), dy.data(), O, B, each, O, all);
    return out.take();
  });
  const std::vector<T> zeros(db.size()), ones(db.size(), T(1));
  const auto squares = sums(O, [&](T sum, i64 b, i64 o) {
    return std::fma(dy[at(dy, b * O + o)], dy[at(dy, b * O + o)], sum);
  });
  expect("deviations", squares, [&](const Kernels<T>& k) {
    check::Output<T> off(O), out(O);
    k.column_deviations(off.data(), out.data(), dy.data(), zeros.data(), O, B, each, O, all);
    CHECK(check::same_bits(off.take(), db));
    return out.take();
  });
  expect("normalised sums", squares, [&](const Kernels<T>& k) {
    check::Output<T> sum(O), out(O);
    k.normalize_columns_sums(sum.data(), out.data(), dy.data(), dy.data(), zeros.data(),
                             ones.data(), O, B, each, O);
    CHECK(check::same_bits(sum.take(), db));
    return out.take();
  });
  // The rows of one id, every third: those of kShard samples are one chain.
  std::vector<std::int32_t> next(static_cast<std::size_t>(B), -1);
  for (i64 b = 0; b + 3 < B; b += 3) next[at(next, b)] = static_cast<std::int32_t>(b + 3);
  std::vector<T> listed(db.size());
  for (i64 o = 0; o < O; ++o) {
    listed[at(listed, o)] = joined<T>(0, (samples + kShard - 1) / kShard, [&](i64 group) {
      T sum = 0;
      for (i64 b = group * kShard * each; b < std::min(B, (group + 1) * kShard * each); ++b) {
        if (b % 3 == 0) sum += dy[at(dy, b * O + o)];
      }
      return sum;
    });
  }
  expect("listed", listed, [&](const Kernels<T>& k) {
    check::Output<T> out(O);
    k.sum_listed(out.data(), dy.data(), next.data(), 0, O, samples, each, O);
    return out.take();
  });
}

/// Samples of which some rows are missing, with a gap between them in x; where those rows would be
/// lies what makes a NaN of a sum.
template <class T>
void test_missing(i64 samples, i64 each, i64 first, i64 last, i64 gap, i64 I, i64 O) {
  Numbers numbers(static_cast<std::uint64_t>(samples + each + I));
  const i64 B = samples * each, in_x = (each - first - last) * I + gap;
  const auto x = numbers.vector<T>(samples * in_x, -1, 1);
  auto dy = numbers.vector<T>(B * O, -1, 1);
  const auto is_there = [&](i64 b) { return b % each >= first && b % each < each - last; };
  for (i64 i = 0; i < B * O; ++i) {
    if (!is_there(i / O)) dy[at(dy, i)] = std::numeric_limits<T>::quiet_NaN();
  }
  std::vector<T> expected;
  for (i64 c = 0; c < I * O; ++c) {
    expected.push_back(over_samples<T>(B, each, [&](T sum, i64 b) {
      if (!is_there(b)) return sum;
      const i64 from = b / each * in_x + (b % each - first) * I + c / O;
      return std::fma(x[at(x, from)], dy[at(dy, b * O + c % O)], sum);
    }));
  }
  const auto found = check::same_everywhere<T>(
      "missing rows, each " + std::to_string(each) + " first " + std::to_string(first) + " last " +
          std::to_string(last),
      [&](const Kernels<T>& k) {
        return product_dw(k, x.data(), dy.data() + first * O, I, O,
                          {B, each, first, last, gap, (first + last) * O});
      });
  CHECK(check::same_bits(found, expected));
}

// ---- convolutions -------------------------------------------------------------------------------

struct Convolution {
  i64 steps, channels, filters, taps, stride;
  mundur::Padding padding;
  i64 dilation = 1, groups = 1, samples = 3;

  i64 extent() const { return (taps - 1) * dilation + 1; }
  i64 out() const {
    return padding == mundur::Padding::valid ? (steps - extent()) / stride + 1
                                             : (steps + stride - 1) / stride;
  }
  i64 before() const {
    if (padding == mundur::Padding::valid) return 0;
    if (padding == mundur::Padding::causal) return extent() - 1;
    return std::max<i64>((out() - 1) * stride + extent() - steps, 0) / 2;
  }
};

/// y and dx are one chain each, dW is a sum over samples: what a step does not see is in none.
template <class T>
void test_convolution(const Convolution& c) {
  mundur::Conv1DSpec spec{
      c.filters, c.taps, c.stride, c.padding, c.dilation, c.groups, mundur::Activation::linear,
      false};
  mundur::Network<T> network({spec}, {c.steps, c.channels}, 1);
  Numbers numbers(static_cast<std::uint64_t>(c.steps * 100 + c.stride));
  const i64 own_C = c.channels / c.groups, own_O = c.filters / c.groups, out = c.out();
  const auto w = numbers.vector<T>(c.taps * own_C * c.filters, -1, 1);
  std::copy(w.begin(), w.end(), network.flat_values());
  const auto x = numbers.vector<T>(c.samples * c.steps * c.channels, -1, 1);
  const auto dy = numbers.vector<T>(c.samples * out * c.filters, -1, 1);
  // The step that sees step s with tap k; none: -1.
  const auto seeing = [&](i64 s, i64 k) {
    const i64 from = s + c.before() - k * c.dilation;
    return from >= 0 && from % c.stride == 0 && from / c.stride < out ? from / c.stride : -1;
  };
  const auto weight = [&](i64 k, i64 channel, i64 o) {
    return w[at(w, (k * own_C + channel) * c.filters + o)];
  };
  std::vector<T> dx, dw;
  for (i64 i = 0; i < c.samples * c.steps * c.channels; ++i) {
    const i64 n = i / c.channels / c.steps, s = i / c.channels % c.steps, channel = i % c.channels;
    T sum = 0;
    for (i64 t = 0; t < out; ++t) {
      for (i64 k = 0; k < c.taps; ++k) {
        if (seeing(s, k) != t) continue;
        for (i64 o = channel / own_C * own_O; o < (channel / own_C + 1) * own_O; ++o) {
          sum = std::fma(dy[at(dy, (n * out + t) * c.filters + o)], weight(k, channel % own_C, o),
                         sum);
        }
      }
    }
    dx.push_back(sum);
  }
  for (i64 i = 0; i < c.taps * own_C * c.filters; ++i) {
    const i64 o = i % c.filters, k = i / c.filters / own_C;
    const i64 channel = o / own_O * own_C + i / c.filters % own_C;
    dw.push_back(over_samples<T>(c.samples * out, out, [&](T sum, i64 row) {
      const i64 s = row % out * c.stride - c.before() + k * c.dilation;
      if (s < 0 || s >= c.steps) return sum;
      return std::fma(x[at(x, (row / out * c.steps + s) * c.channels + channel)],
                      dy[at(dy, row * c.filters + o)], sum);
    }));
  }
  mundur::ArrayView view;
  view.data = reinterpret_cast<const std::byte*>(x.data());
  view.type = sizeof(T) == 4 ? mundur::ElementType::float32 : mundur::ElementType::float64;
  view.n = c.samples;
  view.sample = {c.steps, c.channels};
  view.stride = static_cast<i64>(sizeof(T)) * c.steps * c.channels;
  view.strides = {static_cast<i64>(sizeof(T)) * c.channels, sizeof(T)};
  view.contiguous = true;
  for (int threads : {1, 2, 5}) {
    mundur::set_num_threads(threads);
    check::context =
        "convolution steps " + std::to_string(c.steps) + " taps " + std::to_string(c.taps) +
        " stride " + std::to_string(c.stride) + " dilation " + std::to_string(c.dilation) +
        " groups " + std::to_string(c.groups) + " samples " + std::to_string(c.samples) +
        (sizeof(T) == 4 ? " float32" : " float64") + " threads " + std::to_string(threads);
    std::vector<T> y(dy.size()), found(x.size());
    network.forward({y.data()}, {view}, true);
    network.backward({found.data()}, {dy.data()});
    CHECK(check::same_bits(found, dx));
    CHECK(check::same_bits(
        std::vector<T>(network.flat_gradients(), network.flat_gradients() + dw.size()), dw));
  }
}

template <class T>
void test_all() {
  for (i64 each : {1, 2, 3, 5, 8}) {
    for (i64 samples : {1, 200, 256, 257, 520, 1300}) test_rows<T>(samples, each, 3, 17);
  }
  test_rows<T>(600, 7, 40, 50);
  for (i64 each : {1, 2, 3, 4}) test_rows<T>(1900, each, 40, 70);
  test_rows<T>(300, 5, 20, 3);
  test_rows<T>(300, 5, 40, 1);
  for (i64 samples : {1, 3, 40, 300}) {
    for (i64 each : {1, 2, 7, 40, 300}) {
      if (samples * each > 13'000) continue;
      test_missing<T>(samples, each, 0, 0, 5, 9, 18);
      test_missing<T>(samples, each, each / 3, each / 3, 3, 40, 3);
      test_missing<T>(samples, each, 0, each - 1, 0, 20, 130);
    }
  }
  test_missing<T>(100, 3, 1, 0, 1024, 1024, 4 * 48);  // rows that are copied
  using mundur::Padding;
  for (i64 stride : {1, 2, 3, 5}) {
    for (Padding padding : {Padding::valid, Padding::same, Padding::causal}) {
      for (i64 taps : {1, 2, 4, 5}) {
        test_convolution<T>({11, 6, 5, taps, stride, padding});
        test_convolution<T>({11, 6, 6, taps, stride, padding, 1, 3});
        if (stride == 2 || stride == 3) test_convolution<T>({17, 6, 5, taps, stride, padding, 2});
      }
      test_convolution<T>({9, 6, 5, 2, stride, padding, 4, 1, 300});
      test_convolution<T>({1, 6, 5, 1, stride, padding, 1, 1, 2});
    }
  }
  for (i64 dilation : {2, 3}) test_convolution<T>({12, 6, 9, 3, 1, Padding::same, dilation, 3, 70});
  test_convolution<T>({90, 6, 5, 5, 1, Padding::valid, 1, 1, 270});
  test_convolution<T>({90, 6, 5, 5, 2, Padding::same, 1, 1, 270});
}

/// Scratch is asked for by this.
void test_slots() {
  for (i64 rows = 1; rows < 40 * kShard; rows += 61) {
    for (i64 each = 1; each < 48; ++each) {
      check::context = std::to_string(rows) + " rows, of a sample " + std::to_string(each);
      CHECK(mundur::ShardTree(rows, each).slots() <= mundur::ShardTree::most_slots(rows));
    }
  }
}

}  // namespace

int main() {
  mundur::set_adaptive(false);  // each count of workers is meant
  test_all<float>();
  test_all<double>();
  test_slots();
  return check::result();
}

// The bits of both kinds of products in bfloat16: every instruction set, those with VDPBF16PS and
// TDPBF16PS among them, against loops of the same rules in double precision, over the edges of
// tiles, blocks and shards, splits as threads make them, and values at every edge of the formats.

#include <algorithm>

#include "check.h"
#include "grid.h"

namespace {

using check::grid;
using check::kSparse;
using check::Numbers;
using mundur::Function;
using mundur::Kernels;
using mundur::kShard;
using i64 = std::int64_t;
using Short = std::uint16_t;

float from_bits(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
std::uint32_t bits_of(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

// ---- the rules ----------------------------------------------------------------------------------

/// x rounded to bfloat16, by the pseudocode of VCVTNEPS2BF16 (Intel's manual).
Short rounded(float x) {
  const std::uint32_t bits = bits_of(x);
  if (std::fabs(x) < 0x1p-126f) return static_cast<Short>(bits >> 16 & 0x8000u);
  if (std::isnan(x)) return static_cast<Short>(bits >> 16 | 0x40u);
  return static_cast<Short>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}
float value(Short x) { return from_bits(std::uint32_t{x} << 16); }
float as_bfloat16(float x) { return value(rounded(x)); }

i64 edges = 0;  // results that only just were, or were not, flushed

/// a·b + c for numbers in bfloat16 a and b: the exact sum, rounded to 24 bits, then flushed.
float fused(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);  // exact
  double sum = product + static_cast<double>(c);
  if (!std::isfinite(sum)) return static_cast<float>(sum);
  // Rounded to odd instead of to nearest, so that rounding again errs nowhere.
  const double back = sum - product;
  const double error = (product - (sum - back)) + (static_cast<double>(c) - back);
  std::int64_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  if (error != 0 && bits % 2 == 0) bits += (error > 0) == (sum > 0) ? 1 : -1;
  std::memcpy(&sum, &bits, sizeof sum);
  // Halfway between 2^-126 and the number with 24 bits below it.
  constexpr double kLeast = 0x1p-126 - 0x1p-151;
  if (std::fabs(sum) >= kLeast - 0x1p-150 && std::fabs(sum) < 0x1p-126) ++edges;
  return std::fabs(sum) < kLeast ? std::copysign(0.0f, static_cast<float>(sum))
                                 : static_cast<float>(sum);
}

float flushed_sum(float a, float b) { return fused(a, 1, b); }

enum class Kind { pairs, tiles };

/// Σ_k a(k)·b(k) over [begin, end). Of pairs the odd element comes first; +0 where an odd one is
/// missing. Of tiles the even and the odd ones of each 32 are sums of their own; +0 behind the end.
template <class A, class B>
float chain(Kind kind, i64 begin, i64 end, A a, B b) {
  float sum = 0;
  if (kind == Kind::tiles) {
    for (i64 first = begin; first < end; first += 32) {
      float part[2] = {0, 0};
      for (i64 k = first; k < first + 32; ++k) {
        float& own = part[(k - first) % 2];
        own = k < end ? fused(a(k), b(k), own) : fused(0, 0, own);
      }
      sum = flushed_sum(sum, flushed_sum(part[0], part[1]));
    }
    return sum;
  }
  for (i64 k = begin; k < end; k += 2) {
    sum = k + 1 < end ? fused(a(k + 1), b(k + 1), sum) : fused(0, 0, sum);
    sum = fused(a(k), b(k), sum);
  }
  return sum;
}

/// `count` sums joined pairwise: the earlier half of the largest power of two, then the rest.
template <class Sum>
float joined(i64 first, i64 count, Sum sum) {
  if (count <= 1) return sum(first);
  i64 half = 1;
  while (2 * half < count) half *= 2;
  return joined(first, half, sum) + joined(first + half, count - half, sum);
}

/// Groups of kShard samples of `each` rows, in shards of kShard rows.
template <class A, class B>
float over_samples(Kind kind, i64 rows, i64 each, A a, B b) {
  const i64 shards = (rows + kShard - 1) / kShard, groups = (shards + each - 1) / each;
  return joined(0, groups, [&](i64 group) {
    const i64 first = group * each;
    return joined(first, std::min(each, shards - first), [&](i64 shard) {
      return chain(kind, shard * kShard, std::min(rows, (shard + 1) * kShard), a, b);
    });
  });
}

// ---- matrices -----------------------------------------------------------------------------------

/// Rows with a gap behind them that holds NaN: reading it would show, writing it too.
struct Matrix {
  i64 rows, columns, ld;
  std::vector<float> of;
  Matrix(i64 r, i64 c, i64 gap)
      : rows(r),
        columns(c),
        ld(c + gap),
        of(static_cast<std::size_t>(r * ld + 1), std::numeric_limits<float>::quiet_NaN()) {}
  float* at(i64 r, i64 c) { return of.data() + r * ld + c; }
  float operator()(i64 r, i64 c) const { return of[static_cast<std::size_t>(r * ld + c)]; }
  template <class F>
  void fill(F f) {
    for (i64 r = 0; r < rows; ++r)
      for (i64 c = 0; c < columns; ++c) *at(r, c) = f(r, c);
  }
};

enum class Values { ordinary, special, tiny, edge };

float draw(Numbers& numbers, Values values) {
  const auto x = static_cast<float>(numbers.uniform(-2, 2));
  const std::uint64_t kind = numbers.bits() % 64;
  if (values == Values::ordinary) return x;
  if (values == Values::tiny || values == Values::edge) {
    // Products around 2^-126; or a few that are 2^-126, and many so small beside it that they move
    // it by about half a unit of its last place.
    const bool small = values == Values::edge && kind % 4 != 0;
    const int spread = values == Values::tiny ? 14 : small ? 2 : 0;
    const int exponent =
        (small ? -75 : -63) + static_cast<int>(numbers.bits() % 64) % (2 * spread + 1) - spread;
    const auto fraction = static_cast<float>(numbers.bits() % 4 == 0 ? numbers.bits() % 128 : 0);
    return std::ldexp(std::copysign(1.0f + fraction / 128.0f, x), exponent);
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float kinds[] = {0.0f,
                         -0.0f,
                         kInfinity,
                         -kInfinity,
                         std::numeric_limits<float>::quiet_NaN(),
                         -0x1p-126f,
                         0x1p-149f,
                         std::numeric_limits<float>::max()};
  if (kind < 8) return kinds[kind];
  if (kind < 30) return kind % 2 ? 0.0f : -0.0f;
  return kind < 50 ? x * 0x1p-126f : x;
}

struct Case {
  i64 B, I, O;
  i64 gap = 0;
  Values values = Values::ordinary;
  bool splits = false;
  i64 each = 1;  // rows of a sample
};

i64 even(i64 n) { return (n + 1) / 2 * 2; }

/// x as the kernels take it: rows filled up with +0 to a multiple of `grain`.
std::vector<Short> shortened(const Kernels<float>& kernels, Matrix& x, i64 ld, i64 grain) {
  std::vector<Short> y(static_cast<std::size_t>(x.rows * ld + 2), Short{0x7FC0});
  const i64 filled = (x.columns + grain - 1) / grain * grain;
  kernels.to_bfloat16(y.data(), x.of.data(), x.rows, x.columns, ld, x.ld, filled);
  return y;
}

/// x in tiles, made in two parts as threads would; nothing behind them is touched.
using ToTiles = void (*)(Short*, const float*, i64, i64, i64, i64);
std::vector<Short> tiled(ToTiles to_tiles, Matrix& x) {
  const i64 ld = mundur::tiles_stride(x.rows);
  const i64 size = ld * ((x.columns + 15) / 16);
  std::vector<Short> y(static_cast<std::size_t>(size + 64), Short{0x7FC0});
  const i64 first = std::min(x.rows, (x.rows + 63) / 64 * 32);
  to_tiles(y.data(), x.of.data(), first, x.columns, ld, x.ld);
  to_tiles(y.data() + first / 32 * 512, x.at(first, 0), x.rows - first, x.columns, ld, x.ld);
  CHECK(std::count(y.begin() + size, y.end(), Short{0x7FC0}) == 64);
  return y;
}

void compare(const Matrix& got, const Matrix& want, const char* what) {
  const std::string kept = check::context;
  check::context += what;
  CHECK(check::same_bits(got.of, want.of));
  check::context = kept;
}

void test_case(Kind kind, const Case& c, Numbers& numbers) {
  Matrix x(c.B, c.I, c.gap), w(c.I, c.O, c.gap), dy(c.B, c.O, c.gap), bias(1, c.O, 0);
  for (Matrix* m : {&x, &w, &dy, &bias}) m->fill([&](i64, i64) { return draw(numbers, c.values); });
  const auto b16 = [](const Matrix& m) {
    Matrix r = m;
    r.fill([&](i64 i, i64 j) { return as_bfloat16(m(i, j)); });
    return r;
  };
  const Matrix x16 = b16(x), w16 = b16(w), dy16 = b16(dy);

  Matrix y(c.B, c.O, c.gap), y_relu = y, dx(c.B, c.I, c.gap), dw(c.I, c.O, c.gap);
  y.fill([&](i64 b, i64 o) {
    return chain(kind, 0, c.I, [&](i64 i) { return x16(b, i); }, [&](i64 i) { return w16(i, o); });
  });
  y_relu.fill([&](i64 b, i64 o) {
    const float z = y(b, o) + bias(0, o);
    return z > 0 ? z : std::isnan(z) ? z : 0.0f;
  });
  dx.fill([&](i64 b, i64 i) {
    return chain(kind, 0, c.O, [&](i64 o) { return dy16(b, o); }, [&](i64 o) { return w16(i, o); });
  });
  dw.fill([&](i64 i, i64 o) {
    return over_samples(
        kind, c.B, c.each, [&](i64 b) { return x16(b, i); }, [&](i64 b) { return dy16(b, o); });
  });

  for (mundur::Isa isa : mundur::available_isas()) {
    const Kernels<float>& kernels = mundur::kernels<float>(isa);
    check::context = std::string(name_of(isa)) + (kind == Kind::pairs ? " pairs" : " tiles") +
                     " B=" + std::to_string(c.B) + " I=" + std::to_string(c.I) +
                     " O=" + std::to_string(c.O) + " gap=" + std::to_string(c.gap) +
                     " values=" + std::to_string(static_cast<int>(c.values)) + " ";
    const bool is_tiles = kind == Kind::tiles;
    const auto& products = is_tiles ? kernels.tiles : kernels.pairs;
    const i64 size = products.scratch_of(c.B, c.O, c.I, kernels.l2_bytes);
    constexpr std::size_t kBehind = 64;
    constexpr float kCanary = 7.0F;
    std::vector<float> scratch(static_cast<std::size_t>(size), 0.0F);
    scratch.insert(scratch.end(), kBehind, kCanary);
    const i64 grain = is_tiles ? 32 : 2;
    const auto stride = [&](i64 n) { return (n + grain - 1) / grain * grain + grain * c.gap; };
    const i64 ldx = stride(c.I), ldy = stride(c.O);
    const auto xs = shortened(kernels, x, ldx, grain), dys = shortened(kernels, dy, ldy, grain);
    const auto left = is_tiles ? tiled(kernels.to_left, x) : xs;
    const auto right = is_tiles ? tiled(kernels.to_right, dy) : dys;
    const i64 ld_tiles = mundur::tiles_stride(c.B);
    // Calls part(row, rows, column, columns) over pieces, as threads would share them.
    const auto split = [](i64 rows, i64 columns, i64 high, i64 wide, auto part) {
      for (i64 r = 0; r < rows; r += high)
        for (i64 k = 0; k < columns; k += wide)
          part(r, std::min(high, rows - r), k, std::min(wide, columns - k));
    };
    const i64 whole = 1 << 30;
    std::vector<std::pair<i64, i64>> pieces = {{whole, whole}};
    if (c.splits) pieces.insert(pieces.end(), {{1, whole}, {whole, kernels.column_grain}, {5, 19}});
    for (const auto& [high, wide] : pieces) {
      Matrix out(c.B, c.O, c.gap);
      const auto forward = [&](const float* with, Function f) {
        split(c.B, c.O, high, wide, [&](i64 r, i64 rows, i64 k, i64 columns) {
          products.product({{out.at(r, k), out.ld},
                            {xs.data() + r * ldx, ldx},
                            {w.at(0, k), w.ld},
                            rows,
                            columns,
                            c.I,
                            scratch.data(),
                            with ? with + k : with,
                            f});
        });
      };
      forward(nullptr, Function::linear);
      compare(out, y, "product");
      forward(bias.of.data(), Function::relu);
      compare(out, y_relu, "product with bias and relu");
      for (Function f : {Function::sigmoid, Function::tanh}) {
        forward(bias.of.data(), f);
        Matrix want(c.B, c.O, c.gap);
        want.fill([&](i64 b, i64 o) { return y(b, o) + bias(0, o); });
        for (i64 b = 0; b < c.B; ++b) kernels.activation(want.at(b, 0), want.at(b, 0), c.O, f);
        compare(out, want, "product with tanh or sigmoid");
      }

      out = Matrix(c.B, c.I, c.gap);
      split(c.B, c.I, high, wide, [&](i64 r, i64 rows, i64 k, i64 columns) {
        products.product_dx({{out.at(r, k), out.ld},
                             {dys.data() + r * ldy, ldy},
                             {w.at(k, 0), w.ld},
                             rows,
                             columns,
                             c.O,
                             scratch.data()});
      });
      compare(out, dx, "product_dx");

      out = Matrix(c.I, c.O, c.gap);
      // Parts begin with a tile.
      const auto whole_tiles = [&](i64 n) { return is_tiles ? (n + 15) / 16 * 16 : n; };
      split(c.I, c.O, whole_tiles(high), whole_tiles(wide),
            [&](i64 r, i64 rows, i64 k, i64 columns) {
              products.product_dw(
                  {{out.at(r, k), out.ld},
                   {left.data() + (is_tiles ? r / 16 * ld_tiles : r), is_tiles ? ld_tiles : ldx},
                   {right.data() + (is_tiles ? k / 16 * ld_tiles : k), is_tiles ? ld_tiles : ldy},
                   rows,
                   columns,
                   {c.B, c.each},
                   scratch.data()});
            });
      compare(out, dw, "product_dw");
    }
    CHECK(std::count(scratch.begin() + size, scratch.end(), kCanary) == kBehind);
  }
}

/// Every upper half with lower halves at the edges of rounding, in rows of every length's parity.
void test_rounding() {
  std::vector<float> x;
  for (std::uint32_t upper = 0; upper < 1u << 16; ++upper) {
    for (std::uint32_t lower : {0x0u, 0x1u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu})
      x.push_back(from_bits(upper << 16 | lower));
  }
  for (i64 columns : {1, 2, 7, 16, 31, 33, 100}) {
    const i64 rows = static_cast<i64>(x.size()) / columns, ld = even(columns) + 2;
    for (mundur::Isa isa : mundur::available_isas()) {
      check::context = "rounding, " + std::string(name_of(isa));
      std::vector<Short> y(static_cast<std::size_t>(rows * ld), Short{77});
      mundur::kernels<float>(isa).to_bfloat16(y.data(), x.data(), rows, columns, ld, columns,
                                              even(columns));
      bool right = true;
      for (i64 r = 0; r < rows; ++r) {
        const Short* row = y.data() + r * ld;
        for (i64 c = 0; c < columns; ++c) {
          const float from = x[static_cast<std::size_t>(r * columns + c)];
          right = right && check::same_bits(value(row[c]), as_bfloat16(from));
        }
        for (i64 c = columns; c < even(columns); ++c) right = right && row[c] == 0;
        for (i64 c = even(columns); c < ld; ++c) right = right && row[c] == 77;
      }
      CHECK(right);
    }
  }
}

void test_all(Kind kind) {
  Numbers numbers(1);
  const auto test = [&](const Case& c) { test_case(kind, c, numbers); };
  // Every small size: single tiles and their edges; inner extents of both parities.
  grid({0, 1, 2, 3, 6, 7, 8, 9, 13, 17}, {0, 1, 2, 5, 16, 31, 33}, {0, 1, 2, 3, 8, 15, 16, 17},
       [&](i64 B, i64 I, i64 O) { test({B, I, O, (B + I + O) % 3}); });
  for (i64 n = 1; n <= 110; n += n < 50 ? 1 : 7) {
    test({9, 3, n, n % 2});
    test({n, 5, 17, n % 3});
    test({3, n, 6, 1});
  }
  // Blocks of depth; shards, their groups and their trees.
  for (i64 n : {255, 256, 257, 511, 513, 769, 1023, 1024, 1025, 1285, 2047, 2049, 2561}) {
    test({10, n, 18, n % 2});
    test({10, 18, n, n % 2});
    test({n, 10, 18, n % 2});
  }
  test({9000, 9, 50});
  test({3, 9000, 40});
  test({3, 20, 9000});
  for (i64 each : {2, 3, 4, 5, 9}) {
    for (i64 samples : {200, 256, 257, 800}) {
      test({samples * each, 5, 50, 0, Values::ordinary, false, each});
    }
  }
  // Sums over samples so large that they are made in several blocks; blocks of rows.
  test({1300, 300, kSparse ? 20 : 130, 1});
  test({600, 40, 50, 1, Values::ordinary, true});
  test({5, 700, 60, 0});
  // As threads would share them.
  grid({1, 12, 300}, {3, 50}, {1, 10, 100},
       [&](i64 B, i64 I, i64 O) { test({B, I, O, 1, Values::ordinary, true}); });
  // Signed zeros, infinities, NaNs and subnormal numbers; then results around the smallest normal
  // number, and next to it.
  for (Values values : {Values::special, Values::tiny}) {
    grid({1, 9, 40, 600}, {1, 4, 20, 33}, {2, 17, 70},
         [&](i64 B, i64 I, i64 O) { test({B, I, O, 1, values, B < 40}); });
  }
  edges = 0;
  for (int n = 0; n < (kSparse ? 4 : 40); ++n) test({150, 4, 150, 0, Values::edge});
  check::context = "results next to 2^-126";
  CHECK(edges > (kSparse ? 500 : 10000));
}

}  // namespace

int main() {
  test_rounding();
  test_all(Kind::pairs);
  test_all(Kind::tiles);
  return check::result();
}

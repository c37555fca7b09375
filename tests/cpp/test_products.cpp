// The products' bits: every instruction set against a naive loop of the same rule, over sizes
// around the edges of every tile, strides, splits and special values.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "cpu/kernels/table.h"
#include "grid.h"
#include "mundur/runtime.h"

namespace {

using check::grid;
using check::kSparse;
using mundur::Function;
using mundur::Isa;
using mundur::Kernels;
using mundur::kShard;
using i64 = std::int64_t;

int failures = 0;
i64 checks = 0;

void fail(const std::string& what) {
  if (++failures <= 20) std::printf("FAILED: %s\n", what.c_str());
}

float fused(float a, float b, float c) { return std::fma(a, b, c); }
double fused(double a, double b, double c) { return std::fma(a, b, c); }

/// A matrix with room between its rows that holds NaN: reading it would show, writing it too.
template <class T>
struct Matrix {
  i64 rows, columns, ld;
  std::vector<T> storage;
  i64 offset;

  Matrix(i64 r, i64 c, i64 gap, i64 shift = 0) : rows(r), columns(c), ld(c + gap), offset(shift) {
    storage.assign(static_cast<std::size_t>(offset + rows * ld + 1),
                   std::numeric_limits<T>::quiet_NaN());
  }
  T* data() { return storage.data() + offset; }
  const T* data() const { return storage.data() + offset; }
  T& at(i64 r, i64 c) { return storage[static_cast<std::size_t>(offset + r * ld + c)]; }
  const T& at(i64 r, i64 c) const { return storage[static_cast<std::size_t>(offset + r * ld + c)]; }
  mundur::Matrix<T> from(i64 r, i64 c) { return {&at(r, c), ld}; }
  mundur::Matrix<const T> from(i64 r, i64 c) const { return {&at(r, c), ld}; }
};

enum class Values { ordinary, special };

template <class T>
void fill(Matrix<T>& m, std::mt19937& random, Values values) {
  std::normal_distribution<double> normal;
  for (i64 r = 0; r < m.rows; ++r) {
    for (i64 c = 0; c < m.columns; ++c) {
      T value = static_cast<T>(normal(random));
      if (values == Values::special) {
        const T kinds[] = {T(0),
                           -T(0),
                           std::numeric_limits<T>::infinity(),
                           -std::numeric_limits<T>::infinity(),
                           std::numeric_limits<T>::quiet_NaN(),
                           -std::numeric_limits<T>::min(),
                           std::numeric_limits<T>::denorm_min(),
                           std::numeric_limits<T>::max()};
        // Mostly zeros and tiny numbers, so that not everything ends as NaN.
        const unsigned draw = random() % 64;
        if (draw < 8)
          value = kinds[draw];
        else if (draw < 30)
          value = draw % 2 ? T(0) : -T(0);
        else if (draw < 50)
          value *= std::numeric_limits<T>::min();
      }
      m.at(r, c) = value;
    }
  }
}

template <class T>
bool same(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <class T>
void compare(const Matrix<T>& got, const Matrix<T>& want, const std::string& what) {
  ++checks;
  for (i64 r = 0; r < want.rows; ++r) {
    for (i64 c = 0; c < want.ld; ++c) {
      if (r == want.rows - 1 && c >= want.columns) break;
      if (!same(got.at(r, c), want.at(r, c))) {
        return fail(what + " at (" + std::to_string(r) + ", " + std::to_string(c) + "): " +
                    std::to_string(got.at(r, c)) + ", expected " + std::to_string(want.at(r, c)));
      }
    }
  }
}

// ---- the rules, as loops ------------------------------------------------------------------------

/// Σ_k a(k)·b(k): one chain, or 16 lanes joined by their tree.
template <class T, class A, class B>
T inner(i64 depth, bool lanes, A a, B b) {
  if (!lanes) {
    T sum = 0;
    for (i64 k = 0; k < depth; ++k) sum = fused(a(k), b(k), sum);
    return sum;
  }
  T lane[16] = {};
  for (i64 k = 0; k < depth; ++k) lane[k % 16] = fused(a(k), b(k), lane[k % 16]);
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lane[i] = lane[i] + lane[i + half];
  }
  return lane[0];
}

/// Shards joined as a binary counter counts.
template <class T, class Add>
T over_samples(i64 samples, Add add) {
  struct Sum {
    T value;
    int rank;
  };
  std::vector<Sum> waiting;
  i64 begin = 0;
  do {
    T sum = 0;
    for (i64 b = begin; b < std::min(samples, begin + kShard); ++b) sum = add(sum, b);
    begin += kShard;
    int rank = 0;
    while (!waiting.empty() && waiting.back().rank == rank) {
      sum = waiting.back().value + sum;
      waiting.pop_back();
      ++rank;
    }
    waiting.push_back({sum, rank});
  } while (begin < samples);
  T sum = waiting.back().value;
  waiting.pop_back();
  for (; !waiting.empty(); waiting.pop_back()) sum = waiting.back().value + sum;
  return sum;
}

enum Forms : unsigned { kForward = 1, kDx = 2, kDw = 4, kAll = 7 };

struct Case {
  i64 B, I, O;
  i64 gap = 0;
  i64 shift = 0;
  Values values = Values::ordinary;
  unsigned forms = kAll;
};

std::string named(const char* form, const Case& c, Isa isa, std::size_t size) {
  return std::string(form) + (size == 4 ? " float " : " double ") +
         std::string(mundur::name_of(isa)) + " B=" + std::to_string(c.B) +
         " I=" + std::to_string(c.I) + " O=" + std::to_string(c.O) +
         " gap=" + std::to_string(c.gap) + " shift=" + std::to_string(c.shift) +
         (c.values == Values::special ? " special" : "");
}

template <class T>
struct AlignedScratch {
  std::vector<T> storage;
  T* get(i64 size) {
    storage.resize(static_cast<std::size_t>(size + 64));
    const auto address = reinterpret_cast<std::uintptr_t>(storage.data());
    return storage.data() + (64 - address % 64) % 64 / sizeof(T);
  }
};

/// Calls part(row, rows, column, columns) over a split of a matrix, as threads would share it.
template <class Part>
void split(i64 rows, i64 columns, i64 row_piece, i64 column_piece, Part part) {
  for (i64 r = 0; r < rows; r += row_piece) {
    for (i64 c = 0; c < columns; c += column_piece)
      part(r, std::min(row_piece, rows - r), c, std::min(column_piece, columns - c));
  }
}

/// The operands of one case, and how every instruction set is called with them.
template <class T>
struct Operands {
  const Case& c;
  Matrix<T> x, w, dy, bias;
  i64 whole = std::numeric_limits<int>::max();

  Operands(const Case& made, std::mt19937& random)
      : c(made),
        x(c.B, c.I, c.gap, c.shift),
        w(c.I, c.O, c.gap, c.shift),
        dy(c.B, c.O, c.gap, c.shift),
        bias(1, c.O, 0, c.shift) {
    for (Matrix<T>* m : {&x, &w, &dy, &bias}) fill(*m, random, c.values);
  }
  Matrix<T> fresh(i64 rows, i64 columns) const { return {rows, columns, c.gap, c.shift}; }

  /// call(kernels, scratch, name of a form) for each instruction set; and for caches so small that
  /// blocks end where they never would, and all of the paths are taken.
  template <class Call>
  void everywhere(Call call) const {
    for (Isa isa : mundur::available_isas()) {
      Kernels<T> kernels = mundur::kernels<T>(isa);
      call_with(kernels, kernels.scratch_of(c.B, c.O + c.gap, c.I + c.gap, kernels.l2_bytes), call);
      if (isa == Isa::generic && c.B * c.I * c.O > 100'000) continue;
      for (i64 l2 : {i64{1} << 10, i64{50'000}}) {
        kernels.l2_bytes = l2;
        call_with(kernels, kernels.scratch, call);
      }
    }
  }
  template <class Call>
  void call_with(const Kernels<T>& kernels, i64 size, Call call) const {
    static AlignedScratch<T> memory;  // megabytes, too many to clear for each case
    constexpr i64 kBehind = 64;
    const T canary = T(7);
    T* const scratch = memory.get(size + kBehind);
    std::fill_n(scratch + size, kBehind, canary);
    const auto name = [&](const char* form) {
      return named(form, c, kernels.isa, sizeof(T)) + " L2 " + std::to_string(kernels.l2_bytes);
    };
    call(kernels, scratch, name);
    if (size > kernels.scratch ||
        std::count(scratch + size, scratch + size + kBehind, canary) != kBehind) {
      fail(name("scratch that was asked for") + ": not enough");
    }
  }
  /// call(rows, columns) for pieces as threads would share a result out, if `splits`.
  template <class Call>
  void in_parts(const Kernels<T>& kernels, bool splits, Call call) const {
    if (!splits) return;
    const i64 grain = kernels.column_grain;
    call(i64{1}, whole);
    call(whole, grain);
    call(i64{5}, grain + 3);
  }
};

template <class T>
void test_forward(const Operands<T>& operands, bool splits) {
  const auto& [c, x, w, dy, bias, whole] = operands;
  Matrix<T> y = operands.fresh(c.B, c.O), y_bias = y, y_relu = y;
  const bool lanes = mundur::uses_lanes(c.I, c.O);
  for (i64 b = 0; b < c.B; ++b) {
    for (i64 o = 0; o < c.O; ++o) {
      const T sum = inner<T>(
          c.I, lanes, [&](i64 i) { return x.at(b, i); }, [&](i64 i) { return w.at(i, o); });
      const T z = sum + bias.at(0, o);
      y.at(b, o) = sum;
      y_bias.at(b, o) = z;
      y_relu.at(b, o) = z > 0 ? z : std::isnan(z) ? z : T(0);
    }
  }
  operands.everywhere([&](const Kernels<T>& kernels, T* scratch, const auto& name) {
    const auto test = [&](const T* with, Function f, const Matrix<T>& want, const char* what,
                          i64 rows, i64 columns) {
      Matrix<T> out = operands.fresh(c.B, c.O);
      split(c.B, c.O, rows, columns, [&](i64 r, i64 nr, i64 o, i64 no) {
        mundur::Product<T> p{out.from(r, o), x.from(r, 0), w.from(0, o), nr, no, c.I, scratch};
        p.bias = with ? with + o : nullptr;
        p.f = f;
        p.lanes = lanes;
        p.l2_bytes = kernels.l2_bytes;
        kernels.product(p);
      });
      compare(out, want, name(what));
    };
    test(bias.data(), Function::relu, y_relu, "product with relu", whole, whole);
    operands.in_parts(kernels, splits, [&](i64 rows, i64 columns) {
      test(bias.data(), Function::linear, y_bias, "product in parts", rows, columns);
    });
    if (c.B * c.I * c.O > 100'000) return;  // what comes behind the sums knows no depth
    test(nullptr, Function::linear, y, "product", whole, whole);
    test(bias.data(), Function::linear, y_bias, "product with bias", whole, whole);
    for (Function f : {Function::sigmoid, Function::tanh}) {
      Matrix<T> want = y_bias;
      for (i64 b = 0; b < c.B; ++b)
        kernels.activation(want.data() + b * want.ld, want.data() + b * want.ld, c.O, f);
      test(bias.data(), f, want, f == Function::tanh ? "product, tanh" : "product, sigmoid", whole,
           whole);
    }
  });
}

/// Panels made in two parts, of w for x·w + bias and of wᵀ for dy·wᵀ; each from 0, and onto what y
/// holds.
template <class T>
void test_panels(const Operands<T>& operands) {
  const auto& [c, x, w, dy, bias, whole] = operands;
  const bool is_transposed = c.B % 2 == 1;
  const Matrix<T>& a = is_transposed ? dy : x;
  const i64 depth = is_transposed ? c.O : c.I, columns = is_transposed ? c.I : c.O;
  const T* with = is_transposed ? nullptr : bias.data();
  Matrix<T> before = operands.fresh(c.B, columns), from_0 = before, onto = before;
  std::mt19937 random(static_cast<unsigned>(c.B + columns));
  fill(before, random, c.values);
  for (i64 b = 0; b < c.B; ++b) {
    for (i64 o = 0; o < columns; ++o) {
      const auto chain = [&](T sum) {
        for (i64 k = 0; k < depth; ++k)
          sum = fused(a.at(b, k), is_transposed ? w.at(o, k) : w.at(k, o), sum);
        return with ? sum + with[o] : sum;
      };
      from_0.at(b, o) = chain(T(0));
      onto.at(b, o) = chain(before.at(b, o));
    }
  }
  operands.everywhere([&](const Kernels<T>& kernels, T*, const auto& name) {
    static AlignedScratch<T> memory;
    const i64 size = mundur::panels_size(depth, columns);
    T* const panels = memory.get(size);
    for (i64 most : {std::max(c.B, i64{1}), c.B + 1, c.B + 7}) {
      std::fill_n(panels, size, std::numeric_limits<T>::quiet_NaN());
      const i64 half = depth / 2;
      for (const auto& [k, rows] : {std::pair{i64{0}, half}, std::pair{half, depth - half}}) {
        kernels.pack(panels, {w.data(), w.ld}, depth, columns, is_transposed, k, rows, most);
      }
      for (bool goes_on : {false, true}) {
        Matrix<T> out = before;
        kernels.product_panels({out.data(), out.ld}, {a.data(), a.ld}, panels, with, c.B, columns,
                               depth, most, goes_on);
        compare(out, goes_on ? onto : from_0, name(goes_on ? "panels, onto" : "panels"));
      }
    }
  });
}

template <class T>
void test_dx(const Operands<T>& operands, bool splits) {
  const auto& [c, x, w, dy, bias, whole] = operands;
  Matrix<T> dx = operands.fresh(c.B, c.I);
  const bool lanes = mundur::uses_lanes(c.O, c.I);
  for (i64 b = 0; b < c.B; ++b) {
    for (i64 i = 0; i < c.I; ++i) {
      dx.at(b, i) = inner<T>(
          c.O, lanes, [&](i64 o) { return dy.at(b, o); }, [&](i64 o) { return w.at(i, o); });
    }
  }
  operands.everywhere([&](const Kernels<T>& kernels, T* scratch, const auto& name) {
    const auto test = [&](const char* what, i64 rows, i64 columns) {
      Matrix<T> out = operands.fresh(c.B, c.I);
      split(c.B, c.I, rows, columns, [&](i64 r, i64 nr, i64 i, i64 ni) {
        mundur::Product<T> p{out.from(r, i), dy.from(r, 0), w.from(i, 0), nr, ni, c.O, scratch};
        p.lanes = lanes;
        p.l2_bytes = kernels.l2_bytes;
        kernels.product_dx(p);
      });
      compare(out, dx, name(what));
    };
    test("product_dx", whole, whole);
    operands.in_parts(kernels, splits,
                      [&](i64 rows, i64 columns) { test("product_dx in parts", rows, columns); });
  });
}

template <class T>
void test_dw(const Operands<T>& operands, bool splits) {
  const auto& [c, x, w, dy, bias, whole] = operands;
  Matrix<T> dw = operands.fresh(c.I, c.O), db(1, c.O, 0, c.shift);
  for (i64 o = 0; o < c.O; ++o) {
    for (i64 i = 0; i < c.I; ++i) {
      dw.at(i, o) =
          over_samples<T>(c.B, [&](T sum, i64 b) { return fused(x.at(b, i), dy.at(b, o), sum); });
    }
    db.at(0, o) = over_samples<T>(c.B, [&](T sum, i64 b) { return sum + dy.at(b, o); });
  }
  operands.everywhere([&](const Kernels<T>& kernels, T* scratch, const auto& name) {
    const auto test = [&](const char* what, i64 rows, i64 columns) {
      Matrix<T> out = operands.fresh(c.I, c.O);
      split(c.I, c.O, rows, columns, [&](i64 i, i64 ni, i64 o, i64 no) {
        mundur::SampleProduct<T> p{out.from(i, o), x.from(0, i), dy.from(0, o), ni, no,
                                   {c.B},          scratch};
        p.l2_bytes = kernels.l2_bytes;
        kernels.product_dw(p);
      });
      compare(out, dw, name(what));
    };
    test("product_dw", whole, whole);
    operands.in_parts(kernels, splits,
                      [&](i64 rows, i64 columns) { test("product_dw in parts", rows, columns); });
    Matrix<T> out(1, c.O, 0, c.shift);
    kernels.sum_rows(out.data(), dy.data(), c.O, c.B, 1, dy.ld);
    compare(out, db, name("sum_rows"));
  });
}

template <class T>
void test_case(const Case& c, std::mt19937& random, bool splits = false) {
  const Operands<T> operands(c, random);
  if (c.forms & kForward) test_forward(operands, splits);
  if (c.forms & kForward) test_panels(operands);
  if (c.forms & kDx) test_dx(operands, splits);
  if (c.forms & kDw) test_dw(operands, splits);
}

// ---- sizes ------------------------------------------------------------------------------------

/// Each edge, its neighbours, and 1; sorted.
std::vector<i64> around(std::vector<i64> edges) {
  std::vector<i64> sizes = {1};
  for (i64 edge : edges) {
    for (i64 size : {edge - 1, edge, edge + 1}) sizes.push_back(size);
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

/// Results of every number of rows and columns around the edges of tiles, in all three forms, with
/// an inner extent around the 16 lanes, their threshold and a shard of samples.
template <class T>
void test_tiles(std::mt19937& random) {
  const std::vector<i64> rows = around({4, 6, 8, 12, 14, 16, 24});
  // One to eight registers of any width, three times AVX-512's.
  std::vector<i64> edges = {4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
  for (Isa isa : mundur::available_isas()) {
    edges.push_back(mundur::kernels<T>(isa).column_grain);
  }
  const std::vector<i64> columns = around(edges);
  const std::vector<i64> depths = {0, 1, 15, 16, 17, 31, 32, 33};
  std::size_t next = 0;
  grid(rows, columns, {0, 1}, [&](i64 r, i64 c, i64) {
    const i64 k = depths[next++ % depths.size()], gap = (r + c) % 3, shift = k % 2;
    test_case<T>({r, k, c, gap, shift, Values::ordinary, kForward}, random);
    test_case<T>({r, c, k, gap, shift, Values::ordinary, kDx}, random);
    test_case<T>({k, r, c, gap, shift, Values::ordinary, kDw}, random);
  });
}

template <class T>
void test_all() {
  std::mt19937 random(1);
  const auto test = [&](const Case& c, bool splits = false) { test_case<T>(c, random, splits); };
  const auto only = [&](unsigned forms, i64 B, i64 I, i64 O) {
    test({B, I, O, 0, 0, Values::ordinary, forms});
  };
  test_tiles<T>(random);

  // Every small size: single tiles, their edges and their neighbours.
  grid({0, 1, 2, 3, 5, 6, 7, 8, 9, 13, 16, 17, 25}, {0, 1, 2, 7, 16, 31, 32, 35},
       {0, 1, 2, 4, 5, 8, 10, 16, 17},
       [&](i64 B, i64 I, i64 O) { test({B, I, O, (B + I + O) % 3, (B + O) % 2}); });
  // Every number of columns up to several tiles, and of rows.
  for (i64 n = 1; n <= 130; ++n) {
    test({9, 3, n, n % 2, n % 3});
    test({n, 5, 17, n % 3, n % 2});
    test({3, n, 6, 1, 0});
  }
  // Blocks of depth and their edges; shards and their trees.
  std::vector<i64> depths = {255, 256, 257, 513, 799, 800, 801, 1285};
  if (!kSparse) depths.insert(depths.end(), {511, 512, 769, 1024, 1601, 1800});
  for (i64 n : depths) {
    test({20, n, 18, n % 2});
    test({20, 18, n, n % 2});
    test({n, 20, 18, n % 2});
    test({n, 40, 1});
    test({n, 3, 10});
    test({1, n, 3});
    test({40, n, 2, 1});
    test({40, 2, n, 1});
  }
  // Strides of a multiple of 4096 bytes, blocks of rows and columns.
  only(kForward, kSparse ? 17 : 40, 1024, 200);
  only(kDx, 300, 70, 1024);
  only(kForward | kDx, kSparse ? 9 : 20, 1024, 1024);
  only(kDw, 40, 1024, 70);
  only(kDw, 300, 70, 1024);
  test({530, 66, kSparse ? 50 : 130, 2}, true);
  // Sums of so many shards, so wide, that they are made in several blocks of columns.
  only(kDw, 1300, 140, 1000);
  // As threads would share them.
  grid({1, 12, 40, 300}, {3, 50, 70}, {1, 3, 10, 100},
       [&](i64 B, i64 I, i64 O) { test({B, I, O, 1}, true); });
  // Signed zeros, subnormals, infinities, NaNs.
  grid({1, 2, 9, 20, 600}, {1, 3, 20, 33, 50}, {1, 2, 17, 40, 70},
       [&](i64 B, i64 I, i64 O) { test({B, I, O, 1, 0, Values::special}, B < 100); });
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  std::string isas;
  for (Isa isa : mundur::available_isas()) isas += " " + std::string(mundur::name_of(isa));
  std::printf("%lld comparisons over%s: %d failed\n", static_cast<long long>(checks), isas.c_str(),
              failures);
  return failures == 0 ? 0 : 1;
}

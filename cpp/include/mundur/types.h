#pragma once

#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace mundur {

/// The extents of one sample, without the batch: {784}, {28, 28}, {200, 64}.
using Shape = std::vector<std::int64_t>;

inline std::int64_t size_of(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1},
                         [](std::int64_t a, std::int64_t b) { return a * b; });
}

/// As Python writes it: "(28, 28)", "(784,)".
std::string text_of(const Shape& shape);

/// Samples in one group of a sum over samples, and rows of them in one chain.
inline constexpr std::int64_t kShard = 256;

/// Elements of a parameter whose squares, or absolute values, one sum of 16 virtual lanes takes.
/// The sums of its pieces are added up in order.
inline constexpr std::int64_t kPiece = 4096;
constexpr std::int64_t pieces_of(std::int64_t size) { return (size + kPiece - 1) / kPiece; }

/// Whether a product's inner sums run over 16 virtual lanes instead of one chain: too few columns
/// would starve the vector units. Depends on the inner extent and the columns of the whole product,
/// never on the rows.
constexpr bool uses_lanes(std::int64_t inner, std::int64_t columns) {
  return columns <= 4 && inner >= 32;
}

/// A part of [0, n).
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  constexpr std::int64_t size() const { return end - begin; }
  bool empty() const { return end <= begin; }
  bool operator==(const Range&) const = default;
};

/// A part of the loss, l1·Σ|w| + l2·Σw².
struct Penalty {
  double l1 = 0.0;
  double l2 = 0.0;
  bool shared = false;  // among the samples of each batch: divided by their number
  bool any() const { return l1 != 0.0 || l2 != 0.0; }
  /// What it is for a batch.
  Penalty over(std::int64_t samples) const {
    if (!shared) return *this;
    return {l1 / static_cast<double>(samples), l2 / static_cast<double>(samples)};
  }
};

/// What holds for a parameter after each update.
struct Constraint {
  enum class Kind { none, non_negative, norms };
  Kind kind = Kind::none;
  // Norms along `axes`, a bit for each, in [least, most], or, with a rate below 1, by so much
  // closer to it.
  std::uint32_t axes = 1;
  double least = 0.0;
  double most = 0.0;
  double rate = 1.0;
};

/// The activations of one element, by name, with the struct in cpu/kernels/formulas that computes
/// each. Those of the first list have a derivative written through y = f(x): products apply them,
/// and backward needs nothing but y. Softmax acts on a row and is no member.
#define MUNDUR_FUNCTIONS(X) X(linear, Linear) X(relu, Relu) X(sigmoid, Sigmoid) X(tanh, Tanh)
/// Those of the second have one written through x. Parameters p:
/// rectifier: x > p[1] ? min(x, p[2]) : p[0]·(x - p[1]), where a slope p[0] of 0 gives +0
/// elu: x < 0 ? p[0]·(e^x - 1) : x
/// selu: p[1] times the elu of p[0]
/// gelu: x·(1 + erf(x/√2)) / 2
/// gelu_tanh: x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2
/// silu: x·sigmoid(x)
/// softplus: log(1 + e^x)
/// softsign: x / (1 + |x|)
/// mish: x·tanh(softplus(x))
/// hard_sigmoid: min(max(x + 3, 0), 6) / 6
/// hard_silu: x·hard_sigmoid(x)
/// exponential: e^x
#define MUNDUR_CURVES(X)       \
  X(rectifier, Rectifier)      \
  X(elu, Elu)                  \
  X(selu, Selu)                \
  X(gelu, Gelu)                \
  X(gelu_tanh, GeluTanh)       \
  X(silu, Silu)                \
  X(softplus, Softplus)        \
  X(softsign, Softsign)        \
  X(mish, Mish)                \
  X(hard_sigmoid, HardSigmoid) \
  X(hard_silu, HardSilu)       \
  X(exponential, Exponential)

#define MUNDUR_NAME(name, Struct) name,
enum class Function : int { MUNDUR_FUNCTIONS(MUNDUR_NAME) };
enum class Curve : int { MUNDUR_CURVES(MUNDUR_NAME) };
/// All of them, and those that act on a row or are the caller's.
enum class Activation : int {
  MUNDUR_FUNCTIONS(MUNDUR_NAME) softmax,
  log_softmax,
  MUNDUR_CURVES(MUNDUR_NAME) custom
};
#undef MUNDUR_NAME
inline constexpr int kCurveParameters = 3;

/// What a recurrent layer does between the products of a step: see cpu/kernels/table.h.
/// `gru_before` has its reset gate in front of a product, `gru` behind it.
enum class Cell : int { simple_rnn, lstm, gru, gru_before };

/// What products compute with: numbers of the parameters' own type, or those rounded to bfloat16
/// (float32 parameters only; sums stay float32), of two kinds: see cpu/kernels/table.h.
enum class Compute : int { own, bfloat16, bfloat16_pairs };

inline std::string_view name_of(Compute compute) {
  constexpr std::string_view kNames[] = {"own", "bfloat16", "bfloat16_pairs"};
  return kNames[static_cast<int>(compute)];
}

/// One byte, true unless it is 0; the bits of a float16.
struct Boolean {
  std::uint8_t byte;
};
struct Half {
  std::uint16_t bits;
};

/// What a caller's array may hold. Parameters are float32 or float64 only.
#define MUNDUR_ELEMENTS(X) \
  X(boolean, Boolean)      \
  X(int8, std::int8_t)     \
  X(uint8, std::uint8_t)   \
  X(int16, std::int16_t)   \
  X(uint16, std::uint16_t) \
  X(int32, std::int32_t)   \
  X(uint32, std::uint32_t) \
  X(int64, std::int64_t)   \
  X(uint64, std::uint64_t) \
  X(float16, Half)         \
  X(float32, float)        \
  X(float64, double)
#define MUNDUR_NAME(name, Type) name,
enum class ElementType : int { MUNDUR_ELEMENTS(MUNDUR_NAME) };
#undef MUNDUR_NAME

/// The numbers that some losses take.
struct LossNumbers {
  double delta = 1.0;            // huber: from where on it is a line
  double label_smoothing = 0.0;  // binary, categorical cross-entropy: y (1 - s) + s / classes
  double gamma = 0.0;            // focal: the power of what is wrong with an answer
  double positive = 1.0, negative = 1.0;  // focal: factors of targets 1 and 0
  bool operator==(const LossNumbers&) const = default;
};

/// avx512bf16 is avx512 with the instructions of AVX512_BF16 for products in bfloat16_pairs, amx is
/// that with tiles for products in bfloat16.
enum class Isa : int { generic, avx2, avx512, avx512bf16, amx, neon };
inline constexpr int kIsas = 6;

inline std::string_view name_of(Isa isa) {
  constexpr std::string_view kNames[] = {"generic", "avx2", "avx512", "avx512bf16", "amx", "neon"};
  return kNames[static_cast<int>(isa)];
}

/// Of each sample: y[i,j] = Σ_k a[i,k]·b[j,k].
struct Contraction {
  /// A matrix of so many rows: element (row, k) lies at row·row_step + k·step, k < depth.
  struct Side {
    std::int64_t rows = 0, row_step = 0, depth = 0, step = 0;
    Side turned() const { return {depth, step, rows, row_step}; }
  };
  Side y, a, b;  // y's depth is b's rows
};

}  // namespace mundur

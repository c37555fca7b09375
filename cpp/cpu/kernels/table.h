#pragma once

// The boundary between arithmetic and everything else. A kernel works on one thread, knows no
// layer, allocates nothing and calls no library. Outputs come first, then inputs, then sizes, then
// options.
//
// Letters: B batch (rows), I inputs, O outputs. Matrices are row-major; ld* is the distance between
// rows in elements. Every kernel gives the same bits in every build: elements of a product are one
// chain of fused multiply-adds in order of the inner index from +0; sums over samples are chains of
// kShard rows joined by a fixed tree (shards.h), where `each` rows make a sample; other reductions
// use 16 virtual lanes (lane = index mod 16) joined by the tree +8, +4, +2, +1.

#include <cstdint>

#include "cpu/kernels/inline.h"
#include "mundur/losses.h"
#include "mundur/types.h"

namespace mundur {

/// Elements of a matrix [rows, columns] in panels: whole registers of columns, the widest of which
/// has 16.
constexpr std::int64_t panels_size(std::int64_t rows, std::int64_t columns) {
  return rows * ((columns + 15) / 16 * 16);
}

/// The distance between the rows of a matrix of `columns` numbers in bfloat16: whole cache lines,
/// and never so many that rows share the same few sets of the caches.
constexpr std::int64_t bfloat16_stride(std::int64_t columns) {
  const std::int64_t whole = (columns + 31) / 32 * 32;
  return whole % 1024 == 0 ? whole + 32 : whole;
}

/// Tiles of bfloat16 numbers: so many of the inner index for each of so many rows or columns.
inline constexpr std::int64_t kTileDepth = 32, kTileSide = 16, kTileSize = kTileDepth * kTileSide;
/// Numbers that `rows` samples of one row of tiles take: the distance between such rows.
constexpr std::int64_t tiles_stride(std::int64_t rows) {
  return (rows + kTileDepth - 1) / kTileDepth * kTileSize;
}

/// A counter-based random stream: Philox 4x32-10 with this key; the 128-bit counter is (block,
/// stream).
struct RandomKey {
  std::uint64_t key;
  std::uint64_t stream;
};

/// The optimizers' rules, g the gradient, ĉ1 = correction1 and ĉ2 = correction2:
/// sgd: w -= lr·g
/// momentum: v = momentum·v + g; w -= lr·v
/// nesterov: v = momentum·v + g; w -= lr·(g + momentum·v)
/// adam: m = β1·m + (1-β1)·g; v = β2·v + (1-β2)·g²; w -= lr · m·ĉ1 / (√(v·ĉ2) + ε), with
///   ĉ1 = 1/(1-β1^t), ĉ2 = 1/(1-β2^t)
/// amsgrad: m, v as adam; u = max(u, v); w -= lr · m·ĉ1 / (√(u·ĉ2) + ε)
/// nadam: m, v as adam; w -= lr · (m·ĉ1 + g·share) / (√(v·ĉ2) + ε)
/// adamax: m as adam; u = max(β2·u, |g| + ε); w -= lr · m·ĉ1 / u
/// rmsprop: v = β2·v + (1-β2)·g²; s = g / (√v + ε); w -= lr·s. With a mean, a = β2·a + (1-β2)·g and
///   max(v - a², 0) stands for v; with a buffer, b = momentum·b + s stands for s.
/// adagrad: v = v + g²; w -= lr · g / (√v + ε)
/// adadelta: v = β2·v + (1-β2)·g²; s = √(d + ε) / √(v + ε) · g; d = β2·d + (1-β2)·s²; w -= lr·s
/// lion: w -= lr · sign(β1·m + (1-β1)·g); m = β2·m + (1-β2)·g
/// ftrl: u = n + g²; z = z + g + 2 shrinkage·w - (u^p - n^p)/lr · w; n = u;
///   w = (min(max(z, -l1), l1) - z) / ((u^p + β)/lr + 2 l2), p the power; w stays where lr is 0
/// adafactor, of a whole parameter: v = β2·v + (1-β2)·(g² + ε), s = g / √v;
///   w -= lr·max(rms w, least) / max(1, rms s / most) · s. Of a matrix v is kept as the means of
///   its rows and columns, a and b: v[i,j] = a[i]·b[j] / the mean of a.
/// one_minus_beta* come rounded once from double.
enum class Rule : int {
  sgd,
  momentum,
  nesterov,
  adam,
  amsgrad,
  nadam,
  adamax,
  rmsprop,
  adagrad,
  adadelta,
  lion,
  ftrl,
  adafactor
};
inline constexpr int kRules = 12;  // element by element: all but adafactor

/// One step of a rule: where parameters and their state lie, element by element alike, and the
/// step's constants.
template <class T>
struct Update {
  Rule rule = Rule::sgd;
  T* w = nullptr;
  /// momentum, nesterov: v; adam, nadam: m, v; amsgrad: m, v, u; adamax: m, u; rmsprop: v, b, a;
  /// adagrad: v; adadelta: v, d; lion: m; ftrl: n, z; adafactor: v, or of each of a parameter's
  /// matrices a, and behind all of them b. Null where there is none, or without momentum or mean.
  T* state[3] = {};
  T lr = T(0);
  T momentum = T(0);
  T beta1 = T(0), beta2 = T(0), one_minus_beta1 = T(0), one_minus_beta2 = T(0);
  T epsilon = T(0), correction1 = T(0), correction2 = T(0);
  T share = T(0);  // nadam: of g in the step
  T power = T(0), beta = T(0), l1 = T(0), two_l2 = T(0), two_shrinkage = T(0);  // ftrl
  T least = T(0), most = T(0);                                                  // adafactor

  /// Whether the rule is all; else, around it: g = min(max(g·scale, -limit), limit) and w = w·keep
  /// before it, average = ema·average + one_minus_ema·w behind it, and w = average if `overwrite`.
  bool plain = true;
  T scale = T(1), limit = T(0), keep = T(1);
  T* average = nullptr;  // may be null
  T ema = T(0), one_minus_ema = T(0);
  bool overwrite = false;
  /// So many pairs of begin and end, ascending: parameters in there have a `keep` of 1.
  const std::int64_t* spared = nullptr;
  std::int64_t spares = 0;

  /// Whether the parameter of that number is spared, and up to which one that holds.
  MUNDUR_DEVICE bool is_spared(std::int64_t number, std::int64_t& end) const {
    for (std::int64_t i = 0; i < 2 * spares; ++i) {
      if (number >= spared[i]) continue;
      end = spared[i] < end ? spared[i] : end;
      return i % 2 == 1;
    }
    return false;
  }
  /// The same step for the parameters that begin `offset` further on, all of which are spared, or
  /// none.
  MUNDUR_DEVICE Update at(std::int64_t offset) const {
    Update moved = *this;
    if (std::int64_t end = offset + 1; is_spared(offset, end)) moved.keep = T(1);
    moved.w += offset;
    for (T*& values : moved.state) {
      if (values) values += offset;
    }
    if (moved.average) moved.average += offset;
    return moved;
  }
};

/// Which rows a sum over rows takes: with `keep`, row b where keep[b / each] is not 0; `rows` of
/// them in all.
struct Counted {
  const std::uint8_t* keep = nullptr;
  std::int64_t each = 1;
  std::int64_t rows = 0;
  /// The same, counted from row b on, which is a multiple of `each`.
  Counted from(std::int64_t b) const { return {keep ? keep + b / each : nullptr, each, rows}; }
};

/// The rows of a sum over samples: of all, and of each sample. Some of a sample's first and last
/// ones may be missing: they are in no chain. From the last that is there to the next sample's
/// first, x and dy go on so many elements farther than from row to row.
struct SampleRows {
  std::int64_t count = 0, each = 1;
  std::int64_t first = 0, last = 0;  // rows of each sample that are missing
  std::int64_t x_jump = 0, dy_jump = 0;
};

/// A matrix where it lies: its first element, and the distance between its rows in elements.
template <class T>
struct Matrix {
  T* p;
  std::int64_t ld;
};

/// Bytes of a core's L2 where nobody says how many there are. Blocks of products fit into it; bits
/// don't depend on it.
inline constexpr std::int64_t kUsualL2 = 1 << 20, kLeastL2 = 1 << 18, kMostL2 = 1 << 22;

/// A product to[rows,columns] of a and b, whose elements are sums of `depth` terms. What a and b
/// are stands with each form.
template <class T, class A = T>
struct Product {
  Matrix<T> to;
  Matrix<const A> a;
  Matrix<const T> b;
  std::int64_t rows = 0, columns = 0, depth = 0;
  T* scratch = nullptr;
  const T* bias = nullptr;  // added to each row; may be null
  Function f = Function::linear;
  bool lanes = false;  // uses_lanes(depth, columns of the whole product)
  std::int64_t l2_bytes = kUsualL2;
};

/// dw[I,O] = x[B,I]ᵀ · dy[B,O]: a sum over samples, whose rows tell B. x and dy begin with the
/// first row that is there.
template <class T, class A = T>
struct SampleProduct {
  static constexpr int kSoon = 4;
  Matrix<T> dw;
  Matrix<const A> x, dy;
  std::int64_t I = 0, O = 0;
  SampleRows rows;
  T* scratch = nullptr;
  std::int64_t l2_bytes = kUsualL2;
  /// What is read as soon as dw is there, matrices of its shape: worth to be fetched meanwhile. Any
  /// may be null.
  const T* soon[kSoon] = {};
  std::int64_t ld_soon = 0;
};

/// Pieces of `size` elements that lie evenly on three axes: how many there are, and how far apart
/// they lie where they come from and where they go to.
struct Pieces {
  struct Axis {
    std::int64_t count = 1, from = 0, to = 0;
  };
  Axis rows{}, down{}, across{};
  std::int64_t size = 0;
};

/// The products of one kind of bfloat16, as those of Kernels.
template <class T>
struct Bfloat16Products {
  std::int64_t (*scratch_of)(std::int64_t B, std::int64_t O, std::int64_t I, std::int64_t l2_bytes);
  void (*product)(const Product<T, std::uint16_t>& product);
  void (*product_dx)(const Product<T, std::uint16_t>& product);
  void (*product_dw)(const SampleProduct<T, std::uint16_t>& product);
};

/// Windows side by side on an image, each of which sees `columns` pixels in each of `rows` rows. A
/// sequence is an image of one row, a time step a pixel.
struct WindowRun {
  std::int64_t count = 1, step = 1;    // windows; pixels from one to the next
  std::int64_t rows = 1, columns = 1;  // at least 1
  std::int64_t width = 1;              // pixels of the image's rows
  std::int64_t ld = 1;                 // elements from a pixel to the next
  std::int64_t tap = 0, taps = 1;  // that of the first pixel seen; from a row of taps to the next
};

/// Windows side by side, each channel of which is seen by itself: lanes. `from` counts elements of
/// x, `to` elements of w.
struct LaneWindows {
  std::int64_t count = 1, step = 0;     // windows; elements of x from one to the next
  std::int64_t ldy = 0;                 // and of y
  Pieces::Axis down{}, across{}, in{};  // taps, and what each sees of a channel; none may be there

  // Lanes may share what they see, which then begins at x. Those may have several rows of windows,
  // and, in a sum over samples, some of the taps alone.
  bool shared = false;
  static constexpr std::int64_t kMostTaps = 512;  // that they may share, but in sums over samples
  Pieces::Axis rows{};
  std::int64_t first = 0, taken = -1;  // -1: all
};

/// Some rows of an image, which pixels of an output see through windows of few filters: lanes are
/// pixels. Windows lie one pixel apart; what they see beyond the image is 0.
template <class T>
struct PixelWindows {
  T* y = nullptr;                     // of the rows that are made
  std::int64_t ldy = 0, ldy_row = 0;  // elements from a pixel, and from a row, to the next
  const T* x = nullptr;
  std::int64_t in_rows = 0, in_columns = 0, C = 0;
  std::int64_t above = 0, before = 0;  // the first window begins so many pixels in front of x
  std::int64_t rows = 0, columns = 0, O = 0;  // of what is made; O up to kMost
  Pieces::Axis down{}, across{};              // taps, `from`: pixels from one to the next
  const T *w = nullptr, *bias = nullptr;      // [tap,C,O]; bias may be null
  Function f = Function::linear;
  T* scratch = nullptr;

  static constexpr std::int64_t kMost = 8, kSlack = 64;
  /// What is seen of each channel: lines, each so long.
  std::int64_t lines() const { return rows + (down.count - 1) * down.from; }
  std::int64_t length() const { return columns + (across.count - 1) * across.from; }
  std::int64_t scratch_size() const {
    return (C * lines() + O * rows) * length() + (C + O) * kSlack;
  }
};

/// One time step of a recurrent layer on B samples, between its products. A masked sample keeps
/// its state.
template <class T>
struct TimeStep {
  T* h = nullptr;        // [B,O], contiguous: the state, before and after
  T* c = nullptr;        // [B,O], contiguous: lstm's
  const T* z = nullptr;  // [B,gates·O]: in front of the gates
  const T* q = nullptr;  // [B,O]: gru's
  std::int64_t ldz = 0, ldq = 0;
  T* gates = nullptr;  // [B,gates·O]: kept for backward, may be z; null: not kept
  std::int64_t ld_gates = 0;
  // Copies of the new state: for the next step's backward, for this one's, for the output. May be
  // null.
  T* kept_h = nullptr;
  T* kept_c = nullptr;
  T* y = nullptr;
  std::int64_t ld_kept = 0, ldy = 0;
  const std::uint8_t* mask = nullptr;  // mask[b·ld_mask]; null: all are there
  // Whether y of a masked sample is its state, else 0; null: all are.
  const std::uint8_t* heard = nullptr;
  std::int64_t ld_mask = 0;  // of both
};

/// The same backward.
template <class T>
struct TimeStepBackward {
  T* dh = nullptr;  // [B,O], contiguous: ∂L/∂h behind the step; then what of it goes around the
                    // products
  T* dc = nullptr;  // [B,O], contiguous: ∂L/∂c, behind the step and then before it
  T* z = nullptr;   // the gates; then ∂L/∂z
  T* q = nullptr;
  std::int64_t ldz = 0, ldq = 0;
  const T* dy = nullptr;  // added to dh; may be null
  std::int64_t ldy = 0;
  const T* h_before = nullptr;  // the state before the step
  const T* c = nullptr;         // and behind it
  const T* c_before = nullptr;  // null: zeros
  const T* soon = nullptr;      // the gates of the next call; null: this is the last
  std::int64_t ld_kept = 0, ld_c_before = 0;
  const std::uint8_t* mask = nullptr;
  const std::uint8_t* heard = nullptr;  // else dy of a masked sample is nobody's
  std::int64_t ld_mask = 0;
};

/// The function of a gate: a Function, or a curve with its parameters.
template <class T>
struct Gate {
  Function function = Function::linear;
  bool is_curve = false;
  Curve curve{};
  T parameters[kCurveParameters] = {};
};
template <class T>
struct Gates {
  Gate<T> f, g;  // of what goes in and the LSTM's c; of the other gates
};

template <class T>
struct Kernels {
  Isa isa;
  /// Elements of T each worker must lend to any product in T as scratch (64-byte aligned); and to
  /// those below of at most B, O and I, whose rows lie behind one another, and to parts of them.
  std::int64_t scratch;
  std::int64_t (*scratch_of)(std::int64_t B, std::int64_t O, std::int64_t I, std::int64_t l2_bytes);
  /// Bytes of this CPU's.
  std::int64_t l2_bytes = kUsualL2;
  /// Splitting a product's columns at multiples of this keeps the vectors full.
  std::int64_t column_grain;

  // ---- products ---------------------------------------------------------------------------------
  /// to[B,O] = f(a[B,I] · b[I,O] + bias[O]): y = f(x·w + bias).
  void (*product)(const Product<T>& product);
  /// to[B,I] = a[B,O] · b[I,O]ᵀ: dx = dy·wᵀ; the chain runs over O, and there is no bias and no f.
  void (*product_dx)(const Product<T>& product);
  void (*product_dw)(const SampleProduct<T>& product);
  /// Rows [k, k + rows) of w[I,O], for many products with at most B >= 1 samples. `transposed`: it
  /// lies as w[O,I]. The panels take panels_size(I, O) elements.
  void (*pack)(T* panels, Matrix<const T> w, std::int64_t I, std::int64_t O, bool transposed,
               std::int64_t k, std::int64_t rows, std::int64_t B);
  /// y[B,O] = x[B,I] · w[I,O] + bias[O] with the panels of w, made for `most` samples; bias may be
  /// null. `onto`: each chain goes on from what y holds.
  void (*product_panels)(Matrix<T> y, Matrix<const T> x, const T* panels, const T* bias,
                         std::int64_t B, std::int64_t O, std::int64_t I, std::int64_t most,
                         bool onto);

  // ---- products in bfloat16: of Kernels<float> only, null in Kernels<double> --------------------
  // Operands are rounded to bfloat16, to nearest, ties to even, subnormal numbers to zeros of their
  // sign; sums are in T. Each operation is rounded once, and a result that is still below the
  // normal range once rounded becomes a zero of its sign. Whatever the instruction set, the bits
  // are those of one instruction:
  // - tiles, TDPBF16PS: of each block of 32 numbers of the inner index, the even and the odd ones
  //   make a fused chain each, from +0; their sum is added to the sum of the blocks before.
  // - pairs, VDPBF16PS: a fused chain over pairs of neighbours k, k + 1, from +0, the odd element's
  //   product first.
  // What the last block or pair lacks is +0 in both operands. Everything else (shards, their tree,
  // bias, f) is in T, as above; no block or pair straddles a shard.
  //
  // For tiles, a comes from to_bfloat16 filled up to whole blocks, x from to_left and dy from
  // to_right, where their columns begin at multiples of kTileSide; ld is the distance between rows
  // of tiles. For pairs all come from to_bfloat16, filled up to whole pairs: ld is even and the
  // start of a row is aligned to 4 bytes, but for product_dw, which takes any start.
  Bfloat16Products<T> tiles, pairs;

  /// y[B,I] = x[B,I] rounded; behind each row +0 up to `filled` numbers, which is even, as ldy is.
  void (*to_bfloat16)(std::uint16_t* y, const T* x, std::int64_t B, std::int64_t I,
                      std::int64_t ldy, std::int64_t ldx, std::int64_t filled);
  /// The same in tiles, +0 where x has no number: that of row b and column i is the one at
  /// (i / 16)·ldy + (b / 32)·512; in it row b % 32 and column i % 16 stand, of the left form, at
  /// [i][b], of the right one at [b / 2][i][b % 2].
  void (*to_left)(std::uint16_t* y, const T* x, std::int64_t B, std::int64_t I, std::int64_t ldy,
                  std::int64_t ldx);
  void (*to_right)(std::uint16_t* y, const T* x, std::int64_t B, std::int64_t I, std::int64_t ldy,
                   std::int64_t ldx);

  // ---- sums -------------------------------------------------------------------------------------
  /// db[O] = Σ_b dy[b,O]: a sum over samples.
  void (*sum_rows)(T* db, const T* dy, std::int64_t O, std::int64_t B, std::int64_t each,
                   std::int64_t lddy);

  /// db[O] = the sum, over samples, of the rows `first`, next[first], ... of dy, in ascending order
  /// up to a negative one; there are B samples, and those of kShard of them are one chain.
  void (*sum_listed)(T* db, const T* dy, const std::int32_t* next, std::int32_t first,
                     std::int64_t O, std::int64_t B, std::int64_t each, std::int64_t lddy);

  // ---- activations ------------------------------------------------------------------------------
  /// y[n] = f(x[n]); y may be x.
  void (*activation)(T* y, const T* x, std::int64_t n, Function f);
  /// dx[n] = dy[n] · f'(x[n]), f' written through y = f(x); dx may be dy.
  void (*activation_backward)(T* dx, const T* y, const T* dy, std::int64_t n, Function f);
  /// y[b,:] = exp(x[b,:] - max) / Σ exp(x[b,:] - max); y may be x. Rows are contiguous (ld = O).
  void (*softmax)(T* y, const T* x, std::int64_t B, std::int64_t O);
  /// dx[b,o] = y[b,o] · (dy[b,o] - Σ_j dy[b,j] y[b,j]); dx may be dy.
  void (*softmax_backward)(T* dx, const T* y, const T* dy, std::int64_t B, std::int64_t O);
  /// y[b,:] = x[b,:] - max - log Σ exp(x[b,:] - max); y may be x. Rows are contiguous (ld = O).
  void (*log_softmax)(T* y, const T* x, std::int64_t B, std::int64_t O);
  /// dx[b,o] = dy[b,o] - exp(y[b,o]) · Σ_j dy[b,j]; dx may be dy.
  void (*log_softmax_backward)(T* dx, const T* y, const T* dy, std::int64_t B, std::int64_t O);
  /// y[n] = f(x[n]) with the curve's parameters p[kCurveParameters]; y may be x. Infinities go to
  /// the function's limit, a NaN stays one.
  void (*curve)(T* y, const T* x, std::int64_t n, Curve f, const T* p);
  /// dx[n] = dy[n] · f'(x[n]); dx may be dy.
  void (*curve_backward)(T* dx, const T* x, const T* dy, std::int64_t n, Curve f, const T* p);

  // ---- normalisation ----------------------------------------------------------------------------
  // x̂ = (x - mean)·inverse, inverse = 1/√(variance + ε): of a column of samples, or of one row.
  // gamma and beta may be null (ones, zeros). Rows are contiguous (ld = O) where there is no ld.

  // Mean and biased variance of the columns of the counted rows of x[B,O], in three passes:
  /// sum[O] = Σ_b x[b,o]: a sum over samples.
  void (*column_sums)(T* sum, const T* x, std::int64_t O, std::int64_t B, std::int64_t each,
                      std::int64_t ldx, const Counted& counted);
  /// off[O] = Σ_b (x[b,o] - m), squares[O] = Σ_b (x[b,o] - m)², m = sum[o] / counted.rows: sums
  /// over samples.
  void (*column_deviations)(T* off, T* squares, const T* x, const T* sum, std::int64_t O,
                            std::int64_t B, std::int64_t each, std::int64_t ldx,
                            const Counted& counted);
  /// What follows for mean[O] and variance[O], from sums over so many rows.
  void (*column_moments)(T* mean, T* variance, const T* sum, const T* off, const T* squares,
                         std::int64_t O, std::int64_t rows);
  /// average[n] = average[n]·momentum + x[n]·one_minus_momentum; a subnormal result becomes +0.
  void (*moving_average)(T* average, const T* x, std::int64_t n, T momentum, T one_minus_momentum);
  /// inverse[n] = 1/√(variance[n] + ε); scale[n] = inverse[n]·gamma[n].
  void (*normalization_scale)(T* inverse, T* scale, const T* variance, const T* gamma,
                              std::int64_t n, T epsilon);
  /// y[b,o] = (x[b,o] - mean[o])·scale[o] + beta[o]; y may be x.
  void (*normalize_columns)(T* y, const T* x, const T* mean, const T* scale, const T* beta,
                            std::int64_t B, std::int64_t O);
  /// dbeta[O] = Σ_b dy[b,o]; dgamma[O] = Σ_b dy[b,o]·x̂[b,o]: sums over samples, ld is of dy and x.
  void (*normalize_columns_sums)(T* dbeta, T* dgamma, const T* dy, const T* x, const T* mean,
                                 const T* inverse, std::int64_t O, std::int64_t B,
                                 std::int64_t each, std::int64_t ld);
  /// dx[b,o] = scale[o]·(dy[b,o] - (dbeta[o] + x̂[b,o]·dgamma[o]) / counted.rows) in counted rows;
  /// in others, and without dbeta and dgamma (null: the moments did not depend on x),
  /// scale[o]·dy[b,o]. dx may be dy.
  void (*normalize_columns_backward)(T* dx, const T* dy, const T* x, const T* mean,
                                     const T* inverse, const T* scale, const T* dbeta,
                                     const T* dgamma, std::int64_t B, std::int64_t O,
                                     const Counted& counted);
  /// y[b,o] = x[b,o]·inverse[b], inverse[b] = min(1/√Σ_o x[b,o]², most): rows of length 1; y may be
  /// x.
  void (*unit_rows)(T* y, T* inverse, const T* x, std::int64_t B, std::int64_t O, T most);
  /// dx[b,o] = inverse[b]·(dy[b,o] - y[b,o]·Σ_o y[b,o]·dy[b,o]), without the sum where inverse[b]
  /// is `most`; dx may be dy.
  void (*unit_rows_backward)(T* dx, const T* dy, const T* y, const T* inverse, std::int64_t B,
                             std::int64_t O, T most);
  /// y[b,o] = x̂[b,o]·gamma[o] + beta[o] with the moments of each row, which mean[B] and inverse[B]
  /// keep; y may be x.
  void (*normalize_rows)(T* y, T* mean, T* inverse, const T* x, const T* gamma, const T* beta,
                         std::int64_t B, std::int64_t O, T epsilon);
  /// As normalize_columns_sums, with mean[B] and inverse[B].
  void (*normalize_rows_sums)(T* dbeta, T* dgamma, const T* dy, const T* x, const T* mean,
                              const T* inverse, std::int64_t O, std::int64_t B, std::int64_t each,
                              std::int64_t ld);
  /// dx[b,o] = inverse[b]·(g - (Σ_o g + x̂[b,o]·Σ_o g·x̂) / O), g = dy[b,o]·gamma[o]; dx may be dy.
  void (*normalize_rows_backward)(T* dx, const T* dy, const T* x, const T* mean, const T* inverse,
                                  const T* gamma, std::int64_t B, std::int64_t O);
  /// y[n] = a[n] + b[n]; y may be either.
  void (*add)(T* y, const T* a, const T* b, std::int64_t n);
  /// y[n] = a[n]·b[n]; y may be either.
  void (*multiply)(T* y, const T* a, const T* b, std::int64_t n);
  /// y[n] = the larger of a[n] and b[n], or the smaller; a[n] where they are equal, and NaN wins; y
  /// may be either.
  void (*larger)(T* y, const T* a, const T* b, std::int64_t n, bool smaller);
  /// dx[n] = dy[n] where that took a[n] (`first`), or where it took b[n], else 0; dx may be dy.
  void (*larger_backward)(T* dx, const T* dy, const T* a, const T* b, std::int64_t n, bool smaller,
                          bool first);
  /// y[i,j] = Σ_k a[i,k]·b[j,k], one chain in order of k from +0.
  void (*contract)(T* y, const T* a, const T* b, const Contraction& how);

  // ---- time steps -------------------------------------------------------------------------------
  // σ is sigmoid. Backward leaves 0 in ∂L/∂z of a masked sample.

  /// z = f(z); h = z.
  void (*simple_rnn)(const TimeStep<T>& step, std::int64_t B, std::int64_t O, Function f);
  void (*simple_rnn_backward)(const TimeStepBackward<T>& step, std::int64_t B, std::int64_t O,
                              Function f);
  /// z = (i, f, g, o) = (σ, σ, tanh, σ)(z); c = f·c + i·g; h = o·tanh(c).
  void (*lstm)(const TimeStep<T>& step, std::int64_t B, std::int64_t O);
  void (*lstm_backward)(const TimeStepBackward<T>& step, std::int64_t B, std::int64_t O);
  /// z = (u, r, n) = (σ(z_u), σ(z_r), tanh(z_n + r·q)); h = u·h + (1 - u)·n.
  void (*gru)(const TimeStep<T>& step, std::int64_t B, std::int64_t O);
  /// q becomes ∂L/∂q.
  void (*gru_backward)(const TimeStepBackward<T>& step, std::int64_t B, std::int64_t O);
  /// The same with any functions: f for tanh, g for σ. What is kept is z, in front of them.
  /// gru_before: h = u·h + (1 - u)·n with n = f(z_n); of z_r backward leaves alone what is there.
  void (*any_cell)(const TimeStep<T>& step, std::int64_t B, std::int64_t O, Cell cell,
                   const Gates<T>& gates);
  void (*any_cell_backward)(const TimeStepBackward<T>& step, std::int64_t B, std::int64_t O,
                            Cell cell, const Gates<T>& gates);
  /// y = g(z)·h, rows of O.
  void (*reset)(Matrix<T> y, Matrix<const T> z, Matrix<const T> h, std::int64_t B, std::int64_t O,
                const Gate<T>& g);
  /// dh = dy·g(z), in the place of dy; then z = ∂L/∂z = dy·h·g'(z).
  void (*reset_backward)(Matrix<T> dy, Matrix<T> z, Matrix<const T> h, std::int64_t B,
                         std::int64_t O, const Gate<T>& g);

  // ---- losses -----------------------------------------------------------------------------------
  /// value[b] = the loss of sample b, summed over its O outputs, without any weight.
  /// y[B,O] for dense targets, labels[B] for sparse ones, trusted to lie in [0, O); the other is
  /// null. Probabilities are clipped to [1e-7, 1 - 1e-7].
  void (*loss_value)(double* value, const T* p, const T* y, const std::int32_t* labels,
                     std::int64_t B, std::int64_t O, LossKind kind, const LossNumbers& numbers);
  /// dp[b,o] = ∂value[b]/∂p[b,o] · (weight[b] · scale); weight may be null (ones); dp may be p.
  /// Where p is clipped the gradient is 0. `fused` (cross-entropies only): p holds probabilities
  /// and dp becomes the gradient with respect to the logits behind them, p - y.
  void (*loss_gradient)(T* dp, const T* p, const T* y, const std::int32_t* labels, const T* weight,
                        std::int64_t B, std::int64_t O, T scale, LossKind kind,
                        const LossNumbers& numbers, bool fused);
  /// index[b] = position of the first maximum of x[b,:] (a NaN counts as the maximum).
  void (*argmax)(std::int32_t* index, const T* x, std::int64_t B, std::int64_t O);

  // ---- updates ----------------------------------------------------------------------------------
  /// One step on update.w[rows, columns] and its state from g[rows, columns].
  void (*update)(const Update<T>& update, const T* g, std::int64_t rows, std::int64_t columns,
                 std::int64_t ldw, std::int64_t ldg);
  // Of adafactor; g is clipped as of any rule.
  /// Σ g[n]², over 16 virtual lanes.
  T (*squares_of_row)(const Update<T>& update, const T* g, std::int64_t n);
  /// sums[columns] = Σ g[row,column]², one chain each.
  void (*squares_of_columns)(T* sums, const Update<T>& update, const T* g, std::int64_t rows,
                             std::int64_t columns, std::int64_t ld);
  /// v[n] = β2·v[n] + (1-β2)·(g[n]² + ε).
  void (*blend_squares)(T* v, const Update<T>& update, const T* g, std::int64_t n);
  /// Σ s[n]², s[n] = g[n]·row / √v[n], over 16 virtual lanes; and w[n] -= lr·s[n] with what stands
  /// around a rule.
  T (*squares_of_steps)(const Update<T>& update, const T* g, const T* v, T row, std::int64_t n);
  void (*update_factored)(const Update<T>& update, const T* g, const T* v, T row, std::int64_t n);
  /// base^exponent, base > 0.
  T (*power)(T base, T exponent);

  // ---- penalties and constraints ----------------------------------------------------------------
  /// sums[0] = Σ |x[n]|, sums[1] = Σ x[n]², over 16 virtual lanes.
  void (*norms)(double* sums, const T* x, std::int64_t n);
  /// g[rows,columns] += two_l2·w (one fused multiply-add), then += l1·sign(w), sign(0) = 0; a
  /// factor of 0 is no addition at all.
  void (*add_penalty)(T* g, const T* w, std::int64_t rows, std::int64_t columns, std::int64_t ldg,
                      std::int64_t ldw, T l1, T two_l2);
  /// Columns of w[rows,columns] whose norm lies outside of [least, most] are multiplied by
  /// (rate·n + (1-rate)·norm) / (norm + 1e-7), n the limit. A norm is the root of one chain of
  /// fused multiply-adds in order of the rows, or, with ldw = 1 (one column), of a sum over 16
  /// virtual lanes.
  void (*limit_norms)(T* w, std::int64_t rows, std::int64_t columns, std::int64_t ldw, T least,
                      T most, T rate);

  // ---- random numbers ---------------------------------------------------------------------------
  /// Dropout of elements [first, first + n) of a tensor: keep[i] = (u32(element) >= threshold),
  /// y[i] = keep ? x[i]·scale : +0; y may be x. y, keep and x point at element `first`.
  void (*dropout)(T* y, std::uint8_t* keep, const T* x, std::int64_t first, std::int64_t n,
                  RandomKey key, std::uint32_t threshold, T scale);
  /// dx[i] = keep[i] ? dy[i]·scale : +0; dx may be dy.
  void (*dropout_backward)(T* dx, const std::uint8_t* keep, const T* dy, std::int64_t n, T scale);
  /// As dropout, y[i] = keep ? x[i]·scale + offset : dropped.
  void (*alpha_dropout)(T* y, std::uint8_t* keep, const T* x, std::int64_t first, std::int64_t n,
                        RandomKey key, std::uint32_t threshold, T scale, T offset, T dropped);
  /// y[i] normal, element first + i of the stream of random_normal.
  void (*normal_noise)(T* y, std::int64_t first, std::int64_t n, RandomKey key, double mean,
                       double deviation);
  /// y[i] uniform in [low, high), element i of the stream.
  void (*random_uniform)(T* y, std::int64_t n, RandomKey key, double low, double high);
  /// y[i] normal, element i of the stream (inverse distribution function of one uniform).
  void (*random_normal)(T* y, std::int64_t n, RandomKey key, double mean, double deviation);
  /// Likewise, of the normal distribution cut off at two deviations on either side.
  void (*random_truncated)(T* y, std::int64_t n, RandomKey key, double mean, double deviation);

  // ---- data -------------------------------------------------------------------------------------
  /// y[n] = x[n] converted from `type`, correctly rounded; true if every y is finite. x has any
  /// alignment that is a multiple of its elements' size, and is not y.
  bool (*convert)(T* y, const void* x, std::int64_t n, ElementType type);
  /// to[pieces] = from[pieces].
  void (*gather)(T* to, const T* from, const Pieces& pieces);
  /// y[n] = x[n]·scale + offset (one fused multiply-add); y may be x.
  void (*rescale)(T* y, const T* x, std::int64_t n, T scale, T offset);
  /// y[n] = f(x[n]) for tests and benchmarks; `function`: 0 exp, 1 log, 2 tanh, 3 sigmoid, 4 erf.
  void (*elementary)(T* y, const T* x, std::int64_t n, int function);

  // ---- gradients, where an update waits for all of them -----------------------------------------
  /// sum[n] += g[n].
  void (*accumulate)(T* sum, const T* g, std::int64_t n);
  /// Σ g[i]², in double over 16 virtual lanes: products of doubles are rounded, those of floats
  /// exact.
  double (*sum_squares)(const T* g, std::int64_t n);

  // ---- windows ----------------------------------------------------------------------------------
  // O numbers of each window, one behind the other; x begins with the first pixel that is seen.

  /// y[O] = the first maximum of what the window sees of each column, row by row, where a NaN
  /// counts as the maximum; at[O] = its tap, of up to 256; may be null.
  void (*max_windows)(T* y, std::uint8_t* at, const T* x, std::int64_t O, const WindowRun& windows);
  /// dx[pixel,o] = dy[o] + 0 where that pixel was tap at[o], else 0; or, with `onto`, adds it,
  /// window by window.
  void (*max_windows_backward)(T* dx, const T* dy, const std::uint8_t* at, std::int64_t O,
                               const WindowRun& windows, bool onto);
  /// The same of windows of any size: at[O] = the number of the maximum's pixel, that of x's first
  /// one being `first`.
  void (*max_wide_windows)(T* y, std::int32_t* at, const T* x, std::int64_t first, std::int64_t O,
                           const WindowRun& windows);
  /// dx[at[o],o] += dy[o], window by window.
  void (*max_wide_windows_backward)(T* dx, const T* dy, const std::int32_t* at, std::int64_t O,
                                    std::int64_t windows);
  /// y[O] = the mean of those pixels that keep[pixel] names, a sum as over samples, row by row; +0
  /// if it names none. keep may be null (all).
  void (*mean_windows)(T* y, const T* x, const std::uint8_t* keep, std::int64_t O,
                       const WindowRun& windows);
  /// dx[pixel,o] += dy[o] / count, in those pixels, window by window.
  void (*mean_windows_backward)(T* dx, const T* dy, const std::uint8_t* keep, std::int64_t O,
                                const WindowRun& windows);
  /// y[n,o] = f(Σ x[n,tap,o]·w[tap,o] + bias[o]), one chain in order of the taps; bias may be null.
  /// Where lanes share what they see, it is x[n,tap], here and below.
  void (*lane_windows)(T* y, const T* x, const T* w, const T* bias, std::int64_t O,
                       const LaneWindows& windows, Function f);
  /// y[r,t,o] = f(Σ x[r,t,tap,c]·w[tap,c,o] + bias[o]), one chain over (tap, c).
  void (*pixel_windows)(const PixelWindows<T>& windows);
  /// dw[tap,o] += Σ_n x[n,tap,o]·dy[n,o]: chains that go on, in order of n.
  void (*lane_windows_dw)(T* dw, const T* x, const T* dy, std::int64_t O,
                          const LaneWindows& windows);
};

/// The table of the instruction set in force (see mundur/runtime.h).
template <class T>
const Kernels<T>& kernels();

/// The table of one instruction set; throws if this CPU or this build lacks it.
template <class T>
const Kernels<T>& kernels(Isa isa);

}  // namespace mundur

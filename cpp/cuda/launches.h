#pragma once

// The kernels' arguments: outputs first, then inputs, sizes, options. All pointers are the
// device's. What each computes is the operation of its name in program/, on the matrices that stand
// here.

#include <cstdint>
#include <type_traits>

#include "cpu/kernels/table.h"
#include "cuda/abi.h"
#include "mundur/images.h"
#include "program/values.h"

// clang-format off
#define MUNDUR_LAUNCHES(X) \
  X(LargeTiles) X(SmallTiles) X(Lanes) X(SumRows) X(Activate) X(ActivateDx) X(ActivateRows)      \
  X(ActivateRowsDx) X(Fill) X(FillIds) X(CopyRows) X(Add) X(Multiply) X(Rescale) X(MaskSteps)    \
  X(MaskWeights) X(EitherMask) X(FindMask) X(SumSteps) X(Shift) X(Permute) X(Lookup)             \
  X(ListPlaces) X(LookupDw) X(MaxWindows) X(MaxWindowsDx) X(MeanWindows) X(MeanWindowsDx)        \
  X(LargeConvolve) X(SmallConvolve) X(ConvolveEach) X(LargeConvolveDw) X(SmallConvolveDw)        \
  X(ConvolveEachDw) X(JoinShards) X(GatherWindows) X(TurnKernel)                                 \
  X(DrawMaps) X(Warp) X(WarpDx) X(Contrast) X(ContrastDx) X(UnitRows) X(UnitRowsDx)              \
  X(LossValues) X(TotalWeight) X(LossGradient) X(ArgMax) X(Update) X(Accumulate) X(SumSquares)   \
  X(ToDoubles) X(FromDoubles) X(SumPieces) X(JoinPieces) X(OverlapTerms) X(OverlapLosses)        \
  X(OverlapSlopes) X(CirclePairs) X(CircleSums) X(CircleLosses) X(CircleSlopes) X(CircleDx)      \
  X(FactorMeans) X(FactorShares) X(FactorSizes) X(FactorRate) X(FactorUpdate)                    \
  X(ClippedScale) X(AddPenalty) X(Penalties) X(Constrain) X(ConstrainApart) X(Dropout)           \
  X(DropoutDx) X(Normal)                                                                         \
  X(CountRows) X(ColumnSums) X(ColumnDeviations) X(ColumnMoments) X(NormalizationScale)          \
  X(NormalizeColumns) X(NormalizeSums) X(NormalizeColumnsDx) X(NormalizeRows)                    \
  X(NormalizeRowsDx) X(Recur) X(RecurAny) X(RecurDx) X(RecurDxAny) X(Gather) X(GatherIds)        \
  X(GatherWeights) X(StopUnlessFinite) X(Keep)
// clang-format on

namespace mundur::launches {

#define MUNDUR_NAME(name) name,
enum class Kernel : std::int32_t { MUNDUR_LAUNCHES(MUNDUR_NAME) };
#undef MUNDUR_NAME

/// An array of a data set: samples of so many numbers, one behind the other. data null: none.
struct Source {
  const void* data;
  std::int64_t size;
  ElementType type;
};
/// Where those of input number i, and of output number i, stand among a set's arrays.
enum class Part : int { x, y, labels, weights };
constexpr int source_of(int i, Part part) { return 4 * i + static_cast<int>(part); }

/// What differs from step to step; `update` with the device's addresses.
template <class T>
struct Step {
  mundur::Update<T> update{};
  T* sum = nullptr;  // of the gradients of several steps
  std::uint64_t seed = 0, forward = 0;
  std::int64_t samples = 0;
  double clipnorm = 0.0, global_clipnorm = 0.0;
  std::int32_t updates = 1;
  // Where the device has the data set: its arrays; the samples' order, or null; the batch in it.
  const Source* sources = nullptr;
  const std::int64_t* order = nullptr;
  std::int64_t begin = 0;
  std::int64_t turn = 0;            // of the steps that are on their way together
  std::int32_t* stopped = nullptr;  // not 0: nothing is done any more; null: nothing stops it
};

#define MUNDUR_KERNEL(name) static constexpr Kernel kKernel = Kernel::name

// ---- products -------------------------------------------------------------------------------

/// to[r, c] = f(Σ_k a[r·a_row + k·a_step] · b[k·b_step + c·b_column] + bias[c]), one chain in order
/// of k; `each` > 0: a sum over samples of `depth` rows, whose sums wait in `waiting`, matrices of
/// to's shape. A tile of some rows and columns to a block.
template <class T>
struct Tiles {
  T* to;
  const T *a, *b, *bias;
  T* waiting;
  std::int64_t ldto, a_row, a_step, b_step, b_column;
  std::int64_t rows, columns, depth, each;
  Function f;
};
template <class T>
struct LargeTiles : Tiles<T> {
  MUNDUR_KERNEL(LargeTiles);
  static constexpr int kSide = 64, kOwn = 4;  // of a block; of a thread
};
template <class T>
struct SmallTiles : Tiles<T> {
  MUNDUR_KERNEL(SmallTiles);
  static constexpr int kSide = 16, kOwn = 2;
};
inline constexpr int kTileSteps = 16;  // that common memory holds

/// The same over 16 virtual lanes, a_step 1, and no sum over samples.
template <class T>
struct Lanes {
  MUNDUR_KERNEL(Lanes);
  T* to;
  const T *a, *b, *bias;
  std::int64_t ldto, lda, b_step, b_column;
  std::int64_t rows, columns, depth;
  Function f;
};

template <class T>
struct SumRows {
  MUNDUR_KERNEL(SumRows);
  T* db;
  const T* dy;
  std::int64_t columns, rows, each, ld;
};

// ---- functions of elements and rows ---------------------------------------------------------

template <class T>
struct Activate {
  MUNDUR_KERNEL(Activate);
  T* y;
  const T* x;
  std::int64_t n;
  Activation f;
  T p[kCurveParameters];
};
template <class T>
struct ActivateDx {
  MUNDUR_KERNEL(ActivateDx);
  T* dx;
  const T *dy, *of;
  std::int64_t n;
  Activation f;
  T p[kCurveParameters];
};
template <class T>
struct ActivateRows {
  MUNDUR_KERNEL(ActivateRows);
  T* y;
  const T* x;
  std::int64_t rows, columns;
  Activation f;
};
template <class T>
struct ActivateRowsDx {
  MUNDUR_KERNEL(ActivateRowsDx);
  T* dx;
  const T *dy, *of;
  std::int64_t rows, columns;
  Activation f;
};
template <class T>
struct Fill {
  MUNDUR_KERNEL(Fill);
  T* y;
  std::int64_t n;
  T value;
};
template <class T>
struct FillIds {
  MUNDUR_KERNEL(FillIds);
  std::int32_t* y;
  std::int64_t n;
  std::int32_t value;
};
/// y[r, c] = x[r / repeats, c]: a matrix where rows lie so far from one another.
template <class T>
struct CopyRows {
  MUNDUR_KERNEL(CopyRows);
  T* y;
  const T* x;
  std::int64_t rows, columns, ldy, ldx, repeats;
};
template <class T>
struct Add {
  MUNDUR_KERNEL(Add);
  T* y;
  const T *a, *b;
  std::int64_t n;
};
template <class T>
struct Multiply {
  MUNDUR_KERNEL(Multiply);
  T* y;
  const T *a, *b;
  std::int64_t n;
};
template <class T>
struct Rescale {
  MUNDUR_KERNEL(Rescale);
  T* y;
  const T* x;
  std::int64_t n;
  T scale, offset;
};
template <class T>
struct MaskSteps {
  MUNDUR_KERNEL(MaskSteps);
  T* y;
  const T* x;
  const std::uint8_t* mask;
  std::int64_t rows, columns;
  T fill;
};
template <class T>
struct MaskWeights {
  MUNDUR_KERNEL(MaskWeights);
  T* weights;
  const std::uint8_t* mask;
  std::int64_t n;
};
template <class T>
struct EitherMask {
  MUNDUR_KERNEL(EitherMask);
  std::uint8_t* y;
  const std::uint8_t *a, *b;
  std::int64_t n;
};

/// mask[r] = whether any of x[r,:] differs from the value.
template <class T>
struct FindMask {
  MUNDUR_KERNEL(FindMask);
  std::uint8_t* mask;
  const T* x;
  std::int64_t rows, columns;
  T value;
};
/// y[r, c] = Σ_t x[r, t, c], one chain from x[r, 0, c] on.
template <class T>
struct SumSteps {
  MUNDUR_KERNEL(SumSteps);
  T* y;
  const T* x;
  std::int64_t rows, steps, columns;
};
/// y[r, i, j] = x[r, i - rows, j - columns] where that is there, else 0.
template <class T>
struct Shift {
  MUNDUR_KERNEL(Shift);
  T* y;
  const T* x;
  std::int64_t samples, channels;
  std::int64_t to_rows, to_columns, from_rows, from_columns;
  std::int64_t rows, columns;
};
/// Of each row of `size` numbers: number i of the axes in their new order is number
/// Σ strides·places of the old; `back`: the other way.
inline constexpr int kMostAxes = 16;
template <class T>
struct Permute {
  MUNDUR_KERNEL(Permute);
  T* y;
  const T* x;
  std::int64_t rows, size;
  std::int64_t extents[kMostAxes], strides[kMostAxes];
  std::int32_t axes;
  bool back;
};

// ---- embedding ------------------------------------------------------------------------------

/// mask may be null.
template <class T>
struct Lookup {
  MUNDUR_KERNEL(Lookup);
  T* y;
  std::uint8_t* mask;
  const std::int32_t* ids;
  const T* w;
  std::int64_t places, columns;
};
/// `first` holds -1 at first.
template <class T>
struct ListPlaces {
  MUNDUR_KERNEL(ListPlaces);
  std::int32_t *first, *next;
  const std::int32_t* ids;
  std::int64_t places;
};
template <class T>
struct LookupDw {
  MUNDUR_KERNEL(LookupDw);
  T* dw;
  const T* dy;
  const std::int32_t *first, *next;
  std::int64_t rows, columns, samples, steps;
};

// ---- pooling --------------------------------------------------------------------------------

/// Of the program's Windows, without dilation.
struct WindowAxis {
  std::int64_t in, out, taps, stride, before;
};
/// Of images, windows of rows and columns.
struct Pooled {
  std::int64_t samples, channels;
  WindowAxis rows, columns;
};
template <class T>
struct MaxWindows {
  MUNDUR_KERNEL(MaxWindows);
  T* y;
  std::int32_t* at;    // pixels
  std::uint8_t* taps;  // or taps; both may be null
  const T* x;
  Pooled of;
};
template <class T>
struct MaxWindowsDx {
  MUNDUR_KERNEL(MaxWindowsDx);
  T* dx;
  const T* dy;
  const std::int32_t* at;  // pixels; null: see taps
  const std::uint8_t* taps;
  Pooled of;
};
template <class T>
struct MeanWindows {
  MUNDUR_KERNEL(MeanWindows);
  T* y;
  const T* x;
  const std::uint8_t* mask;
  Pooled of;
};
template <class T>
struct MeanWindowsDx {
  MUNDUR_KERNEL(MeanWindowsDx);
  T* dx;
  const T* dy;
  const std::uint8_t* mask;
  Pooled of;
};

// ---- convolutions ---------------------------------------------------------------------------

/// What windows see: place (n, r, t) sees with tap (j, k) of each channel c the element
/// `first` + n·sample + r·below + t·right + j·down + k·across + c of its group, if that lies within
/// the image. Places are numbered in this order; of the columns t only `made` are, those from
/// number `split` on `skipped` further on. All sizes are in elements.
struct Seen {
  struct Axis {
    std::int64_t in, out, taps, stride, dilation, before;
  };
  Axis rows, columns;
  std::int64_t first, sample, below, right, down, across;
  std::int64_t channels, group;  // of a group; from a group to the next
  std::int64_t places, made, split, skipped;
};
/// Where a place begins, or what a tap adds to that: in x, and on both axes.
struct Spot {
  std::int64_t at, row, column;
};
/// What a block of such a tile has in common: spots of its rows and steps, both operands' numbers,
/// and which of what is seen is there.
template <class Tile, class T>
constexpr std::int64_t seen_bytes() {
  constexpr std::int64_t kSize = kTileSteps * Tile::kSide;
  return (Tile::kSide + kTileSteps) * sizeof(Spot) + kSize * (2 * sizeof(T) + 1);
}

/// y = f(Σ_jkc x·w[j,k,c,O] + bias[O]), one chain over (j, k, c): of place (n, r, t) at
/// n·y_sample + r·y_row + t·y_column. Taps that are not there see 0, in each of these tiles.
template <class T>
struct Convolve {
  T* y;
  const T *x, *w, *bias;
  Seen seen;
  std::int64_t y_sample, y_row, y_column;
  std::int64_t groups, filters;  // of a group
  Function f;
};
template <class T>
struct LargeConvolve : Convolve<T> {
  MUNDUR_KERNEL(LargeConvolve);
  using Tile = LargeTiles<T>;
};
template <class T>
struct SmallConvolve : Convolve<T> {
  MUNDUR_KERNEL(SmallConvolve);
  using Tile = SmallTiles<T>;
};
/// The same, where such taps are left out; `lanes`: over 16 virtual ones where uses_lanes() of what
/// a place sees.
template <class T>
struct ConvolveEach : Convolve<T> {
  MUNDUR_KERNEL(ConvolveEach);
  bool lanes;
};

/// Of each shard of places, from number `shard` on: sums[s,j,k,c,O] = Σ x·dy[place,O], one chain in
/// order of the places.
template <class T>
struct ConvolveDw {
  T* sums;
  const T *x, *dy;
  Seen seen;
  std::int64_t groups, filters, shard, shards;
};
/// `leaves_out`: taps that are not there are in no chain, else they see 0.
template <class T>
struct LargeConvolveDw : ConvolveDw<T> {
  MUNDUR_KERNEL(LargeConvolveDw);
  using Tile = LargeTiles<T>;
  bool leaves_out;
};
template <class T>
struct SmallConvolveDw : ConvolveDw<T> {
  MUNDUR_KERNEL(SmallConvolveDw);
  using Tile = SmallTiles<T>;
  bool leaves_out;
};
/// They are left out; an element of a shard to a thread.
template <class T>
struct ConvolveEachDw : ConvolveDw<T> {
  MUNDUR_KERNEL(ConvolveEachDw);
};
/// to[n] = the sum over samples whose shards are sums[s,n], by ShardTree(rows, each); some of them,
/// from number `shard` on: what waits for others stays in `waiting`.
template <class T>
struct JoinShards {
  MUNDUR_KERNEL(JoinShards);
  T *to, *waiting;
  const T* sums;
  std::int64_t n, shard, shards, rows, each;
};

/// seen[n,t,g,k,c] = x of place (n, t) and tap k; 0 where that is not there.
template <class T>
struct GatherWindows {
  MUNDUR_KERNEL(GatherWindows);
  T* to;
  const T* x;
  Seen seen;
  std::int64_t groups;
};
/// turned[j,k,o,g·C + c] = w[first + (taps - 1 - j)·step of both axes, c, g·O + o].
template <class T>
struct TurnKernel {
  MUNDUR_KERNEL(TurnKernel);
  struct Axis {
    std::int64_t taps, first, step;
  };
  T* turned;
  const T* w;
  Axis rows, columns;
  std::int64_t wide;  // taps of w's rows
  std::int64_t groups, channels, filters;
};

// ---- losses ---------------------------------------------------------------------------------

template <class T>
struct LossValues {
  MUNDUR_KERNEL(LossValues);
  double* values;
  const T *p, *y, *weights;
  const std::int32_t* labels;
  std::int64_t rows, columns;
  LossKind kind;
  LossNumbers numbers;
};
/// total = Σ weights, as every sum over samples; `sums` has room for one of each kShard of them.
template <class T>
struct TotalWeight {
  MUNDUR_KERNEL(TotalWeight);
  double *total, *sums;
  const T* weights;
  std::int64_t n, each;
};
/// `total`: of the weights; null: rows weigh 1.
template <class T>
struct LossGradient {
  MUNDUR_KERNEL(LossGradient);
  T* dp;
  const T *p, *y, *weights;
  const std::int32_t* labels;
  const double* total;
  std::int64_t rows, columns, each;
  double scale;
  LossKind kind;
  LossNumbers numbers;
  bool fused, sums, elementwise;
};
template <class T>
struct ArgMax {
  MUNDUR_KERNEL(ArgMax);
  std::int32_t* index;
  const T* x;
  std::int64_t rows, columns;
};

// ---- losses of whole batches, in double -------------------------------------------------------

template <class T>
struct ToDoubles {
  MUNDUR_KERNEL(ToDoubles);
  double* y;
  const T* x;
  std::int64_t n;
};
template <class T>
struct FromDoubles {
  MUNDUR_KERNEL(FromDoubles);
  T* y;
  const double* x;
  std::int64_t n;
};
/// The sums of rows of n numbers as NumPy has them: of pieces, 2^turns places for those of a row;
/// then, a row to a block, to[row] = their sum · factor / by.
template <class T>
struct SumPieces {
  MUNDUR_KERNEL(SumPieces);
  T* sums;
  const T* x;
  std::int64_t rows, n;
  std::int32_t turns;
};
template <class T>
struct JoinPieces {
  MUNDUR_KERNEL(JoinPieces);
  T *to, *sums;
  std::int64_t n;
  T factor, by;
  std::int32_t turns;
};
/// terms = w y p, w y and w p, n of each, one behind the other; weights may be null.
template <class T>
struct OverlapTerms {
  MUNDUR_KERNEL(OverlapTerms);
  T* terms;
  const T *p, *y, *weights;
  std::int64_t n;
};
/// Of sums of these terms, three for each group: see BatchFormula.
template <class T>
struct OverlapLosses {
  MUNDUR_KERNEL(OverlapLosses);
  T *losses, *whole;
  const T* sums;
  std::int64_t groups;
  T c, d, alpha, beta;
};
template <class T>
struct OverlapSlopes {
  MUNDUR_KERNEL(OverlapSlopes);
  T* slopes;
  const T *y, *weights, *sums, *whole;
  std::int64_t groups, n;
  T c, d, beta, by;
};

/// What stands in both sums of samples beside samples: see BatchFormula; -∞ where it is no such
/// pair.
template <class T>
struct CirclePairs {
  MUNDUR_KERNEL(CirclePairs);
  T *near, *far, *distance;
  const T *p, *classes;
  std::int64_t n, size;
  T gamma, margin;
  bool itself;
};
/// to = log Σ exp(near) + log Σ exp(far) of rows, whose log softmax is at hand.
template <class T>
struct CircleSums {
  MUNDUR_KERNEL(CircleSums);
  T* to;
  const T *near, *log_near, *far, *log_far;
  std::int64_t n;
};
/// losses = weights·losses where `there`.
template <class T>
struct CircleLosses {
  MUNDUR_KERNEL(CircleLosses);
  T* losses;
  const T *there, *weights;
  std::int64_t n;
};
/// Of near and far the softmax, of the sums the sigmoid.
template <class T>
struct CircleSlopes {
  MUNDUR_KERNEL(CircleSlopes);
  T* slopes;
  const T *near, *far, *distance, *sigmoid, *there, *weights;
  std::int64_t n;
  T gamma, margin, share;
};
template <class T>
struct CircleDx {
  MUNDUR_KERNEL(CircleDx);
  T* dp;
  const T *slopes, *p;
  std::int64_t n, size;
};

// ---- updates and penalties ------------------------------------------------------------------

/// The step on a block of a parameter, whose first element is number `first` of the flat vector,
/// from the gradient there, or, of sums, from that number on in them. `scale`: of the gradient, to
/// the norms that are allowed; null: none. `gathers`: not in every step; `clears`: the sums then.
template <class T>
struct Update {
  MUNDUR_KERNEL(Update);
  T* g;
  const double* scale;
  std::int64_t first, rows, columns, ld;
  bool gathers, clears;
};
template <class T>
struct Accumulate {
  MUNDUR_KERNEL(Accumulate);
  const T* g;
  std::int64_t first, n;  // in the flat vector
};
/// Of pieces of kPiece elements; g null: of the sums of several steps.
template <class T>
struct SumSquares {
  MUNDUR_KERNEL(SumSquares);
  double* squares;
  const T* g;
  std::int64_t first, n;
};
/// scale = what makes all gradients, and the one that pieces from `own` on are of, as short as is
/// allowed.
template <class T>
struct ClippedScale {
  MUNDUR_KERNEL(ClippedScale);
  double* scale;
  const double *squares, *own;
  std::int64_t all, pieces;
};
/// A parameter of a step that looks at whole ones: its gradient as in Update, and its Strips, the
/// rows of its matrices or, where `height` is 0, pieces of so many numbers.
template <class T>
struct Factored {
  T* g;
  const double* scale;
  T *rows, *columns;  // what its matrices' have
  std::int64_t first, size, height, width;
};
template <class T>
struct FactorMeans : Factored<T> {
  MUNDUR_KERNEL(FactorMeans);
};
/// shares[row] = what is due to a row, of the mean of its matrix's. A matrix to a block, which has
/// that mean in common.
template <class T>
struct FactorShares {
  MUNDUR_KERNEL(FactorShares);
  T* shares;
  const T* rows;
  std::int64_t height;
};
/// Two numbers of each strip.
template <class T>
struct FactorSizes : Factored<T> {
  MUNDUR_KERNEL(FactorSizes);
  double* sizes;
  const T* shares;
};
/// rate = the learning rate of the parameter.
template <class T>
struct FactorRate {
  MUNDUR_KERNEL(FactorRate);
  T* rate;
  const double* sizes;
  std::int64_t first, size, strips;
};
template <class T>
struct FactorUpdate : Factored<T> {
  MUNDUR_KERNEL(FactorUpdate);
  const T *rate, *shares;
  bool clears;
};
template <class T>
struct AddPenalty {
  MUNDUR_KERNEL(AddPenalty);
  T *to, *g;
  const T* w;
  std::int64_t rows, columns, ldg, ldw;
  Penalty penalty;
};
/// values[i] (+)= l1·Σ|x| + l2·Σx² of each of so many rows, of `columns` numbers but for the last
/// one's `rest`.
template <class T>
struct Penalties {
  MUNDUR_KERNEL(Penalties);
  double* values;
  const T* x;
  std::int64_t rows, columns, rest;
  Penalty penalty;
  bool onto;
};
/// w[outer, n, inner]: norms along n; or no number below 0.
template <class T>
struct Constrain {
  MUNDUR_KERNEL(Constrain);
  T* w;
  std::int64_t outer, n, inner;
  T least, most, rate;
  bool non_negative;
};
/// Norms along axes that lie apart: w's axes, the innermost one first, are of these and others in
/// turn, the `first` of these. `vectors` have n elements each.
inline constexpr int kMostTurns = 33;  // of 32 that can be named
template <class T>
struct ConstrainApart {
  MUNDUR_KERNEL(ConstrainApart);
  T* w;
  std::int64_t vectors, n;
  T least, most, rate;
  std::int32_t axes;
  bool first;
  std::int64_t extents[kMostTurns];
};

// ---- random numbers -------------------------------------------------------------------------

/// The stream of a layer; `own_seed`: not the network's.
struct Key {
  std::uint64_t seed, place;
  bool own_seed;
};
/// Of `rows` rows of `columns` numbers; one element of keep serves `steps` numbers at that
/// distance.
template <class T>
struct Dropout {
  MUNDUR_KERNEL(Dropout);
  T* y;
  std::uint8_t* keep;
  const T* x;
  std::int64_t rows, columns, steps;
  Key key;
  std::uint32_t threshold;
  bool affine;
  T scale, offset, dropped;
};
template <class T>
struct DropoutDx {
  MUNDUR_KERNEL(DropoutDx);
  T* dx;
  const T* dy;
  const std::uint8_t* keep;
  std::int64_t rows, columns, steps;
  T scale;
};
template <class T>
struct Normal {
  MUNDUR_KERNEL(Normal);
  T* y;
  std::int64_t n;
  Key key;
  double mean, deviation;
};

// ---- images ---------------------------------------------------------------------------------

template <class T>
struct DrawMaps {
  MUNDUR_KERNEL(DrawMaps);
  double* map;
  std::int64_t samples;
  Key key;
  RandomChange how;
  Image from, to;
};
/// What images look like elsewhere: by the map of each, or, without maps, as `fixed` says.
struct Warped {
  std::int64_t samples;
  Image to, from;
  const double* map;
  double fixed[6];
  Sampling how;
  Box box;
};
template <class T>
struct Warp {
  MUNDUR_KERNEL(Warp);
  T* y;
  const T* x;
  Warped by;
};
template <class T>
struct WarpDx {
  MUNDUR_KERNEL(WarpDx);
  T* dx;
  const T* dy;
  Warped by;
};
template <class T>
struct Contrast {
  MUNDUR_KERNEL(Contrast);
  T* y;
  const T* x;
  const double* map;
  std::int64_t samples;
  Image image;
  double least, most;
};
template <class T>
struct ContrastDx {
  MUNDUR_KERNEL(ContrastDx);
  T* dx;
  const T *dy, *x;
  const double* map;
  std::int64_t samples;
  Image image;
  double least, most;
};

// ---- normalisation --------------------------------------------------------------------------

/// The rows of a matrix that count: their number stands in `count`, or all of them do.
struct CountedRows {
  const std::uint8_t* mask;
  std::int64_t each;  // rows of one element of the mask
  std::int64_t all;
  const double* count;
};
template <class T>
struct CountRows {
  MUNDUR_KERNEL(CountRows);
  double* rows;
  const std::uint8_t* mask;
  std::int64_t n, each, all;
};
template <class T>
struct ColumnSums {
  MUNDUR_KERNEL(ColumnSums);
  T* sum;
  const T* x;
  std::int64_t columns, rows, each;
  CountedRows counted;
};
template <class T>
struct ColumnDeviations {
  MUNDUR_KERNEL(ColumnDeviations);
  T *off, *squares;
  const T *x, *sum;
  std::int64_t columns, rows, each;
  CountedRows counted;
};
template <class T>
struct ColumnMoments {
  MUNDUR_KERNEL(ColumnMoments);
  T *mean, *variance, *moving_mean, *moving_variance;
  const T *sum, *off, *squares;
  std::int64_t columns;
  CountedRows counted;
  T momentum, rest;
};
template <class T>
struct NormalizationScale {
  MUNDUR_KERNEL(NormalizationScale);
  T *inverse, *scale;
  const T *variance, *gamma;
  std::int64_t n;
  T epsilon;
};
template <class T>
struct NormalizeColumns {
  MUNDUR_KERNEL(NormalizeColumns);
  T* y;
  const T *x, *mean, *scale, *beta;
  std::int64_t rows, columns;
};
/// `by_rows`: moments are of rows, not of columns.
template <class T>
struct NormalizeSums {
  MUNDUR_KERNEL(NormalizeSums);
  T *dbeta, *dgamma;
  const T *dy, *x, *mean, *inverse;
  std::int64_t columns, rows, each;
  bool by_rows;
};
template <class T>
struct NormalizeColumnsDx {
  MUNDUR_KERNEL(NormalizeColumnsDx);
  T* dx;
  const T *dy, *x, *mean, *inverse, *scale, *dbeta, *dgamma;
  std::int64_t rows, columns;
  CountedRows counted;
};
template <class T>
struct NormalizeRows {
  MUNDUR_KERNEL(NormalizeRows);
  T *y, *mean, *inverse;
  const T *x, *gamma, *beta;
  std::int64_t rows, columns;
  T epsilon;
};
template <class T>
struct NormalizeRowsDx {
  MUNDUR_KERNEL(NormalizeRowsDx);
  T* dx;
  const T *dy, *x, *mean, *inverse, *gamma;
  std::int64_t rows, columns;
};
template <class T>
struct UnitRows {
  MUNDUR_KERNEL(UnitRows);
  T *y, *inverse;
  const T* x;
  std::int64_t rows, columns;
  T most;
};
template <class T>
struct UnitRowsDx {
  MUNDUR_KERNEL(UnitRowsDx);
  T* dx;
  const T *dy, *y, *inverse;
  std::int64_t rows, columns;
  T most;
};

// ---- time -----------------------------------------------------------------------------------

/// So many samples to a block, at most.
inline constexpr int kMostTogether = 4;
/// Numbers of each of their rows that common memory holds.
inline constexpr int kTimeDepth = 1024;

/// A recurrent layer's way through time, of some samples to a block. Z columns are those of its
/// gates, of which `split` take h in z; those behind them, of which a GRU has some, do not.
template <class T>
struct TimeLoop {
  static constexpr int kEnoughBlocks = 1;
  T *z, *q, *state_h, *state_c;
  T *h, *c, *dropped_h;  // null: there is none, or it is not kept
  std::uint8_t *keep_h, *heard;
  const std::uint8_t* mask;
  const T* c0;
  std::int64_t samples, steps, units, columns, split;
  std::int64_t q_steps;  // that q has of each sample
  Gates<T> gates;
  T scale;  // of what dropout keeps of h
  std::int32_t together;
  Cell cell;
  bool sequences, reversed, in_order;
};
/// z holds x·W. `bias` is that behind the chains over h.
template <class T>
struct RecurSteps : TimeLoop<T> {
  T* y;
  const T *u, *bias, *h0;
  Key key;
  std::uint32_t threshold;
  bool zeroes;
};
template <class T>
struct Recur : RecurSteps<T> {
  MUNDUR_KERNEL(Recur);
};
template <class T>
struct RecurAny : RecurSteps<T> {
  MUNDUR_KERNEL(RecurAny);
};
/// u_z[split, units] and u_q[units, units] are transposed. `begins`: ∂L/∂(the first state) is
/// wanted.
template <class T>
struct RecurStepsDx : TimeLoop<T> {
  T *dh, *dq;
  const T *u_z, *u_q, *dy, *dh_last, *dc_last;
  bool begins;
};
template <class T>
struct RecurDx : RecurStepsDx<T> {
  MUNDUR_KERNEL(RecurDx);
};
template <class T>
struct RecurDxAny : RecurStepsDx<T> {
  MUNDUR_KERNEL(RecurDxAny);
};

// ---- steps that are on their way together ---------------------------------------------------

/// Samples of a batch, from the set's array `source`, converted.
template <class T>
struct Gather {
  MUNDUR_KERNEL(Gather);
  T* y;
  std::int64_t samples, size;
  int source;
};
/// The same of whole numbers.
template <class T>
struct GatherIds {
  MUNDUR_KERNEL(GatherIds);
  std::int32_t* y;
  std::int64_t samples, size;
  int source;
};
/// Of each row of a sample; 1 without such an array, 0 where its label, if there are any, is below
/// 0.
template <class T>
struct GatherWeights {
  MUNDUR_KERNEL(GatherWeights);
  T* weights;
  const std::int32_t* labels;
  std::int64_t samples, rows;
  int source;
};
/// Of either; any may be null.
template <class T>
struct StopUnlessFinite {
  MUNDUR_KERNEL(StopUnlessFinite);
  const double* doubles;
  const T* values;
  std::int64_t n;
};
/// What is asked of a step stays, `each` words of 8 bytes for one.
inline constexpr int kMostKept = 16;
template <class T>
struct Keep {
  MUNDUR_KERNEL(Keep);
  struct {
    const std::uint64_t* from;
    std::int64_t words;
  } kept[kMostKept];
  std::uint64_t* to;
  std::int64_t each;
  std::int32_t count;
};

#undef MUNDUR_KERNEL

}  // namespace mundur::launches

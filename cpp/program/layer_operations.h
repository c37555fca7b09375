#pragma once

// What layers are made of.

#include <optional>
#include <vector>

#include "mundur/activations.h"
#include "mundur/images.h"
#include "mundur/outside.h"
#include "program/values.h"
#include "program/windows.h"

namespace mundur {

/// What follows when the gradient of a parameter is known: its penalty's gradient, l1·sign(w) +
/// 2·l2·w, and the optimizer's step. Done piece by piece, while a piece is in the cache.
struct After {
  Value w;
  Penalty penalty{};
  bool update = false;  // then nobody reads the gradient
};

/// Where random numbers come from: a stream for each layer and each training forward.
struct Stream {
  std::optional<std::uint64_t> seed;  // none: the network's
  int layer = 0;
};

/// Of elements that are kept with a probability: 32 random bits below it drop one.
struct Drop {
  std::uint32_t threshold = 0;
  double scale = 1.0;  // of what is kept
  bool any() const { return threshold != 0; }
};

/// What a recurrent layer is, and what it keeps. Gates of z: 1, 4 or 3; a GRU has q, an LSTM c.
struct Recurrence {
  Cell cell = Cell::simple_rnn;
  ActivationFunction f, g;  // of what goes in, and of the other gates
  bool usual = true;        // tanh and σ, or simple_rnn's f is a Function: kernels of their own
  std::int64_t steps = 0, inputs = 0, units = 0, gates = 1;
  bool sequences = false;  // y has all steps, in the order of time if `in_order`, else as they came
  bool reversed = false;   // from the last step to the first
  bool in_order = false;
  bool keeps = true;    // for backward; else z is that of a few steps, unless it is made
  bool made = false;    // z is that of all steps, and holds x·W as it comes
  bool zeroes = false;  // y is 0 at masked steps
  Drop drop_h;
  Stream stream;

  Value x, w, u, bias, mask;
  Value h0, c0;  // where it begins; none: at 0
  // The gates of each step, unless usual in front of their functions; backward turns them into
  // ∂L/∂z, ∂L/∂q. q is h·U_n, or, where the reset gate stands in front, r·h, which stays.
  Value z, q;
  Value h, c;              // the state before each step, and c behind it
  Value fresh;             // z of one step
  Value state_h, state_c;  // the running state; backward its gradient
  Value dropped_h, keep_h, dh;
  Value heard;  // which steps' y is the state: not masked ones that `zeroes`, or in front of all
                // that are there, where the state began elsewhere; none: all
  Value dq;     // ∂L/∂(r·h) of one step
  Value panels_w, panels_u, panels_q;
};

namespace op {

// ---- products -------------------------------------------------------------------------------

/// y[n,O] = f(x[n,I]·w[I,O] + bias[O]); bias may be missing; x may be bfloat16, of either kind.
struct Product {
  Value y, x, w, bias;
  Function f = Function::linear;
  bool whole_rows = false;  // what comes next needs rows of y whole
  void walk(auto& go) const { go.writes(y).reads(x).reads(w).reads(bias); }
};
/// dx[n,I] = dy[n,O]·wᵀ; dy may be bfloat16, of either kind.
struct ProductDx {
  Value dx, dy, w;
  void walk(auto& go) const { go.writes(dx).reads(dy).reads(w); }
};
/// dw[I, column + O] = x[n,I]ᵀ·dy[n,O], O < columns: a sum over samples. Both may be bfloat16,
/// pairs, or left and right.
struct ProductDw {
  Value dw, x, dy;
  std::int64_t column = 0, columns = -1;  // -1: all
  After after{};
  void walk(auto& go) const { go.sums(dw).reads(x).reads(dy).then(after); }
};
/// db[column + O] = Σ_n dy[n,O], O < columns: a sum over samples.
struct SumRows {
  Value db, dy;
  std::int64_t column = 0, columns = -1;  // -1: all
  After after{};
  void walk(auto& go) const { go.sums(db).reads(dy).then(after); }
};
/// y = x rounded to bfloat16, in the form that y has.
struct ToBfloat16 {
  Value y, x;
  void walk(auto& go) const { go.writes(y).reads(x); }
};

// kMultiplies: products within it need scratch.

// ---- windows --------------------------------------------------------------------------------

/// seen[n,K·I] = what each window sees of x, group by group; taps that are not there see 0.
struct GatherWindows {
  Value seen, x;
  Windows windows;
  std::int64_t groups = 1;
  void walk(auto& go) const { go.writes(seen).reads(x); }
};
/// y[n,K·I] = what each window sees of x, rounded to bfloat16, in the form that y has.
struct RoundWindows {
  Value y, x;
  Windows windows;
  void walk(auto& go) const { go.writes(y).reads(x); }
};
/// dx = the sum of what each window that saw it says, in their order: of the rows of dy·wᵀ, where
/// dy is bfloat16, of either kind. Of an image; a sequence is one of a single row.
struct WindowsDx {
  Value dx, dy, w;
  Windows2D windows;
  void walk(auto& go) const { go.writes(dx).reads(dy).reads(w); }
};
/// y[t,O] = f(Σ_k x[window t, tap k]·w[k,I,O] + bias[O]), taps that are not there left out; x is
/// what GatherWindows made, if anything did. With a stride, t counts the steps first, first +
/// stride, ... of y.
struct Convolve {
  static constexpr bool kMultiplies = true;
  Value y, x, w, bias;
  Windows windows;
  std::int64_t groups = 1;
  bool gathered = false;
  Function f = Function::linear;
  std::int64_t first = 0, stride = 1;
  void walk(auto& go) const { go.writes(y).reads(x).reads(w).reads(bias); }
};
/// turned[j,O,I] = w[first + (taps - 1 - j)·step,I,O], group by group: some taps in reverse; of an
/// image's windows so on both axes, those of the rows by `rows`.
struct TurnKernel {
  Value turned, w;
  std::int64_t groups = 1, first = 0, step = 1;
  struct {
    std::int64_t first = 0, step = 1;
  } rows{};
  void walk(auto& go) const { go.writes(turned).reads(w); }
};
/// dw[K,I,O] = Σ x[window t, tap k]ᵀ·dy[t,O]: a sum over samples.
struct ConvolveDw {
  static constexpr bool kMultiplies = true;
  Value dw, x, dy;
  Windows windows;
  std::int64_t groups = 1;
  bool gathered = false;
  After after{};
  void walk(auto& go) const { go.sums(dw).reads(x).reads(dy).then(after); }
};
/// y[r,t,O] = f(Σ_jk x[window (r,t), tap (j,k)]·w[j,k,I,O] + bias[O]), one chain over (j, k, I) in
/// which taps that are not there see 0, or, in groups of few channels and filters, are left out.
/// With strides, (r,t) counts every so many rows and columns of y, from the first on. x and y may
/// be sequences, images of one row; w may have any shape. x and w may be rounded to `rounded`,
/// bfloat16 of either kind.
struct Convolve2D {
  static constexpr bool kMultiplies = true;
  Value y, x, w, bias;
  Windows2D windows;
  std::int64_t groups = 1;
  Function f = Function::linear;
  struct Part {
    std::int64_t first = 0, stride = 1;
  } rows{}, columns{};
  Element rounded = Element::real;
  void walk(auto& go) const { go.writes(y).reads(x).reads(w).reads(bias); }
};
/// dw[j,k,I,O] = Σ x[window (r,t), tap (j,k)]ᵀ·dy[r,t,O]: a sum over samples, whose rows are the
/// places (r,t). dy may be bfloat16, pairs or right; then x is rounded likewise.
struct Convolve2DDw {
  static constexpr bool kMultiplies = true;
  Value dw, x, dy;
  Windows2D windows;
  std::int64_t groups = 1;
  After after{};
  void walk(auto& go) const { go.sums(dw).reads(x).reads(dy).then(after); }
};
/// Of an image; a sequence is one of a single row. y = the greatest that each window sees in each
/// channel; at = which tap of the window that was, as a byte, or else the sample's pixel. None:
/// nobody asks.
struct MaxWindows {
  Value y, at, x;
  Windows2D windows;
  void walk(auto& go) const { go.writes(y).writes(at).reads(x); }
};
struct MaxWindowsDx {
  Value dx, dy, at;
  Windows2D windows;
  void walk(auto& go) const { go.writes(dx).reads(dy).reads(at); }
};
/// y = the mean of the pixels that each window sees, of those that `mask` has if there is one.
struct MeanWindows {
  Value y, x, mask;
  Windows2D windows;
  void walk(auto& go) const { go.writes(y).reads(x).reads(mask); }
};
struct MeanWindowsDx {
  Value dx, dy, mask;
  Windows2D windows;
  void walk(auto& go) const { go.writes(dx).reads(dy).reads(mask); }
};

// ---- functions of elements and rows ---------------------------------------------------------

/// y = f(x), softmax and log_softmax along the last axis; in place of x.
struct Activate {
  Value y, x;
  ActivationFunction f;
  void walk(auto& go) const { go.writes(y, f.custom ? Value{} : x).reads(x); }
};
/// dx = dy f'(z), f' written through `of`: y, or z where f.keeps_z(); in place of dy.
struct ActivateDx {
  Value dx, dy, of;
  ActivationFunction f;
  void walk(auto& go) const { go.writes(dx, dy).reads(dy).reads(of); }
};
/// y = scale·x + offset; in place of x.
struct Rescale {
  Value y, x;
  double scale = 1.0, offset = 0.0;
  void walk(auto& go) const { go.writes(y, x).reads(x); }
};
/// y = f(a + b); in place of a.
struct Add {
  Value y, a, b;
  After after{};
  Function f = Function::linear;
  void walk(auto& go) const { go.writes(y, a).reads(a).reads(b).then(after); }
};
/// y = a·b; in place of a.
struct Multiply {
  Value y, a, b;
  void walk(auto& go) const { go.writes(y, a).reads(a).reads(b); }
};
/// y = the larger of a and b, or the smaller; a where they are equal, and NaN wins; in place of a.
struct Larger {
  Value y, a, b;
  bool smaller = false;
  void walk(auto& go) const { go.writes(y, a).reads(a).reads(b); }
};
/// dx = dy where Larger took a, if dx is ∂L/∂a (`first`), or where it took b, else 0; in place of
/// dy.
struct LargerDx {
  Value dx, dy, a, b;
  bool smaller = false, first = true;
  void walk(auto& go) const { go.writes(dx, dy).reads(dy).reads(a).reads(b); }
};
/// y[i,j] = Σ_k a[i,k]·b[j,k] of each sample: one chain.
struct Contract {
  Value y, a, b;
  Contraction how;
  void walk(auto& go) const { go.writes(y).reads(a).reads(b); }
};
/// y = x.
struct Copy {
  Value y, x;
  After after{};
  void walk(auto& go) const { go.writes(y).reads(x).then(after); }
};
/// y = 0.
struct Zero {
  Value y;
  After after{};
  void walk(auto& go) const { go.writes(y).then(after); }
};
/// The axes of a sample in another order: y[j of axis a] = x[j of axis a]; backward the other way.
struct Permute {
  Value y, x;
  Shape axes;
  bool back = false;
  void walk(auto& go) const { go.writes(y).reads(x); }
};
/// The axes of an image in front of its channels, moved: y[i + rows, j + columns] = x[i, j] where
/// both are there, else 0. A sequence is an image of one row.
struct Shift {
  Value y, x;
  std::int64_t rows = 0, columns = 0;
  void walk(auto& go) const { go.writes(y).reads(x); }
};
/// The last axes side by side.
struct Concatenate {
  Value y;
  std::vector<Value> parts;
  void walk(auto& go) const {
    go.writes(y);
    for (Value part : parts) go.reads(part);
  }
};
/// y[n,O] = x[n, column..column+O).
struct TakeColumns {
  Value y, x;
  std::int64_t column = 0;
  void walk(auto& go) const { go.writes(y).reads(x); }
};
/// y = x, and `fill` in the steps that the mask lacks; in place of x.
struct MaskSteps {
  Value y, x, mask;
  double fill = 0.0;
  void walk(auto& go) const { go.writes(y, x).reads(x).reads(mask); }
};
/// y[n] = a[n] or b[n], of masks; in place of a.
struct EitherMask {
  Value y, a, b;
  void walk(auto& go) const { go.writes(y, a).reads(a).reads(b); }
};
/// mask[t] = whether any of x[t,:] differs from the value, as a NaN does from everything.
struct FindMask {
  Value mask, x;
  double value = 0.0;
  void walk(auto& go) const { go.writes(mask).reads(x); }
};
/// y[t] = x for each step t of y, or each row of an image; x may be there once, for all samples.
struct Repeat {
  Value y, x;
  void walk(auto& go) const { go.writes(y).reads(x); }
};
/// y = Σ_t x[t], t ascending, one chain.
struct SumSteps {
  Value y, x;
  void walk(auto& go) const { go.writes(y).reads(x); }
};

// ---- images ---------------------------------------------------------------------------------

/// map[6] of each image: pixel (i, j) of y is at row map[0] + map[1]·i + map[2]·j of x, and at
/// column map[3] + map[4]·i + map[5]·j. Of a change of contrast: map[1], its factor.
struct DrawMaps {
  Value map;
  Stream stream;
  RandomChange how;
  Image from, to;
  void walk(auto& go) const { go.writes(map); }
};
/// y = x where the map says, of the part of x that is seen.
struct Warp {
  Value y, x, map;  // no map: `fixed`
  Sampling how;
  Box box;
  double fixed[6] = {};
  void walk(auto& go) const { go.writes(y).reads(x).reads(map); }
};
/// dx = Σ dy·(what of x stands in y), in order of the pixels of y.
struct WarpDx {
  Value dx, dy, map;
  Sampling how;
  Box box;
  double fixed[6] = {};
  void walk(auto& go) const { go.writes(dx).reads(dy).reads(map); }
};
/// y = (x - m)·factor + m within [least, most], m the mean of each channel of an image.
struct Contrast {
  Value y, x, map;
  double least = 0.0, most = 0.0;
  void walk(auto& go) const { go.writes(y).reads(x).reads(map); }
};
struct ContrastDx {
  Value dx, dy, x, map;
  double least = 0.0, most = 0.0;
  void walk(auto& go) const { go.writes(dx).reads(dy).reads(x).reads(map); }
};

// ---- random numbers -------------------------------------------------------------------------

/// y = keep ? x·scale + offset : dropped; one element of keep for each of x, or for a channel in
/// all its steps.
struct Dropout {
  Value y, keep, x;
  Stream stream;
  Drop drop;
  bool affine = false;  // else offset and dropped are 0
  double offset = 0.0, dropped = 0.0;
  void walk(auto& go) const { go.writes(y).writes(keep).reads(x); }
};
/// dx = keep ? dy·scale : 0; in place of dy.
struct DropoutDx {
  Value dx, dy, keep;
  double scale = 1.0;
  void walk(auto& go) const { go.writes(dx, dy).reads(dy).reads(keep); }
};
/// y normal.
struct Normal {
  Value y;
  Stream stream;
  double mean = 0.0, deviation = 1.0;
  void walk(auto& go) const { go.writes(y); }
};

// ---- embedding ------------------------------------------------------------------------------

/// ids[n] = x[n] without its fraction; 0 where that is none of [0, vocabulary), which is told.
struct ToIds {
  Value ids, x;
  std::int64_t vocabulary = 0;
  void walk(auto& go) const { go.writes(ids).reads(x); }
};
/// y[n,O] = w[ids[n],O]; mask[n] = ids[n] is not 0, and such rows hold nothing that is not finite.
struct Lookup {
  Value y, mask, ids, w;
  void walk(auto& go) const { go.writes(y).writes(mask).reads(ids).reads(w); }
};
/// The places of each id as a list: where it begins (-1: none), and what follows each place.
struct ListPlaces {
  Value first, next, ids;
  void walk(auto& go) const { go.writes(first).writes(next).reads(ids); }
};
/// dw[v,O] = Σ_n [ids[n] = v] dy[n,O]: a sum over samples.
struct LookupDw {
  Value dw, dy, first, next;
  After after{};
  void walk(auto& go) const { go.sums(dw).reads(dy).reads(first).reads(next).then(after); }
};

// ---- normalisation --------------------------------------------------------------------------

/// rows = how many rows of x its mask has.
struct CountRows {
  Value rows, x, mask;
  void walk(auto& go) const { go.sums(rows).reads(mask); }
};
/// sum = Σ_n x over the rows that its mask has: a sum over samples.
struct ColumnSums {
  Value sum, x, mask;
  void walk(auto& go) const { go.sums(sum).reads(x).reads(mask); }
};
/// off = Σ_n (x - m), squares = Σ_n (x - m)², m = sum / rows: sums over samples. Without `rows` all
/// of them count, here and below.
struct ColumnDeviations {
  Value off, squares, x, mask, sum, rows;
  void walk(auto& go) const {
    go.sums(off).sums(squares).reads(x).reads(mask).reads(sum).reads(rows);
  }
};
/// Mean and biased variance of x's columns from these sums; with no rows at all what the moving
/// statistics hold, which stay, else become average·momentum + moment·(1-momentum).
struct ColumnMoments {
  Value mean, variance, x, sum, off, squares, rows;
  Value moving_mean, moving_variance;
  double momentum = 0.0;
  void walk(auto& go) const {
    go.writes(mean).writes(variance).reads(sum).reads(off).reads(squares).reads(rows);
    go.changes(moving_mean).changes(moving_variance);
  }
};
/// inverse = 1/√(variance + ε), scale = inverse·gamma.
struct NormalizationScale {
  Value inverse, scale, variance, gamma;
  double epsilon = 0.0;
  void walk(auto& go) const { go.writes(inverse).writes(scale).reads(variance).reads(gamma); }
};
/// y = f((x - mean)·scale + beta).
struct NormalizeColumns {
  Value y, x, mean, scale, beta;
  Function f = Function::linear;
  void walk(auto& go) const { go.writes(y).reads(x).reads(mean).reads(scale).reads(beta); }
};
/// dbeta = Σ_n dy, dgamma = Σ_n dy·x̂: sums over samples.
struct NormalizeColumnsSums {
  Value dbeta, dgamma, dy, x, mean, inverse;
  void walk(auto& go) const {
    go.sums(dbeta).sums(dgamma).reads(dy).reads(x).reads(mean).reads(inverse);
  }
};
/// dx = scale·(dy - (dbeta + x̂·dgamma) / N) in the N rows that the mask has, in others, and without
/// dbeta and dgamma, scale·dy; in place of dy.
struct NormalizeColumnsDx {
  Value dx, dy, x, mean, inverse, scale, dbeta, dgamma, mask, rows;
  void walk(auto& go) const {
    go.writes(dx, dy).reads(dy).reads(x).reads(mean).reads(inverse).reads(scale);
    go.reads(dbeta).reads(dgamma).reads(mask).reads(rows);
  }
};
/// y = x̂·gamma + beta with the moments of each row, which mean and inverse keep.
struct NormalizeRows {
  Value y, mean, inverse, x, gamma, beta;
  double epsilon = 0.0;
  void walk(auto& go) const {
    go.writes(y).writes(mean).writes(inverse).reads(x).reads(gamma).reads(beta);
  }
};
struct NormalizeRowsSums {
  Value dbeta, dgamma, dy, x, mean, inverse;
  void walk(auto& go) const {
    go.sums(dbeta).sums(dgamma).reads(dy).reads(x).reads(mean).reads(inverse);
  }
};
struct NormalizeRowsDx {
  Value dx, dy, x, mean, inverse, gamma;
  void walk(auto& go) const {
    go.writes(dx).reads(dy).reads(x).reads(mean).reads(inverse).reads(gamma);
  }
};

/// y = x·inverse, inverse = min(1/√Σ x², most) of each row; in place of x.
struct UnitRows {
  Value y, inverse, x;
  double most = 0.0;
  void walk(auto& go) const { go.writes(y, x).writes(inverse).reads(x); }
};
/// dx = inverse·(dy - y·Σ y·dy), without the sum where inverse is `most`; in place of dy.
struct UnitRowsDx {
  Value dx, dy, y, inverse;
  double most = 0.0;
  void walk(auto& go) const { go.writes(dx, dy).reads(dy).reads(y).reads(inverse); }
};

// ---- time -----------------------------------------------------------------------------------

/// W and U as all steps read them, in panels of columns.
struct RecurPack {
  Recurrence r;
  void walk(auto& go) const {
    go.writes(r.panels_w).writes(r.panels_u).writes(r.panels_q).reads(r.w).reads(r.u);
  }
};
/// y from x, step by step; state_h and state_c are left as the last state.
struct Recur {
  static constexpr bool kMultiplies = true;
  Value y;
  Recurrence r;
  void walk(auto& go) const {
    go.writes(y).writes(r.q).writes(r.h).writes(r.c).writes(r.fresh);
    r.made ? go.changes(r.z) : go.writes(r.z);
    go.writes(r.state_h).writes(r.state_c).writes(r.dropped_h).writes(r.keep_h).writes(r.dh);
    go.reads(r.panels_w).reads(r.panels_u).reads(r.panels_q);
    go.writes(r.heard).reads(r.h0).reads(r.c0);
    go.reads(r.x).reads(r.w).reads(r.bias).reads(r.mask);
  }
};
/// Uᵀ in panels.
struct RecurDxPack {
  Recurrence r;
  void walk(auto& go) const { go.writes(r.panels_u).writes(r.panels_q).reads(r.u); }
};
/// ∂L/∂z, in the place of z (and q), from the last step to the first. The running state, its panels
/// and dh in r are of its own: state_h and state_c begin with ∂L/∂(the last state), dh_last and
/// dc_last, and are left as ∂L/∂(the first). dy and these may be missing.
struct RecurDx {
  static constexpr bool kMultiplies = true;
  Value dy, dh_last, dc_last;
  Recurrence r;
  void walk(auto& go) const {
    go.changes(r.z).writes(r.state_h).writes(r.state_c).writes(r.dh).writes(r.dq);
    if (keeps_q()) go.reads(r.q).reads(r.dropped_h);
    if (!keeps_q()) go.changes(r.q);
    go.reads(dh_last).reads(dc_last).reads(r.heard).reads(r.c0);
    go.reads(r.panels_u)
        .reads(r.panels_q)
        .reads(dy)
        .reads(r.h)
        .reads(r.c)
        .reads(r.keep_h)
        .reads(r.mask);
  }
  bool keeps_q() const { return r.cell == Cell::gru_before; }
};

// ---- layers of the caller's, each between two stretches of the team's work --------------------

/// y from x, parameters and state, which it may change.
struct AskLayer {
  Value y;
  std::vector<Value> x, parameters, states;
  std::shared_ptr<OutsideCall> call;
  OutsideTask task;
  void walk(auto& go) const {
    go.writes(y);
    for (Value one : x) go.reads(one);
    for (Value one : parameters) go.reads(one);
    for (Value one : states) go.changes(one);
  }
};
/// ∂L/∂x, and ∂L/∂w, sums over samples, from ∂L/∂y and what forward kept; some may be missing.
struct AskLayerDx {
  std::vector<Value> dx, dw;
  Value dy;
  std::shared_ptr<OutsideCall> call;
  void walk(auto& go) const {
    for (Value one : dx) go.writes(one);
    for (Value one : dw) go.sums(one);
    go.reads(dy);
  }
};

}  // namespace op
}  // namespace mundur

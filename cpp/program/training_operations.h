#pragma once

// What stands around layers: data, losses, penalties, updates.

#include <algorithm>
#include <vector>

#include "mundur/losses.h"
#include "program/layer_operations.h"

namespace mundur {

/// What a loss compares, row by row; y or labels, weights may be missing.
struct Compared {
  Value p, y, labels, weights;
  LossRule loss;
};

/// How a step goes through a whole parameter: the rows of its matrices, that of its last two axes;
/// or pieces, where that is none.
struct Strips {
  std::int64_t size, rows = 0, columns = kPiece;  // of each matrix
  explicit Strips(const Shape& shape) : size(size_of(shape)) {
    const std::size_t axes = shape.size();
    if (axes < 2 || shape[axes - 2] < 2 || shape[axes - 1] < 2) return;
    rows = shape[axes - 2];
    columns = shape[axes - 1];
  }
  std::int64_t matrices() const { return rows ? size / (rows * columns) : 0; }
  std::int64_t count() const { return (size + columns - 1) / columns; }
  std::int64_t size_of_strip(std::int64_t strip) const {
    return std::min(columns, size - strip * columns);
  }
};

/// What its operations share: see Update; `rows` and `columns` for each of those of matrices, two
/// of `sizes` for each strip.
struct Factors {
  std::vector<Value> parameters, gradients;
  Value squares, rows, columns, sizes;
  bool sums = false;
};

namespace op {

// ---- data -----------------------------------------------------------------------------------

/// The batch's samples of one input, as real numbers or as ids below `vocabulary`.
struct LoadInput {
  Value x;
  int input = 0;
  std::int64_t vocabulary = 0;
  void walk(auto& go) const { go.writes(x); }
};
/// The batch's targets: y, or labels; and the weight of each row. Any may be missing.
struct LoadTargets {
  Value y, labels, weights;
  int output = 0;
  void walk(auto& go) const { go.writes(y).writes(labels).writes(weights); }
};
inline constexpr std::size_t kMostOutputs = 16;
/// Samples of x of which no row weighs anything, in any output, are not there: they become 0 where
/// they hold what is not finite, or no id. 0 times a NaN would still be one.
struct ClearUnweighted {
  Value x;
  std::vector<Value> weights;
  int input = 0;
  std::int64_t vocabulary = 0;
  void walk(auto& go) const {
    go.changes(x);
    for (Value one : weights) go.reads(one);
  }
};
/// x as the training set's augmentation changes it, if there is one.
struct Augment {
  Value x;
  void walk(auto& go) const { go.changes(x); }
};
/// ∂L/∂y of one output from outside.
struct LoadGradient {
  Value dy;
  int output = 0;
  void walk(auto& go) const { go.writes(dy); }
};
/// Rows of one of a batch's outputs to the places of their samples, where somebody asks.
struct KeepOutputs {
  Value y;
  int output = 0;
  void walk(auto& go) const { go.reads(y).acts(); }
};

// ---- losses ---------------------------------------------------------------------------------

/// weights[n] = mask[n] ? weights[n] : 0.
struct MaskWeights {
  Value weights, mask;
  void walk(auto& go) const { go.changes(weights).reads(mask); }
};
/// values[n] = the loss of each row, times its weight.
struct LossValues {
  Value values;
  Compared of;
  void walk(auto& go) const {
    go.writes(values).reads(of.p).reads(of.y).reads(of.labels).reads(of.weights);
  }
};
/// dp = ∂L/∂p, times `scale`; `fused`: ∂L/∂z of the head, p = head(z). `total`: the sum of the
/// whole batch's weights, if these are a part of them.
struct LossGradient {
  Value dp;
  Compared of;
  Value total;
  bool fused = false;
  double scale = 1.0;
  void walk(auto& go) const {
    go.writes(dp).reads(of.p).reads(of.y).reads(of.labels).reads(of.weights).reads(total);
  }
};
/// index[n] = the place of the first maximum of x[n,:].
struct ArgMax {
  Value index, x;
  void walk(auto& go) const { go.writes(index).reads(x); }
};
/// A loss that the core does not compute: dp, and the mean of the batch; between two stretches of
/// the team's work.
struct AskLoss {
  Value dp, mean, p, weights;
  const OutsideLoss* loss = nullptr;
  void walk(auto& go) const { go.writes(dp).writes(mean).reads(p).reads(weights).acts(); }
};

// ---- penalties ------------------------------------------------------------------------------

/// sums[b] (+)= l1·Σ|y| + l2·Σy² of each sample.
struct ActivityPenalty {
  Value sums, y;
  double l1 = 0.0, l2 = 0.0;
  bool onto = false;
  void walk(auto& go) const {
    go.writes(sums).reads(y);
    if (onto) go.reads(sums);
  }
};
/// dy = dy + (l1·sign(y) + 2·l2·y) / samples of the batch; in place of dy.
struct ActivityPenaltyDx {
  Value to, dy, y;
  double l1 = 0.0, l2 = 0.0;
  void walk(auto& go) const { go.writes(to, dy).reads(dy).reads(y); }
};
/// values[i] = the penalty of each piece of the parameters.
struct WeightPenalties {
  struct Piece {
    Value w;
    std::int64_t begin, size;
    Penalty penalty;
  };
  Value values;
  std::vector<Piece> pieces;
  void walk(auto& go) const {
    go.writes(values);
    for (const Piece& piece : pieces) go.reads(piece.w);
  }
};

// ---- several ranks, each with a part of the batch: see mundur/exchange.h ----------------------

/// Sums over samples of the parts become those of the whole batch.
struct JoinSums {
  std::vector<Value> sums;
  std::vector<After> after;  // of each
  void walk(auto& go) const {
    for (Value sum : sums) go.changes(sum);
    for (const After& one : after) go.then(one);
  }
};
/// What one rank finds wrong with its numbers, or ids, all have found.
struct Agree {
  std::vector<Value> on;
  void walk(auto& go) const {
    for (Value one : on) go.reads(one);
    go.acts();
  }
};
/// sum = Σ of: numbers, weights or flags, one for each row.
struct SumValues {
  Value sum, of;
  void walk(auto& go) const { go.sums(sum).reads(of); }
};

// ---- updates --------------------------------------------------------------------------------

/// sums[i] += gradients[i]: of several steps.
struct Accumulate {
  std::vector<Value> sums, gradients;
  void walk(auto& go) const {
    for (Value sum : sums) go.changes(sum);
    for (Value g : gradients) go.reads(g);
  }
};
/// The squares of each gradient, summed up in pieces.
struct SumSquares {
  Value squares;
  std::vector<Value> gradients;
  void walk(auto& go) const {
    go.writes(squares);
    for (Value g : gradients) go.reads(g);
  }
};
/// The optimizer's step for parameters whose gradients are all there; scaled to the norms that are
/// allowed, if there are `squares`.
struct Update {
  std::vector<Value> parameters, gradients;
  Value squares;
  bool sums = false;  // the gradients are sums of several steps, and begin anew
  void walk(auto& go) const {
    for (Value w : parameters) go.changes(w);
    for (Value g : gradients) sums ? go.changes(g) : go.reads(g);
    go.reads(squares);
  }
};
/// The step of adafactor, which looks at whole parameters, in three: the running means of the
/// squares of matrices' rows and columns; how long the steps and the parameters are; the update.
struct FactorMeans {
  Factors of;
  void walk(auto& go) const {
    go.writes(of.rows).writes(of.columns).reads(of.squares);
    for (Value g : of.gradients) go.reads(g);
  }
};
struct FactorSizes {
  Factors of;
  void walk(auto& go) const {
    go.writes(of.sizes).reads(of.rows).reads(of.columns).reads(of.squares);
    for (Value g : of.gradients) go.reads(g);
    for (Value w : of.parameters) go.reads(w);
  }
};
struct FactorUpdate {
  Factors of;
  void walk(auto& go) const {
    for (Value w : of.parameters) go.changes(w);
    for (Value g : of.gradients) of.sums ? go.changes(g) : go.reads(g);
    go.reads(of.sizes).reads(of.rows).reads(of.columns).reads(of.squares);
  }
};
/// The step of a rule that the core does not compute: of parameters with these numbers.
struct AskUpdate {
  std::vector<int> numbers;
  std::vector<Value> parameters, gradients;
  bool sums = false;  // as in Update
  void walk(auto& go) const {
    for (Value w : parameters) go.changes(w);
    for (Value g : gradients) sums ? go.changes(g) : go.reads(g);
  }
};
/// What holds for a parameter after each update.
struct Constrain {
  Value w;
  Constraint constraint;
  void walk(auto& go) const { go.changes(w); }
};

}  // namespace op
}  // namespace mundur

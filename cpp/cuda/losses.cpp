// Losses, penalties, updates.

#include "cpu/penalties.h"
#include "cuda/resolver.h"
#include "training/device.h"

namespace mundur::cuda {

template <class T>
void resolve(Resolver<T>& r, const op::MaskWeights& o) {
  r.each(r.size(o.weights),
         launches::MaskWeights<T>{r.at(o.weights), r.template at<std::uint8_t>(o.mask),
                                  r.size(o.weights)});
}
MUNDUR_CUDA_RESOLVED(MaskWeights);

template <class T>
void resolve(Resolver<T>& r, const op::LossValues& o) {
  r.each(r.rows(o.of.p),
         launches::LossValues<T>{r.template at<double>(o.values), r.at(o.of.p), r.at(o.of.y),
                                 r.at(o.of.weights), r.template at<std::int32_t>(o.of.labels),
                                 r.rows(o.of.p), r.columns(o.of.p), o.of.loss.kind(),
                                 o.of.loss.numbers()});
}
MUNDUR_CUDA_RESOLVED(LossValues);

template <class T>
void resolve(Resolver<T>& r, const op::LossGradient& o) {
  const std::int64_t rows = r.rows(o.of.p), O = r.columns(o.of.p), each = r[o.of.p].size() / O;
  const double* total = r.template at<double>(o.total);
  if (!o.total && o.of.weights) {
    double* const sum = r.template scratch<double>(1);
    r.one_block(launches::TotalWeight<T>{sum, r.template scratch<double>(rows / kShard + 1),
                                         r.at(o.of.weights), rows, each});
    total = sum;
  }
  const LossRule& loss = o.of.loss;
  r.each(rows, launches::LossGradient<T>{r.at(o.dp), r.at(o.of.p), r.at(o.of.y), r.at(o.of.weights),
                                         r.template at<std::int32_t>(o.of.labels), total, rows, O,
                                         each, o.scale, loss.kind(), loss.numbers(), o.fused,
                                         loss.sums(), loss.elementwise()});
}
MUNDUR_CUDA_RESOLVED(LossGradient);

template <class T>
void resolve(Resolver<T>& r, const op::ArgMax& o) {
  r.each(r.rows(o.x), launches::ArgMax<T>{r.template at<std::int32_t>(o.index), r.at(o.x),
                                          r.rows(o.x), r.columns(o.x)});
}
MUNDUR_CUDA_RESOLVED(ArgMax);

// ---- penalties ----------------------------------------------------------------------------------

template <class T>
void resolve(Resolver<T>& r, const op::ActivityPenalty& o) {
  const std::int64_t O = r[o.y].samples * r[o.y].size();
  r.each(r.batch, launches::Penalties<T>{r.template at<double>(o.sums), r.at(o.y), r.batch, O, O,
                                         Penalty{o.l1, o.l2}, o.onto});
}
MUNDUR_CUDA_RESOLVED(ActivityPenalty);

template <class T>
void resolve(Resolver<T>& r, const op::ActivityPenaltyDx& o) {
  const std::int64_t n = r.size(o.dy);
  r.each(n, launches::AddPenalty<T>{r.at(o.to), r.at(o.dy), r.at(o.y), 1, n, n, n,
                                    Penalty{o.l1, o.l2, true}});
}
MUNDUR_CUDA_RESOLVED(ActivityPenaltyDx);

/// Pieces of one parameter follow one another, all of them whole but the last.
template <class T>
void resolve(Resolver<T>& r, const op::WeightPenalties& o) {
  double* const values = r.template at<double>(o.values);
  for (std::size_t i = 0; i < o.pieces.size();) {
    const auto& first = o.pieces[i];
    const std::size_t begin = i;
    while (i < o.pieces.size() && o.pieces[i].w == first.w) ++i;
    const auto rows = static_cast<std::int64_t>(i - begin);
    r.each(rows, launches::Penalties<T>{values + begin, r.at(first.w) + first.begin, rows, kPiece,
                                        o.pieces[i - 1].size, first.penalty, false});
  }
}
MUNDUR_CUDA_RESOLVED(WeightPenalties);

// ---- updates ------------------------------------------------------------------------------------

template <class T>
void resolve(Resolver<T>& r, const op::Accumulate& o) {
  for (std::size_t i = 0; i < o.sums.size(); ++i) {
    const std::int64_t n = r.size(o.sums[i]);
    r.each(n, launches::Accumulate<T>{r.at(o.gradients[i]), r[o.sums[i]].place, n});
  }
}
MUNDUR_CUDA_RESOLVED(Accumulate);

template <class T>
void resolve(Resolver<T>& r, const op::SumSquares& o) {
  auto* squares = r.template at<double>(o.squares);
  for (Value g : o.gradients) {
    const std::int64_t n = r.size(g);
    r.each(pieces_of(n), launches::SumSquares<T>{squares, r.at(g), r[g].place, n});
    squares += pieces_of(n);
  }
}
MUNDUR_CUDA_RESOLVED(SumSquares);

template <class T>
void resolve(Resolver<T>& r, const op::Update& o) {
  const bool gathers = o.sums || o.squares;
  const auto* const squares = r.template at<double>(o.squares);
  std::int64_t all = 0;
  for (Value g : o.gradients) all += pieces_of(r.size(g));
  double* const scales =
      o.squares ? r.template scratch<double>(static_cast<std::int64_t>(o.gradients.size()))
                : nullptr;
  const double* own = squares;
  for (std::size_t i = 0; i < o.parameters.size(); ++i) {
    const std::int64_t n = r.size(o.parameters[i]);
    if (o.squares) {
      r.one_block(launches::ClippedScale<T>{scales + i, squares, own, all, pieces_of(n)});
      own += pieces_of(n);
    }
    r.each(n, launches::Update<T>{r.at(o.gradients[i]), o.squares ? scales + i : nullptr,
                                  r[o.parameters[i]].place, 1, n, n, gathers, o.sums});
  }
}
MUNDUR_CUDA_RESOLVED(Update);

namespace {

template <class T>
void limit_apart(Resolver<T>& r, const op::Constrain& o, const Constrained& c) {
  launches::ConstrainApart<T> limit{r.at(o.w),
                                    c.vectors.size(),
                                    c.elements.size(),
                                    static_cast<T>(o.constraint.least),
                                    static_cast<T>(o.constraint.most),
                                    static_cast<T>(o.constraint.rate),
                                    0,
                                    false,
                                    {}};
  const Shape& shape = r[o.w].shape;
  const auto named = [&](std::size_t axis) { return axis < 32 && o.constraint.axes >> axis & 1; };
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (i + 1 < shape.size() && named(i) == named(i + 1)) {
      limit.extents[limit.axes - 1] *= shape[i];
    } else {
      limit.extents[limit.axes++] = shape[i];
    }
  }
  limit.first = named(shape.size() - 1);
  r.each(limit.vectors, limit);
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Constrain& o) {
  const Constrained c(o.constraint, r[o.w].shape);
  const bool non_negative = o.constraint.kind == Constraint::Kind::non_negative;
  if (c.is_apart() && !non_negative) return limit_apart(r, o, c);
  r.each(non_negative ? r.size(o.w) : c.outer * c.inner,
         launches::Constrain<T>{
             r.at(o.w), c.outer, c.n, c.inner, static_cast<T>(o.constraint.least),
             static_cast<T>(o.constraint.most), static_cast<T>(o.constraint.rate), non_negative});
}
MUNDUR_CUDA_RESOLVED(Constrain);

}  // namespace mundur::cuda

// Losses and penalties, row by row.

#include <algorithm>

#include "cpu/penalties.h"
#include "cpu/resolver.h"

namespace mundur {
namespace {

/// What a loss reads of a worker's rows.
template <class T>
struct Read {
  const T *p, *y = nullptr, *weights = nullptr;
  const std::int32_t* labels = nullptr;
  std::int64_t rows, O;
  Read(Resolver<T>& r, const Compared& of, Range part) : rows(part.size()), O(r.columns(of.p)) {
    p = r.reads(of.p, part) + part.begin * O;
    if (of.y) y = r.reads(of.y, part) + part.begin * O;
    if (of.labels) labels = r.template reads_flat<std::int32_t>(of.labels, part) + part.begin;
    if (of.weights) weights = r.reads_flat(of.weights, part) + part.begin;
  }
};

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::MaskWeights& o) {
  const Range part = r.share_flat(o.weights);
  T* const weights = r.writes_flat(o.weights, part);
  const auto* const mask = r.template reads_flat<std::uint8_t>(o.mask, part);
  r.call([=](Now<T>&, Worker&) {
    for (std::int64_t row = part.begin; row < part.end; ++row) {
      if (!mask[row]) weights[row] = T{0};
    }
  });
}
MUNDUR_RESOLVED(MaskWeights);

template <class T>
void resolve(Resolver<T>& r, const op::LossValues& o) {
  const Range part = r.share_rows_as(o.of.p);
  auto* const values = r.template writes_flat<double>(o.values, part) + part.begin;
  const Read<T> in(r, o.of, part);
  r.call([=, k = r.kernels.loss_value, kind = o.of.loss.kind(), numbers = o.of.loss.numbers()](
             Now<T>&, Worker&) {
    k(values, in.p, in.y, in.labels, in.rows, in.O, kind, numbers);
    if (!in.weights) return;
    for (std::int64_t b = 0; b < in.rows; ++b) {
      // A sample of weight zero is not there, whatever its value.
      values[b] = in.weights[b] == T{0} ? 0.0 : values[b] * static_cast<double>(in.weights[b]);
    }
  });
}
MUNDUR_RESOLVED(LossValues);

template <class T>
void resolve(Resolver<T>& r, const op::LossGradient& o) {
  const Range part = r.share_rows_as(o.of.p);
  T* const dp = r.writes(o.dp, part) + part.begin * r.columns(o.dp);
  const Read<T> in(r, o.of, part);
  const T* const weights = r.reads(o.of.weights);
  const auto* const total = r.template reads<double>(o.total);
  const std::int64_t rows = r.rows(o.of.p), each = r[o.of.p].size() / in.O;
  r.call([=, k = r.kernels.loss_gradient, loss = o.of.loss, scale = o.scale, fused = o.fused](
             Now<T>& now, Worker&) {
    const double weight = total     ? *total
                          : weights ? total_weight(weights, rows, each)
                                    : static_cast<double>(now.samples() * each);
    const double factor = mean_factor(loss, weight, in.O) * scale;
    k(dp, in.p, in.y, in.labels, in.weights, in.rows, in.O, static_cast<T>(factor), loss.kind(),
      loss.numbers(), fused);
  });
}
MUNDUR_RESOLVED(LossGradient);

template <class T>
void resolve(Resolver<T>& r, const op::ArgMax& o) {
  const Range part = r.share_rows_as(o.x);
  const std::int64_t O = r.columns(o.x);
  auto* const index = r.template writes_flat<std::int32_t>(o.index, part) + part.begin;
  const T* const x = r.reads(o.x, part) + part.begin * O;
  r.call([=, k = r.kernels.argmax](Now<T>&, Worker&) { k(index, x, part.size(), O); });
}
MUNDUR_RESOLVED(ArgMax);

/// Batches weigh what their samples weigh; one that weighs nothing has loss and gradient zero, and
/// nobody is asked.
template <class T>
void resolve(Resolver<T>& r, const op::AskLoss& o) {
  T* const dp = r.writes(o.dp);
  auto* const mean = r.template writes<double>(o.mean);
  const T* const p = r.reads(o.p);
  const T* const weights = r.reads(o.weights);
  const std::int64_t O = r[o.p].size(), B = r.batch;
  r.call([=, loss = o.loss](Now<T>& now, Worker&) {
    if (total_weight(weights, B, 1) > 0.0) {
      *mean = loss->evaluate(now.batch, p, dp, O);
    } else {
      *mean = 0.0;
      if (dp) std::fill_n(dp, B * O, T{0});
    }
  });
}
MUNDUR_RESOLVED(AskLoss);

// ---- penalties ----------------------------------------------------------------------------------

template <class T>
void resolve(Resolver<T>& r, const op::ActivityPenalty& o) {
  const Range samples = share(r.batch, 1, r.worker);
  auto* const sums = r.template writes_flat<double>(o.sums, samples);
  const std::int64_t O = r[o.y].samples * r[o.y].size();
  r.touch_matrix(o.y, r.batch, O, {samples, {0, O}}, false);
  const T* const y = r.at(o.y);
  r.call([=, k = &r.kernels, l1 = o.l1, l2 = o.l2, onto = o.onto](Now<T>&, Worker&) {
    for (std::int64_t b = samples.begin; b < samples.end; ++b) {
      const double value = piece_penalty(*k, {l1, l2}, y + b * O, O);
      sums[b] = onto ? sums[b] + value : value;
    }
  });
}
MUNDUR_RESOLVED(ActivityPenalty);

template <class T>
void resolve(Resolver<T>& r, const op::ActivityPenaltyDx& o) {
  const auto part = r.share_elements(o.dy);
  T* const to = r.writes(o.to, part);
  const T* const dy = r.reads(o.dy, part);
  const T* const y = r.reads(o.y, part);
  r.call([=, k = r.kernels.add_penalty, by1 = o.l1, by2 = o.l2](Now<T>& now, Worker&) {
    const auto samples = static_cast<double>(now.samples());
    const T l1 = static_cast<T>(by1 / samples), two_l2 = static_cast<T>(2.0 * by2 / samples);
    part.each([&](std::int64_t first, std::int64_t n) {
      if (to != dy) std::copy_n(dy + first, n, to + first);
      k(to + first, y + first, 1, n, 0, 0, l1, two_l2);
    });
  });
}
MUNDUR_RESOLVED(ActivityPenaltyDx);

template <class T>
void resolve(Resolver<T>& r, const op::WeightPenalties& o) {
  const Range part = share(static_cast<std::int64_t>(o.pieces.size()), 1, r.worker);
  auto* const values = r.template writes_flat<double>(o.values, part);
  for (const auto& piece : o.pieces) r.reads(piece.w);
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    const auto& piece = o.pieces[static_cast<std::size_t>(i)];
    r.call([=, k = &r.kernels, w = r.at(piece.w) + piece.begin, size = piece.size,
            penalty = piece.penalty](Now<T>& now, Worker&) {
      values[i] = piece_penalty(*k, penalty.over(now.samples()), w, size);
    });
  }
}
MUNDUR_RESOLVED(WeightPenalties);

}  // namespace mundur

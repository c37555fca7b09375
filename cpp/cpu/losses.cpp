// Losses and penalties, row by row.

#include <algorithm>

#include "cpu/penalties.h"
#include "cpu/resolver.h"

namespace mundur {
namespace {

/// Rows of something with one number for each of them.
template <class T>
void touch(Resolver<T>& r, Value value, Range rows, bool writes) {
  if (value) r.touch_matrix(value, 1, r.size(value), {{0, 1}, rows}, writes);
}

template <class T>
void touch(Resolver<T>& r, const Compared& of, Range rows) {
  r.reads(of.p, rows);
  if (of.y) r.reads(of.y, rows);
  touch(r, of.labels, rows, false);
  touch(r, of.weights, rows, false);
}

/// What a loss reads of a worker's rows.
template <class T>
struct Read {
  const T *p, *y, *weights;
  const std::int32_t* labels;
  std::int64_t rows, O;
  Read(const Resolver<T>& r, const Compared& of, Range part)
      : rows(part.size()), O(r.columns(of.p)) {
    p = r.at(of.p) + part.begin * O;
    y = of.y ? r.at(of.y) + part.begin * O : nullptr;
    weights = of.weights ? r.at(of.weights) + part.begin : nullptr;
    labels = of.labels ? r.template at<std::int32_t>(of.labels) + part.begin : nullptr;
  }
};

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::MaskWeights& o) {
  const Range part = share(r.size(o.weights), kGrain, r.worker);
  touch(r, o.weights, part, true);
  touch(r, o.mask, part, false);
  r.call(
      [=, weights = r.at(o.weights), mask = r.template at<std::uint8_t>(o.mask)](Now<T>&, Worker&) {
        for (std::int64_t row = part.begin; row < part.end; ++row) {
          if (!mask[row]) weights[row] = T{0};
        }
      });
}
MUNDUR_RESOLVED(MaskWeights);

template <class T>
void resolve(Resolver<T>& r, const op::LossValues& o) {
  const Range part = r.share_rows_as(o.of.p);
  touch(r, o.values, part, true);
  touch(r, o.of, part);
  auto* const values = r.template at<double>(o.values) + part.begin;
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
  r.writes(o.dp, part);
  touch(r, o.of, part);
  const Read<T> in(r, o.of, part);
  T* const dp = r.at(o.dp) + part.begin * in.O;
  const T* const weights = r.at(o.of.weights);
  if (weights) r.reads(o.of.weights);
  if (o.total) r.reads(o.total);
  const std::int64_t rows = r.rows(o.of.p), each = r[o.of.p].size() / in.O;
  r.call([=, k = r.kernels.loss_gradient, loss = o.of.loss, scale = o.scale, fused = o.fused,
          total = r.template at<double>(o.total)](Now<T>& now, Worker&) {
    const double weight = total     ? *total
                          : weights ? total_weight(weights, rows, each)
                                    : static_cast<double>(now.samples() * each);
    const double factor = mean_factor(loss, weight, in.O, each) * scale;
    k(dp, in.p, in.y, in.labels, in.weights, in.rows, in.O, static_cast<T>(factor), loss.kind(),
      loss.numbers(), fused);
  });
}
MUNDUR_RESOLVED(LossGradient);

template <class T>
void resolve(Resolver<T>& r, const op::ArgMax& o) {
  const Range part = r.share_rows_as(o.x);
  touch(r, o.index, part, true);
  r.reads(o.x, part);
  const std::int64_t O = r.columns(o.x);
  r.call([=, index = r.template at<std::int32_t>(o.index) + part.begin,
          x = r.at(o.x) + part.begin * O,
          k = r.kernels.argmax](Now<T>&, Worker&) { k(index, x, part.size(), O); });
}
MUNDUR_RESOLVED(ArgMax);

/// Batches weigh what their samples weigh; one that weighs nothing has loss and gradient zero, and
/// nobody is asked.
template <class T>
void resolve(Resolver<T>& r, const op::AskLoss& o) {
  if (o.dp) r.writes(o.dp);
  r.reads(o.p);
  if (o.weights) r.reads(o.weights);
  const std::int64_t O = r[o.p].size(), B = r.batch;
  r.call([=, loss = o.loss, dp = r.at(o.dp), p = r.at(o.p), weights = r.at(o.weights)](Now<T>& now,
                                                                                       Worker&) {
    if (total_weight(weights, B, 1) > 0.0) {
      now.outside_loss = loss->evaluate(now.batch, p, dp, O);
    } else {
      now.outside_loss = 0.0;
      if (dp) std::fill_n(dp, B * O, T{0});
    }
  });
}
MUNDUR_RESOLVED(AskLoss);

// ---- penalties ----------------------------------------------------------------------------------

template <class T>
void resolve(Resolver<T>& r, const op::ActivityPenalty& o) {
  const Range samples = share(r.batch, 1, r.worker);
  touch(r, o.sums, samples, true);
  const std::int64_t O = r[o.y].samples * r[o.y].size();
  r.touch_matrix(o.y, r.batch, O, {samples, {0, O}}, false);
  auto* const sums = r.template at<double>(o.sums);
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
  r.writes(o.to, part);
  r.reads(o.dy, part);
  r.reads(o.y, part);
  T* const to = r.at(o.to);
  const T* const dy = r.at(o.dy);
  const T* const y = r.at(o.y);
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
  touch(r, o.values, part, true);
  for (const auto& piece : o.pieces) r.reads(piece.w);
  auto* const values = r.template at<double>(o.values);
  for (std::int64_t i = part.begin; i < part.end; ++i) {
    const auto& piece = o.pieces[static_cast<std::size_t>(i)];
    r.call([=, k = &r.kernels, w = r.at(piece.w) + piece.begin, size = piece.size, l1 = piece.l1,
            l2 = piece.l2](Now<T>&, Worker&) { values[i] = piece_penalty(*k, {l1, l2}, w, size); });
  }
}
MUNDUR_RESOLVED(WeightPenalties);

}  // namespace mundur

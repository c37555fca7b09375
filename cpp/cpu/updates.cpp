// Updates that don't follow each gradient at once, and what needs all of them: sums over several
// steps, clipping by norm; and what holds behind them.

#include <algorithm>

#include "cpu/gradients.h"
#include "cpu/penalties.h"

namespace mundur {

template <class T>
void resolve(Resolver<T>& r, const op::Accumulate& o) {
  for (std::size_t i = 0; i < o.sums.size(); ++i) {
    const Range part = r.share_flat(o.sums[i]);
    r.writes_flat(o.sums[i], part);
    const T* const g = r.reads_flat(o.gradients[i], part) + part.begin;
    const Gradient<T> sum(r, o.sums[i]);
    r.call([=, k = r.kernels.accumulate](Now<T>& now, Worker&) {
      k(sum.of(now) + part.begin, g, part.size());
    });
  }
}
MUNDUR_RESOLVED(Accumulate);

template <class T>
void resolve(Resolver<T>& r, const op::SumSquares& o) {
  auto* squares = r.template writes<double>(o.squares);
  for (Value g : o.gradients) r.reads(g);
  for (Value value : o.gradients) {
    const std::int64_t size = r.size(value);
    const Range pieces = share(pieces_of(size), 1, r.worker);
    const Gradient<T> gradient(r, value);
    r.call([=, k = r.kernels.sum_squares](Now<T>& now, Worker&) {
      if (!now.gathering.updates) return;
      for (std::int64_t piece = pieces.begin; piece < pieces.end; ++piece) {
        const std::int64_t first = piece * kPiece;
        squares[piece] = k(gradient.of(now) + first, std::min(kPiece, size - first));
      }
    });
    squares += pieces_of(size);
  }
}
MUNDUR_RESOLVED(SumSquares);

namespace {

/// Neighbours in the flat vectors in one pass, by one worker.
template <class T>
void resolve_stretches(Resolver<T>& r, const op::Update& o) {
  for (std::size_t i = 0; i < o.parameters.size();) {
    const std::int64_t first = r[o.parameters[i]].place;
    const T* const g = r.at(o.gradients[i]);
    std::int64_t end = first;
    while (i < o.parameters.size() && r[o.parameters[i]].place == (end == first ? first : end)) {
      end = place_behind(r[o.parameters[i]].place + r.size(o.parameters[i]));
      ++i;
    }
    r.call([=, k = r.kernels.update](Now<T>& now, Worker&) {
      if (first == 0 && !now.update.spares) return k(now.update, g, 1, end, 0, 0);
      for (std::int64_t at = first, alike; at < end; at = alike) {
        now.update.is_spared(at, alike = end);
        k(now.update.at(at), g + (at - first), 1, alike - at, 0, 0);
      }
    });
  }
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Update& o) {
  const bool gathers = o.sums || o.squares;
  if (!gathers && r.worker.count() == 1) return resolve_stretches(r, o);
  r.reads(o.squares);
  EachNorm norms(r, o.squares, o.gradients);
  std::vector<Range> flat;
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < o.parameters.size(); ++i) {
    if (gathers) {
      flat.push_back(r.share_flat(o.parameters[i]));
      r.writes_flat(o.parameters[i], flat.back());
      o.sums ? r.writes_flat(o.gradients[i], flat.back())
             : r.reads_flat(o.gradients[i], flat.back());
    } else {
      blocks.push_back(r.own(o.parameters[i]));
      r.writes(o.parameters[i], blocks.back());
      r.reads(o.gradients[i], blocks.back());
    }
  }
  for (std::size_t i = 0; i < o.parameters.size(); ++i) {
    const Gradient<T> gradient(r, o.gradients[i]);
    const std::int64_t place = r[o.parameters[i]].place;
    if (!gathers) {
      const Block part = blocks[i];
      if (part.empty()) continue;
      const std::int64_t ld = r.columns(o.parameters[i]);
      const std::int64_t first = part.rows.begin * ld + part.columns.begin;
      r.call([=, k = r.kernels.update](Now<T>& now, Worker&) {
        k(now.update.at(place + first), gradient.g + first, part.rows.size(), part.columns.size(),
          ld, ld);
      });
      continue;
    }
    r.call([=, part = flat[i], sums = o.sums, k = r.kernels.update,
            norms = norms.next(r.size(o.gradients[i]))](Now<T>& now, Worker&) {
      if (!now.gathering.updates || part.empty()) return;
      mundur::Update<T> update = now.update.at(place + part.begin);
      update.scale = norms.scale(now);
      T* const g = gradient.of(now) + part.begin;
      k(update, g, 1, part.size(), part.size(), part.size());
      if (sums) std::fill_n(g, part.size(), T{0});
    });
  }
}
MUNDUR_RESOLVED(Update);

template <class T>
void resolve(Resolver<T>& r, const op::Constrain& o) {
  r.call([constrained = Constrained(o.constraint, r[o.w].shape), w = r.writes(o.w), k = &r.kernels,
          member = r.worker](Now<T>& now, Worker&) {
    if (now.gathering.updates) constrained(*k, w, member);
  });
}
MUNDUR_RESOLVED(Constrain);

}  // namespace mundur

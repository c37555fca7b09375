// Convolutions of images: products whose rows are what the windows see, gathered piece by piece.

#include "cpu/parts.h"
#include "cpu/patches.h"

namespace mundur {
namespace {

/// Whether y holds all that the windows make.
bool makes_all(const op::Convolve2D& o) { return o.rows.stride == 1 && o.columns.stride == 1; }

/// Calls f(first place, places, element of y) for runs of places that lie evenly in y.
template <class F>
void each_run(const op::Convolve2D& o, const Shape& y, const Part& part, F f) {
  const Windows2D& windows = o.windows;
  const std::int64_t across = windows.columns.out, all = windows.out(), O = y[2];
  if (part.steps.size() == all && makes_all(o)) {
    f(part.samples.begin * all, part.samples.size() * all, part.samples.begin * all * O);
    return;
  }
  for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
    if (makes_all(o)) {
      const std::int64_t place = n * all + part.steps.begin;
      f(place, part.steps.size(), place * O);
      continue;
    }
    for (std::int64_t r = 0; r < windows.rows.out; ++r) {
      const std::int64_t row = n * y[0] + o.rows.first + r * o.rows.stride;
      f((n * windows.rows.out + r) * across, across, (row * y[1] + o.columns.first) * O);
    }
  }
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Convolve2D& o) {
  const Windows2D& windows = o.windows;
  const Shape& shape = r[o.y].shape;
  const std::int64_t O = shape[2], G = o.groups, own_O = O / G, own_C = r[o.w].shape[2];
  const bool all = makes_all(o);
  const Part part = all ? part_of(r.samples(o.y), windows.out(), r.worker)
                        : Part{r.share_samples(o.y), {0, windows.out()}};
  if (all) {
    touch(r, o.y, part, windows.out(), true);
  } else {
    r.writes_samples(o.y, part.samples);
  }
  r.reads_samples(o.x, part.samples);
  r.reads(o.w);
  if (o.bias) r.reads(o.bias);
  if (part.empty()) return;
  T* const y = r.at(o.y);
  const T* const w = r.at(o.w);
  const T* const bias = r.at(o.bias);
  const std::int64_t ld = o.columns.stride * O;
  for (std::int64_t g = 0; g < G; ++g) {
    const Patches<T> patches(r.at(o.x), windows, own_C * G, g * own_C, own_C);
    const std::int64_t depth = patches.columns();
    const std::int64_t most = patches_at_once(depth);
    Product<T> p;
    p.to.ld = ld;
    p.a = {r.scratch, depth};
    p.b = {w + g * own_O, O};
    p.columns = own_O;
    p.depth = depth;
    p.scratch = r.scratch + most * depth;
    if (bias) p.bias = bias + g * own_O;
    p.f = o.f;
    p.l2_bytes = r.kernels.l2_bytes;
    each_run(o, shape, part, [&](std::int64_t place, std::int64_t places, std::int64_t at) {
      p.to.p = y + at + g * own_O;
      r.call([=, gathered = r.scratch, k = &r.kernels](Now<T>&, Worker&) {
        Product<T> own = p;
        if (patches.are_there()) {
          own.a = patches.there(place);
          own.rows = places;
          return k->product(own);
        }
        for (std::int64_t i = 0; i < places; i += most) {
          own.rows = std::min(most, places - i);
          patches.gather(*k, gathered, {place + i, place + i + own.rows}, {0, depth});
          own.to.p = p.to.p + i * ld;
          k->product(own);
        }
      });
    });
  }
}
MUNDUR_RESOLVED(Convolve2D);

template <class T>
void resolve(Resolver<T>& r, const op::Convolve2DDw& o) {
  const Windows2D& windows = o.windows;
  const std::int64_t O = r.columns(o.dy), G = o.groups, own_O = O / G, own_C = r[o.dw].shape[2];
  const Block part = r.own(o.dw);
  r.writes(o.dw, part);
  const Following<T> then = following(r, o.after, part);
  r.reads(o.x);
  r.reads(o.dy);
  if (part.empty()) return;
  const std::int64_t columns = part.columns.size(), places = r.samples(o.dy) * windows.out();
  const PatchSums sums(part.rows.size(), columns, places, windows.out());
  T* const dw = r.at(o.dw);
  const T* const x = r.at(o.x);
  const T* const dy = r.at(o.dy);
  T* const gathered = r.scratch;
  T* const waiting = gathered + sums.gathered();
  for (std::int64_t row = part.rows.begin; row < part.rows.end; row += sums.rows) {
    const Range rows{row, std::min(row + sums.rows, part.rows.end)};
    r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
      const std::int64_t first = rows.begin * O + part.columns.begin;
      const ShardTree tree(places, windows.out());
      for (std::int64_t shard = 0; shard < tree.shards(); ++shard) {
        const Range seen{shard * kShard, std::min((shard + 1) * kShard, places)};
        std::int64_t earlier[kMaxSlots];
        int joins = 0;
        const int slot = tree.after(shard, [&](int one) { earlier[joins++] = one; });
        const Matrix<T> to =
            slot < 0 ? Matrix<T>{dw + first, O} : Matrix<T>{waiting + slot * sums.size(), columns};
        for (std::int64_t g = 0; g < G; ++g) {
          const Range filters{std::max(part.columns.begin, g * own_O),
                              std::min(part.columns.end, (g + 1) * own_O)};
          if (filters.empty()) continue;
          const Patches<T> patches(x, windows, own_C * G, g * own_C, own_C);
          SampleProduct<T> p;
          p.dw = {to.p + filters.begin - part.columns.begin, to.ld};
          if (patches.are_there()) {
            p.x = patches.there(seen.begin);
            p.x.p += rows.begin;
          } else {
            patches.gather(*k, gathered, seen, rows);
            p.x = {gathered, rows.size()};
          }
          p.dy = {dy + seen.begin * O + filters.begin, O};
          p.I = rows.size();
          p.O = filters.size();
          p.rows = {seen.size(), seen.size()};
          p.scratch = waiting + sums.slots * sums.size();
          p.l2_bytes = k->l2_bytes;
          k->product_dw(p);
        }
        for (int i = 0; i < joins; ++i) {
          const T* const before = waiting + earlier[i] * sums.size();
          for (std::int64_t n = 0; n < rows.size(); ++n)
            k->add(to.p + n * to.ld, before + n * columns, to.p + n * to.ld, columns);
        }
      }
      then(*k, now, dw + first, first, rows.size(), columns, O);
    });
  }
}
MUNDUR_RESOLVED(Convolve2DDw);

}  // namespace mundur

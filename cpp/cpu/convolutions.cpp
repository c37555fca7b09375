// Convolutions of images: products whose rows are what the windows see, gathered piece by piece;
// or, of many small groups or few channels, lanes that run over the filters, and, of few filters,
// over pixels.

#include "cpu/lane_windows.h"
#include "cpu/parts.h"
#include "cpu/patches.h"

namespace mundur {
namespace {

/// Whether y holds all that the windows make.
bool makes_all(const op::Convolve2D& o) { return o.rows.stride == 1 && o.columns.stride == 1; }

/// Calls f(first place, places, element of y) for runs of places that lie evenly in y.
template <class F>
void each_run(const op::Convolve2D& o, const Image& y, const Part& part, F f) {
  const Windows2D& windows = o.windows;
  const std::int64_t across = windows.columns.out, all = windows.out(), O = y.channels;
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
      const std::int64_t row = n * y.rows + o.rows.first + r * o.rows.stride;
      f((n * windows.rows.out + r) * across, across, (row * y.columns + o.columns.first) * O);
    }
  }
}

template <class T, class Op>
Grouped sizes_of(const Resolver<T>& r, const Op& o, Value of_filters) {
  return {o.groups, r.columns(o.x) / o.groups, r.columns(of_filters) / o.groups};
}

/// Convolve2D by lanes.
template <class T>
void resolve_by_lanes(Resolver<T>& r, const op::Convolve2D& o, const Part& part) {
  const Windows2D windows = o.windows;
  const Image image = image_of(r[o.y].shape);
  const std::int64_t O = image.channels;
  const Grouped sizes = sizes_of(r, o, o.y);
  const bool even = windows.columns.stride == 1 && o.columns.stride == 1;
  const std::int64_t together = windows_together(sizes, even),
                     rows = windows.taps() * sizes.channels;
  const std::int64_t most = LanesSeen<T>::places(windows, sizes);
  T* const tiled = r.scratch;  // w and bias, as often as windows are together
  T* const seen = together > 1 ? tiled + (rows + 1) * together * O : tiled;
  const T *const x = r.at(o.x), *const w = r.at(o.w), *const bias = r.at(o.bias);
  r.call([=, y = r.at(o.y), k = &r.kernels, f = o.f, down = o.rows, across = o.columns](Now<T>&,
                                                                                        Worker&) {
    const T *own_w = w, *own_bias = bias;
    if (together > 1) {
      const auto repeat = [&](T* to, const T* from) {
        for (std::int64_t i = 0; i < together; ++i) std::copy_n(from, O, to + i * O);
      };
      for (std::int64_t row = 0; row < rows; ++row) repeat(tiled + row * together * O, w + row * O);
      own_w = tiled;
      if (bias) repeat(tiled + rows * together * O, bias);
      if (bias) own_bias = tiled + rows * together * O;
    }
    LanesSeen<T> lanes(x, windows, sizes, {0, O});
    for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
      for (std::int64_t at = part.steps.begin; at < part.steps.end; at += most) {
        const Range places{at, std::min(at + most, part.steps.end)};
        lanes.look(n, places, seen);
        const auto make = [&](std::int64_t s, std::int64_t t, std::int64_t count, bool is_row) {
          const auto [taps, from, of_w] = lanes.window(s, t, together * O);
          const std::int64_t row = n * image.rows + down.first + s * down.stride;
          T* const to = y + (row * image.columns + across.first + t * across.stride) * O;
          const std::int64_t each = is_row ? together : 1, left = count % each;
          const std::int64_t step = is_row ? lanes.right() : lanes.below();
          LaneWindows run = taps;
          run.count = count / each;
          run.step = each * step;
          run.ldy = each * O * (is_row ? across.stride : down.stride * image.columns);
          if (run.count > 0) k->lane_windows(to, from, own_w + of_w, own_bias, each * O, run, f);
          run.count = 1;
          if (left > 0) {
            k->lane_windows(to + (count - left) * O, from + (count - left) * step, own_w + of_w,
                            own_bias, left * O, run, f);
          }
        };
        each_rectangle(places, windows.columns.out, [&](Range all_rows, Range all_columns) {
          each_alike(windows.rows, all_rows, [&](Range alike) {
            each_alike(windows.columns, all_columns, [&](Range beside) {
              // Along the longer side; at the edges that is a column.
              const bool is_row = beside.size() >= alike.size();
              const Range shorter = is_row ? alike : beside;
              for (std::int64_t i = shorter.begin; i < shorter.end; ++i) {
                is_row ? make(i, beside.begin, beside.size(), true)
                       : make(alike.begin, i, alike.size(), false);
              }
            });
          });
        });
      }
    }
  });
}

/// Convolve2D by pixels; the steps of the part are rows.
template <class T>
void resolve_by_pixels(Resolver<T>& r, const op::Convolve2D& o, const Part& part) {
  const Windows2D windows = o.windows;
  const Image image = image_of(r[o.y].shape);
  const Grouped sizes = sizes_of(r, o, o.y);
  const std::int64_t most = pixel_rows(sizes, windows);
  const T *const x = r.at(o.x), *const w = r.at(o.w), *const bias = r.at(o.bias);
  r.call([=, y = r.at(o.y), scratch = r.scratch, k = r.kernels.pixel_windows, f = o.f,
          down = o.rows, across = o.columns](Now<T>&, Worker&) {
    for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
      for (std::int64_t row = part.steps.begin; row < part.steps.end; row += most) {
        auto p = pixel_windows<T>(sizes, windows, {row, std::min(row + most, part.steps.end)});
        const std::int64_t to = n * image.rows + down.first + row * down.stride;
        p.y = y + (to * image.columns + across.first) * sizes.filters;
        p.ldy = across.stride * sizes.filters;
        p.ldy_row = down.stride * image.columns * sizes.filters;
        p.x = x + n * windows.in() * sizes.channels;
        p.w = w;
        p.bias = bias;
        p.f = f;
        p.scratch = scratch;
        k(p);
      }
    }
  });
}

/// Convolve2D by filters; the steps of the part are rows.
template <class T>
void resolve_by_filters(Resolver<T>& r, const op::Convolve2D& o, const Part& part) {
  const Windows2D& windows = o.windows;
  const Image image = image_of(r[o.y].shape);
  const std::int64_t C = r.columns(o.x), O = image.channels;
  const Framed<T> framed(r.at(o.x), windows, C);
  const std::int64_t most = framed.rows(windows, C);
  const T *const w = r.at(o.w), *const bias = r.at(o.bias);
  r.call([=, y = r.at(o.y), scratch = r.scratch, k = r.kernels.lane_windows, f = o.f, down = o.rows,
          across = o.columns, columns = Range{0, windows.columns.out}](Now<T>&, Worker&) {
    for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
      for (std::int64_t row = part.steps.begin; row < part.steps.end; row += most) {
        const Range rows{row, std::min(row + most, part.steps.end)};
        LaneWindows run = framed.windows(rows, columns, O);
        run.rows.to = down.stride * image.columns * O;
        run.ldy = across.stride * O;
        const std::int64_t to = n * image.rows + down.first + row * down.stride;
        k(y + (to * image.columns + across.first) * O, framed.look(n, rows, scratch), w, bias, O,
          run, f);
      }
    }
  });
}

/// Convolve2D of one group, whose patches are rounded piece by piece.
template <class T>
void resolve_rounded(Resolver<T>& r, const op::Convolve2D& o, const Part& part) {
  const auto* const low = bfloat16_of(r, o.x, "Convolve2D", o.rounded);
  const std::int64_t C = r.columns(o.x), O = r.columns(o.y);
  const Patches<T> patches(r.at(o.x), o.windows, C, 0, C);
  const std::int64_t depth = patches.columns(), most = rows_at_once(depth),
                     ld = bfloat16_stride(depth), filled = bfloat16_filled(depth, o.rounded);
  auto* const rounded = reinterpret_cast<std::uint16_t*>(r.scratch);
  Product<T, std::uint16_t> p;
  p.to.ld = o.columns.stride * O;
  p.a = {rounded, ld};
  p.b = {r.at(o.w), O};
  p.columns = O;
  p.depth = depth;
  p.scratch = r.scratch + rounded_size(most, depth);
  p.bias = r.at(o.bias);
  p.f = o.f;
  p.l2_bytes = r.kernels.l2_bytes;
  T* const y = r.at(o.y);
  each_run(o, image_of(r[o.y].shape), part,
           [&](std::int64_t place, std::int64_t places, std::int64_t at) {
             r.call([=, gathered = r.scratch + most * ld / 2, k = &r.kernels](Now<T>&, Worker&) {
               Product<T, std::uint16_t> own = p;
               for (std::int64_t i = 0; i < places; i += most) {
                 own.rows = std::min(most, places - i);
                 own.to.p = y + at + i * p.to.ld;
                 each_rounded(
                     patches, *k, gathered, {place + i, place + i + own.rows}, {0, depth},
                     [&](std::int64_t row, const Matrix<const T>& from, std::int64_t count) {
                       k->to_bfloat16(rounded + row * ld, from.p, count, depth, ld, from.ld,
                                      filled);
                     });
                 low->product(own);
               }
             });
           });
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Convolve2D& o) {
  const Windows2D& windows = o.windows;
  const Image image = image_of(r[o.y].shape);
  const Grouped sizes = sizes_of(r, o, o.y);
  const std::int64_t O = image.channels, G = o.groups, own_O = sizes.filters,
                     own_C = sizes.channels;
  const bool rounds = o.rounded != Element::real, all = makes_all(o),
             pixels = !rounds && by_pixels(sizes, windows),
             filters = !rounds && !pixels && ByFilters::pays(sizes, windows);
  const std::int64_t steps = pixels || filters ? windows.rows.out : windows.out();
  const Part part =
      all ? part_of(r.samples(o.y), steps, r.worker) : Part{r.share_samples(o.y), {0, steps}};
  if (all) {
    touch(r, o.y, part, steps, true);
  } else {
    r.writes_samples(o.y, part.samples);
  }
  r.reads_samples(o.x, part.samples);
  r.reads(o.w);
  if (o.bias) r.reads(o.bias);
  if (part.empty()) return;
  if (rounds) return resolve_rounded(r, o, part);
  if (pixels) return resolve_by_pixels(r, o, part);
  if (filters) return resolve_by_filters(r, o, part);
  if (sizes.by_lanes()) return resolve_by_lanes(r, o, part);
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
    each_run(o, image, part, [&](std::int64_t place, std::int64_t places, std::int64_t at) {
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

namespace {

/// Adds what the places [first, end) of all samples say to dw's lanes, tap by tap.
template <class T>
void add_by_lanes(const Kernels<T>& k, LanesSeen<T>& lanes, const Windows2D& windows,
                  const Matrix<T>& dw, const T* dy, std::int64_t lddy, std::int64_t count,
                  Range all, T* scratch) {
  const std::int64_t each = windows.out();
  for (std::int64_t place = all.begin; place < all.end;) {
    const std::int64_t n = place / each, first = n * each;
    const Range places{place - first, std::min(all.end - first, each)};
    lanes.look(n, places, scratch);
    each_rectangle(places, windows.columns.out, [&](Range rows, Range columns) {
      for (std::int64_t s = rows.begin; s < rows.end; ++s) {
        each_alike(windows.columns, columns, [&](Range beside) {
          const auto [taps, from, of_w] = lanes.window(s, beside.begin, dw.ld);
          LaneWindows run = taps;
          run.count = beside.size();
          run.step = lanes.right();
          run.ldy = lddy;
          const T* const g = dy + (first + s * windows.columns.out + beside.begin) * lddy;
          k.lane_windows_dw(dw.p + of_w, from, g, count, run);
        });
      }
    });
    place = first + places.end;
  }
}

/// Adds what the places [first, end) of all samples say to some rows of dw, filters as lanes; dy
/// from its first column on.
template <class T>
void add_by_filters(const Kernels<T>& k, const Framed<T>& framed, const Windows2D& windows,
                    const Matrix<T>& dw, Range taken, const T* dy, std::int64_t lddy,
                    std::int64_t count, Range all, T* scratch) {
  const std::int64_t each = windows.out(), across = windows.columns.out;
  for (std::int64_t place = all.begin; place < all.end;) {
    const std::int64_t n = place / each, first = n * each;
    const Range places{place - first, std::min(all.end - first, each)};
    const std::int64_t top = places.begin / across;
    const T* const seen = framed.look(n, {top, (places.end - 1) / across + 1}, scratch);
    each_rectangle(places, across, [&](Range rows, Range columns) {
      LaneWindows run = framed.windows(rows, columns, dw.ld);
      run.rows.to = across * lddy;
      run.ldy = lddy;
      run.first = taken.begin;
      run.taken = taken.size();
      k.lane_windows_dw(dw.p,
                        seen + (rows.begin - top) * framed.below() + columns.begin * framed.right(),
                        dy + (first + rows.begin * across + columns.begin) * lddy, count, run);
    });
    place = first + places.end;
  }
}

/// What a shard of places adds to ∂L/∂W where both operands are rounded, of one group.
template <class T>
struct RoundedDw {
  const Bfloat16Products<T>* low;
  Patches<T> patches;
  const std::uint16_t* dy;
  std::int64_t filters, places;  // of all
  bool in_tiles;
  T* scratch;

  void operator()(const Kernels<T>& k, const Matrix<T>& dw, Range seen, const Block& block,
                  T* beyond) const {
    const std::int64_t rows = block.rows.size(), column = block.columns.begin;
    const std::int64_t ld = in_tiles ? tiles_stride(kShard) : bfloat16_stride(rows);
    auto* const rounded = reinterpret_cast<std::uint16_t*>(scratch);
    T* const gathered = scratch + kShard * bfloat16_stride(rows) / 2;
    each_rounded(patches, k, gathered, seen, block.rows,
                 [&](std::int64_t row, const Matrix<const T>& from, std::int64_t count) {
                   if (in_tiles) {
                     auto* const to = rounded + row / kTileDepth * kTileSize;
                     return k.to_left(to, from.p, count, rows, ld, from.ld);
                   }
                   k.to_bfloat16(rounded + row * ld, from.p, count, rows, ld, from.ld,
                                 bfloat16_filled(rows, Element::bfloat16_pairs));
                 });
    SampleProduct<T, std::uint16_t> p;
    p.dw = dw;
    p.x = {rounded, ld};
    if (in_tiles) {
      const std::int64_t stride = tiles_stride(places);
      p.dy = {dy + column / kTileSide * stride + seen.begin / kTileDepth * kTileSize, stride};
    } else {
      const std::int64_t stride = bfloat16_stride(filters);
      p.dy = {dy + seen.begin * stride + column, stride};
    }
    p.I = rows;
    p.O = block.columns.size();
    p.rows = {seen.size(), seen.size()};
    p.scratch = beyond;
    p.l2_bytes = k.l2_bytes;
    low->product_dw(p);
  }
};

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Convolve2DDw& o) {
  const Windows2D& windows = o.windows;
  const Grouped sizes = sizes_of(r, o, o.dy);
  const std::int64_t O = r.columns(o.dy), G = o.groups, own_O = sizes.filters,
                     own_C = sizes.channels, all_rows = windows.taps() * own_C;
  const bool by_lanes = sizes.by_lanes();
  const bool in_tiles = r[o.dy].element == Element::bfloat16_right,
             lanes_share = ByFilters::pays_for_dw(sizes, windows);
  const std::int64_t grain = in_tiles ? 2 * kTileSide : r.kernels.column_grain;
  const Block part = by_lanes ? Block{{0, all_rows}, share(O, grain, r.worker)}
                              : own(all_rows, kParameterRows, O, grain, r.worker);
  r.touch_matrix(o.dw, all_rows, O, part, true);
  const Following<T> then = following(r, o.after, all_rows, O, part);
  r.reads(o.x);
  r.reads(o.dy);
  const auto* const low = bfloat16_of(r, o.dy, "Convolve2DDw");
  if (part.empty()) return;
  const std::int64_t places = r.samples(o.dy) * windows.out();
  T* const dw = r.at(o.dw);
  const T* const x = r.at(o.x);
  const T* const dy = r.at(o.dy);
  T* const gathered = r.scratch;
  const auto sum = [&](const Block& block, std::int64_t room, auto add) {
    const std::int64_t columns = block.columns.size(), size = block.rows.size() * columns;
    T* const waiting = gathered + room;
    const std::int64_t first = block.rows.begin * O + block.columns.begin;
    r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
      const ShardTree tree(places, windows.out());
      T* const beyond = waiting + tree.slots() * size;
      for (std::int64_t shard = 0; shard < tree.shards(); ++shard) {
        const Range seen{shard * kShard, std::min((shard + 1) * kShard, places)};
        std::int64_t earlier[kMaxSlots];
        int joins = 0;
        const int slot = tree.after(shard, [&](int one) { earlier[joins++] = one; });
        const Matrix<T> to =
            slot < 0 ? Matrix<T>{dw + first, O} : Matrix<T>{waiting + slot * size, columns};
        add(*k, to, seen, beyond);
        for (int i = 0; i < joins; ++i) {
          const T* const before = waiting + earlier[i] * size;
          for (std::int64_t n = 0; n < block.rows.size(); ++n)
            k->add(to.p + n * to.ld, before + n * columns, to.p + n * to.ld, columns);
        }
      }
      then(*k, now, dw + first, first, block.rows.size(), columns, O);
    });
  };
  if (by_lanes) {
    const std::int64_t strip = lane_strip(all_rows, grain);
    for (std::int64_t column = part.columns.begin; column < part.columns.end; column += strip) {
      const Range lanes{column, std::min(column + strip, part.columns.end)};
      sum({part.rows, lanes}, LanesSeen<T>::scratch(windows, sizes, kShard),
          [=](const Kernels<T>& k, const Matrix<T>& to, Range seen, T*) {
            for (std::int64_t row = 0; row < all_rows; ++row)
              std::fill_n(to.p + row * to.ld, lanes.size(), T{0});
            LanesSeen<T> own(x, windows, sizes, lanes);
            add_by_lanes(k, own, windows, to, dy + lanes.begin, O, lanes.size(), seen, gathered);
          });
    }
    return;
  }
  const PatchSums sums(part.rows.size(), part.columns.size(), places, windows.out());
  for (std::int64_t row = part.rows.begin; row < part.rows.end; row += sums.rows) {
    const Range rows{row, std::min(row + sums.rows, part.rows.end)};
    if (low) {
      const RoundedDw<T> add{low,
                             Patches<T>(x, windows, own_C, 0, own_C),
                             r.template at<std::uint16_t>(o.dy),
                             O,
                             places,
                             in_tiles,
                             gathered};
      const Block block{rows, part.columns};
      sum(block, rounded_size(kShard, rows.size()),
          [=](const Kernels<T>& k, const Matrix<T>& to, Range seen, T* beyond) {
            add(k, to, seen, block, beyond);
          });
      continue;
    }
    if (lanes_share) {
      const std::int64_t room =
          Framed<T>::scratch(windows, own_C, Framed<T>::rows_of(windows, kShard));
      const std::int64_t columns = part.columns.size();
      sum({rows, part.columns}, room,
          [=](const Kernels<T>& k, const Matrix<T>& to, Range seen, T*) {
            for (std::int64_t n = 0; n < rows.size(); ++n)
              std::fill_n(to.p + n * to.ld, columns, T{0});
            const Framed<T> framed(x, windows, own_C);
            add_by_filters(k, framed, windows, to, rows, dy + part.columns.begin, O, columns, seen,
                           gathered);
          });
      continue;
    }
    sum({rows, part.columns}, sums.gathered(),
        [=](const Kernels<T>& k, const Matrix<T>& to, Range seen, T* beyond) {
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
              patches.gather(k, gathered, seen, rows);
              p.x = {gathered, rows.size()};
            }
            p.dy = {dy + seen.begin * O + filters.begin, O};
            p.I = rows.size();
            p.O = filters.size();
            p.rows = {seen.size(), seen.size()};
            p.scratch = beyond;
            p.l2_bytes = k.l2_bytes;
            k.product_dw(p);
          }
        });
  }
}
MUNDUR_RESOLVED(Convolve2DDw);

}  // namespace mundur

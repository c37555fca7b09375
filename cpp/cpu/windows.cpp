// Windows over time steps: convolutions; and what rounded ones send back, of images too.
//
// What a step sees lies side by side in x where there is no dilation, so the steps of a sample are
// the rows of one product, rows that overlap: nothing is copied but what is rounded. Steps at the
// edges see with fewer taps: step by step they are the rows, over the samples, of a product with a
// part of the kernel; in the sum over samples, a tap's rows are the steps that see with it.

#include "program/windows.h"

#include <algorithm>
#include <cstring>

#include "cpu/parts.h"

namespace mundur {
namespace {

/// Rows of a product with one range of taps: steps of a sample, or one step of several samples.
struct Run {
  std::int64_t sample, step, rows;
  bool over_samples;
  Range taps;
};

/// Where the rows of a product lie: what step t of sample n sees begins at p + n·sample + t·step -
/// before; with padding, the first taps of the first steps would lie in front of the sample.
template <class T>
struct Rows {
  const T* p;
  std::int64_t sample, step;
  std::int64_t before = 0;
  /// From its element `from` on, which is there.
  const T* at(const Run& run, std::int64_t from) const {
    return p + (run.sample * sample + run.step * step + from - before);
  }
  std::int64_t ld(const Run& run) const { return run.over_samples ? sample : step; }
};

/// Calls f(run) for the runs that make up a part. `even`: samples follow each other as steps do.
template <class F>
void each_run(const Windows& windows, const Part& part, bool even, F f) {
  constexpr std::int64_t kLong = 64;
  if (part.empty()) return;
  const std::int64_t samples = part.samples.size(), begin = part.samples.begin;
  const Range all{0, windows.taps};
  const Range whole = windows.whole();
  const std::int64_t first = std::clamp(whole.begin, part.steps.begin, part.steps.end);
  const std::int64_t last = std::clamp(whole.end, first, part.steps.end);
  const std::int64_t steps = last - first;
  if (even && steps == windows.out) {
    f(Run{begin, 0, samples * steps, false, all});
  } else if (steps >= std::min(samples, kLong)) {
    for (std::int64_t n = 0; n < samples; ++n) f(Run{begin + n, first, steps, false, all});
  } else {
    for (std::int64_t t = first; t < last; ++t) f(Run{begin, t, samples, true, all});
  }
  for (std::int64_t t = part.steps.begin; t < part.steps.end; ++t) {
    if (t < first || t >= last) f(Run{begin, t, samples, true, windows.taps_of(t)});
  }
}

/// What the steps see of x, which has C channels, or was gathered.
template <class T>
Rows<T> window_rows(const T* x, const Windows& windows, std::int64_t C, bool gathered) {
  const std::int64_t K = windows.taps;
  if (gathered) return {x, windows.out * K * C, K * C};
  return {x, windows.in * C, windows.stride * C, windows.before * C};
}
template <class T>
bool is_even(const Rows<T>& rows, const Windows& windows) {
  return rows.sample == windows.out * rows.step;
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::GatherWindows& o) {
  const Windows windows = o.windows;
  const Part part = part_of(r.samples(o.x), windows.out, r.worker);
  touch(r, o.seen, part, windows.out, true);
  r.reads_samples(o.x, part.samples);
  const std::int64_t C = r.columns(o.x), G = o.groups, own_C = C / G, K = windows.taps;
  const T* const x = r.at(o.x);
  T* const seen = r.at(o.seen);
  r.call([=](Now<T>&, Worker&) {
    for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
      for (std::int64_t t = part.steps.begin; t < part.steps.end; ++t) {
        const Range taps = windows.taps_of(t);
        T* const own = seen + (n * windows.out + t) * K * C;
        if (taps.size() < K) std::fill_n(own, K * C, T{0});
        for (std::int64_t k = taps.begin; k < taps.end; ++k) {
          const T* from = x + (n * windows.in + windows.first(t) + k * windows.dilation) * C;
          T* to = own + k * own_C;
          for (std::int64_t g = 0; g < G; ++g, from += own_C, to += K * own_C) {
            std::memcpy(to, from, static_cast<std::size_t>(own_C) * sizeof(T));
          }
        }
      }
    }
  });
}
MUNDUR_RESOLVED(GatherWindows);

namespace {

/// Calls f(first, rows) for pieces of at most `most` rows.
template <class F>
void each_piece(Range rows, std::int64_t most, F f) {
  for (std::int64_t row = rows.begin; row < rows.end; row += most)
    f(row, std::min(most, rows.end - row));
}

/// What the rows (sample, step) from `first` on see of x: where it lies in a row for all of them,
/// there, else copied to `to`; and how far the rows are apart.
template <class T>
Matrix<const T> see(const T* x, const Windows& windows, std::int64_t C, std::int64_t first,
                    std::int64_t rows, T* to) {
  const std::int64_t K = windows.taps, n = first / windows.out, t = first % windows.out;
  const Range whole = windows.whole();
  if (windows.dilation == 1 && t >= whole.begin && t + rows <= whole.end)
    return {x + (n * windows.in + windows.first(t)) * C, windows.stride * C};
  for (std::int64_t row = first; row < first + rows; ++row) {
    T* const own = to + (row - first) * K * C;
    const std::int64_t sample = row / windows.out, step = row % windows.out;
    const Range taps = windows.taps_of(step);
    if (taps.size() < K) std::fill_n(own, K * C, T{0});
    const std::int64_t of_first = sample * windows.in + windows.first(step);
    const std::int64_t together = windows.dilation == 1 ? taps.size() : 1;
    for (std::int64_t k = taps.begin; k < taps.end; k += together)
      std::copy_n(x + (of_first + k * windows.dilation) * C, together * C, own + k * C);
  }
  return {to, K * C};
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::RoundWindows& o) {
  const Windows windows = o.windows;
  const std::int64_t N = r.rows(o.y), I = r.columns(o.y), C = r.columns(o.x);
  const Element form = r[o.y].element;
  const bool in_tiles = form == Element::bfloat16_left || form == Element::bfloat16_right;
  const Range samples = r.share_samples(o.x);
  const bool follows = !in_tiles && r.samples(o.x) >= r.worker.count();
  const Range rows = follows ? Range{samples.begin * windows.out, samples.end * windows.out}
                             : share(N, kTileDepth, r.worker);
  r.writes(o.y, rows);
  follows ? r.reads_samples(o.x, samples) : r.reads(o.x);
  if (!bfloat16_of(r, o.y, "RoundWindows") || rows.empty()) return;
  const T* const x = r.at(o.x);
  auto* const y = r.template at<std::uint16_t>(o.y);
  const auto each = [=, scratch = r.scratch](auto to) {
    return [=](Now<T>&, Worker&) {
      each_piece(rows, kTileDepth, [&](std::int64_t first, std::int64_t count) {
        const Matrix<const T> from = see(x, windows, C, first, count, scratch);
        to(first, from.p, count, from.ld);
      });
    };
  };
  if (in_tiles) {
    const auto k = form == Element::bfloat16_left ? r.kernels.to_left : r.kernels.to_right;
    return r.call(each([=](std::int64_t first, const T* from, std::int64_t count, std::int64_t ld) {
      k(y + first / kTileDepth * kTileSize, from, count, I, tiles_stride(N), ld);
    }));
  }
  const std::int64_t ldy = bfloat16_stride(I), filled = bfloat16_filled(I, form);
  r.call(each([=, k = r.kernels.to_bfloat16](std::int64_t first, const T* from, std::int64_t count,
                                             std::int64_t ld) {
    k(y + first * ldy, from, count, I, ldy, ld, filled);
  }));
}
MUNDUR_RESOLVED(RoundWindows);

template <class T>
void resolve(Resolver<T>& r, const op::WindowsDx& o) {
  const Windows2D windows = o.windows;
  const std::int64_t C = r.columns(o.dx), O = r.columns(o.dy), I = windows.taps() * C;
  const Range samples = r.share_samples(o.dx);
  const Range rows{samples.begin * windows.out(), samples.end * windows.out()};
  T* const dx = r.writes_samples(o.dx, samples);
  r.reads(o.dy, rows);
  r.reads(o.w);
  const auto* const low = bfloat16_of(r, o.dy, "WindowsDx");
  if (!low || rows.empty()) return;
  const std::int64_t most = rows_at_once(I), lddy = bfloat16_stride(O);
  Product<T, std::uint16_t> p;
  p.to = {r.scratch, I};
  p.b = {r.at(o.w), O};
  p.columns = I;
  p.depth = O;
  p.scratch = r.scratch + most * I;
  p.l2_bytes = r.kernels.l2_bytes;
  const auto* const dy = r.template at<std::uint16_t>(o.dy);
  r.call([=, kernels = &r.kernels](Now<T>&, Worker&) {
    const Windows &down = windows.rows, &across = windows.columns;
    const std::int64_t line = across.in * C, size = windows.in() * C;
    std::fill_n(dx + samples.begin * size, samples.size() * size, T{0});
    each_piece(rows, most, [&](std::int64_t first, std::int64_t count) {
      Product<T, std::uint16_t> own = p;
      own.a = {dy + first * lddy, lddy};
      own.rows = count;
      low->product_dx(own);
      for (std::int64_t row = first; row < first + count; ++row) {
        const std::int64_t place = row % windows.out(), s = place / across.out,
                           t = place % across.out;
        const Range above = down.taps_of(s), beside = across.taps_of(t);
        const std::int64_t together = across.dilation == 1 ? beside.size() : 1;
        const T* const from = own.to.p + (row - first) * I;
        T* const image = dx + row / windows.out() * size;
        for (std::int64_t j = above.begin; j < above.end; ++j) {
          T* const seen = image + (down.first(s) + j * down.dilation) * line;
          for (std::int64_t k = beside.begin; k < beside.end; k += together) {
            T* const to = seen + (across.first(t) + k * across.dilation) * C;
            kernels->add(to, to, from + (j * across.taps + k) * C, together * C);
          }
        }
      }
    });
  });
}
MUNDUR_RESOLVED(WindowsDx);

template <class T>
void resolve(Resolver<T>& r, const op::Convolve& o) {
  const Windows windows = o.windows;
  const std::int64_t O = r.columns(o.y), G = o.groups, own_O = O / G;
  const std::int64_t K = windows.taps, own_C = r[o.w].shape[1];
  const std::int64_t steps = r[o.y].size() / O;
  const bool all_steps = steps == windows.out;
  const Part part = all_steps ? part_of(r.samples(o.y), steps, r.worker)
                              : Part{r.share_samples(o.y), {0, windows.out}};
  if (all_steps) {
    touch(r, o.y, part, steps, true);
  } else {
    r.writes_samples(o.y, part.samples);
  }
  if (o.gathered) {
    touch(r, o.x, part, windows.out, false);
  } else {
    r.reads_samples(o.x, part.samples);
  }
  r.reads(o.w);
  if (o.bias) r.reads(o.bias);
  const Rows<T> x = window_rows<T>(r.at(o.x), windows, own_C * G, o.gathered);
  T* const y = r.at(o.y) + o.first * O;
  const T* const w = r.at(o.w);
  const T* const bias = r.at(o.bias);
  const std::int64_t step = o.stride * O;
  const bool even = is_even(x, windows) && windows.out * o.stride == steps;
  each_run(windows, part, even, [&](const Run& run) {
    const std::int64_t depth = run.taps.size() * own_C, tap = run.taps.begin * own_C;
    T* const rows = y + run.sample * steps * O + run.step * step;
    for (std::int64_t g = 0; g < G; ++g) {
      const std::int64_t at = g * own_O;
      const T* const from = x.at(run, g * K * own_C + tap);
      Product<T> p;
      p.to = {rows + at, run.over_samples ? steps * O : step};
      p.a = {from, x.ld(run)};
      p.b = {w + tap * O + at, O};
      p.rows = run.rows;
      p.columns = own_O;
      p.depth = depth;
      p.scratch = r.scratch;
      if (bias) p.bias = bias + at;
      p.f = o.f;
      p.lanes = uses_lanes(depth, own_O);
      p.l2_bytes = r.kernels.l2_bytes;
      r.call([=, k = r.kernels.product](Now<T>&, Worker&) { k(p); });
    }
  });
}
MUNDUR_RESOLVED(Convolve);

template <class T>
void resolve(Resolver<T>& r, const op::TurnKernel& o) {
  constexpr std::int64_t kBlock = 16;  // channels, so that the lines read are used whole
  const Shape &of = r[o.w].shape, &to_be = r[o.turned].shape;
  const std::int64_t axes = std::ssize(to_be) - 2;  // of the windows
  const std::int64_t G = o.groups, C = to_be.back() / G, own_O = to_be.end()[-2], O = G * own_O;
  const std::int64_t wide = of.end()[-3], taps_down = axes == 2 ? to_be[0] : 1,
                     taps = to_be[axes - 1];
  const Range rows = share(taps_down * taps * own_O, kBlock, r.worker);
  r.writes(o.turned, rows);
  r.reads(o.w);
  const T* const w = r.at(o.w);
  T* const turned = r.at(o.turned);
  const auto place = [=, first = o.first, step = o.step, down = o.rows](std::int64_t tap) {
    const std::int64_t above = down.first + (taps_down - 1 - tap / taps) * down.step;
    return above * wide + first + (taps - 1 - tap % taps) * step;
  };
  r.call([=](Now<T>&, Worker&) {
    for (std::int64_t c = 0; c < C; c += kBlock) {
      const std::int64_t end = std::min(c + kBlock, C);
      for (std::int64_t row = rows.begin; row < rows.end; ++row) {
        const T* from = w + place(row / own_O) * C * O + row % own_O;
        T* to = turned + row * G * C;
        for (std::int64_t g = 0; g < G; ++g, from += own_O, to += C) {
          for (std::int64_t at = c; at < end; ++at) to[at] = from[at * O];
        }
      }
    }
  });
}
MUNDUR_RESOLVED(TurnKernel);

namespace {

/// ∂L/∂W in a block of one group; δ from its first column on.
template <class T>
struct ConvolutionDw {
  Windows windows;
  std::int64_t samples, O, own_C;
  T* scratch;

  void operator()(const Kernels<T>& kernels, T* dw, const T* delta, const Rows<T>& x,
                  const Block& block) const {
    const std::int64_t columns = block.columns.size(), steps = windows.out;
    dw += block.columns.begin;
    for (Range taps; taps.begin < windows.taps; taps.begin = taps.end) {
      // Taps with which the same steps see are rows of one product.
      const Range seeing = windows.steps_of(taps.begin);
      while (taps.end < windows.taps && windows.steps_of(taps.end) == seeing) ++taps.end;
      const std::int64_t from = std::max(block.rows.begin, taps.begin * own_C);
      const std::int64_t to = std::min(block.rows.end, taps.end * own_C);
      if (seeing.empty()) {
        for (std::int64_t row = from; row < to; ++row) std::fill_n(dw + row * O, columns, T{0});
      } else if (from < to) {
        const SampleRows rows{samples * steps,
                              steps,
                              seeing.begin,
                              steps - seeing.end,
                              x.sample - seeing.size() * x.step,
                              (steps - seeing.size()) * O};
        kernels.product_dw({{dw + from * O, O},
                            {x.p + seeing.begin * x.step + from - x.before, x.step},
                            {delta + seeing.begin * O, O},
                            to - from,
                            columns,
                            rows,
                            scratch,
                            kernels.l2_bytes});
      }
    }
  }
};

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::ConvolveDw& o) {
  // Strip by strip, so that what all runs add to stays in the cache.
  constexpr std::int64_t kElements = 1 << 16;
  const Windows windows = o.windows;
  const std::int64_t O = r.columns(o.dy), G = o.groups, own_O = O / G;
  const std::int64_t K = windows.taps, own_C = r[o.dw].shape[1];
  const Block part = r.own(o.dw);
  r.writes(o.dw, part);
  const Following<T> then = following(r, o.after, part);
  r.reads(o.x);
  r.reads(o.dy);
  if (part.empty()) return;
  const std::int64_t columns = part.columns.size();
  const std::int64_t strip =
      std::max<std::int64_t>(64, kElements / columns / kParameterRows * kParameterRows);
  const ConvolutionDw<T> make{windows, r.samples(o.dy), O, own_C, r.scratch};
  const Rows<T> x = window_rows<T>(r.at(o.x), windows, own_C * G, o.gathered);
  T* const dw = r.at(o.dw);
  const T* const dy = r.at(o.dy);
  for (std::int64_t row = part.rows.begin; row < part.rows.end; row += strip) {
    const Range rows{row, std::min(row + strip, part.rows.end)};
    r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
      for (std::int64_t g = 0; g < G; ++g) {
        const Range filters{std::max(part.columns.begin, g * own_O),
                            std::min(part.columns.end, (g + 1) * own_O)};
        const Rows<T> own_x{x.p + g * K * own_C, x.sample, x.step, x.before};
        if (!filters.empty()) make(*k, dw, dy + filters.begin, own_x, {rows, filters});
      }
      const std::int64_t first = rows.begin * O + part.columns.begin;
      then(*k, now, dw + first, first, rows.size(), columns, O);
    });
  }
}
MUNDUR_RESOLVED(ConvolveDw);

}  // namespace mundur

// The greatest of what each window of an image sees, or the mean. A sequence is an image of one
// row.

#include <algorithm>

#include "cpu/parts.h"
#include "program/windows.h"

namespace mundur {
namespace {

std::int64_t pixels_in(const Windows2D& windows) { return windows.rows.in * windows.columns.in; }
std::int64_t pixels_out(const Windows2D& windows) { return windows.rows.out * windows.columns.out; }

/// Windows of one row of y that see alike: the first one's place in y, the pixel that it begins
/// with, its sample; pixels are counted within that.
struct AlikeWindows {
  std::int64_t sample, window, pixel;
  WindowRun windows;
};

/// Calls f(run) for the windows of a part, in order.
template <class F>
void each_alike(const Windows2D& windows, std::int64_t C, const Part& part, F f) {
  const Windows &rows = windows.rows, &columns = windows.columns;
  const Range whole = columns.whole();
  for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
    for (std::int64_t at = part.steps.begin; at < part.steps.end;) {
      const std::int64_t row = at / columns.out, column = at % columns.out;
      const Range seen = rows.taps_of(row), taps = columns.taps_of(column);
      const bool is_edge = column < whole.begin || column >= whole.end;
      const std::int64_t end = is_edge ? column + 1 : whole.end;
      const std::int64_t count = std::min(end - column, part.steps.end - at);
      f(AlikeWindows{
          n,
          at,
          (rows.first(row) + seen.begin) * columns.in + columns.first(column) + taps.begin,
          {count, columns.stride, seen.size(), taps.size(), columns.in, C}});
      at += count;
    }
  }
}

/// dx begins as zeros, and gets what add(kernels, sample, its dx) adds.
template <class T, class F>
void resolve_backward(Resolver<T>& r, Value dx, Value dy, F add) {
  const Range samples = r.share_samples(dx);
  r.writes_samples(dx, samples);
  r.reads_samples(dy, samples);
  const std::int64_t size = r[dx].size();
  T* const to = r.at(dx);
  r.call([=, k = &r.kernels](Now<T>&, Worker&) {
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      std::fill_n(to + n * size, size, T{0});
      add(*k, n, to + n * size);
    }
  });
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::MaxWindows& o) {
  const Windows2D windows = o.windows;
  const std::int64_t C = r.columns(o.x), in = pixels_in(windows), out = pixels_out(windows);
  const Part part = part_of(r.samples(o.x), out, r.worker);
  touch(r, o.y, part, out, true);
  touch(r, o.at, part, out, true);
  r.reads_samples(o.x, part.samples);
  T* const y = r.at(o.y);
  auto* const at = r.template at<std::int32_t>(o.at);
  const T* const x = r.at(o.x);
  r.call([=, k = r.kernels.max_windows](Now<T>&, Worker&) {
    each_alike(windows, C, part, [&](const AlikeWindows& run) {
      const std::int64_t to = (run.sample * out + run.window) * C;
      k(y + to, at + to, x + (run.sample * in + run.pixel) * C, run.pixel, C, run.windows);
    });
  });
}
MUNDUR_RESOLVED(MaxWindows);

template <class T>
void resolve(Resolver<T>& r, const op::MaxWindowsDx& o) {
  const std::int64_t C = r.columns(o.dx), out = r[o.dy].size() / C;
  const T* const dy = r.at(o.dy);
  const auto* const at = r.template at<std::int32_t>(o.at);
  resolve_backward(r, o.dx, o.dy, [=](const Kernels<T>& k, std::int64_t n, T* dx) {
    k.max_windows_backward(dx, dy + n * out * C, at + n * out * C, C, out);
  });
  r.reads_samples(o.at, r.share_samples(o.at));
}
MUNDUR_RESOLVED(MaxWindowsDx);

template <class T>
void resolve(Resolver<T>& r, const op::MeanWindows& o) {
  const Windows2D windows = o.windows;
  const std::int64_t C = r.columns(o.x), in = pixels_in(windows), out = pixels_out(windows);
  const Part part = part_of(r.samples(o.x), out, r.worker);
  touch(r, o.y, part, out, true);
  r.reads_samples(o.x, part.samples);
  if (o.mask) r.reads_samples(o.mask, part.samples);
  T* const y = r.at(o.y);
  const T* const x = r.at(o.x);
  const auto* const mask = r.template at<std::uint8_t>(o.mask);
  r.call([=, k = r.kernels.mean_windows](Now<T>&, Worker&) {
    each_alike(windows, C, part, [&](const AlikeWindows& run) {
      const std::int64_t pixel = run.sample * in + run.pixel;
      k(y + (run.sample * out + run.window) * C, x + pixel * C, mask ? mask + pixel : nullptr, C,
        run.windows);
    });
  });
}
MUNDUR_RESOLVED(MeanWindows);

template <class T>
void resolve(Resolver<T>& r, const op::MeanWindowsDx& o) {
  const Windows2D windows = o.windows;
  const std::int64_t C = r.columns(o.dx), in = pixels_in(windows), out = pixels_out(windows);
  const T* const dy = r.at(o.dy);
  const auto* const mask = r.template at<std::uint8_t>(o.mask);
  resolve_backward(r, o.dx, o.dy, [=](const Kernels<T>& k, std::int64_t n, T* dx) {
    each_alike(windows, C, {{n, n + 1}, {0, out}}, [&](const AlikeWindows& run) {
      k.mean_windows_backward(dx + run.pixel * C, dy + (n * out + run.window) * C,
                              mask ? mask + n * in + run.pixel : nullptr, C, run.windows);
    });
  });
  if (o.mask) r.reads_samples(o.mask, r.share_samples(o.mask));
}
MUNDUR_RESOLVED(MeanWindowsDx);

}  // namespace mundur

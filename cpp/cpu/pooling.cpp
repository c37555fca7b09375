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
          {count, columns.stride, seen.size(), taps.size(), columns.in, C,
           seen.begin * columns.taps + taps.begin, columns.taps}});
      at += count;
    }
  }
}

/// dx begins as zeros, where it has to, and gets what add(kernels, sample, its dx) adds.
template <class T, class F>
void resolve_backward(Resolver<T>& r, Value dx, Value dy, F add, bool zeros = true) {
  const Range samples = r.share_samples(dx);
  r.writes_samples(dx, samples);
  r.reads_samples(dy, samples);
  const std::int64_t size = r[dx].size();
  T* const to = r.at(dx);
  r.call([=, k = &r.kernels](Now<T>&, Worker&) {
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      if (zeros) std::fill_n(to + n * size, size, T{0});
      add(*k, n, to + n * size);
    }
  });
}

/// Whether it tells pixels, not taps.
template <class T>
bool is_wide(const Resolver<T>& r, Value at) {
  return at && r[at].element == Element::int32;
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::MaxWindows& o) {
  const Windows2D windows = o.windows;
  const std::int64_t C = r.columns(o.x), in = pixels_in(windows), out = pixels_out(windows);
  const Part part = part_of(r.samples(o.x), out, r.worker);
  touch(r, o.y, part, out, true);
  if (o.at) touch(r, o.at, part, out, true);
  r.reads_samples(o.x, part.samples);
  T* const y = r.at(o.y);
  const T* const x = r.at(o.x);
  const auto call = [&](auto make) {
    r.call([=, k = &r.kernels](Now<T>&, Worker&) {
      each_alike(windows, C, part, [&](const AlikeWindows& run) {
        const std::int64_t to = (run.sample * out + run.window) * C;
        make(*k, to, x + (run.sample * in + run.pixel) * C, run);
      });
    });
  };
  if (is_wide(r, o.at)) {
    auto* const at = r.template at<std::int32_t>(o.at);
    return call([=](const Kernels<T>& k, std::int64_t to, const T* seen, const AlikeWindows& run) {
      k.max_wide_windows(y + to, at + to, seen, run.pixel, C, run.windows);
    });
  }
  auto* const at = r.template at<std::uint8_t>(o.at);
  call([=](const Kernels<T>& k, std::int64_t to, const T* seen, const AlikeWindows& run) {
    k.max_windows(y + to, at ? at + to : nullptr, seen, C, run.windows);
  });
}
MUNDUR_RESOLVED(MaxWindows);

template <class T>
void resolve(Resolver<T>& r, const op::MaxWindowsDx& o) {
  const Windows2D windows = o.windows;
  const std::int64_t C = r.columns(o.dx), out = pixels_out(windows);
  const T* const dy = r.at(o.dy);
  r.reads_samples(o.at, r.share_samples(o.at));
  if (is_wide(r, o.at)) {
    const auto* const at = r.template at<std::int32_t>(o.at);
    return resolve_backward(r, o.dx, o.dy, [=](const Kernels<T>& k, std::int64_t n, T* dx) {
      k.max_wide_windows_backward(dx, dy + n * out * C, at + n * out * C, C, out);
    });
  }
  const auto* const at = r.template at<std::uint8_t>(o.at);
  const auto sees_once = [](const Windows& axis) {
    return axis.stride == axis.taps && axis.before == 0 && axis.out * axis.taps == axis.in;
  };
  const bool once = sees_once(windows.rows) && sees_once(windows.columns);
  resolve_backward(
      r, o.dx, o.dy,
      [=](const Kernels<T>& k, std::int64_t n, T* dx) {
        each_alike(windows, C, {{n, n + 1}, {0, out}}, [&](const AlikeWindows& run) {
          const std::int64_t from = (n * out + run.window) * C;
          k.max_windows_backward(dx + run.pixel * C, dy + from, at + from, C, run.windows, !once);
        });
      },
      !once);
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

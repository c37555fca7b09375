// Sums over samples, rows of a table, and what windows see of a sequence: a thread has a column.

#include "cpu/kernels/isa/sums.cpp"

#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Code<launches::SumRows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::SumRows<T>& a,
                                const launches::Step<T>&) {
    block.each(a.columns, [&](i64 o) { sum_rows(a.db + o, a.dy + o, 1, a.rows, a.each, a.ld); });
  }
};

// ---- rows of a table by their ids ---------------------------------------------------------------

template <class T>
struct Code<launches::Lookup<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Lookup<T>& a,
                                const launches::Step<T>&) {
    block.each(a.places * a.columns, [&](i64 i) {
      const i64 n = i / a.columns, o = i % a.columns;
      const std::int32_t id = a.ids[n];
      const T value = a.w[id * a.columns + o];
      const bool is_masked = a.mask && id == 0;
      a.y[i] = is_masked && !(value - value == T(0)) ? T(0) : value;
      if (a.mask && o == 0) a.mask[n] = id != 0;
    });
  }
};

/// Each place looks for its neighbours of the same id, so that nobody writes where another does.
template <class T>
struct Code<launches::ListPlaces<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ListPlaces<T>& a,
                                const launches::Step<T>&) {
    block.each(a.places, [&](i64 n) {
      i64 after = n + 1, before = n - 1;
      while (after < a.places && a.ids[after] != a.ids[n]) ++after;
      while (before >= 0 && a.ids[before] != a.ids[n]) --before;
      a.next[n] = after < a.places ? static_cast<std::int32_t>(after) : -1;
      if (before < 0) a.first[a.ids[n]] = static_cast<std::int32_t>(n);
    });
  }
};

template <class T>
struct Code<launches::LookupDw<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::LookupDw<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows * a.columns, [&](i64 i) {
      const std::int32_t first = a.first[i / a.columns];
      if (first < 0) {
        a.dw[i] = T(0);
        return;
      }
      sum_listed(a.dw + i, a.dy + i % a.columns, a.next, first, 1, a.samples, a.steps, a.columns);
    });
  }
};

// ---- pooling ------------------------------------------------------------------------------------

MUNDUR_INLINE i64 begin_of(const launches::WindowAxis& axis, i64 t) {
  return t * axis.stride - axis.before;
}
MUNDUR_INLINE Range seen(const launches::WindowAxis& axis, i64 t) {
  const i64 begin = begin_of(axis, t), end = begin + axis.taps;
  return {begin > 0 ? begin : 0, end < axis.in ? end : axis.in};
}

/// f(windows, the pixel that they begin with) of window number t: of one column of numbers.
template <class F>
MUNDUR_INLINE void with_window(const launches::Pooled& of, i64 t, F f) {
  const Range rows = seen(of.rows, t / of.columns.out),
              columns = seen(of.columns, t % of.columns.out);
  const i64 row = rows.begin - begin_of(of.rows, t / of.columns.out),
            column = columns.begin - begin_of(of.columns, t % of.columns.out);
  f(WindowRun{1, 1, rows.size(), columns.size(), of.columns.in, of.channels,
              row * of.columns.taps + column, of.columns.taps},
    rows.begin * of.columns.in + columns.begin);
}

/// Of a tap of window number t.
MUNDUR_INLINE i64 pixel_of(const launches::Pooled& of, i64 t, i64 tap) {
  const i64 row = begin_of(of.rows, t / of.columns.out) + tap / of.columns.taps,
            column = begin_of(of.columns, t % of.columns.out) + tap % of.columns.taps;
  return row * of.columns.in + column;
}

/// Of a number of y: its sample, the window, and where x begins of its sample and channel.
struct Place {
  i64 sample, window, x;
};
MUNDUR_INLINE Place place_of(const launches::Pooled& of, i64 i) {
  const i64 c = i % of.channels, out = of.rows.out * of.columns.out;
  const i64 n = i / of.channels / out;
  return {n, i / of.channels % out, n * of.rows.in * of.columns.in * of.channels + c};
}

/// dx of one channel of a sample begins as zeros, and gets what f(window, its place in y) adds.
template <class T, class F>
MUNDUR_INLINE void each_window(const launches::Pooled& of, T* dx, i64 n, i64 c, F f) {
  const i64 in = of.rows.in * of.columns.in, out = of.rows.out * of.columns.out;
  for (i64 pixel = 0; pixel < in; ++pixel) dx[pixel * of.channels] = T(0);
  for (i64 t = 0; t < out; ++t) f(t, (n * out + t) * of.channels + c);
}

template <class T>
struct Code<launches::MaxWindows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::MaxWindows<T>& a,
                                const launches::Step<T>&) {
    const launches::Pooled& of = a.of;
    block.each(of.samples * of.rows.out * of.columns.out * of.channels, [&](i64 i) {
      const Place at = place_of(of, i);
      with_window(of, at.window, [&](const WindowRun& window, i64 pixel) {
        const T* const x = a.x + at.x + pixel * of.channels;
        if (a.at) return max_wide_windows(a.y + i, a.at + i, x, pixel, 1, window);
        max_windows(a.y + i, a.taps ? a.taps + i : nullptr, x, 1, window);
      });
    });
  }
};

template <class T>
struct Code<launches::MaxWindowsDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::MaxWindowsDx<T>& a,
                                const launches::Step<T>&) {
    const launches::Pooled& of = a.of;
    block.each(of.samples * of.channels, [&](i64 i) {
      const i64 n = i / of.channels, c = i % of.channels;
      T* const dx = a.dx + n * of.rows.in * of.columns.in * of.channels + c;
      each_window(of, dx, n, c, [&](i64 t, i64 y) {
        T* const to = dx + (a.at ? a.at[y] : pixel_of(of, t, a.taps[y])) * of.channels;
        *to = *to + a.dy[y];
      });
    });
  }
};

template <class T>
struct Code<launches::MeanWindows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::MeanWindows<T>& a,
                                const launches::Step<T>&) {
    const launches::Pooled& of = a.of;
    const i64 in = of.rows.in * of.columns.in;
    block.each(of.samples * of.rows.out * of.columns.out * of.channels, [&](i64 i) {
      const Place at = place_of(of, i);
      with_window(of, at.window, [&](const WindowRun& window, i64 pixel) {
        mean_windows(a.y + i, a.x + at.x + pixel * of.channels,
                     a.mask ? a.mask + at.sample * in + pixel : nullptr, 1, window);
      });
    });
  }
};

template <class T>
struct Code<launches::MeanWindowsDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::MeanWindowsDx<T>& a,
                                const launches::Step<T>&) {
    const launches::Pooled& of = a.of;
    const i64 in = of.rows.in * of.columns.in;
    block.each(of.samples * of.channels, [&](i64 i) {
      const i64 n = i / of.channels, c = i % of.channels;
      T* const dx = a.dx + n * in * of.channels + c;
      each_window(of, dx, n, c, [&](i64 t, i64 y) {
        with_window(of, t, [&](const WindowRun& window, i64 pixel) {
          mean_windows_backward(dx + pixel * of.channels, a.dy + y,
                                a.mask ? a.mask + n * in + pixel : nullptr, 1, window);
        });
      });
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(MaxWindows)
MUNDUR_STARTED(MaxWindowsDx)
MUNDUR_STARTED(MeanWindows)
MUNDUR_STARTED(MeanWindowsDx)
MUNDUR_STARTED(Lookup)
MUNDUR_STARTED(ListPlaces)
MUNDUR_STARTED(LookupDw)
MUNDUR_STARTED(SumRows)
}  // namespace mundur

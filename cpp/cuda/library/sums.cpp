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

/// The steps that window t sees.
MUNDUR_INLINE Range steps_of(const launches::Pooled& of, i64 t) {
  const i64 first = t * of.stride - of.before, end = first + of.taps;
  return {first > 0 ? first : 0, end < of.in ? end : of.in};
}

/// f(where x and y of window t lie, steps, sample): of a number of each window.
template <class F>
MUNDUR_INLINE void with_window(const launches::Pooled& of, i64 i, F f) {
  const i64 c = i % of.columns, t = i / of.columns % of.out, n = i / of.columns / of.out;
  const Range steps = steps_of(of, t);
  f((n * of.in + steps.begin) * of.columns + c, i, steps.size(), n);
}

/// dx of one number of a sample's steps begins as zeros, and gets what each window adds.
template <class T, class F>
MUNDUR_INLINE void with_windows(const launches::Pooled& of, T* dx, i64 i, F f) {
  const i64 c = i % of.columns, n = i / of.columns;
  for (i64 s = 0; s < of.in; ++s) dx[(n * of.in + s) * of.columns + c] = T(0);
  for (i64 t = 0; t < of.out; ++t) {
    const Range steps = steps_of(of, t);
    f((n * of.in + steps.begin) * of.columns + c, (n * of.out + t) * of.columns + c, steps.size(),
      n);
  }
}

template <class T>
struct Code<launches::MaxWindows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::MaxWindows<T>& a,
                                const launches::Step<T>&) {
    block.each(a.of.samples * a.of.out * a.of.columns, [&](i64 i) {
      with_window(a.of, i, [&](i64 x, i64 y, i64 rows, i64) {
        max_rows(a.y + y, a.row + y, a.x + x, 1, rows, a.of.columns);
      });
    });
  }
};

template <class T>
struct Code<launches::MaxWindowsDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::MaxWindowsDx<T>& a,
                                const launches::Step<T>&) {
    block.each(a.of.samples * a.of.columns, [&](i64 i) {
      with_windows(a.of, a.dx, i, [&](i64 x, i64 y, i64, i64) {
        T* const to = a.dx + x + a.row[y] * a.of.columns;
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
    block.each(a.of.samples * a.of.out * a.of.columns, [&](i64 i) {
      with_window(a.of, i, [&](i64 x, i64 y, i64 rows, i64 n) {
        mean_rows(a.y + y, a.x + x, a.mask ? a.mask + n * a.of.in : nullptr, 1, rows, a.of.columns);
      });
    });
  }
};

template <class T>
struct Code<launches::MeanWindowsDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::MeanWindowsDx<T>& a,
                                const launches::Step<T>&) {
    block.each(a.of.samples * a.of.columns, [&](i64 i) {
      with_windows(a.of, a.dx, i, [&](i64 x, i64 y, i64 rows, i64 n) {
        mean_rows_backward(a.dx + x, a.dy + y, a.mask ? a.mask + n * a.of.in : nullptr, 1, rows,
                           a.of.columns);
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

// Sums over rows, means and maxima of windows. A sum is one chain per shard and column, as the
// products over samples have it.

#include "cpu/kernels/isa/pieces.h"
#include "cpu/kernels/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// each_row(n, add) calls add(row) for each row of shard n; db = finish(the sum).
template <class T, int kVecs, class EachRow, class Finish>
MUNDUR_INLINE void sum_columns(T* db, const ShardTree& tree, int last, EachRow each_row,
                               Finish finish) {
  constexpr int kWidth = Vec<T>::kWidth;
  const bool masked = last < kWidth;
  const Mask<T> mask = first_n<T>(last);
  Vec<T> waiting[kMaxSlots][kVecs];
  Vec<T> sum[kVecs];
  for (i64 n = 0;; ++n) {
    for (int v = 0; v < kVecs; ++v) sum[v] = zero<T>();
    each_row(n, [&](const T* row) MUNDUR_BODY {
      for (int v = 0; v < kVecs; ++v) {
        sum[v] = sum[v] + (masked && v == kVecs - 1 ? load_masked(row + v * kWidth, mask)
                                                    : load(row + v * kWidth));
      }
    });
    const int slot = tree.after(n, [&](int earlier) MUNDUR_BODY {
      for (int v = 0; v < kVecs; ++v) sum[v] = waiting[earlier][v] + sum[v];
    });
    if (slot < 0) break;
    for (int v = 0; v < kVecs; ++v) waiting[slot][v] = sum[v];
  }
  for (int v = 0; v < kVecs; ++v) {
    store_up_to(db + v * kWidth, finish(sum[v]), v == kVecs - 1 ? last : kWidth);
  }
}

/// columns(o), of some columns from o on, is what sum_columns takes as each_row.
template <class T, class Columns, class Finish>
MUNDUR_INLINE void sum_all(T* db, i64 O, const ShardTree& tree, Columns columns, Finish finish) {
  constexpr int kWidth = Vec<T>::kWidth;
  i64 o = 0;
  for (; o + 4 * kWidth <= O; o += 4 * kWidth) {
    sum_columns<T, 4>(db + o, tree, kWidth, columns(o), finish);
  }
  for (; o < O; o += kWidth) {
    sum_columns<T, 1>(db + o, tree, static_cast<int>(least(kWidth, O - o)), columns(o), finish);
  }
}
template <class T, class Columns>
MUNDUR_INLINE void sum_all(T* db, i64 O, const ShardTree& tree, Columns columns) {
  sum_all(db, O, tree, columns, [](Vec<T> sum) MUNDUR_BODY { return sum; });
}

template <class T>
MUNDUR_DEVICE void sum_rows(T* db, const T* dy, i64 O, i64 B, i64 each, i64 lddy) {
  if (B == 1) {  // the chain from +0, without the way there
    return map(db, O, [](Vec<T> g) MUNDUR_BODY { return zero<T>() + g; }, dy);
  }
  sum_all(db, O, ShardTree(B, each), [=](i64 o) MUNDUR_BODY {
    return [=](i64 n, auto add) MUNDUR_BODY {
      const i64 end = least(B, (n + 1) * kShard);
      for (i64 b = n * kShard; b < end; ++b) add(dy + b * lddy + o);
    };
  });
}

template <class T>
MUNDUR_DEVICE void sum_listed(T* db, const T* dy, const std::int32_t* next, std::int32_t first,
                              i64 O, i64 B, i64 each, i64 lddy) {
  sum_all(db, O, ShardTree(B, 1), [=](i64 o) MUNDUR_BODY {
    return [=, at = first](i64 n, auto add) mutable MUNDUR_BODY {
      const i64 end = (n + 1) * kShard * each;
      for (; at >= 0 && at < end; at = next[at]) add(dy + at * lddy + o);
    };
  });
}

/// Takes over where `value` is greater, or the first NaN.
template <class T>
MUNDUR_INLINE Mask<T> wins_over(Vec<T> top, Vec<T> value) {
  return less(top, value) | (is_nan(value) & ~is_nan(top));
}

/// `kTaps`: at is there.
template <bool kTaps, class T>
MUNDUR_INLINE void maxima(T* y, std::uint8_t* at, const T* x, i64 O, const WindowRun& windows) {
  for (i64 w = 0; w < windows.count; ++w, y += O, x += windows.step * windows.ld) {
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      Vec<T> top = load_up_to(x + o, n);
      Vec<T> place = set<T>(static_cast<T>(windows.tap));
      for (i64 i = 0; i < windows.rows; ++i) {
        const T* seen = x + o + i * windows.width * windows.ld;
        for (i64 j = 0; j < windows.columns; ++j, seen += windows.ld) {
          if (i == 0 && j == 0) continue;
          const Vec<T> value = load_up_to(seen, n);
          const Mask<T> wins = wins_over(top, value);
          top = select(wins, value, top);
          if constexpr (kTaps) {
            const i64 tap = windows.tap + i * windows.taps + j;
            place = select(wins, set<T>(static_cast<T>(tap)), place);
          }
        }
      }
      store_up_to(y + o, top, n);
      if constexpr (kTaps) store_bytes(at + o, place, n);
    });
    if constexpr (kTaps) at += O;
  }
}

template <class T>
MUNDUR_DEVICE void max_windows(T* y, std::uint8_t* at, const T* x, i64 O,
                               const WindowRun& windows) {
  at ? maxima<true>(y, at, x, O, windows) : maxima<false>(y, at, x, O, windows);
}

template <bool kOnto, class T>
MUNDUR_INLINE void maxima_backward(T* dx, const T* dy, const std::uint8_t* at, i64 O,
                                   const WindowRun& windows) {
  for (i64 w = 0; w < windows.count; ++w, dy += O, at += O, dx += windows.step * windows.ld) {
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      const Vec<T> g = load_up_to(dy + o, n), place = load_bytes<T>(at + o, n);
      for (i64 i = 0; i < windows.rows; ++i) {
        T* to = dx + o + i * windows.width * windows.ld;
        for (i64 j = 0; j < windows.columns; ++j, to += windows.ld) {
          const i64 tap = windows.tap + i * windows.taps + j;
          const Vec<T> before = kOnto ? load_up_to(to, n) : zero<T>();
          const Vec<T> own = select(equal(place, set<T>(static_cast<T>(tap))), g, zero<T>());
          store_up_to(to, before + own, n);
        }
      }
    });
  }
}

template <class T>
void max_windows_backward(T* dx, const T* dy, const std::uint8_t* at, i64 O,
                          const WindowRun& windows, bool onto) {
  onto ? maxima_backward<true>(dx, dy, at, O, windows)
       : maxima_backward<false>(dx, dy, at, O, windows);
}

/// Pixels that are counted in a vector of T, which float could not do beyond 2^24.
constexpr i64 kCounted = 1 << 20;

template <class T>
MUNDUR_DEVICE void max_wide_windows(T* y, std::int32_t* at, const T* x, i64 first, i64 O,
                                    const WindowRun& windows) {
  const i64 rows = windows.rows, columns = windows.columns, width = windows.width, ld = windows.ld;
  for (i64 w = 0; w < windows.count; ++w, y += O, at += O) {
    const i64 seen = w * windows.step;
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      const T* const corner = x + seen * ld + o;
      Vec<T> top = load_up_to(corner, n);
      Vec<T> place = zero<T>();  // of the maximum, counted from `from` on; negative: before
      i64 from = 0;
      std::int32_t found[Vec<T>::kWidth] = {};
      const auto settle = [&]() MUNDUR_BODY {
        T counted[Vec<T>::kWidth];
        store(counted, place);
        for (int i = 0; i < Vec<T>::kWidth; ++i) {
          const auto ahead = static_cast<std::int32_t>(counted[i]);
          found[i] = ahead < 0 ? found[i] : static_cast<std::int32_t>(from) + ahead;
        }
      };
      for (i64 i = 0; i < rows; ++i) {
        for (i64 j = i == 0 ? 1 : 0; j < columns; ++j) {
          const i64 pixel = i * width + j;
          if (pixel - from >= kCounted) {
            settle();
            place = set<T>(T(-1));
            from = pixel;
          }
          const Vec<T> value = load_up_to(corner + pixel * ld, n);
          const Mask<T> wins = wins_over(top, value);
          top = select(wins, value, top);
          place = select(wins, set<T>(static_cast<T>(pixel - from)), place);
        }
      }
      settle();
      store_up_to(y + o, top, n);
      for (int i = 0; i < n; ++i) at[o + i] = static_cast<std::int32_t>(first + seen) + found[i];
    });
  }
}

template <class T>
void max_wide_windows_backward(T* dx, const T* dy, const std::int32_t* at, i64 O, i64 windows) {
  for (i64 w = 0; w < windows; ++w, dy += O, at += O) {
    for (i64 o = 0; o < O; ++o) dx[at[o] * O + o] += dy[o];
  }
}

/// Calls each(pixel) for those of a window that are kept, row by row.
template <class Each>
MUNDUR_INLINE void each_kept(const WindowRun& windows, const std::uint8_t* keep, Each each) {
  for (i64 i = 0; i < windows.rows; ++i) {
    for (i64 j = 0; j < windows.columns; ++j) {
      const i64 pixel = i * windows.width + j;
      if (!keep || keep[pixel]) each(pixel);
    }
  }
}

/// How many pixels are kept.
MUNDUR_INLINE i64 kept(const WindowRun& windows, const std::uint8_t* keep) {
  if (!keep) return windows.rows * windows.columns;
  i64 count = 0;
  each_kept(windows, keep, [&](i64) MUNDUR_BODY { ++count; });
  return count;
}

template <class T>
MUNDUR_DEVICE void mean_windows(T* y, const T* x, const std::uint8_t* keep, i64 O,
                                const WindowRun& windows) {
  const i64 columns = windows.columns, size = windows.rows * columns;
  const i64 back = windows.width - columns, ld = windows.ld;
  for (i64 w = 0; w < windows.count; ++w, y += O) {
    const i64 seen = w * windows.step;
    const std::uint8_t* const own = keep ? keep + seen : nullptr;
    const i64 count = kept(windows, own);
    const auto row = [=](i64 o) MUNDUR_BODY {
      return [=, j = i64{0}, pixel = i64{0}](i64 n, auto add) mutable MUNDUR_BODY {
        const i64 end = least(size, (n + 1) * kShard);
        for (i64 b = n * kShard; b < end; ++b, ++pixel) {
          if (j == columns) {
            j = 0;
            pixel += back;
          }
          ++j;
          if (!own || own[pixel]) add(x + (seen + pixel) * ld + o);
        }
      };
    };
    sum_all(y, O, ShardTree(size, size), row, [=](Vec<T> sum) MUNDUR_BODY {
      return count == 0 ? sum : sum / set<T>(static_cast<T>(count));
    });
  }
}

template <class T>
MUNDUR_DEVICE void mean_windows_backward(T* dx, const T* dy, const std::uint8_t* keep, i64 O,
                                         const WindowRun& windows) {
  for (i64 w = 0; w < windows.count; ++w, dy += O) {
    const i64 seen = w * windows.step;
    const std::uint8_t* const own = keep ? keep + seen : nullptr;
    const T count = static_cast<T>(kept(windows, own));
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      const Vec<T> g = load_up_to(dy + o, n) / set<T>(count);
      each_kept(windows, own, [&](i64 pixel) MUNDUR_BODY {
        T* const to = dx + (seen + pixel) * windows.ld + o;
        store_up_to(to, load_up_to(to, n) + g, n);
      });
    });
  }
}

template <class T>
void fill_sums_rows(Kernels<T>& table) {
  table.sum_rows = sum_rows<T>;
  table.sum_listed = sum_listed<T>;
  table.max_windows = max_windows<T>;
  table.max_windows_backward = max_windows_backward<T>;
  table.max_wide_windows = max_wide_windows<T>;
  table.max_wide_windows_backward = max_wide_windows_backward<T>;
  table.mean_windows = mean_windows<T>;
  table.mean_windows_backward = mean_windows_backward<T>;
}

}  // namespace

void fill_sums(Kernels<float>& table) { fill_sums_rows(table); }
void fill_sums(Kernels<double>& table) { fill_sums_rows(table); }

}  // namespace mundur::MUNDUR_ISA

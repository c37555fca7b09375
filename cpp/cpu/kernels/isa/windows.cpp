// Windows each channel of which is seen by itself: lanes run over channels, and chains over taps,
// or, in a sum over samples, over windows. Windows of few channels, which lanes may share: those
// are filters. And windows of few filters: lanes run over pixels.

#include "cpu/kernels/isa/tile.h"
#include "cpu/kernels/isa/transpose.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// What n lanes see: each its own element, or all the same one.
template <bool kShared, class T>
MUNDUR_INLINE Vec<T> seen_by(const T* x, int n) {
  if constexpr (kShared) {
    return set<T>(*x);
  } else {
    return load_up_to(x, n);
  }
}

/// kVecs registers of lanes, n in each, of kCount windows. Each number of w serves all of them.
template <class T, int kCount, int kVecs, bool kShared>
MUNDUR_INLINE void some_windows(T* y, const T* x, const T* w, const T* bias, int n,
                                const LaneWindows& windows) {
  constexpr int kWidth = Vec<T>::kWidth;
  static_assert(kShared || kVecs == 1, "lanes see by themselves in one register");
  Vec<T> sum[kCount][kVecs];
  MUNDUR_UNROLL
  for (int p = 0; p < kCount; ++p) {
    MUNDUR_UNROLL
    for (int v = 0; v < kVecs; ++v) sum[p][v] = zero<T>();
  }
  for (i64 i = 0; i < windows.down.count; ++i) {
    for (i64 j = 0; j < windows.across.count; ++j) {
      const T* seen = x + i * windows.down.from + j * windows.across.from;
      const T* own = w + i * windows.down.to + j * windows.across.to;
      for (i64 k = 0; k < windows.in.count; ++k, seen += windows.in.from, own += windows.in.to) {
        Vec<T> weight[kVecs];
        MUNDUR_UNROLL
        for (int v = 0; v < kVecs; ++v) weight[v] = load_up_to(own + v * kWidth, n);
        MUNDUR_UNROLL
        for (int p = 0; p < kCount; ++p) {
          const Vec<T> pixel = seen_by<kShared>(seen + p * windows.step, n);
          MUNDUR_UNROLL
          for (int v = 0; v < kVecs; ++v) sum[p][v] = fma(pixel, weight[v], sum[p][v]);
        }
      }
    }
  }
  MUNDUR_UNROLL
  for (int p = 0; p < kCount; ++p) {
    MUNDUR_UNROLL
    for (int v = 0; v < kVecs; ++v) {
      const Vec<T> z = bias ? sum[p][v] + load_up_to(bias + v * kWidth, n) : sum[p][v];
      store_up_to(y + p * windows.ldy + v * kWidth, z, n);
    }
  }
}

/// All windows of a row, kMost together, then kFew, then one by one.
template <class T, int kMost, int kFew, int kVecs, bool kShared>
MUNDUR_INLINE void row_of_windows(T* y, const T* x, const T* w, const T* bias, int n,
                                  const LaneWindows& windows) {
  i64 p = 0;
  for (; p + kMost <= windows.count; p += kMost) {
    some_windows<T, kMost, kVecs, kShared>(y + p * windows.ldy, x + p * windows.step, w, bias, n,
                                           windows);
  }
  for (; p + kFew <= windows.count; p += kFew) {
    some_windows<T, kFew, kVecs, kShared>(y + p * windows.ldy, x + p * windows.step, w, bias, n,
                                          windows);
  }
  for (; p < windows.count; ++p) {
    some_windows<T, 1, kVecs, kShared>(y + p * windows.ldy, x + p * windows.step, w, bias, n,
                                       windows);
  }
}

/// Lanes that share what they see. Where a multiply-add takes its number from memory, one register
/// of them; else as many as a product's tile has.
template <class T>
void shared_windows(T* y, const T* x, const T* w, const T* bias, i64 O, const LaneWindows& windows,
                    Function f) {
  constexpr int kWidth = Vec<T>::kWidth, kVecs = kBytes == 64 ? 1 : 2, kMost = kBytes == 32 ? 6 : 8;
  for (i64 row = 0; row < windows.rows.count; ++row) {
    i64 o = 0;
    if constexpr (kVecs > 1) {
      for (; o + kVecs * kWidth <= O; o += kVecs * kWidth) {
        row_of_windows<T, kMost, 2, kVecs, true>(y + o, x, w + o, bias ? bias + o : nullptr, kWidth,
                                                 windows);
      }
    }
    for_each_vec<T>(O - o, [&](i64 more, int n) MUNDUR_BODY {
      row_of_windows<T, kMost, 2, 1, true>(y + o + more, x, w + o + more,
                                           bias ? bias + o + more : nullptr, n, windows);
    });
    if (f != Function::linear) activate(y, windows.ldy, windows.count, O, f);
    y += windows.rows.to;
    x += windows.rows.from;
  }
}

template <class T>
void lane_windows(T* y, const T* x, const T* w, const T* bias, i64 O, const LaneWindows& windows,
                  Function f) {
  if (windows.shared) return shared_windows(y, x, w, bias, O, windows, f);
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    row_of_windows<T, 8, 3, 1, false>(y + o, x + o, w + o, bias ? bias + o : nullptr, n, windows);
  });
  if (f != Function::linear) activate(y, windows.ldy, windows.count, O, f);
}

/// Some taps: where they lie in x, and in w.
template <int kMost>
struct Taps {
  i64 from[kMost], to[kMost];
};

/// n lanes of kCount taps. Each number of dy serves all of them.
template <class T, int kCount, bool kShared, class Some>
MUNDUR_INLINE void add_taps(T* dw, const T* x, const T* dy, int n, const LaneWindows& windows,
                            const Some& taps) {
  Vec<T> sum[kCount];
  MUNDUR_UNROLL
  for (int t = 0; t < kCount; ++t) sum[t] = load_up_to(dw + taps.to[t], n);
  for (i64 row = 0; row < windows.rows.count; ++row) {
    const T* seen = x + row * windows.rows.from;
    const T* from = dy + row * windows.rows.to;
    for (i64 p = 0; p < windows.count; ++p, seen += windows.step, from += windows.ldy) {
      const Vec<T> g = load_up_to(from, n);
      MUNDUR_UNROLL
      for (int t = 0; t < kCount; ++t)
        sum[t] = fma(seen_by<kShared>(seen + taps.from[t], n), g, sum[t]);
    }
  }
  MUNDUR_UNROLL
  for (int t = 0; t < kCount; ++t) store_up_to(dw + taps.to[t], sum[t], n);
}

template <class T, bool kShared>
MUNDUR_INLINE void add_windows(T* dw, const T* x, const T* dy, i64 O, const LaneWindows& windows) {
  constexpr int kMost = 9;  // those of a window of 3 x 3
  Taps<kMost> taps;
  const auto add = [&]<int kCount>(Indices<kCount>) MUNDUR_BODY {
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      add_taps<T, kCount, kShared>(dw + o, kShared ? x : x + o, dy + o, n, windows, taps);
    });
  };
  const i64 in_row = windows.across.count * windows.in.count;
  i64 i = 0, j = 0, k = windows.first;
  if (k > 0) {
    i = k / in_row;
    j = k % in_row / windows.in.count;
    k %= windows.in.count;
  }
  const i64 begin = i * windows.down.to + j * windows.across.to + k * windows.in.to;
  i64 left = windows.taken < 0 ? windows.down.count * in_row : windows.taken;
  while (left > 0) {
    const i64 count = divided_up(left, divided_up(left, kMost));
    for (i64 t = 0; t < count; ++t) {
      taps.from[t] = i * windows.down.from + j * windows.across.from + k * windows.in.from;
      taps.to[t] = i * windows.down.to + j * windows.across.to + k * windows.in.to - begin;
      if (++k < windows.in.count) continue;
      k = 0;
      if (++j < windows.across.count) continue;
      j = 0;
      ++i;
    }
    left -= count;
    switch (count) {
      case 9:
        add(Indices<9>{});
        break;
      case 8:
        add(Indices<8>{});
        break;
      case 7:
        add(Indices<7>{});
        break;
      case 6:
        add(Indices<6>{});
        break;
      case 5:
        add(Indices<5>{});
        break;
      case 4:
        add(Indices<4>{});
        break;
      case 3:
        add(Indices<3>{});
        break;
      case 2:
        add(Indices<2>{});
        break;
      default:
        add(Indices<1>{});
    }
  }
}

template <class T>
void lane_windows_dw(T* dw, const T* x, const T* dy, i64 O, const LaneWindows& windows) {
  windows.shared ? add_windows<T, true>(dw, x, dy, O, windows)
                 : add_windows<T, false>(dw, x, dy, O, windows);
}

/// Registers of pixels that are made together, of each filter.
template <class T>
constexpr int kPixelVecs = kBytes == 32 ? 1 : 2;

/// All pixels of what planes of channels make, in planes of kFilters.
template <class T, int kFilters>
void make_planes(T* y, i64 plane_y, const T* x, i64 plane_x, const PixelWindows<T>& p) {
  constexpr int kWidth = Vec<T>::kWidth, kVecs = kPixelVecs<T>;
  const i64 length = p.length(), pixels = (p.rows - 1) * length + p.columns;
  for (i64 i = 0; i < pixels; i += kVecs * kWidth) {
    Vec<T> sum[kFilters][kVecs];
    MUNDUR_UNROLL
    for (int o = 0; o < kFilters; ++o) {
      MUNDUR_UNROLL
      for (int v = 0; v < kVecs; ++v) sum[o][v] = zero<T>();
    }
    const T* w = p.w;
    for (i64 j = 0; j < p.down.count; ++j) {
      for (i64 k = 0; k < p.across.count; ++k) {
        const T* seen = x + i + j * p.down.from * length + k * p.across.from;
        for (i64 c = 0; c < p.C; ++c, seen += plane_x, w += kFilters) {
          Vec<T> pixel[kVecs];
          MUNDUR_UNROLL
          for (int v = 0; v < kVecs; ++v) pixel[v] = load(seen + v * kWidth);
          MUNDUR_UNROLL
          for (int o = 0; o < kFilters; ++o) {
            const Vec<T> weight = set<T>(w[o]);
            MUNDUR_UNROLL
            for (int v = 0; v < kVecs; ++v) sum[o][v] = fma(pixel[v], weight, sum[o][v]);
          }
        }
      }
    }
    MUNDUR_UNROLL
    for (int o = 0; o < kFilters; ++o) {
      MUNDUR_UNROLL
      for (int v = 0; v < kVecs; ++v) {
        const Vec<T> z = p.bias ? sum[o][v] + set<T>(p.bias[o]) : sum[o][v];
        store(y + o * plane_y + i + v * kWidth, z);
      }
    }
  }
}

template <class T>
void pixel_windows(const PixelWindows<T>& p) {
  const i64 lines = p.lines(), length = p.length();
  const i64 plane_x = lines * length + p.kSlack, plane_y = p.rows * length + p.kSlack;
  T *const x = p.scratch, *const y = x + p.C * plane_x;
  // The columns that are there, of each line.
  const i64 first = p.before > 0 ? least(p.before, length) : 0;
  const i64 skipped = p.before < 0 ? least(-p.before, p.in_columns) : 0;
  const i64 there = least(length - first, p.in_columns - skipped);
  for (i64 n = 0; n < p.C * plane_x; ++n) x[n] = T(0);
  for (i64 line = 0; line < lines; ++line) {
    const i64 row = line - p.above;
    if (row < 0 || row >= p.in_rows || there <= 0) continue;
    transpose(x + line * length + first, p.x + (row * p.in_columns + skipped) * p.C, there, p.C,
              plane_x, p.C, false);
  }
  switch (p.O) {
    case 8:
      make_planes<T, 8>(y, plane_y, x, plane_x, p);
      break;
    case 7:
      make_planes<T, 7>(y, plane_y, x, plane_x, p);
      break;
    case 6:
      make_planes<T, 6>(y, plane_y, x, plane_x, p);
      break;
    case 5:
      make_planes<T, 5>(y, plane_y, x, plane_x, p);
      break;
    case 4:
      make_planes<T, 4>(y, plane_y, x, plane_x, p);
      break;
    case 3:
      make_planes<T, 3>(y, plane_y, x, plane_x, p);
      break;
    case 2:
      make_planes<T, 2>(y, plane_y, x, plane_x, p);
      break;
    default:
      make_planes<T, 1>(y, plane_y, x, plane_x, p);
  }
  for (i64 row = 0; row < p.rows; ++row) {
    T* const to = p.y + row * p.ldy_row;
    transpose(to, y + row * length, p.O, p.columns, p.ldy, plane_y, false);
    if (p.f != Function::linear) activate(to, p.ldy, p.columns, p.O, p.f);
  }
}

template <class T>
void fill_windows_rows(Kernels<T>& table) {
  table.pixel_windows = pixel_windows<T>;
  table.lane_windows = lane_windows<T>;
  table.lane_windows_dw = lane_windows_dw<T>;
}

}  // namespace

void fill_windows(Kernels<float>& table) { fill_windows_rows(table); }
void fill_windows(Kernels<double>& table) { fill_windows_rows(table); }

}  // namespace mundur::MUNDUR_ISA

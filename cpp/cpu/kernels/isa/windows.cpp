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

/// n lanes of kCount windows. Each number of w serves all of them.
template <class T, int kCount>
MUNDUR_INLINE void some_windows(T* y, const T* x, const T* w, const T* bias, int n,
                                const LaneWindows& windows) {
  Vec<T> sum[kCount];
  MUNDUR_UNROLL
  for (int p = 0; p < kCount; ++p) sum[p] = zero<T>();
  for (i64 i = 0; i < windows.down.count; ++i) {
    for (i64 j = 0; j < windows.across.count; ++j) {
      const T* seen = x + i * windows.down.from + j * windows.across.from;
      const T* own = w + i * windows.down.to + j * windows.across.to;
      for (i64 k = 0; k < windows.in.count; ++k, seen += windows.in.from, own += windows.in.to) {
        const Vec<T> weight = load_up_to(own, n);
        MUNDUR_UNROLL
        for (int p = 0; p < kCount; ++p)
          sum[p] = fma(load_up_to(seen + p * windows.step, n), weight, sum[p]);
      }
    }
  }
  MUNDUR_UNROLL
  for (int p = 0; p < kCount; ++p) {
    const Vec<T> z = bias ? sum[p] + load_up_to(bias, n) : sum[p];
    store_up_to(y + p * windows.ldy, z, n);
  }
}

/// Calls make(Indices<count>, the first of them) for windows side by side: kMost together, then
/// kFew, then one by one.
template <int kMost, int kFew, class Make>
MUNDUR_INLINE void row_of_windows(i64 count, Make make) {
  i64 p = 0;
  for (; p + kMost <= count; p += kMost) make(Indices<kMost>{}, p);
  for (; p + kFew <= count; p += kFew) make(Indices<kFew>{}, p);
  for (; p < count; ++p) make(Indices<1>{}, p);
}

/// What lanes share: where each tap lies in x; in w they lie `to` apart.
struct SharedTaps {
  i64 count = 0, to;
  i64 from[LaneWindows::kMostTaps];

  explicit SharedTaps(const LaneWindows& windows) : to(windows.in.to) {
    for (i64 i = 0; i < windows.down.count; ++i) {
      for (i64 j = 0; j < windows.across.count; ++j) {
        const i64 first = i * windows.down.from + j * windows.across.from;
        for (i64 k = 0; k < windows.in.count; ++k) from[count++] = first + k * windows.in.from;
      }
    }
  }
};

/// kVecs registers of lanes, n in each, of kCount windows that they share. Each number of w serves
/// all of these.
template <class T, int kCount, int kVecs>
MUNDUR_INLINE void some_shared(T* y, const T* x, const T* w, const T* bias, int n,
                               const LaneWindows& windows, const SharedTaps& taps, bool is_relu) {
  constexpr int kWidth = Vec<T>::kWidth;
  Vec<T> sum[kCount][kVecs];
  const T* seen[kCount];
  MUNDUR_UNROLL
  for (int p = 0; p < kCount; ++p) {
    seen[p] = x + p * windows.step;
    MUNDUR_UNROLL
    for (int v = 0; v < kVecs; ++v) sum[p][v] = zero<T>();
  }
  for (i64 t = 0; t < taps.count; ++t, w += taps.to) {
    const i64 at = taps.from[t];
    Vec<T> weight[kVecs];
    MUNDUR_UNROLL
    for (int v = 0; v < kVecs; ++v) weight[v] = load_up_to(w + v * kWidth, n);
    MUNDUR_UNROLL
    for (int p = 0; p < kCount; ++p) {
      const Vec<T> pixel = set<T>(seen[p][at]);
      MUNDUR_UNROLL
      for (int v = 0; v < kVecs; ++v) sum[p][v] = fma(pixel, weight[v], sum[p][v]);
    }
  }
  MUNDUR_UNROLL
  for (int v = 0; v < kVecs; ++v) {
    if (bias) {
      const Vec<T> added = load_up_to(bias + v * kWidth, n);
      MUNDUR_UNROLL
      for (int p = 0; p < kCount; ++p) sum[p][v] = sum[p][v] + added;
    }
    MUNDUR_UNROLL
    for (int p = 0; p < kCount; ++p) {
      const Vec<T> z = sum[p][v];
      store_up_to(y + p * windows.ldy + v * kWidth, is_relu ? relu(z) : z, n);
    }
  }
}

/// Lanes that share what they see. Where a multiply-add takes its number from memory, one register
/// of them; else as many as a product's tile has.
template <class T>
void shared_windows(T* y, const T* x, const T* w, const T* bias, i64 O, const LaneWindows& windows,
                    Function f) {
  constexpr int kWidth = Vec<T>::kWidth, kVecs = kBytes == 64 ? 1 : 2, kMost = kBytes == 32 ? 6 : 8;
  const SharedTaps taps(windows);
  const bool is_relu = f == Function::relu;
  for (i64 row = 0; row < windows.rows.count; ++row) {
    const auto make = [&]<int kOwn>(Indices<kOwn>, i64 o, int n) MUNDUR_BODY {
      row_of_windows<kMost, 2>(windows.count, [&]<int kCount>(Indices<kCount>, i64 p) MUNDUR_BODY {
        some_shared<T, kCount, kOwn>(y + p * windows.ldy + o, x + p * windows.step, w + o,
                                     bias ? bias + o : nullptr, n, windows, taps, is_relu);
      });
    };
    i64 o = 0;
    if constexpr (kVecs > 1) {
      for (; o + kVecs * kWidth <= O; o += kVecs * kWidth) make(Indices<kVecs>{}, o, kWidth);
    }
    for_each_vec<T>(O - o, [&](i64 more, int n) MUNDUR_BODY { make(Indices<1>{}, o + more, n); });
    if (f != Function::linear && !is_relu) activate(y, windows.ldy, windows.count, O, f);
    y += windows.rows.to;
    x += windows.rows.from;
  }
}

template <class T>
void lane_windows(T* y, const T* x, const T* w, const T* bias, i64 O, const LaneWindows& windows,
                  Function f) {
  if (windows.shared) return shared_windows(y, x, w, bias, O, windows, f);
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    row_of_windows<8, 3>(windows.count, [&]<int kCount>(Indices<kCount>, i64 p) MUNDUR_BODY {
      some_windows<T, kCount>(y + p * windows.ldy + o, x + p * windows.step + o, w + o,
                              bias ? bias + o : nullptr, n, windows);
    });
  });
  if (f != Function::linear) activate(y, windows.ldy, windows.count, O, f);
}

/// Some taps: where they lie in x, and in w.
template <int kMost>
struct Taps {
  i64 from[kMost], to[kMost];
};

/// kVecs registers of lanes, n in each, of kCount taps. Each number of dy serves all of them.
template <class T, int kCount, int kVecs, bool kShared, class Some>
MUNDUR_INLINE void add_taps(T* dw, const T* x, const T* dy, int n, const LaneWindows& windows,
                            const Some& taps) {
  constexpr int kWidth = Vec<T>::kWidth;
  static_assert(kShared || kVecs == 1, "lanes see by themselves in one register");
  Vec<T> sum[kCount][kVecs];
  MUNDUR_UNROLL
  for (int t = 0; t < kCount; ++t) {
    MUNDUR_UNROLL
    for (int v = 0; v < kVecs; ++v) sum[t][v] = load_up_to(dw + taps.to[t] + v * kWidth, n);
  }
  for (i64 row = 0; row < windows.rows.count; ++row) {
    const T* seen = x + row * windows.rows.from;
    const T* from = dy + row * windows.rows.to;
    for (i64 p = 0; p < windows.count; ++p, seen += windows.step, from += windows.ldy) {
      Vec<T> g[kVecs];
      MUNDUR_UNROLL
      for (int v = 0; v < kVecs; ++v) g[v] = load_up_to(from + v * kWidth, n);
      MUNDUR_UNROLL
      for (int t = 0; t < kCount; ++t) {
        const Vec<T> pixel = seen_by<kShared>(seen + taps.from[t], n);
        MUNDUR_UNROLL
        for (int v = 0; v < kVecs; ++v) sum[t][v] = fma(pixel, g[v], sum[t][v]);
      }
    }
  }
  MUNDUR_UNROLL
  for (int t = 0; t < kCount; ++t) {
    MUNDUR_UNROLL
    for (int v = 0; v < kVecs; ++v) store_up_to(dw + taps.to[t] + v * kWidth, sum[t][v], n);
  }
}

/// Calls add(Indices<count>), 1 to kMost.
template <int kMost, class Add>
MUNDUR_INLINE void with_count(i64 count, Add add) {
  if constexpr (kMost > 1) {
    if (count < kMost) return with_count<kMost - 1>(count, add);
  }
  add(Indices<kMost>{});
}

/// At most kMost taps at once; O is a multiple of several registers.
template <class T, int kMost, int kVecs, bool kShared>
MUNDUR_INLINE void add_windows(T* dw, const T* x, const T* dy, i64 O, const LaneWindows& windows) {
  Taps<kMost> taps;
  const auto add = [&]<int kCount>(Indices<kCount>) MUNDUR_BODY {
    if constexpr (kVecs > 1) {
      constexpr int kWidth = Vec<T>::kWidth;
      for (i64 o = 0; o < O; o += kVecs * kWidth)
        add_taps<T, kCount, kVecs, kShared>(dw + o, x, dy + o, kWidth, windows, taps);
    } else {
      for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
        add_taps<T, kCount, 1, kShared>(dw + o, kShared ? x : x + o, dy + o, n, windows, taps);
      });
    }
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
    with_count<kMost>(count, add);
  }
}

template <class T>
void lane_windows_dw(T* dw, const T* x, const T* dy, i64 O, const LaneWindows& windows) {
  constexpr int kTaps = 9;  // those of a window of 3 x 3
  if (!windows.shared) return add_windows<T, kTaps, 1, false>(dw, x, dy, O, windows);
  i64 o = 0;
  if constexpr (kBytes < 64) {  // a number of x has to be spread for each multiply-add
    constexpr i64 kVecs = 2, kColumns = kVecs * Vec<T>::kWidth;
    o = O / kColumns * kColumns;
    if (o > 0) add_windows<T, kBytes == 32 ? 6 : kTaps, kVecs, true>(dw, x, dy, o, windows);
  }
  if (o < O) add_windows<T, kTaps, 1, true>(dw + o, x, dy + o, O - o, windows);
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

// Windows each channel of which is seen by itself: lanes run over channels, and chains over taps,
// or, in a sum over samples, over windows. And windows of few filters: lanes run over pixels.

#include "cpu/kernels/isa/tile.h"
#include "cpu/kernels/isa/transpose.h"

namespace mundur::MUNDUR_ISA {
namespace {

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
        for (int p = 0; p < kCount; ++p) {
          sum[p] = fma(load_up_to(seen + p * windows.step, n), weight, sum[p]);
        }
      }
    }
  }
  MUNDUR_UNROLL
  for (int p = 0; p < kCount; ++p) {
    store_up_to(y + p * windows.ldy, bias ? sum[p] + load_up_to(bias, n) : sum[p], n);
  }
}

template <class T>
void lane_windows(T* y, const T* x, const T* w, const T* bias, i64 O, const LaneWindows& windows,
                  Function f) {
  constexpr i64 kMost = 8;
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    const T* const own = bias ? bias + o : nullptr;
    i64 p = 0;
    for (; p + kMost <= windows.count; p += kMost) {
      some_windows<T, kMost>(y + p * windows.ldy + o, x + p * windows.step + o, w + o, own, n,
                             windows);
    }
    for (; p + 3 <= windows.count; p += 3) {
      some_windows<T, 3>(y + p * windows.ldy + o, x + p * windows.step + o, w + o, own, n, windows);
    }
    for (; p < windows.count; ++p) {
      some_windows<T, 1>(y + p * windows.ldy + o, x + p * windows.step + o, w + o, own, n, windows);
    }
  });
  if (f != Function::linear) activate(y, windows.ldy, windows.count, O, f);
}

/// Some taps: where they lie in x, and in w.
template <int kMost>
struct Taps {
  i64 from[kMost], to[kMost];
};

/// n lanes of kCount taps. Each number of dy serves all of them.
template <class T, int kCount, class Some>
MUNDUR_INLINE void add_taps(T* dw, const T* x, const T* dy, int n, const LaneWindows& windows,
                            const Some& taps) {
  Vec<T> sum[kCount];
  MUNDUR_UNROLL
  for (int t = 0; t < kCount; ++t) sum[t] = load_up_to(dw + taps.to[t], n);
  for (i64 p = 0; p < windows.count; ++p, x += windows.step) {
    const Vec<T> g = load_up_to(dy + p * windows.ldy, n);
    MUNDUR_UNROLL
    for (int t = 0; t < kCount; ++t) sum[t] = fma(load_up_to(x + taps.from[t], n), g, sum[t]);
  }
  MUNDUR_UNROLL
  for (int t = 0; t < kCount; ++t) store_up_to(dw + taps.to[t], sum[t], n);
}

template <class T>
void lane_windows_dw(T* dw, const T* x, const T* dy, i64 O, const LaneWindows& windows) {
  constexpr int kMost = 9;  // those of a window of 3 x 3
  Taps<kMost> taps;
  const auto add = [&]<int kCount>(Indices<kCount>) MUNDUR_BODY {
    for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
      add_taps<T, kCount>(dw + o, x + o, dy + o, n, windows, taps);
    });
  };
  i64 i = 0, j = 0, k = 0;
  i64 left = windows.down.count * windows.across.count * windows.in.count;
  while (left > 0) {
    const i64 count = divided_up(left, divided_up(left, kMost));
    for (i64 t = 0; t < count; ++t) {
      taps.from[t] = i * windows.down.from + j * windows.across.from + k * windows.in.from;
      taps.to[t] = i * windows.down.to + j * windows.across.to + k * windows.in.to;
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

// Windows each channel of which is seen by itself: lanes run over channels, and chains over taps,
// or, in a sum over samples, over windows.

#include "cpu/kernels/isa/tile.h"

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
    for (; p + 2 <= windows.count; p += 2) {
      some_windows<T, 2>(y + p * windows.ldy + o, x + p * windows.step + o, w + o, own, n, windows);
    }
    if (p < windows.count) {
      some_windows<T, 1>(y + p * windows.ldy + o, x + p * windows.step + o, w + o, own, n, windows);
    }
  });
  if (f != Function::linear) activate(y, windows.ldy, windows.count, O, f);
}

/// The next taps of all, in order: where they lie in x and in w.
struct Taps {
  const LaneWindows& windows;
  i64 i = 0, j = 0, k = 0;

  MUNDUR_INLINE void next(i64& from, i64& to) {
    from = i * windows.down.from + j * windows.across.from + k * windows.in.from;
    to = i * windows.down.to + j * windows.across.to + k * windows.in.to;
    if (++k < windows.in.count) return;
    k = 0;
    if (++j < windows.across.count) return;
    j = 0;
    ++i;
  }
};

/// n lanes of kCount taps. Each number of dy serves all of them.
template <class T, int kCount>
MUNDUR_INLINE void some_taps(T* dw, const T* x, const T* dy, int n, const LaneWindows& windows,
                             Taps& taps) {
  Vec<T> sum[kCount];
  const T* seen[kCount];
  T* own[kCount];
  MUNDUR_UNROLL
  for (int t = 0; t < kCount; ++t) {
    i64 from, to;
    taps.next(from, to);
    seen[t] = x + from;
    own[t] = dw + to;
    sum[t] = load_up_to(own[t], n);
  }
  for (i64 p = 0; p < windows.count; ++p) {
    const Vec<T> g = load_up_to(dy + p * windows.ldy, n);
    MUNDUR_UNROLL
    for (int t = 0; t < kCount; ++t) {
      sum[t] = fma(load_up_to(seen[t] + p * windows.step, n), g, sum[t]);
    }
  }
  MUNDUR_UNROLL
  for (int t = 0; t < kCount; ++t) store_up_to(own[t], sum[t], n);
}

template <class T>
void lane_windows_dw(T* dw, const T* x, const T* dy, i64 O, const LaneWindows& windows) {
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    Taps taps{windows};
    i64 left = windows.down.count * windows.across.count * windows.in.count;
    const auto take = [&]<int kCount>(Indices<kCount>) MUNDUR_BODY {
      for (; left >= kCount; left -= kCount) {
        some_taps<T, kCount>(dw + o, x + o, dy + o, n, windows, taps);
      }
    };
    // Nine are those of a window of 3 x 3.
    take(Indices<9>{});
    take(Indices<5>{});
    take(Indices<3>{});
    take(Indices<1>{});
  });
}

template <class T>
void fill_windows_rows(Kernels<T>& table) {
  table.lane_windows = lane_windows<T>;
  table.lane_windows_dw = lane_windows_dw<T>;
}

}  // namespace

void fill_windows(Kernels<float>& table) { fill_windows_rows(table); }
void fill_windows(Kernels<double>& table) { fill_windows_rows(table); }

}  // namespace mundur::MUNDUR_ISA

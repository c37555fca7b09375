#pragma once

// The transposition of a block of a matrix, through registers.

#include "cpu/kernels/isa/vec.h"

namespace mundur::MUNDUR_ISA {
namespace {

// Shuffles of two registers: element i of the result is element pattern(i) of a followed by b. Each
// pattern below is one instruction on every target.

/// Pairs of runs of `size` elements, one from a and one from b, taken from the lower (upper) half
/// of each group of `group` elements.
constexpr int interleaved(int i, int width, int group, int size, bool upper) {
  const int in_group = i % group;
  const int from = i - in_group + (upper ? group / 2 : 0) + in_group / (2 * size) * size + i % size;
  return from + (in_group / size % 2 == 1 ? width : 0);
}

/// The even (odd) runs of `size` elements of a, then those of b.
constexpr int separated(int i, int width, int size, bool odd) {
  const int half = i % (width / 2);
  return half / size * 2 * size + (odd ? size : 0) + half % size + (i < width / 2 ? 0 : width);
}

template <int kGroup, int kSize, bool kUpper, class T, int... I>
MUNDUR_INLINE Vec<T> interleave(Vec<T> a, Vec<T> b, Indices<I...>) {
  return __builtin_shufflevector(a.v, b.v,
                                 interleaved(I, Vec<T>::kWidth, kGroup, kSize, kUpper)...);
}

template <int kSize, bool kOdd, class T, int... I>
MUNDUR_INLINE Vec<T> separate(Vec<T> a, Vec<T> b, Indices<I...>) {
  return __builtin_shufflevector(a.v, b.v, separated(I, Vec<T>::kWidth, kSize, kOdd)...);
}

/// row[i] lane j becomes row[j] lane i. First within the groups of 128 bits, where shuffles are
/// cheap, then the groups among themselves.
template <class T>
MUNDUR_INLINE void transpose(Vec<T> (&row)[Vec<T>::kWidth]) {
  constexpr int kWidth = Vec<T>::kWidth;
  constexpr int kGroup = 16 / static_cast<int>(sizeof(T));
  using All = Counting<kWidth>;
  Vec<T> t[kWidth];
  for (int i = 0; i < kWidth; i += kGroup) {
    if constexpr (kGroup == 2) {
      t[i] = interleave<2, 1, false>(row[i], row[i + 1], All{});
      t[i + 1] = interleave<2, 1, true>(row[i], row[i + 1], All{});
    } else {
      const Vec<T> ab_low = interleave<4, 1, false>(row[i], row[i + 1], All{});
      const Vec<T> ab_high = interleave<4, 1, true>(row[i], row[i + 1], All{});
      const Vec<T> cd_low = interleave<4, 1, false>(row[i + 2], row[i + 3], All{});
      const Vec<T> cd_high = interleave<4, 1, true>(row[i + 2], row[i + 3], All{});
      t[i] = interleave<4, 2, false>(ab_low, cd_low, All{});
      t[i + 1] = interleave<4, 2, true>(ab_low, cd_low, All{});
      t[i + 2] = interleave<4, 2, false>(ab_high, cd_high, All{});
      t[i + 3] = interleave<4, 2, true>(ab_high, cd_high, All{});
    }
  }
  // Now group g of t[kGroup q + j] holds column kGroup g + j of rows kGroup q, ...
  constexpr int kGroups = kWidth / kGroup;
  for (int j = 0; j < kGroup; ++j) {
    if constexpr (kGroups == 1) {
      row[j] = t[j];
    } else if constexpr (kGroups == 2) {
      row[j] = separate<kGroup, false>(t[j], t[kGroup + j], All{});
      row[kGroup + j] = separate<kGroup, true>(t[j], t[kGroup + j], All{});
    } else {
      const Vec<T> even01 = separate<kGroup, false>(t[j], t[kGroup + j], All{});
      const Vec<T> odd01 = separate<kGroup, true>(t[j], t[kGroup + j], All{});
      const Vec<T> even23 = separate<kGroup, false>(t[2 * kGroup + j], t[3 * kGroup + j], All{});
      const Vec<T> odd23 = separate<kGroup, true>(t[2 * kGroup + j], t[3 * kGroup + j], All{});
      row[j] = separate<kGroup, false>(even01, even23, All{});
      row[kGroup + j] = separate<kGroup, false>(odd01, odd23, All{});
      row[2 * kGroup + j] = separate<kGroup, true>(even01, even23, All{});
      row[3 * kGroup + j] = separate<kGroup, true>(odd01, odd23, All{});
    }
  }
}

/// to[j, i] = from[i, j], i < rows, j < columns. `padded`: each row of `to` is filled up with +0 to
/// whole registers.
template <class T>
void transpose(T* to, const T* from, i64 rows, i64 columns, i64 ld_to, i64 ld_from, bool padded) {
  constexpr int kWidth = Vec<T>::kWidth;
  for (i64 i = 0; i < rows; i += kWidth) {
    const int high = rows - i < kWidth ? static_cast<int>(rows - i) : kWidth;
    for (i64 j = 0; j < columns; j += kWidth) {
      const int wide = columns - j < kWidth ? static_cast<int>(columns - j) : kWidth;
      const T* in = from + i * ld_from + j;
      T* out = to + j * ld_to + i;
      Vec<T> row[kWidth];
      if (high == kWidth && wide == kWidth) {
#pragma GCC unroll 16
        for (int r = 0; r < kWidth; ++r) row[r] = load(in + r * ld_from);
        transpose(row);
#pragma GCC unroll 16
        for (int r = 0; r < kWidth; ++r) store(out + r * ld_to, row[r]);
      } else {
        const int filled = padded ? kWidth : high;
        for (int c = 0; c < wide; ++c) {
          for (int r = 0; r < high; ++r) out[c * ld_to + r] = in[r * ld_from + c];
          for (int r = high; r < filled; ++r) out[c * ld_to + r] = T(0);
        }
      }
    }
  }
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

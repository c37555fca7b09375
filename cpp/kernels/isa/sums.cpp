// The sum over rows: one chain per shard and column, as the products over samples have it.

#include "kernels/isa/pieces.h"
#include "kernels/isa/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T, int kVecs>
MUNDUR_INLINE void sum_columns(T* db, const T* dy, i64 B, i64 lddy, int last) {
  constexpr int kWidth = Vec<T>::kWidth;
  const i64 shards = B <= kShard ? 1 : divided_up(B, kShard);
  const bool masked = last < kWidth;
  const Mask<T> mask = first_n<T>(last);
  Vec<T> partial[kMaxRanks][kVecs];
  for (i64 n = 0; n < shards; ++n) {
    Vec<T> sum[kVecs];
    for (int v = 0; v < kVecs; ++v) sum[v] = zero<T>();
    const i64 end = least(B, (n + 1) * kShard);
    for (i64 b = n * kShard; b < end; ++b) {
      const T* row = dy + b * lddy;
      for (int v = 0; v < kVecs; ++v) {
        sum[v] = sum[v] + (masked && v == kVecs - 1 ? load_masked(row + v * kWidth, mask)
                                                    : load(row + v * kWidth));
      }
    }
    const bool is_last = n == shards - 1;
    int rank = 0;
    for (; is_last ? (n >> rank) != 0 : (n >> rank & 1) != 0; ++rank) {
      if (n >> rank & 1) {
        for (int v = 0; v < kVecs; ++v) sum[v] = partial[rank][v] + sum[v];
      }
    }
    if (!is_last) {
      for (int v = 0; v < kVecs; ++v) partial[rank][v] = sum[v];
    } else {
      for (int v = 0; v < kVecs; ++v) {
        store_up_to(db + v * kWidth, sum[v], v == kVecs - 1 ? last : kWidth);
      }
    }
  }
}

template <class T>
void sum_rows(T* db, const T* dy, i64 O, i64 B, i64 lddy) {
  constexpr int kWidth = Vec<T>::kWidth;
  i64 o = 0;
  for (; o + 4 * kWidth <= O; o += 4 * kWidth) sum_columns<T, 4>(db + o, dy + o, B, lddy, kWidth);
  for (; o < O; o += kWidth) {
    sum_columns<T, 1>(db + o, dy + o, B, lddy, static_cast<int>(least(kWidth, O - o)));
  }
}

}  // namespace

void fill_sums(Kernels<float>& table) { table.sum_rows = sum_rows<float>; }
void fill_sums(Kernels<double>& table) { table.sum_rows = sum_rows<double>; }

}  // namespace mundur::MUNDUR_ISA

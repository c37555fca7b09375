// Sums, means and maxima over rows. A sum is one chain per shard and column, as the products over
// samples have it.

#include "cpu/kernels/isa/pieces.h"
#include "cpu/kernels/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// each_row(n, add) calls add(row) for each row of shard n.
template <class T, int kVecs, class EachRow>
MUNDUR_INLINE void sum_columns(T* db, const ShardTree& tree, int last, EachRow each_row) {
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
    store_up_to(db + v * kWidth, sum[v], v == kVecs - 1 ? last : kWidth);
  }
}

/// columns(o), of some columns from o on, is what sum_columns takes as each_row.
template <class T, class Columns>
MUNDUR_INLINE void sum_all(T* db, i64 O, const ShardTree& tree, Columns columns) {
  constexpr int kWidth = Vec<T>::kWidth;
  i64 o = 0;
  for (; o + 4 * kWidth <= O; o += 4 * kWidth) {
    sum_columns<T, 4>(db + o, tree, kWidth, columns(o));
  }
  for (; o < O; o += kWidth) {
    sum_columns<T, 1>(db + o, tree, static_cast<int>(least(kWidth, O - o)), columns(o));
  }
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

/// Rows that are counted in a vector of T, which float could not do beyond 2^24.
constexpr i64 kCounted = 1 << 20;

template <class T>
MUNDUR_DEVICE void max_rows(T* y, std::int32_t* row, const T* x, i64 O, i64 B, i64 ldx) {
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    Vec<T> top = load_up_to(x + o, n);
    std::int32_t found[Vec<T>::kWidth] = {};
    for (i64 first = 0; first < B; first += kCounted) {
      const i64 rows = least(kCounted, B - first);
      Vec<T> at = set<T>(T(-1));  // the maximum lies before
      for (i64 b = first == 0 ? 1 : 0; b < rows; ++b) {
        const Vec<T> value = load_up_to(x + (first + b) * ldx + o, n);
        const Mask<T> wins = less(top, value) | (is_nan(value) & ~is_nan(top));
        top = select(wins, value, top);
        at = select(wins, set<T>(static_cast<T>(b)), at);
      }
      T counted[Vec<T>::kWidth];
      store(counted, at);
      for (int i = 0; i < Vec<T>::kWidth; ++i) {
        const auto place = static_cast<std::int32_t>(counted[i]);
        found[i] = place < 0 ? found[i] : static_cast<std::int32_t>(first) + place;
      }
    }
    store_up_to(y + o, top, n);
    for (int i = 0; i < n; ++i) row[o + i] = found[i];
  });
}

template <class T>
MUNDUR_DEVICE void max_rows_backward(T* dx, const T* dy, const std::int32_t* row, i64 O, i64 B,
                                     i64 lddx) {
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    const Vec<T> g = load_up_to(dy + o, n);
    for (i64 first = 0; first < B; first += kCounted) {
      const i64 rows = least(kCounted, B - first);
      T counted[Vec<T>::kWidth] = {};
      for (int i = 0; i < n; ++i) {
        counted[i] = static_cast<T>(row[o + i] - static_cast<std::int32_t>(first));
      }
      const Vec<T> at = load(counted);
      for (i64 b = 0; b < rows; ++b) {
        T* const to = dx + (first + b) * lddx + o;
        const Vec<T> before = load_up_to(to, n);
        store_up_to(to, select(equal(at, set<T>(static_cast<T>(b))), before + g, before), n);
      }
    }
  });
}

MUNDUR_INLINE i64 kept(const std::uint8_t* keep, i64 B) {
  if (!keep) return B;
  i64 count = 0;
  for (i64 b = 0; b < B; ++b) count += keep[b];
  return count;
}

template <class T>
MUNDUR_DEVICE void mean_rows(T* y, const T* x, const std::uint8_t* keep, i64 O, i64 B, i64 ldx) {
  sum_all(y, O, ShardTree(B, B), [=](i64 o) MUNDUR_BODY {
    return [=](i64 n, auto add) MUNDUR_BODY {
      const i64 end = least(B, (n + 1) * kShard);
      for (i64 b = n * kShard; b < end; ++b) {
        if (!keep || keep[b]) add(x + b * ldx + o);
      }
    };
  });
  const i64 count = kept(keep, B);
  if (count == 0) return;
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    store_up_to(y + o, load_up_to(y + o, n) / set<T>(static_cast<T>(count)), n);
  });
}

template <class T>
MUNDUR_DEVICE void mean_rows_backward(T* dx, const T* dy, const std::uint8_t* keep, i64 O, i64 B,
                                      i64 lddx) {
  const T count = static_cast<T>(kept(keep, B));
  for_each_vec<T>(O, [&](i64 o, int n) MUNDUR_BODY {
    const Vec<T> g = load_up_to(dy + o, n) / set<T>(count);
    for (i64 b = 0; b < B; ++b) {
      if (keep && !keep[b]) continue;
      T* const to = dx + b * lddx + o;
      store_up_to(to, load_up_to(to, n) + g, n);
    }
  });
}

template <class T>
void fill_sums_rows(Kernels<T>& table) {
  table.sum_rows = sum_rows<T>;
  table.sum_listed = sum_listed<T>;
  table.max_rows = max_rows<T>;
  table.max_rows_backward = max_rows_backward<T>;
  table.mean_rows = mean_rows<T>;
  table.mean_rows_backward = mean_rows_backward<T>;
}

}  // namespace

void fill_sums(Kernels<float>& table) { fill_sums_rows(table); }
void fill_sums(Kernels<double>& table) { fill_sums_rows(table); }

}  // namespace mundur::MUNDUR_ISA

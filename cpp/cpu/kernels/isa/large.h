#pragma once

// Products beyond L2. Memory is far there, so it is asked early and little by little: a tile's loop
// asks for one line of memory every eight steps, of C for the next tile and of B for the next
// panel; a burst of such questions between two tiles would keep the loads of the next one waiting.
//
// A block of A is packed in micro panels, kRows elements for each step, while the first panel of B
// runs over it. Of B there are two panels: behind each tile a share of the next one is copied.

#include "cpu/kernels/isa/job.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// Steps of the inner index between two lines of memory that a tile asks for.
constexpr i64 kStepsPerLine = 8;

/// The lines of memory that tiles ask for on their way.
struct Lines {
  static constexpr int kMost = 5 * kShard / kStepsPerLine;
  const void* of[kMost + 1];
  int count = 0, wanted = 0;

  template <class T>
  MUNDUR_INLINE void add(const T* p, i64 n) {
    constexpr std::uintptr_t kLine = 64;
    const auto end = reinterpret_cast<std::uintptr_t>(p + n);
    for (auto at = reinterpret_cast<std::uintptr_t>(p) & ~(kLine - 1); at < end; at += kLine) {
      of[count] = reinterpret_cast<const void*>(at);
      count += count < wanted;
    }
  }
};

/// Micro panels of A that are packed at once.
constexpr i64 kGroup = 4;

/// Rows [0, rows) of A, `depth` steps, in micro panels: step k of the one of row i lies at to +
/// i·depth + k·kRows. At most kGroup of them.
template <class T>
void pack_rows(T* to, const T* a, i64 rows, i64 depth, i64 a_row, i64 a_step) {
  constexpr i64 kRows = Blocking<T>::kRows, kWidth = Vec<T>::kWidth;
  const i64 whole = rows / kRows;
  i64 packed = 0;  // steps of the whole panels
  if (a_row == 1) {
    // Step by step, so that a line of memory is read once.
    for (i64 k = 0; k < depth; ++k) {
      for (i64 p = 0; p < whole; ++p) {
        __builtin_memcpy(to + p * kRows * depth + k * kRows, a + k * a_step + p * kRows,
                         kRows * sizeof(T));
      }
    }
    packed = depth;
  } else if constexpr (kRows <= kWidth) {
    for (; packed + kWidth <= depth; packed += kWidth) {
      for (i64 p = 0; p < whole; ++p) {
        Vec<T> row[kWidth];
#pragma GCC unroll 16
        for (int r = 0; r < kWidth; ++r) {
          row[r] = r < kRows ? load(a + (p * kRows + r) * a_row + packed) : zero<T>();
        }
        transpose(row);
#pragma GCC unroll 16
        for (int r = 0; r < kWidth; ++r) {
          __builtin_memcpy(to + p * kRows * depth + (packed + r) * kRows, &row[r].v,
                           kRows * sizeof(T));
        }
      }
    }
  }
  for (i64 r = 0; r < rows; ++r) {
    T* const panel = to + r / kRows * kRows * depth + r % kRows;
    for (i64 k = r < whole * kRows ? packed : 0; k < depth; ++k) {
      panel[k * kRows] = a[r * a_row + k * a_step];
    }
  }
}

/// A tile of kRows packed rows, which asks for lines of memory on its way.
template <class T, int kVecs, bool kMasked>
void run_packed(const Tile<T>& t, const void* const* lines) {
  constexpr int kRows = Blocking<T>::kRows, kWidth = Vec<T>::kWidth;
  Vec<T> sum[kRows][kVecs];
  start_tile<T, kRows, kVecs, kMasked>(t, sum);
  const T* a = t.a;
  const T* b = t.b;
  const auto step = [&](int i) MUNDUR_BODY {
    Vec<T> column[kVecs];
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) column[v] = load(b + (i * kVecs + v) * kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec<T> element = set<T>(a[i * kRows + r]);
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) sum[r][v] = fma(element, column[v], sum[r][v]);
    }
  };
  i64 k = t.depth;
  for (; k >= kStepsPerLine; k -= kStepsPerLine) {
    __builtin_prefetch(*lines++, 0, 2);
#pragma GCC unroll 8
    for (int i = 0; i < kStepsPerLine; ++i) step(i);
    a += kStepsPerLine * kRows;
    b += kStepsPerLine * kVecs * kWidth;
  }
  for (; k > 0; --k) {
    step(0);
    a += kRows;
    b += kVecs * kWidth;
  }
  finish_tile<T, kRows, kVecs, kMasked>(t, sum);
}

template <class T>
struct PackedTiles {
  void (*run[Blocking<T>::kVecs][2])(const Tile<T>&, const void* const*);
  template <int kVecs>
  constexpr void add() {
    run[kVecs - 1][0] = run_packed<T, kVecs, false>;
    run[kVecs - 1][1] = run_packed<T, kVecs, true>;
    if constexpr (kVecs < Blocking<T>::kVecs) add<kVecs + 1>();
  }
  constexpr PackedTiles() : run{} { add<1>(); }
};
template <class T>
constexpr PackedTiles<T> kPackedTiles{};

/// How a sum over samples is cut into blocks of its depth: so many shards together, whose sums meet
/// beside their tile; more of them where C would else be read and written often. What remains of
/// less than a shard goes with the last of them, and no two groups meet in a block.
struct Together {
  const i64 rows, each;
  const int rank;  // 2^rank shards
  Together(i64 count, i64 of_sample)
      : rows(count), each(of_sample), rank(count > 4 * kShard && of_sample == 1 ? 2 : 1) {}
  /// Where the block ends that begins with row k.
  i64 end(i64 k) const {
    const i64 shard = k / kShard;
    i64 end = shard + (i64{1} << rank);
    if (each > 1) end = least(end, (shard / each + 1) * each);
    return rows - end * kShard < (each == 1 ? kShard : 1) ? rows : end * kShard;
  }
  /// The most rows of a block.
  i64 most() const { return least(rows, ((i64{1} << rank) + 1) * kShard - 1); }
};

/// One panel of one block of a job: some rows, columns and steps of the inner index.
template <class T>
struct Cursor {
  const Job<T>* job;
  const Together* together;  // of a sum over samples
  i64 row_block, column_block, depth_block;
  i64 row = 0, column = 0, k = 0, j = 0;  // j: the panel's first column within the block

  bool there() const { return row < job->rows; }
  i64 rows() const { return least(row_block, job->rows - row); }
  i64 columns() const { return least(column_block, job->columns - column); }
  i64 depth() const {
    return (job->samples ? together->end(k) : least(k + depth_block, job->depth)) - k;
  }
  int vecs() const {
    using B = Blocking<T>;
    return static_cast<int>(next_piece(divided_up(columns() - j, B::kWidth), B::kVecs));
  }
  i64 wide() const { return least(vecs() * Blocking<T>::kWidth, columns() - j); }
  void next() {
    j += wide();
    if (j < columns()) return;
    j = 0;
    k += depth();
    if (k < job->depth) return;
    k = 0;
    column += column_block;
    if (column < job->columns) return;
    column = 0;
    row += row_block;
  }
};

/// The panel of B at a cursor, made in shares.
template <class T>
struct NextPanel {
  const T* b = nullptr;  // of step 0 of the depth and the panel's first column
  i64 ldb, depth = 0, wide = 0, width = 0;
  bool is_transposed;
  i64 copied = 0;  // steps
  T* panel;

  NextPanel(const Cursor<T>& at, T* to)
      : ldb(at.job->ldb), is_transposed(at.job->b_transposed), panel(to) {
    if (!at.there()) return;
    depth = at.depth();
    wide = at.wide();
    width = at.vecs() * Vec<T>::kWidth;
    const i64 column = at.column + at.j;
    b = at.job->b + (is_transposed ? column * ldb + at.k : at.k * ldb + column);
  }
  /// Steps that a share has, of so many.
  i64 share(i64 shares) const {
    const i64 unit = is_transposed ? Vec<T>::kWidth : 1;
    return divided_up(divided_up(depth, shares), unit) * unit;
  }
  void copy(i64 steps) {
    const i64 n = least(steps, depth - copied);
    if (n <= 0) return;
    T* const to = panel + copied * width;
    if (is_transposed) {
      transpose(to, b + copied, wide, n, width, ldb, true);
    } else {
      copy_block(to, b + copied * ldb, n, wide, width, ldb);
    }
    copied += n;
  }
  /// Asks for what is copied behind the share that comes next.
  void ask(Lines& lines, i64 steps) const {
    const i64 first = copied + steps, n = least(steps, depth - first);
    if (is_transposed) {
      for (i64 c = 0; c < wide && n > 0; ++c) lines.add(b + c * ldb + first, n);
    } else {
      for (i64 k = 0; k < n; ++k) lines.add(b + (first + k) * ldb, wide);
    }
  }
};

template <class T>
class Large {
  using B = Blocking<T>;
  static constexpr i64 kRows = B::kRows;

 public:
  explicit Large(const Job<T>& of)
      : job(of),
        tree(of.samples ? of.depth : 0, of.samples ? of.samples->each : 1),
        together(of.depth, of.samples ? of.samples->each : 1) {
    // Of the sums that wait, the first do so beside their tile, the last in C.
    first_kept = job.samples && job.samples->each > 1 && tree.low() < together.rank ? tree.low()
                                                                                    : together.rank;
    const i64 kept = tree.slots() - 1 > first_kept ? tree.slots() - 1 - first_kept : 0;
    at.job = &job;
    at.together = &together;
    at.depth_block = even_piece(job.depth, Sizes::depth(job.l2_bytes), 16);
    const i64 depth = job.samples ? together.most() : at.depth_block;
    const i64 room = S::kSize - 2 * depth * B::kColumns - (kept > 0 ? S::kLargePartials : 0);
    at.row_block = even_piece(job.rows, Sizes::rows(depth, job.l2_bytes, room), kRows);
    at.column_block = job.columns;
    if (kept > 0) {
      at.row_block = least(at.row_block, S::kLargePartials / (kept * B::kColumns) / kRows * kRows);
      const i64 most = S::kLargePartials / (kept * at.row_block) / B::kColumns * B::kColumns;
      at.column_block = even_piece(job.columns, most, B::kColumns);
    }
    ld_partial = divided_up(at.column_block, B::kColumns) * B::kColumns;
    panels[0] = job.scratch;
    panels[1] = panels[0] + depth * B::kColumns;
    block = panels[1] + depth * B::kColumns;
    partials = block + divided_up(at.row_block, kRows) * kRows * depth;
    tile.a_row = 1;
    tile.a_step = kRows;
    tile.joins = 0;
    tile.joins_c = false;
    tile.partial = joins;
  }

  void run() {
    NextPanel<T> first(at, panels[0]);
    first.copy(first.depth);
    for (int own = 0; at.there(); own ^= 1) {
      Cursor<T> ahead = at;
      ahead.next();
      NextPanel<T> next(ahead, panels[own ^ 1]);
      run_panel(panels[own], next);
      at = ahead;
    }
  }

 private:
  using S = Scratch<T>;
  using Sizes = LargeBlocks<T>;

  void run_panel(const T* panel, NextPanel<T>& next) {
    const i64 rows = at.rows(), deep = at.depth(), width = at.vecs() * B::kWidth;
    const i64 share = next.share(divided_up(rows, kRows));
    wide = at.wide();
    tile.b_step = width;
    tile.last = static_cast<int>(wide - (width - B::kWidth));
    for (i64 i = 0; i < rows; i += kRows) {
      if (at.j == 0 && i % (kGroup * kRows) == 0) {
        pack_rows(block + i * deep, job.a + (at.row + i) * job.a_row + at.k * job.a_step,
                  least(kGroup * kRows, rows - i), deep, job.a_row, job.a_step);
      }
      T* const c = job.c + (at.row + i) * job.ldc + at.column + at.j;
      Lines lines;
      lines.wanted = static_cast<int>(least(Lines::kMost, deep / kStepsPerLine));
      for (i64 r = 0; r < kRows && i + kRows + r < rows; ++r) {
        lines.add(c + (kRows + r) * job.ldc, wide);
      }
      next.ask(lines, share);
      while (lines.count < lines.wanted) lines.of[lines.count++] = c;
      tile.a = block + i * deep;
      tile.b = panel;
      const i64 high = least(kRows, rows - i);
      job.samples ? run_shards(c, i, high, deep, lines) : run_chains(c, high, deep, lines);
      next.copy(share);
    }
    next.copy(next.depth);
  }

  void run_tile_of(i64 high, i64 deep, const void* const* lines) {
    const bool masked = wide < tile.b_step;
    const auto vecs = tile.b_step / B::kWidth;
    tile.depth = deep;
    high == kRows ? kPackedTiles<T>.run[vecs - 1][masked](tile, lines)
                  : kTiles<T>.plain[high - 1][vecs - 1][masked](tile);
  }

  void run_chains(T* c, i64 high, i64 deep, const Lines& lines) {
    const bool last = at.k + deep == job.depth;
    tile.c = c;
    tile.ldc = job.ldc;
    tile.resume = at.k > 0;
    tile.bias = last && job.bias ? job.bias + at.column + at.j : nullptr;
    tile.relu = last && job.f == Function::relu;
    run_tile_of(high, deep, lines.of);
    if (last && is_polynomial(job.f)) activate(c, job.ldc, high, wide, job.f);
  }

  /// The shards of a block, each joined with those that wait for it: beside the tile, where they
  /// are joined within the block, else in C or in partial results.
  void run_shards(T* c, i64 i, i64 high, i64 deep, const Lines& lines) {
    constexpr int kBeside = 3;
    alignas(64) T beside[kBeside][kRows * B::kColumns];
    unsigned is_beside = 0;  // a bit for each slot
    const i64 last = tree.shards() - 1, end = divided_up(at.k + deep, kShard);
    const auto place = [&](int slot) MUNDUR_BODY -> Matrix<T> {
      if (slot < kBeside && is_beside >> slot & 1) return {beside[slot], B::kColumns};
      if (slot == tree.slots() - 1) return {c, job.ldc};
      return {partials + ((slot - first_kept) * at.row_block + i) * ld_partial + at.j, ld_partial};
    };
    tile.resume = false;
    tile.bias = nullptr;
    tile.relu = false;
    const void* const* line = lines.of;
    for (i64 shard = at.k / kShard; shard < end; ++shard) {
      tile.joins = 0;
      tile.joins_c = false;
      const int slot = tree.after(shard, [&](int earlier) MUNDUR_BODY {
        const Matrix<T> from = place(earlier);
        if (from.p == c) {
          tile.joins_c = true;
        } else {
          joins[tile.joins++] = {from.p, from.ld};
        }
      });
      Matrix<T> to{c, job.ldc};
      if (slot >= 0) {
        i64 joined = least(shard + (i64{1} << slot), last);
        if (together.each > 1) {
          joined = slot < tree.low()
                       ? least(joined, (shard / together.each + 1) * together.each - 1)
                       : last + 1;
        }
        const unsigned bit = slot < kBeside ? 1u << slot : 0;
        is_beside = joined < end ? is_beside | bit : is_beside & ~bit;
        to = place(slot);
      }
      tile.c = to.p;
      tile.ldc = to.ld;
      const i64 n = least(kShard, job.depth - shard * kShard);
      run_tile_of(high, n, line);
      tile.a += n * kRows;
      tile.b += n * tile.b_step;
      line += n / kStepsPerLine;
    }
  }

  const Job<T>& job;
  const ShardTree tree;
  const Together together;
  i64 first_kept;
  Cursor<T> at{};
  Tile<T> tile;
  Matrix<const T> joins[kMaxSlots];
  T *panels[2], *block, *partials;
  i64 ld_partial, wide = 0;
};

template <class T>
MUNDUR_INLINE bool exceeds_l2(const Job<T>& job) {
  const i64 width = job.a_step == 1 ? job.rows : least(job.rows, job.a_step);  // windows overlap
  const i64 elements = job.rows * job.columns + (width + job.columns) * job.depth;
  return job.rows > 2 * Blocking<T>::kRows && LargeBlocks<T>::exceeds(elements, job.l2_bytes);
}

/// What is packed is read too few times in a small part of a result, and sums of few terms are over
/// before memory has answered; the smaller L2, the sooner it pays.
template <class T>
MUNDUR_INLINE bool is_large(const Job<T>& job) {
  const i64 least_extent = least(192, job.l2_bytes / 4096);
  return job.depth > 0 && job.rows >= least_extent / 2 && job.columns >= least_extent &&
         job.depth >= least_extent && exceeds_l2(job);
}

template <class T>
__attribute__((noinline)) void run_large(const Job<T>& job) {
  Large<T>(job).run();
}

/// The most scratch that it takes where a product may be large.
template <class T>
i64 scratch_of_large(i64 rows, i64 columns, i64 depth, i64 l2) {
  using B = Blocking<T>;
  using Sizes = LargeBlocks<T>;
  if (!Sizes::exceeds(rows * columns + (rows + columns) * depth, l2)) return 0;
  const i64 high = divided_up(rows, B::kRows) * B::kRows, deep = least(depth, Sizes::kMostTogether);
  const i64 partials = depth > 2 * kShard ? Scratch<T>::kLargePartials : 0;
  return 2 * deep * B::kColumns + least(high * deep, Sizes::kMostElements + B::kRows * deep) +
         partials;
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

// The dense product in its three forms.
//
// All forms are C[rows, columns] = A[rows, depth] · B[depth, columns] in tiles (tile.h): elements
// of A are broadcast, registers run over the columns of B. They differ in where A, B and C lie:
//
//            A          B          C
//   product  x          w          y
//   dx       dy         wᵀ         dx        wᵀ is packed panel by panel; or, for few samples,
//            w          dyᵀ        dxᵀ       registers run over the samples
//   dw       xᵀ         dy         dw        or, for a few narrow columns,
//            dyᵀ        x          dwᵀ
//
// Which way is taken, where blocks end and who computes which part never shows in the result: each
// element is one chain of fused multiply-adds in order of the inner index from +0, and what is
// stored between blocks is the chain's own state.

#include "cpu/kernels/isa/lanes.h"
#include "cpu/kernels/isa/large.h"
#include "cpu/kernels/isa/panels.h"
#include "cpu/kernels/shards.h"

namespace mundur::MUNDUR_ISA {
namespace {

constexpr i64 kScalarMost = 32;

MUNDUR_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
MUNDUR_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

// ---- the product in blocks ----------------------------------------------------------------------

/// One step of a job: rows × columns of C, one block of depth.
template <class T>
struct Step {
  i64 row, rows, column, columns;
  i64 depth;
  const T* a;
  i64 a_row, a_step;
  const T* b;  // of column 0
  Jumps jumps;
  T* c;  // of element (row, column)
  i64 ldc;
  bool last;      // the chains end here
  bool is_large;  // the operands exceed L2
};

/// Whether rows this far apart share too few sets of the caches.
template <class T>
MUNDUR_INLINE bool is_aliasing(i64 stride) {
  return stride * static_cast<i64>(sizeof(T)) % 4096 == 0;
}

/// Asks L2 for a block that will be used soon.
template <class T>
MUNDUR_INLINE void prefetch(const T* p, i64 rows, i64 columns, i64 ld) {
  for (i64 r = 0; r < rows; ++r) {
    for (i64 c = 0; c < columns; c += Scratch<T>::kLine) __builtin_prefetch(p + r * ld + c, 0, 2);
  }
}

/// Fetches the next panel of B little by little, while the tiles of this one are computed.
template <class T>
struct PanelAhead {
  const T* b = nullptr;
  i64 lines = 0, columns = 0, ld = 0;  // rows of memory still to fetch, and how long they are
  i64 share = 0;                       // for each row tile

  MUNDUR_INLINE void fetch_some() {
    const i64 n = least(share, lines);
    prefetch(b, n, columns, ld);
    b += n * ld;
    lines -= n;
  }
};

/// All tiles of one step: panel by panel, from the top to the bottom. Each panel of B is packed by
/// its first tile on the way, when enough tiles follow.
template <class T>
void run_step(const Job<T>& job, const Step<T>& step, Tile<T>& tile, T* panel) {
  using B = Blocking<T>;
  constexpr i64 kWidth = B::kWidth;
  const bool single = step.rows <= B::kRows;
  const bool packs = !job.b_transposed && step.rows >= 2 * B::kRows;
  const i64 most =
      single && !job.b_transposed ? B::max_vecs(static_cast<int>(step.rows)) : B::kVecs;
  const T* bias = step.last ? job.bias : nullptr;
  tile.relu = step.last && job.f == Function::relu;
  tile.a_row = step.a_row;
  tile.a_step = step.a_step;
  tile.depth = step.depth;
  tile.ldc = step.ldc;
  tile.panel = panel;
  const Matrix<const T>* joins = tile.partial;

  for (i64 j = 0; j < step.columns;) {
    const int vecs = static_cast<int>(next_piece(divided_up(step.columns - j, kWidth), most));
    const i64 columns = least(vecs * kWidth, step.columns - j);
    const bool masked = columns < vecs * kWidth;
    tile.last = static_cast<int>(columns - (vecs - 1) * kWidth);
    tile.bias = bias ? bias + step.column + j : nullptr;
    if (job.b_transposed) {
      transpose(panel, step.b + (step.column + j) * job.ldb, columns, step.depth, vecs * kWidth,
                job.ldb, true);
      tile.b = panel;
      tile.b_step = vecs * kWidth;
    } else {
      tile.b = step.b + step.column + j;
      tile.b_step = job.ldb;
    }
    Matrix<const T> here[kMaxSlots];
    tile.partial = here;
    Jumps jumps = step.jumps;
    PanelAhead<T> next;
    if (step.is_large) {
      const i64 ahead = step.column + j + columns;
      const i64 wide = least(vecs * kWidth, step.columns - j - columns);
      next.b = step.b + (job.b_transposed ? ahead * job.ldb : ahead);
      next.lines = job.b_transposed ? wide : step.depth;
      next.columns = job.b_transposed ? step.depth : wide;
      next.ld = job.ldb;
      next.share = divided_up(next.lines * B::kRows, step.rows);
    }
    for (i64 i = 0; i < step.rows;) {
      const i64 rows = next_piece(step.rows - i, B::kRows);
      if (step.is_large) {
        next.fetch_some();
        prefetch(step.c + (i + rows) * step.ldc + j, least(rows, step.rows - i - rows), columns,
                 step.ldc);
      }
      tile.a = step.a + i * step.a_row;
      tile.c = step.c + i * step.ldc + j;
      for (int rank = 0; rank < tile.joins; ++rank)
        here[rank] = {joins[rank].p + i * joins[rank].ld + j, joins[rank].ld};
      const bool fills = packs && i == 0;
      const auto run =
          fills ? kTiles<T>.pack[vecs - 1][masked] : kTiles<T>.plain[rows - 1][vecs - 1][masked];
      jumps.until < step.depth ? run_with(tile, jumps, vecs * kWidth, run) : run(tile);
      if (fills) {
        tile.b = panel;
        tile.b_step = vecs * kWidth;
        jumps.b = 0;
      }
      if (step.last && is_polynomial(job.f)) activate(tile.c, tile.ldc, rows, columns, job.f);
      i += rows;
    }
    j += columns;
  }
  tile.partial = joins;
}

/// One or two rows and one register of columns, such as a textbook's network sees: the way into a
/// tile would take longer than the sums.
template <class T, int kRows>
MUNDUR_INLINE void run_thin(const Chains<T>& job) {
  const Mask<T> mask = first_n<T>(static_cast<int>(job.columns));
  Vec<T> sum[kRows];
  for (int r = 0; r < kRows; ++r) sum[r] = zero<T>();
  for (i64 k = 0; k < job.depth; ++k) {
    const Vec<T> column = load_masked(job.b + k * job.ldb, mask);
    for (int r = 0; r < kRows; ++r)
      sum[r] = fma(set<T>(job.a[r * job.a_row + k * job.a_step]), column, sum[r]);
  }
  for (int r = 0; r < kRows; ++r) {
    if (job.bias) sum[r] = sum[r] + load_masked(job.bias, mask);
    store_up_to(job.c + r * job.ldc, activated(sum[r], job.f), static_cast<int>(job.columns));
  }
}

template <class T>
MUNDUR_INLINE bool is_thin(const Chains<T>& job) {
  return (job.rows == 1 || job.rows == 2) && 0 < job.columns && job.columns <= Vec<T>::kWidth;
}
template <class T>
MUNDUR_INLINE void run_thin(const Chains<T>& job) {
  job.rows == 1 ? run_thin<T, 1>(job) : run_thin<T, 2>(job);
}

/// A job of a single tile, without the way there.
template <class T>
MUNDUR_INLINE void run_single(const Job<T>& job) {
  const int rows = static_cast<int>(job.rows);
  const int vecs = static_cast<int>(divided_up(job.columns, Vec<T>::kWidth));
  Tile<T> tile;
  tile.a = job.a;
  tile.a_row = job.a_row;
  tile.a_step = job.a_step;
  tile.b = job.b;
  tile.b_step = job.ldb;
  tile.depth = job.depth;
  tile.c = job.c;
  tile.ldc = job.ldc;
  tile.last = static_cast<int>(job.columns) - (vecs - 1) * Vec<T>::kWidth;
  tile.resume = false;
  tile.joins_c = false;
  tile.joins = 0;
  tile.bias = job.bias;
  tile.relu = job.f == Function::relu;
  kTiles<T>.plain[rows - 1][vecs - 1][tile.last < Vec<T>::kWidth](tile);
  if (is_polynomial(job.f)) activate(job.c, job.ldc, job.rows, job.columns, job.f);
}

/// The step's A and B from index k on: in a sum over samples, from that row of them, of which some
/// may be missing.
template <class T>
MUNDUR_INLINE void go_to(Step<T>& step, const Job<T>& job, i64 k, i64 depth) {
  i64 sample = 0;
  step.depth = depth;
  step.jumps = {depth, 1, job.a_jump, job.b_jump};
  if (job.jumps()) {
    const SampleRows& rows = *job.samples;
    const i64 there = rows.each - rows.first - rows.last;
    const auto before = [&](i64 row) MUNDUR_BODY {  // so many rows are there
      const i64 place = row % rows.each - rows.first;
      return row / rows.each * there + least(place < 0 ? 0 : place, there);
    };
    step.depth = before(k + depth) - before(k);
    k = before(k);
    sample = k / there;
    step.jumps.until = (sample + 1) * there - k;
    step.jumps.period = there;
  }
  step.a = job.a + step.row * job.a_row + k * job.a_step + sample * job.a_jump;
  step.b = job.b + (job.b_transposed ? k : k * job.ldb) + sample * job.b_jump;
  step.a_row = job.a_row;
  step.a_step = job.a_step;
}

/// The step's A becomes a copy whose rows lie better.
template <class T>
void copy_a(Step<T>& step, T* copy) {
  const T* from = step.a;
  step.a = copy;
  if (step.a_step == 1) {
    const i64 ld = step.depth + Scratch<T>::kLine;
    copy_block(copy, from, step.rows, step.depth, ld, step.a_row);
    step.a_row = ld;
    return;
  }
  const i64 ld = step.rows + Scratch<T>::kLine;
  i64 left = step.depth;
  for (i64 n = least(step.jumps.until, left); left > 0; n = least(step.jumps.period, left)) {
    copy_block(copy, from, n, step.rows, ld, step.a_step);
    copy += n * ld;
    from += n * step.a_step + step.jumps.a;
    left -= n;
  }
  step.a_step = ld;
  step.jumps.a = 0;
}

template <class T>
__attribute__((noinline)) void run_blocks(const Job<T>& job) {
  using B = Blocking<T>;
  using S = Scratch<T>;
  if (job.rows <= 0 || job.columns <= 0) return;
  if (job.rows <= B::kRows && !job.b_transposed && !job.c_transposed &&
      job.columns <= B::max_vecs(static_cast<int>(job.rows)) * B::kWidth && job.is_chain()) {
    return run_single(job);
  }
  if (!job.jumps() && !job.c_transposed && is_large(job)) return run_large(job);
  // A few rows stream through B once: nothing is packed and the chains run from end to end.
  const bool streams = job.rows <= B::kRows && !job.b_transposed && !job.samples;
  const i64 block = job.samples ? kShard
                    : streams   ? job.depth
                                : even_piece(job.depth, B::kDepth, 16);
  const i64 blocks = job.depth <= block ? 1 : divided_up(job.depth, block);

  // What must be kept in scratch: a block for each sum that waits, but the last does so in C where
  // no chains rest there, and one to be transposed.
  const ShardTree tree(job.samples ? job.samples->count : 0, job.samples ? job.samples->each : 1);
  const int in_scratch = tree.slots() - (tree.slots() > 0 && !job.jumps() ? 1 : 0);
  const i64 kept = in_scratch + (job.c_transposed ? 1 : 0);
  i64 row_block = even_piece(job.rows, B::kRowBlock, B::kRows);
  i64 column_block = job.columns;
  if (kept != 0) {
    row_block = least(row_block, S::kPartialsSize / (kept * B::kColumns) / B::kRows * B::kRows);
    const i64 most = S::kPartialsSize / (kept * row_block) / B::kColumns * B::kColumns;
    column_block = even_piece(job.columns, most, B::kColumns);
  }
  const i64 ld_kept = divided_up(column_block, B::kColumns) * B::kColumns;
  T* const panel = job.scratch;
  T* const partials = panel + least(block, job.depth) * B::kColumns;
  T* const copy = partials + kept * row_block * ld_kept;
  const bool copies = is_aliasing<T>(job.a_step == 1 ? job.a_row : job.a_step) &&
                      job.rows >= 2 * B::kRows && job.columns >= 4 * B::kColumns;

  Matrix<const T> joins[kMaxSlots];
  Tile<T> tile;
  tile.partial = joins;
  Step<T> step;
  step.is_large = exceeds_l2(job);
  for (step.row = 0; step.row < job.rows; step.row += row_block) {
    step.rows = least(row_block, job.rows - step.row);
    for (step.column = 0; step.column < job.columns; step.column += column_block) {
      step.columns = least(column_block, job.columns - step.column);
      const auto partial = [&](int slot)
                               MUNDUR_BODY { return partials + slot * row_block * ld_kept; };
      T* const transposed = partial(in_scratch);
      for (i64 n = 0; n < blocks; ++n) {
        go_to(step, job, n * block, least(block, job.depth - n * block));
        step.last = n == blocks - 1;
        if (copies) copy_a(step, copy);
        step.c = job.c_transposed ? transposed : job.c + step.row * job.ldc + step.column;
        step.ldc = job.c_transposed ? ld_kept : job.ldc;
        tile.resume = !job.samples && n > 0;
        tile.joins = 0;
        tile.joins_c = false;
        const int slot = !job.samples ? -1 : tree.after(n, [&](int earlier) MUNDUR_BODY {
          if (earlier == in_scratch) {
            tile.joins_c = true;
          } else {
            joins[tile.joins++] = {partial(earlier), ld_kept};
          }
        });
        if (slot >= 0 && slot < in_scratch) {
          step.c = partial(slot);
          step.ldc = ld_kept;
        }
        run_step(job, step, tile, panel);
      }
      if (job.c_transposed) {
        transpose(job.c + step.column * job.ldc + step.row, transposed, step.rows, step.columns,
                  job.ldc, ld_kept, false);
      }
    }
  }
}

template <class T>
MUNDUR_INLINE void run(const Job<T>& job) {
  if (!job.b_transposed && !job.c_transposed && is_thin(job) && job.is_chain())
    return run_thin(job);
  run_blocks(job);
}

// ---- the table's functions ----------------------------------------------------------------------

// The smallest products are done at once; what others need in registers and memory must not cost
// them anything.

template <class T>
MUNDUR_INLINE Chains<T> chains_of(const Product<T>& p) {
  return {p.rows, p.columns, p.depth, p.a.p,   p.a.ld, 1,
          p.b.p,  p.b.ld,    p.to.p,  p.to.ld, p.bias, p.f};
}

template <class T>
__attribute__((noinline)) void product_in_blocks(const Product<T>& p) {
  if (p.lanes) return run_lanes(p, 1, p.b.ld);
  run_blocks(Job<T>{chains_of(p), false, false, p.scratch, p.l2_bytes});
}

template <class T>
void product(const Product<T>& p) {
  const Chains<T> job = chains_of(p);
  if (is_thin(job) && !p.lanes) return run_thin(job);
  product_in_blocks(p);
}

template <class T>
__attribute__((noinline)) void product_dx_in_blocks(const Product<T>& p) {
  if (p.lanes) return run_lanes(p, p.b.ld, 1);
  const i64 B = p.rows, I = p.columns, O = p.depth;
  // A single column of w, when whole, is a row of wᵀ as it lies there.
  const bool is_row = O == 1 && p.b.ld == 1;
  // Transposing w costs I·O; over samples dy and dx are transposed, B·O + B·I.
  const Job<T> plain{chains_of(p), !is_row, false, p.scratch, p.l2_bytes};
  const bool over_samples =
      !is_row && B >= Vec<T>::kWidth && B * (I + O) < I * O && !is_large(plain);
  if (over_samples) {
    run(Job<T>{{I, B, O, p.b.p, p.b.ld, 1, p.a.p, p.a.ld, p.to.p, p.to.ld},
               true,
               true,
               p.scratch,
               p.l2_bytes});
  } else {
    run(plain);
  }
}

template <class T>
void product_dx(const Product<T>& p) {
  if (p.lanes || p.rows * p.columns * p.depth > kScalarMost) return product_dx_in_blocks(p);
  for (i64 r = 0; r < p.rows; ++r) {
    for (i64 c = 0; c < p.columns; ++c) {
      T sum = T(0);
      for (i64 k = 0; k < p.depth; ++k) {
        sum = fma(p.a.p[r * p.a.ld + k], p.b.p[c * p.b.ld + k], sum);
      }
      p.to.p[r * p.to.ld + c] = sum;
    }
  }
}

template <class T>
__attribute__((noinline)) void product_dw_in_blocks(const SampleProduct<T>& p) {
  constexpr i64 kWidth = Vec<T>::kWidth;
  const SampleRows& rows = p.rows;
  // A few columns would fill a small part of a register.
  if (p.O < kWidth && p.I > p.O && 2 * p.O * divided_up(p.I, kWidth) <= p.I) {
    const bool is_row = p.O == 1 && p.dw.ld == 1;
    run(Job<T>{
        {p.O, p.I, rows.count, p.dy.p, 1, p.dy.ld, p.x.p, p.x.ld, p.dw.p, is_row ? p.I : p.dw.ld},
        false,
        !is_row,
        p.scratch,
        p.l2_bytes,
        &rows,
        rows.dy_jump,
        rows.x_jump});
  } else {
    run(Job<T>{{p.I, p.O, rows.count, p.x.p, 1, p.x.ld, p.dy.p, p.dy.ld, p.dw.p, p.dw.ld},
               false,
               false,
               p.scratch,
               p.l2_bytes,
               &rows,
               rows.x_jump,
               rows.dy_jump});
  }
}

template <class T>
void product_dw(const SampleProduct<T>& p) {
  if (p.rows.count != 1 || p.O > Vec<T>::kWidth) return product_dw_in_blocks(p);
  const int columns = static_cast<int>(p.O);  // dw = xᵀ dy of one sample
  const Vec<T> g = load_up_to(p.dy.p, columns);
  for (i64 i = 0; i < p.I; ++i) {
    store_up_to(p.dw.p + i * p.dw.ld, fma(set<T>(p.x.p[i]), g, zero<T>()), columns);
  }
}

/// What run_blocks, run_large and run_lanes take at most, whichever way a product goes: padded to
/// whole tiles either way.
template <class T>
i64 scratch_of(i64 B, i64 O, i64 I, i64 l2) {
  using Size = Blocking<T>;
  using S = Scratch<T>;
  const auto padded = [](i64 n)
                          MUNDUR_BODY { return divided_up(n, Size::kColumns) * Size::kColumns; };
  const auto most = [](i64 a, i64 b) MUNDUR_BODY { return a > b ? a : b; };
  const i64 wide = most(O, I);
  const i64 sums = B > kShard ? (ShardTree::most_slots(B) + 1) * padded(O) * padded(I) : 0;
  const i64 turned =
      most(least(padded(wide), Size::kRowBlock) * padded(B), Size::kColumns * padded(wide));
  const bool may_alias = wide * static_cast<i64>(sizeof(T)) >= 4096;
  const i64 blocks = least(most(B, wide), Size::kDepth) * Size::kColumns +
                     least(most(sums, turned), S::kPartialsSize) + (may_alias ? S::kBlockSize : 0);
  const i64 large = most(most(scratch_of_large<T>(B, O, I, l2), scratch_of_large<T>(B, I, O, l2)),
                         scratch_of_large<T>(I, O, B, l2));
  const i64 lanes = kLanesMost * (kLanesGroup * 16 + lanes_capacity<T>(wide));
  return least(S::kSize, most(most(blocks, large), lanes));
}

template <class T>
void fill_table(Kernels<T>& table) {
  table.scratch = Scratch<T>::kSize;
  table.scratch_of = scratch_of<T>;
  table.column_grain = Blocking<T>::kWidth;
  table.product = product<T>;
  table.pack = pack<T>;
  table.product_panels = product_panels<T>;
  table.product_dx = product_dx<T>;
  table.product_dw = product_dw<T>;
}

}  // namespace

void fill_products(Kernels<float>& table) { fill_table(table); }
void fill_products(Kernels<double>& table) { fill_table(table); }

}  // namespace mundur::MUNDUR_ISA

// Products in order of the inner index: tiles of the result, one to a block, whose threads have
// steps of both operands in common memory; and, where columns are few, 16 lanes to each element.

#include "cpu/kernels/shards.h"
#include "cuda/library/tile.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T, int kSide, int kOwn>
struct Tile : TileOf<T, kSide, kOwn> {
  using Base = TileOf<T, kSide, kOwn>;
  using Base::kAcross, Base::kSteps, Base::kThreads, Base::multiply;
  using typename Base::Sums;

  const launches::Tiles<T>& a;
  i64 row, column;  // of the tile

  MUNDUR_DEVICE Tile(const launches::Tiles<T>& arguments, i64 block)
      : a(arguments),
        row(block / ((arguments.columns + kSide - 1) / kSide) * kSide),
        column(block % ((arguments.columns + kSide - 1) / kSide) * kSide) {}

  /// Steps [k, k + steps) of one operand, whose element (k, i) lies at p[k·step + i·along]; beyond
  /// its `n` there is 0, which goes into nothing that is kept.
  MUNDUR_DEVICE static void load(T* to, const T* p, i64 k, i64 steps, i64 step, i64 first, i64 n,
                                 i64 along, int thread) {
    for (int e = thread; e < kSteps * kSide; e += kThreads) {
      // Neighbours in memory go to neighbouring threads.
      const int d = step == 1 ? e % kSteps : e / kSide;
      const int i = step == 1 ? e / kSteps : e % kSide;
      const bool is_there = d < steps && first + i < n;
      to[d * kSide + i] = is_there ? p[(k + d) * step + (first + i) * along] : T(0);
    }
  }

  /// f(sum, row, column) for each element of the thread's.
  template <class F>
  MUNDUR_DEVICE void elements(Sums& sums, int thread, F f) const {
    MUNDUR_UNROLL
    for (int i = 0; i < kOwn; ++i) {
      MUNDUR_UNROLL
      for (int j = 0; j < kOwn; ++j) {
        const i64 r = row + thread / kAcross * kOwn + i, c = column + thread % kAcross * kOwn + j;
        if (r < a.rows && c < a.columns) f(sums.of[i][j], r, c);
      }
    }
  }

  template <class Block>
  MUNDUR_DEVICE void run(Block& block) const {
    T* const left = block.template shared<T>(0);
    T* const right = left + kSteps * kSide;
    typename Block::template Own<Sums> own;
    const bool sums = a.each > 0;
    const ShardTree tree(sums ? a.depth : 1, sums ? a.each : 1);
    for (i64 shard = 0; shard < tree.shards(); ++shard) {
      const i64 begin = sums ? shard * kShard : 0;
      const i64 end = sums && begin + kShard < a.depth ? begin + kShard : a.depth;
      block.alone([&](int thread) { own[thread] = Sums{}; });
      for (i64 k = begin; k < end; k += kSteps) {
        const i64 steps = end - k < kSteps ? end - k : kSteps;
        block.phase([&](int thread) {
          load(left, a.a, k, steps, a.a_step, row, a.rows, a.a_row, thread);
          load(right, a.b, k, steps, a.b_step, column, a.columns, a.b_column, thread);
        });
        block.phase([&](int thread) { multiply(own[thread], left, right, steps, thread); });
      }
      block.alone([&](int thread) { finish(own[thread], tree, shard, thread); });
    }
  }

  MUNDUR_DEVICE void finish(Sums& sums, const ShardTree& tree, i64 shard, int thread) const {
    elements(sums, thread, [&](T& sum, i64 r, i64 c) {
      T* const waiting = a.waiting + r * a.columns + c;
      const i64 matrix = a.rows * a.columns;
      const int slot =
          tree.after(shard, [&](int earlier) { sum = waiting[earlier * matrix] + sum; });
      if (slot >= 0) {
        waiting[slot * matrix] = sum;
        return;
      }
      a.to[r * a.ldto + c] = a.bias ? sum + a.bias[c] : sum;
    });
    if (a.f != Function::linear && shard == tree.shards() - 1) activate(thread);
  }

  /// What the thread has stored; apart, since functions would take the registers of the sums.
  MUNDUR_DEVICE void activate(int thread) const {
    for (int i = 0; i < kOwn * kOwn; ++i) {
      const i64 r = row + thread / kAcross * kOwn + i / kOwn;
      const i64 c = column + thread % kAcross * kOwn + i % kOwn;
      if (r >= a.rows || c >= a.columns) continue;
      T* const to = a.to + r * a.ldto + c;
      *to = activated(*to, a.f);
    }
  }
};

template <class Shape>
struct TileCode {
  template <class Block, class T>
  static MUNDUR_DEVICE void run(Block& block, const Shape& a, const launches::Step<T>&) {
    Tile<T, Shape::kSide, Shape::kOwn>(a, block.index()).run(block);
  }
};
template <class T>
struct Code<launches::LargeTiles<T>> : TileCode<launches::LargeTiles<T>> {};
template <class T>
struct Code<launches::SmallTiles<T>> : TileCode<launches::SmallTiles<T>> {};

/// Each 16 threads have an element, and one of its lanes each.
template <class T>
struct Code<launches::Lanes<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Lanes<T>& a,
                                const launches::Step<T>&) {
    T* const lanes = block.template shared<T>(0);
    const i64 first = block.index() * (block.threads() / 16);
    const i64 elements = a.rows * a.columns;
    block.phase([&](int thread) {
      const i64 element = first + thread / 16;
      if (element >= elements) return;
      const i64 r = element / a.columns, c = element % a.columns;
      T sum = T(0);
      for (i64 k = thread % 16; k < a.depth; k += 16) {
        sum = fused(a.a[r * a.lda + k], a.b[k * a.b_step + c * a.b_column], sum);
      }
      lanes[thread] = sum;
    });
    for (int half = 8; half > 0; half /= 2) {
      block.phase([&](int thread) {
        if (thread % 16 < half) lanes[thread] = lanes[thread] + lanes[thread + half];
      });
    }
    block.alone([&](int thread) {
      const i64 element = first + thread / 16;
      if (thread % 16 != 0 || element >= elements) return;
      const i64 r = element / a.columns, c = element % a.columns;
      const T sum = a.bias ? lanes[thread] + a.bias[c] : lanes[thread];
      a.to[r * a.ldto + c] = activated(sum, a.f);
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(LargeTiles)
MUNDUR_STARTED(SmallTiles)
MUNDUR_STARTED(Lanes)
}  // namespace mundur

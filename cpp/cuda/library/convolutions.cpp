// Convolutions: products of what windows see, which is looked up where it lies. A tile's rows are
// places and its steps taps, or, in a sum over samples, the other way round; each is a spot, and
// two spots together are an element of the image. What is no product, in groups of few channels
// and filters, or where taps are left out: a thread has an element.

#include "cpu/kernels/shards.h"
#include "cuda/library/tile.h"

namespace mundur::MUNDUR_ISA {
namespace {

using launches::Seen, launches::Spot;

constexpr i64 kNowhere = -(i64{1} << 60);

MUNDUR_INLINE Spot spot_of_place(const Seen& seen, i64 place) {
  if (place >= seen.places) return {0, kNowhere, kNowhere};
  const i64 made = place % seen.made, line = place / seen.made;
  const i64 t = made < seen.split ? made : made + seen.skipped;
  const i64 r = line % seen.rows.out, n = line / seen.rows.out;
  return {seen.first + n * seen.sample + r * seen.below + t * seen.right,
          r * seen.rows.stride - seen.rows.before, t * seen.columns.stride - seen.columns.before};
}
/// Of tap and channel number i of a group.
MUNDUR_INLINE Spot spot_of_tap(const Seen& seen, i64 i) {
  const i64 c = i % seen.channels, tap = i / seen.channels;
  const i64 j = tap / seen.columns.taps, k = tap % seen.columns.taps;
  if (j >= seen.rows.taps) return {0, kNowhere, kNowhere};
  return {j * seen.down + k * seen.across + c, j * seen.rows.dilation, k * seen.columns.dilation};
}
MUNDUR_INLINE bool is_there(const Seen& seen, const Spot& a, const Spot& b) {
  const i64 row = a.row + b.row, column = a.column + b.column;
  return row >= 0 && row < seen.rows.in && column >= 0 && column < seen.columns.in;
}
MUNDUR_INLINE i64 depth_of(const Seen& seen) {
  return seen.rows.taps * seen.columns.taps * seen.channels;
}

/// Rows and columns [row, ...), [column, ...) of a product of a group's, and a range of its steps.
struct Piece {
  i64 product, group, row, column;
  i64 begin = 0, end = 0;
};
/// That of a block, of products all of whose groups have so many rows and columns.
template <int kSide>
MUNDUR_INLINE Piece piece_of(i64 block, i64 rows, i64 columns, i64 groups) {
  const i64 down = (rows + kSide - 1) / kSide, across = (columns + kSide - 1) / kSide;
  const i64 group = block / across / down;
  return {group / groups, group % groups, block / across % down * kSide, block % across * kSide};
}

/// A tile of Σ x·b over some steps, whose element (step, column) lies at b[step·ldb + column].
/// `kPlaces`: steps are places.
template <class T, class Shape, bool kPlaces>
struct SeenTile : TileOf<T, Shape::kSide, Shape::kOwn> {
  using Base = TileOf<T, Shape::kSide, Shape::kOwn>;
  using typename Base::Sums;
  static constexpr int kSide = Shape::kSide, kSteps = Base::kSteps, kThreads = Base::kThreads;
  static constexpr int kElements = Shape::kOwn * Shape::kOwn;

  const Seen& seen;
  const T *x, *b;  // of the group
  i64 ldb, columns;
  Piece piece;
  bool leaves_out;

  MUNDUR_DEVICE Spot row_spot(i64 i) const {
    return kPlaces ? spot_of_tap(seen, i) : spot_of_place(seen, i);
  }
  MUNDUR_DEVICE Spot step_spot(i64 k) const {
    if (k >= piece.end) return {0, kNowhere, kNowhere};
    return kPlaces ? spot_of_place(seen, k) : spot_of_tap(seen, k);
  }

  template <class Block>
  MUNDUR_INLINE void sum(Block& block, typename Block::template Own<Sums>& own) const {
    Spot* const rows = block.template shared<Spot>(0);
    Spot* const steps = rows + kSide;
    T* const left = reinterpret_cast<T*>(steps + kSteps);
    T* const right = left + Base::kSize;
    auto* const there = reinterpret_cast<unsigned char*>(right + Base::kSize);
    block.phase([&](int thread) {
      own[thread] = Sums{};
      if (thread < kSide) rows[thread] = row_spot(piece.row + thread);
      if (thread < kSteps) steps[thread] = step_spot(piece.begin + thread);
    });
    for (i64 k = piece.begin; k < piece.end; k += kSteps) {
      const i64 count = piece.end - k < kSteps ? piece.end - k : kSteps;
      block.phase([&](int thread) {
        for (int e = thread; e < Base::kSize; e += kThreads) {
          // Neighbours in memory go to neighbouring threads: channels.
          const int d = kPlaces ? e / kSide : e % kSteps, i = kPlaces ? e % kSide : e / kSteps;
          const bool is_seen = is_there(seen, rows[i], steps[d]);
          left[d * kSide + i] = is_seen ? x[rows[i].at + steps[d].at] : T(0);
          if (leaves_out) there[d * kSide + i] = is_seen;
        }
        for (int e = thread; e < Base::kSize; e += kThreads) {
          const i64 d = e / kSide, c = piece.column + e % kSide;
          right[e] = d < count && c < columns ? b[(k + d) * ldb + c] : T(0);
        }
      });
      block.phase([&](int thread) {
        if (thread < kSteps) steps[thread] = step_spot(k + kSteps + thread);
        if (leaves_out) {
          Base::multiply_there(own[thread], left, there, right, count, thread);
        } else {
          Base::multiply(own[thread], left, right, count, thread);
        }
      });
    }
  }
};

template <class T>
MUNDUR_INLINE i64 place_in_y(const launches::Convolve<T>& a, i64 place) {
  const Seen& seen = a.seen;
  const i64 made = place % seen.made, line = place / seen.made;
  const i64 t = made < seen.split ? made : made + seen.skipped;
  return line / seen.rows.out * a.y_sample + line % seen.rows.out * a.y_row + t * a.y_column;
}

template <class Shape>
struct ConvolveCode {
  template <class Block, class T>
  static MUNDUR_DEVICE void run(Block& block, const Shape& a, const launches::Step<T>&) {
    using Tile = SeenTile<T, typename Shape::Tile, false>;
    const i64 O = a.groups * a.filters;
    Piece piece = piece_of<Tile::kSide>(block.index(), a.seen.places, a.filters, a.groups);
    piece.end = depth_of(a.seen);
    const i64 group = piece.group * a.filters;
    const Tile tile{{},    a.seen, a.x + piece.group * a.seen.group, a.w + group, O, a.filters,
                    piece, false};
    typename Block::template Own<typename Tile::Sums> own;
    tile.sum(block, own);
    block.alone([&](int thread) {
      MUNDUR_UNROLL
      for (int i = 0; i < Tile::kElements; ++i) {
        const i64 place = piece.row + Tile::row_of(thread, i);
        const i64 o = piece.column + Tile::column_of(thread, i);
        if (place >= a.seen.places || o >= a.filters) continue;
        const T z = own[thread].of[i / Shape::Tile::kOwn][i % Shape::Tile::kOwn];
        a.y[place_in_y(a, place) + group + o] = a.bias ? z + a.bias[group + o] : z;
      }
      if (a.f != Function::linear) activate(a, piece, group, thread);
    });
  }

 private:
  /// What the thread has stored; apart, since functions would take the registers of the sums.
  template <class T>
  static MUNDUR_DEVICE void activate(const launches::Convolve<T>& a, const Piece& piece, i64 group,
                                     int thread) {
    using Tile = SeenTile<T, typename Shape::Tile, false>;
    MUNDUR_ROLLED
    for (int i = 0; i < Tile::kElements; ++i) {
      const i64 place = piece.row + Tile::row_of(thread, i);
      const i64 o = piece.column + Tile::column_of(thread, i);
      if (place >= a.seen.places || o >= a.filters) continue;
      T* const y = a.y + place_in_y(a, place) + group + o;
      *y = activated(*y, a.f);
    }
  }
};
template <class T>
struct Code<launches::LargeConvolve<T>> : ConvolveCode<launches::LargeConvolve<T>> {};
template <class T>
struct Code<launches::SmallConvolve<T>> : ConvolveCode<launches::SmallConvolve<T>> {};

template <class Shape>
struct ConvolveDwCode {
  template <class Block, class T>
  static MUNDUR_DEVICE void run(Block& block, const Shape& a, const launches::Step<T>&) {
    using Tile = SeenTile<T, typename Shape::Tile, true>;
    const i64 O = a.groups * a.filters, rows = depth_of(a.seen);
    Piece piece = piece_of<Tile::kSide>(block.index(), rows, a.filters, a.groups);
    piece.begin = (a.shard + piece.product) * kShard;
    piece.end = piece.begin + kShard < a.seen.places ? piece.begin + kShard : a.seen.places;
    const i64 group = piece.group * a.filters;
    const Tile tile{{},           a.seen,      a.x + piece.group * a.seen.group,
                    a.dy + group, O,           a.filters,
                    piece,        a.leaves_out};
    typename Block::template Own<typename Tile::Sums> own;
    tile.sum(block, own);
    block.alone([&](int thread) {
      MUNDUR_UNROLL
      for (int i = 0; i < Tile::kElements; ++i) {
        const i64 row = piece.row + Tile::row_of(thread, i);
        const i64 o = piece.column + Tile::column_of(thread, i);
        if (row >= rows || o >= a.filters) continue;
        a.sums[(piece.product * rows + row) * O + group + o] =
            own[thread].of[i / Shape::Tile::kOwn][i % Shape::Tile::kOwn];
      }
    });
  }
};
template <class T>
struct Code<launches::LargeConvolveDw<T>> : ConvolveDwCode<launches::LargeConvolveDw<T>> {};
template <class T>
struct Code<launches::SmallConvolveDw<T>> : ConvolveDwCode<launches::SmallConvolveDw<T>> {};

// ---- element by element -------------------------------------------------------------------------

/// The taps of an axis that are there, for a window that begins at `first`: [begin, end).
struct Taps {
  i64 begin, end;
  MUNDUR_INLINE i64 count() const { return end - begin; }
};
MUNDUR_INLINE Taps taps_of(const Seen::Axis& axis, i64 first) {
  const i64 D = axis.dilation;
  i64 begin = first >= 0 ? 0 : (D - 1 - first) / D;
  i64 end = axis.in > first ? (axis.in - first + D - 1) / D : 0;
  if (end > axis.taps) end = axis.taps;
  if (begin > end) begin = end;
  return {begin, end};
}

/// What a window sees, in order of its taps and channels.
template <class T>
struct Chain {
  const Seen& seen;
  const T *x, *w;  // of the window and the group; of the filter
  i64 ldw;
  Taps above, beside;

  MUNDUR_DEVICE i64 size() const { return above.count() * beside.count() * seen.channels; }
  /// Σ x·w over numbers first, first + step, ...
  MUNDUR_DEVICE T sum(i64 first, i64 step) const {
    T sum = T(0);
    i64 j = above.begin, k = beside.begin, c = first;
    for (i64 n = size() - first; n > 0; n -= step, c += step) {
      while (c >= seen.channels) {
        c -= seen.channels;
        if (++k < beside.end) continue;
        k = beside.begin;
        ++j;
      }
      const i64 tap = j * seen.columns.taps + k;
      sum = fused(x[j * seen.down + k * seen.across + c], w[(tap * seen.channels + c) * ldw], sum);
    }
    return sum;
  }
  /// Over 16 virtual lanes.
  MUNDUR_DEVICE T sum_of_lanes() const {
    T lanes[16];
    MUNDUR_ROLLED
    for (int lane = 0; lane < 16; ++lane) lanes[lane] = sum(lane, 16);
    for (int half = 8; half > 0; half /= 2) {
      for (int lane = 0; lane < half; ++lane) lanes[lane] = lanes[lane] + lanes[lane + half];
    }
    return lanes[0];
  }
};

template <class T>
struct Code<launches::ConvolveEach<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ConvolveEach<T>& a,
                                const launches::Step<T>&) {
    const i64 O = a.groups * a.filters;
    block.each(a.seen.places * O, [&](i64 i) {
      const i64 o = i % O, place = i / O;
      const Spot spot = spot_of_place(a.seen, place);
      const Chain<T> chain{a.seen,
                           a.x + o / a.filters * a.seen.group + spot.at,
                           a.w + o,
                           O,
                           taps_of(a.seen.rows, spot.row),
                           taps_of(a.seen.columns, spot.column)};
      const T sum =
          a.lanes && uses_lanes(chain.size(), a.filters) ? chain.sum_of_lanes() : chain.sum(0, 1);
      const T z = a.bias ? sum + a.bias[o] : sum;
      a.y[place_in_y(a, place) + o] = activated(z, a.f);
    });
  }
};

template <class T>
struct Code<launches::ConvolveEachDw<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ConvolveEachDw<T>& a,
                                const launches::Step<T>&) {
    const i64 O = a.groups * a.filters, n = depth_of(a.seen) * O;
    block.each(a.shards * n, [&](i64 i) {
      const i64 o = i % O, begin = (a.shard + i / n) * kShard;
      const i64 end = begin + kShard < a.seen.places ? begin + kShard : a.seen.places;
      const Spot tap = spot_of_tap(a.seen, i % n / O);
      const T* const x = a.x + o / a.filters * a.seen.group + tap.at;
      T sum = T(0);
      Spot spot{};
      for (i64 place = begin, left = 0; place < end; ++place, --left) {
        if (left == 0) {  // another row
          spot = spot_of_place(a.seen, place);
          left = a.seen.made - place % a.seen.made;
        }
        if (is_there(a.seen, spot, tap)) sum = fused(x[spot.at], a.dy[place * O + o], sum);
        spot.at += a.seen.right;
        spot.column += a.seen.columns.stride;
      }
      a.sums[i] = sum;
    });
  }
};

template <class T>
struct Code<launches::JoinShards<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::JoinShards<T>& a,
                                const launches::Step<T>&) {
    const ShardTree tree(a.rows, a.each);
    block.each(a.n, [&](i64 i) {
      for (i64 s = 0; s < a.shards; ++s) {
        T sum = a.sums[s * a.n + i];
        const int slot =
            tree.after(a.shard + s, [&](int earlier) { sum = a.waiting[earlier * a.n + i] + sum; });
        (slot < 0 ? a.to[i] : a.waiting[slot * a.n + i]) = sum;
      }
    });
  }
};

template <class T>
struct Code<launches::GatherWindows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::GatherWindows<T>& a,
                                const launches::Step<T>&) {
    const i64 depth = depth_of(a.seen), width = a.groups * depth;
    block.each(a.seen.places * width, [&](i64 i) {
      const Spot place = spot_of_place(a.seen, i / width), tap = spot_of_tap(a.seen, i % depth);
      const T* const x = a.x + i % width / depth * a.seen.group;
      a.to[i] = is_there(a.seen, place, tap) ? x[place.at + tap.at] : T(0);
    });
  }
};

template <class T>
struct Code<launches::TurnKernel<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::TurnKernel<T>& a,
                                const launches::Step<T>&) {
    const i64 all = a.groups * a.channels;
    block.each(a.rows.taps * a.columns.taps * a.filters * all, [&](i64 i) {
      const i64 c = i % all, o = i / all % a.filters, tap = i / all / a.filters;
      const i64 j = a.rows.taps - 1 - tap / a.columns.taps;
      const i64 k = a.columns.taps - 1 - tap % a.columns.taps;
      const i64 from =
          (a.rows.first + j * a.rows.step) * a.wide + a.columns.first + k * a.columns.step;
      const i64 filter = c / a.channels * a.filters + o;
      a.turned[i] = a.w[(from * a.channels + c % a.channels) * a.groups * a.filters + filter];
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(LargeConvolve)
MUNDUR_STARTED(SmallConvolve)
MUNDUR_STARTED(ConvolveEach)
MUNDUR_STARTED(LargeConvolveDw)
MUNDUR_STARTED(SmallConvolveDw)
MUNDUR_STARTED(ConvolveEachDw)
MUNDUR_STARTED(JoinShards)
MUNDUR_STARTED(GatherWindows)
MUNDUR_STARTED(TurnKernel)
}  // namespace mundur

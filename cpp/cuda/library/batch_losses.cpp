// Losses of whole batches, in double: a thread has an element, a group, a piece of a sum or a pair.

#include "cpu/kernels/formulas/functions.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Code<launches::ToDoubles<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ToDoubles<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) { a.y[i] = static_cast<double>(a.x[i]); });
  }
};

template <class T>
struct Code<launches::FromDoubles<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::FromDoubles<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) { a.y[i] = static_cast<T>(a.x[i]); });
  }
};

// ---- NumPy's sums ---------------------------------------------------------------------------

constexpr i64 kPairwise = 128;  // numbers of a piece, at most

/// A node of a sum's tree, which parts all with more than a piece: what the path of so many turns
/// leads to, the last turn in the lowest bit.
struct Node {
  i64 begin, size;
  bool is_there;
  static MUNDUR_INLINE i64 half(i64 n) { return n / 2 - n / 2 % 8; }
  MUNDUR_INLINE Node(i64 n, i64 path, int turns) : begin(0), size(n), is_there(true) {
    for (int turn = turns - 1; turn >= 0; --turn) {
      const bool later = (path >> turn & 1) != 0;
      if (size <= kPairwise) {
        is_there = is_there && !later;
        continue;
      }
      const i64 first = half(size);
      begin += later ? first : 0;
      size = later ? size - first : first;
    }
  }
};

/// Eight lanes, which a tree joins, and what is left behind them.
template <class T>
MUNDUR_INLINE T sum_of_piece(const T* x, i64 n) {
  T sum = T(0);
  i64 i = 0;
  if (n >= 8) {
    T lanes[8];
    for (int k = 0; k < 8; ++k) lanes[k] = x[k];
    for (i = 8; i + 8 <= n; i += 8) {
      for (int k = 0; k < 8; ++k) lanes[k] += x[i + k];
    }
    sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
          ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
  }
  for (; i < n; ++i) sum += x[i];
  return sum;
}

template <class T>
struct Code<launches::SumPieces<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::SumPieces<T>& a,
                                const launches::Step<T>&) {
    const i64 paths = i64{1} << a.turns;
    block.each(a.rows * paths, [&](i64 i) {
      const Node piece(a.n, i % paths, a.turns);
      if (piece.is_there) a.sums[i] = sum_of_piece(a.x + i / paths * a.n + piece.begin, piece.size);
    });
  }
};

/// A row to a block: where two nodes meet, the earlier one's place has their sum.
template <class T>
struct Code<launches::JoinPieces<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::JoinPieces<T>& a,
                                const launches::Step<T>&) {
    T* const sums = a.sums + block.index() * (i64{1} << a.turns);
    for (int turns = a.turns - 1; turns >= 0; --turns) {
      const i64 apart = i64{1} << (a.turns - turns - 1);
      block.phase([&](int thread) {
        for (i64 path = thread; path < i64{1} << turns; path += block.threads()) {
          const Node node(a.n, path, turns);
          if (!node.is_there || node.size <= kPairwise) continue;
          T* const first = sums + 2 * path * apart;
          first[0] = first[0] + first[apart];
        }
      });
    }
    block.alone([&](int thread) {
      if (thread == 0) a.to[block.index()] = (T(0) + sums[0]) * a.factor / a.by;
    });
  }
};

// ---- sets that overlap ----------------------------------------------------------------------

template <class T>
struct Code<launches::OverlapTerms<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::OverlapTerms<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) {
      const T w = a.weights ? a.weights[i] : T(1);
      a.terms[i] = w * (a.y[i] * a.p[i]);
      a.terms[a.n + i] = w * a.y[i];
      a.terms[2 * a.n + i] = w * a.p[i];
    });
  }
};

template <class T>
struct Code<launches::OverlapLosses<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::OverlapLosses<T>& a,
                                const launches::Step<T>&) {
    constexpr T kEpsilon = T(1e-7);
    block.each(a.groups, [&](i64 g) {
      const T common = a.sums[g], y = a.sums[a.groups + g], p = a.sums[2 * a.groups + g];
      const T whole = a.d * common + a.alpha * y + a.beta * p + kEpsilon;
      a.whole[g] = whole;
      a.losses[g] = T(1) - a.c * common / whole;
    });
  }
};

template <class T>
struct Code<launches::OverlapSlopes<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::OverlapSlopes<T>& a,
                                const launches::Step<T>&) {
    block.each(a.groups * a.n, [&](i64 i) {
      const T common = a.sums[i / a.n], whole = a.whole[i / a.n], y = a.y[i];
      const T w = a.weights ? a.weights[i] : T(1);
      const T slope = -a.c * w * (y * whole - common * (a.d * y + a.beta)) / (whole * whole);
      a.slopes[i] = slope / a.by;
    });
  }
};

// ---- pairs ------------------------------------------------------------------------------------

template <class T>
MUNDUR_INLINE T at_least_0(T a) {
  return a < T(0) ? T(0) : a;  // NaN stays
}

template <class T>
struct Code<launches::CirclePairs<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::CirclePairs<T>& a,
                                const launches::Step<T>&) {
    const T m = a.margin, none = -Constants<T>::kInfinity;
    block.each(a.n * a.n, [&](i64 at) {
      const i64 i = at / a.n, j = at % a.n;
      T similar = T(0);
      for (i64 k = 0; k < a.size; ++k) {
        similar = fused(a.p[i * a.size + k], a.p[j * a.size + k], similar);
      }
      const T d = at_least_0(T(1) - similar);
      const bool is_alike = a.classes[i] == a.classes[j];
      a.distance[at] = d;
      a.near[at] = is_alike && (a.itself || i != j) ? a.gamma * (d + m) * (d - m) : none;
      a.far[at] = is_alike ? none : a.gamma * at_least_0(T(1) + m - d) * (T(1) - m - d);
    });
  }
};

template <class T>
MUNDUR_INLINE T log_sum(const T* x, const T* log_softmax, i64 n) {
  i64 top = 0;
  for (i64 i = 1; i < n && x[top] == x[top]; ++i) {
    if (!(x[i] <= x[top])) top = i;
  }
  return x[top] - log_softmax[top];
}

template <class T>
struct Code<launches::CircleSums<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::CircleSums<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) {
      const i64 at = i * a.n;
      a.to[i] =
          log_sum(a.near + at, a.log_near + at, a.n) + log_sum(a.far + at, a.log_far + at, a.n);
    });
  }
};

template <class T>
struct Code<launches::CircleLosses<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::CircleLosses<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) {
      a.losses[i] = a.weights[i] * (a.there[i] != T(0) ? a.losses[i] : T(0));
    });
  }
};

template <class T>
struct Code<launches::CircleSlopes<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::CircleSlopes<T>& a,
                                const launches::Step<T>&) {
    const T twice = T(2) * a.gamma, most = T(1) + a.margin;
    block.each(a.n * a.n, [&](i64 at) {
      const i64 i = at / a.n;
      const T d = a.distance[at];
      const T pull = a.near[at] * (twice * d);
      const T push = a.far[at] * (d < most ? twice * (T(1) - d) : T(0));
      const bool moves = a.there[i] != T(0) && d > T(0);  // at 0 it stays
      const T slope = moves ? -a.sigmoid[i] * (pull - push) : T(0);
      a.slopes[at] = slope * (a.weights[i] * a.share);
    });
  }
};

template <class T>
struct Code<launches::CircleDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::CircleDx<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n * a.size, [&](i64 at) {
      const i64 i = at / a.size, k = at % a.size;
      T sum = T(0);
      for (i64 j = 0; j < a.n; ++j) {
        sum = fused(a.slopes[i * a.n + j] + a.slopes[j * a.n + i], a.p[j * a.size + k], sum);
      }
      a.dp[at] = sum;
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(CirclePairs)
MUNDUR_STARTED(CircleSums)
MUNDUR_STARTED(CircleLosses)
MUNDUR_STARTED(CircleSlopes)
MUNDUR_STARTED(CircleDx)
MUNDUR_STARTED(ToDoubles)
MUNDUR_STARTED(FromDoubles)
MUNDUR_STARTED(SumPieces)
MUNDUR_STARTED(JoinPieces)
MUNDUR_STARTED(OverlapTerms)
MUNDUR_STARTED(OverlapLosses)
MUNDUR_STARTED(OverlapSlopes)
}  // namespace mundur

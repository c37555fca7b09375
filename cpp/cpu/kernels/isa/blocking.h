#pragma once

// The sizes of the matrix product's tiles and blocks, all in one place.
//
// Registers. A tile of kRows × kVecs registers of C stays in registers while it runs along the
// inner index: each step loads kVecs registers of B, broadcasts kRows elements of A and does
// kRows · kVecs fused multiply-adds. AVX-512 and NEON (32 registers): 8 × 3 = 24 sums + 3 of B + 1
// of A; 11 loads feed 24 multiply-adds. AVX2 (16): 6 × 2 = 12 + 2 + 1. With latency 4 and two
// units, 8 sums in flight are the least that keeps the units busy; all have them. A few rows alone
// (a batch of 1 to 4) run over more registers of columns instead, up to the same number of sums.
//
// The tile's loop as compiled (GCC 12 and Clang 14, AVX-512): 3 loads, 8 broadcasts, 24 vfmadd231,
// 3 additions of pointers; nothing spilled.
//
// Caches. 32 KB of L1 and 1 MB of L2 are assumed for products within L2; for larger ones (large.h)
// blocks take their size from the CPU's own L2.
//
// The panel of B (kDepth steps × one tile's columns) is what the row tiles below each other share.
// At 192 bytes a step (AVX-512) it is 150 KB and streams from L2 at 8 bytes a cycle beside 24
// multiply-adds, where L2 gives 32. It need not stay in L1: to store the chains and resume them
// more often costs more (800 steps against 256: 1.6 to 3% more of the peak). A sum over samples
// ends at each shard anyway.
//
// The block of A (kRowBlock × kDepth) is used again by every panel. Its rows are read in order, so
// what falls out comes back in time.
//
// Partial results (Scratch::kPartials, 1 MB) pass through L3: one load and one store in 256
// multiply-adds. With less, sums of many shards would be cut into narrow blocks, and the block of A
// fetched again for each.

#include "cpu/kernels/isa/vec.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Blocking {
#if defined(MUNDUR_ISA_avx512) || defined(MUNDUR_ISA_neon)
  static constexpr int kRows = 8;
  static constexpr int kVecs = 3;
#elif defined(MUNDUR_ISA_avx2)
  static constexpr int kRows = 6;
  static constexpr int kVecs = 2;
#else
  static constexpr int kRows = 4;
  static constexpr int kVecs = 2;
#endif
  static constexpr int kSums = kRows * kVecs;
  static constexpr int kMaxVecs = 8;
  /// The most registers of columns that a tile of `rows` rows may have.
  static constexpr int max_vecs(int rows) {
    return kSums / rows < kMaxVecs ? kSums / rows : kMaxVecs;
  }

  static constexpr int kWidth = Vec<T>::kWidth;
  static constexpr int kColumns = kVecs * kWidth;

  static constexpr i64 kDepth = 800;
  static constexpr i64 kRowBlock = 256 * 4 / static_cast<i64>(sizeof(T));
};

/// Blocks of a product beyond L2, by its size in bytes: most of it holds the block of A, a fifth
/// two panels of B.
template <class T>
struct LargeBlocks {
  using B = Blocking<T>;
  static constexpr i64 kSize = static_cast<i64>(sizeof(T));
  static constexpr i64 kMostDepth = 640, kMostTogether = 5 * kShard;  // of chains, of sums' shards
  static constexpr i64 kMostElements = 1600 * 1024 / kSize;           // of A

  static constexpr bool exceeds(i64 elements, i64 l2) { return elements * kSize > l2 / 4 * 3; }
  static constexpr i64 depth(i64 l2) {
    const i64 most = l2 / 5 / (2 * B::kColumns * kSize);
    return most < 16 ? 16 : most < kMostDepth ? most : kMostDepth;
  }
  /// With room for so many elements.
  static constexpr i64 rows(i64 depth, i64 l2, i64 room) {
    i64 elements = l2 / 4 * 3 / kSize;
    if (elements > kMostElements) elements = kMostElements;
    if (elements > room) elements = room;
    const i64 most = elements / depth / B::kRows * B::kRows;
    return most < B::kRows ? B::kRows : most;
  }
};

/// The most that the parts of a worker's scratch take, in elements; the smaller a product, the
/// less.
template <class T>
struct Scratch {
  using B = Blocking<T>;
  /// The packed panel of B.
  static constexpr i64 kPanelSize = B::kDepth * B::kColumns;
  /// The copy of a block of A whose stride is a multiple of 4096 bytes: its rows would fall on the
  /// same few sets of the caches. The copy's stride is one cache line more than its width.
  static constexpr i64 kLine = 64 / static_cast<i64>(sizeof(T));
  static constexpr i64 kWidest = B::kDepth > B::kRowBlock ? B::kDepth : B::kRowBlock;
  static constexpr i64 kNarrowest = B::kDepth > B::kRowBlock ? B::kRowBlock : B::kDepth;
  static constexpr i64 kBlockSize = kWidest * kNarrowest + kLine * kWidest;
  /// Partial results: sums of shards that wait for their partner, or a block before transposition.
  /// The least that works is one tile for each sum that may wait (shards.h), and another.
  static constexpr i64 kLeast = 58 * B::kRows * B::kColumns;
  static constexpr i64 kWanted = 1024 * 1024 / static_cast<i64>(sizeof(T));
  static constexpr i64 kPartialsSize = kWanted > kLeast ? kWanted : kLeast;
  static constexpr i64 kSize = kPanelSize + kPartialsSize + kBlockSize;
  /// Of products beyond L2, which share it out otherwise.
  static constexpr i64 kWantedLarge = 256 * 1024 / static_cast<i64>(sizeof(T));
  static constexpr i64 kLargePartials = kWantedLarge > kLeast ? kWantedLarge : kLeast;
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

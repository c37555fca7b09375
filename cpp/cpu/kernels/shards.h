#pragma once

// A sum over samples. Its rows, sample by sample, make groups of kShard samples; the rows of a
// group make shards of kShard rows, one chain each. A group has as many shards as a sample has
// rows, so none straddles two groups.
//
// The shards of a group are joined as a binary counter counts, and so are the groups: the sum of
// one has rank 0; two sums of the same rank r, neighbours in order, make one of rank r + 1, the
// earlier plus the later; after the last one, the sums that wait are added from the smallest rank
// up, each in front of what came after it. Before number j the ranks that wait are the bits set in
// j, so the joins that follow it are j's trailing ones, or, for the last, all its ones. The order
// depends on the number of samples and of their rows alone, and 2^r groups, from a multiple of 2^r
// on, are one of its sums.

#include "mundur/types.h"

namespace mundur {
namespace {  // compiled once per instruction set: nothing that the linker could share

/// More sums never wait: 2^56 shards.
constexpr int kMaxSlots = 57;

class ShardTree {
 public:
  /// `each`: rows of a sample.
  constexpr ShardTree(std::int64_t rows, std::int64_t each)
      : shards_(rows <= kShard ? 1 : (rows + kShard - 1) / kShard), each_(each) {
    if (shards_ == 1) return;
    low_ = bits(shards_ < each ? shards_ - 1 : each - 1);
    slots_ = low_ + bits((shards_ - 1) / each);
  }
  constexpr std::int64_t shards() const { return shards_; }
  /// Where sums may have to wait; the last of them is the last that is joined.
  constexpr int slots() const { return slots_; }
  /// In the slots from here on groups wait, in those before shards of one group.
  constexpr int low() const { return low_; }
  /// Of sums over so many rows, whatever rows a sample has, none has more slots.
  static constexpr int most_slots(std::int64_t rows) { return bits(rows / kShard) + 1; }

  /// Behind a shard: join(slot) for each sum in front of which it comes, the nearest first; returns
  /// where the result waits, or -1 behind the last shard.
  template <class Join>
  __attribute__((always_inline)) constexpr int after(std::int64_t shard, Join join) const {
    if (shards_ == 1) return -1;
    const bool is_last = shard == shards_ - 1;
    const std::int64_t group = shard / each_, place = shard - group * each_;
    const bool ends = is_last || place == each_ - 1;
    const int slot = climb(place, ends, 0, join);
    if (!ends) return slot;
    const int behind = climb(group, is_last, low_, join);
    return is_last ? -1 : behind;
  }

 private:
  static constexpr int bits(std::int64_t n) {
    int count = 0;
    while (n >> count != 0) ++count;
    return count;
  }
  template <class Join>
  __attribute__((always_inline)) static constexpr int climb(std::int64_t number, bool all,
                                                            int first, Join& join) {
    int rank = 0;
    for (; all ? number >> rank != 0 : (number >> rank & 1) != 0; ++rank) {
      if (number >> rank & 1) join(first + rank);
    }
    return first + rank;
  }

  std::int64_t shards_, each_;
  int low_ = 0, slots_ = 0;  // the first slots are of shards, the others of groups
};

}  // namespace
}  // namespace mundur

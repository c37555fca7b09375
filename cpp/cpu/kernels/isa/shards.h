#pragma once

// A sum over samples is made of shards, chains of kShard samples, joined as a binary counter
// counts: the sum of a shard has rank 0; two sums of the same rank r, neighbours in order, make one
// of rank r + 1, the earlier plus the later; after the last shard, the sums that wait are added
// from the smallest rank up, each in front of what came after it. The order depends on the number
// of shards alone. Before shard j the ranks that wait are the bits set in j, so the joins that
// follow it are j's trailing ones, or, for the last shard, all its ones.

#include "cpu/kernels/isa/vec.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// More ranks never wait: 2^56 shards.
constexpr int kMaxRanks = 56;

}  // namespace
}  // namespace mundur::MUNDUR_ISA

#pragma once

// Several ranks that train one network together: threads, processes or machines.
//
// Each has the network, the optimizer and the set for itself, computes a part of each batch's
// samples, and meets the others for the sums over samples: gradients, batch statistics, losses,
// scores. As a part is one of the sums of the tree of groups (cpu/kernels/shards.h), all get the
// bits of one rank that computes everything, and stay alike.

#include "mundur/types.h"

namespace mundur {

class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual int rank() const = 0;
  virtual int ranks() const = 0;
  /// The sums of the first `parts` ranks become, for all, those of the whole, as join_parts makes
  /// them. All ranks call it, in the same order and with as many numbers. Must not throw: the other
  /// workers of a team wait meanwhile.
  virtual void join(float* sums, std::int64_t n, int parts) = 0;
  virtual void join(double* sums, std::int64_t n, int parts) = 0;
};

/// What a rank computes of a batch: as many groups of kShard samples as make one sum of their tree,
/// the fewest with which the ranks are enough. The last ranks may have none.
struct BatchPart {
  Range samples;           // of the batch
  std::int64_t whole = 0;  // the batch's samples
  int parts = 1;           // ranks that have some
};
BatchPart part_of_batch(std::int64_t samples, int rank, int ranks);

/// to[n] = parts[0][n], parts[1][n], ... joined as groups of samples are; `to` is none of them.
template <class T>
void join_parts(T* to, const T* const* parts, int count, std::int64_t n);

}  // namespace mundur

#pragma once

// Losses of whole batches: the host brings what the targets are, the device computes.

#include <memory>
#include <vector>

#include "cuda/copies.h"
#include "mundur/batch_losses.h"

namespace mundur::cuda {

template <class T>
class BatchLoss {
 public:
  /// Of predictions [samples, size], on the device as are the loss and its gradient, which may be
  /// null; `weights` are the host's, and may be, too.
  struct Places {
    double* mean;
    T* dp;
    const T *p, *weights;
    std::int64_t samples, size;
  };
  BatchLoss(Copies<T>& copies, const KnownLoss& loss, const Places& at)
      : copies_(copies), loss_(loss), at_(at) {}
  /// Throws what the targets' owner throws, and OutOfMemory.
  void run(const Batch& batch);

 private:
  Copies<T>& copies_;
  const KnownLoss& loss_;
  Places at_;
  std::shared_ptr<void> there_;
  std::int64_t room_ = 0;  // numbers
};

}  // namespace mundur::cuda

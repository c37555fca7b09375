#pragma once

#include <atomic>
#include <vector>

#include "mundur/layers.h"
#include "mundur/memory.h"

namespace mundur {

/// The memory of one step, planned once and used by every step after: nothing is allocated while
/// training runs.
template <class T>
struct Workspace {
  std::int64_t batch = 0;  // the most samples it holds
  int workers = 0;
  std::int64_t bytes = 0;
  Buffer memory;

  T* input = nullptr;                  // the batch, gathered and converted
  std::vector<Saved<T>> saved;         // of each layer: its input, its output, what else it keeps
  T* output = nullptr;                 // of the last layer
  T* gradient[2] = {};                 // dL/dy and dL/dx of a layer, in turn (training only)
  std::vector<T*> scratch;             // of each worker
  const std::uint8_t* mask = nullptr;  // of the outputs' time steps, if they have one
  T* targets = nullptr;
  // Of each row that a loss tells apart, see OutputRows.
  std::int32_t* labels = nullptr;
  std::int32_t* predicted = nullptr;  // argmax of outputs, and of dense targets
  std::int32_t* expected = nullptr;
  T* weights = nullptr;
  double* values = nullptr;    // losses, weighted
  double* scores = nullptr;    // one metric
  double* activity = nullptr;  // penalties of each sample's activities
  std::atomic<bool> finite{true};

  Workspace() = default;
  Workspace(Workspace&& other) noexcept;
};

}  // namespace mundur

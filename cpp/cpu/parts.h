#pragma once

// How workers share what is made of windows.

#include "cpu/resolver.h"

namespace mundur {

/// Samples of one worker, and their steps, or the pixels of their images.
struct Part {
  Range samples, steps;
  bool empty() const { return samples.empty() || steps.empty(); }
};

/// Samples where each worker gets about as many, else steps.
inline Part part_of(std::int64_t samples, std::int64_t steps, const Member& worker) {
  const std::int64_t count = worker.count();
  if (samples % count == 0 || samples >= 4 * count || steps < count * kTileRows) {
    return {share(samples, 1, worker), {0, steps}};
  }
  return {{0, samples}, share(steps, kTileRows, worker)};
}

/// The part of y [samples, steps, width] is written, or read.
template <class T>
void touch(Resolver<T>& r, Value y, const Part& part, std::int64_t steps, bool writes) {
  const std::int64_t width = r[y].size() / steps;
  r.touch_matrix(y, r.samples(y), r[y].size(),
                 {part.samples, {part.steps.begin * width, part.steps.end * width}}, writes);
}

}  // namespace mundur

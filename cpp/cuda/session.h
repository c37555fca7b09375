#pragma once

#include "cuda/library.h"
#include "training/device.h"

namespace mundur::cuda {

/// A flat vector of the network's, on the host.
template <class T>
struct Flat {
  T* values = nullptr;
  std::int64_t size = 0;
};

/// A network on a device: `flat` of each role. Slots of the optimizer, whose addresses come with
/// each step, are as long as the parameters.
template <class T>
std::unique_ptr<Device<T>> make_session(const std::shared_ptr<Gpu>& gpu,
                                        const Flat<T> (&flat)[kRoles]);

}  // namespace mundur::cuda

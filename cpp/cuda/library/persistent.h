#pragma once

// All launches of many steps by one: a kernel as large as the GPU is at once.

#include <cuda_runtime.h>

#include <vector>

#include "cuda/abi.h"

namespace mundur::cuda {

/// Whether the device can have such a kernel, and the kernel's code all of them.
bool can_persist(const Launch* launches, std::int64_t count, std::int32_t device);
/// `there`: the launches, on the device, as are the steps.
cudaError_t persist(const std::vector<Launch>& launches, const Launch* there,
                    const unsigned char* steps, std::int64_t step_bytes, std::int64_t count,
                    std::int32_t device, cudaStream_t stream);

}  // namespace mundur::cuda

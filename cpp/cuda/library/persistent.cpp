// One launch for many steps: its blocks go through a list of launches, each block with those of a
// launch's blocks that are its turn, and all wait for each other between launches.

#define MUNDUR_CODE_ALONE
#undef MUNDUR_ISA
#define MUNDUR_ISA lane_of_many  // what these files define is there already as `lane`

#include "cuda/library/activations.cpp"
#include "cuda/library/data.cpp"
#include "cuda/library/elements.cpp"
#include "cuda/library/factored.cpp"
#include "cuda/library/losses.cpp"
#include "cuda/library/normalization.cpp"
#include "cuda/library/penalties.cpp"
#include "cuda/library/products.cpp"
#include "cuda/library/random.cpp"
#include "cuda/library/sums.cpp"
#include "cuda/library/updates.cpp"

#if defined(__CUDACC__)

#include <cooperative_groups.h>

#include "cuda/library/persistent.h"

namespace mundur::cuda {
namespace {

/// A block of a launch, whose turn it is on a block of the kernel's, which may have more threads.
class TurnBlock {
 public:
  template <class V>
  using Own = DeviceBlock::Own<V>;
  MUNDUR_DEVICE TurnBlock(std::int64_t blocks, int threads) : blocks_(blocks), threads_(threads) {}
  MUNDUR_DEVICE void begin(std::int64_t index) { index_ = index; }
  MUNDUR_DEVICE std::int64_t index() const { return index_; }
  MUNDUR_DEVICE int threads() const { return threads_; }
  template <class F>
  __device__ void phase(F f) {
    alone(f);
    __syncthreads();
  }
  template <class F>
  __device__ void alone(F f) {
    if (static_cast<int>(threadIdx.x) < threads_) f(static_cast<int>(threadIdx.x));
  }
  template <class F>
  __device__ void each(std::int64_t n, F f) {
    alone([&](int thread) {
      for (std::int64_t i = index_ * threads_ + thread; i < n; i += blocks_ * threads_) f(i);
    });
  }
  template <class V>
  __device__ V* shared(std::int64_t offset) {
    extern __shared__ __align__(16) unsigned char memory[];
    return reinterpret_cast<V*>(memory + offset);
  }

 private:
  std::int64_t blocks_, index_ = 0;
  int threads_;
};

/// Those of a launch's blocks that are this block's.
template <class Arguments, class T>
__device__ __noinline__ void take_turns(const Launch& launch, const launches::Step<T>& step) {
  const Arguments arguments = *reinterpret_cast<const Arguments*>(launch.arguments);
  TurnBlock block(launch.blocks, launch.threads);
  for (std::int64_t index = blockIdx.x; index < launch.blocks; index += gridDim.x) {
    block.begin(index);
    MUNDUR_ISA::Code<Arguments>::run(block, arguments, step);
    __syncthreads();  // the next one has the same memory
  }
}

template <class Arguments>
concept IsThere = requires { sizeof(MUNDUR_ISA::Code<Arguments>); };

template <template <class> class Arguments>
__device__ void go_through(const Launch& launch, const void* step) {
  if constexpr (IsThere<Arguments<float>>) {
    if (launch.is_double) {
      take_turns<Arguments<double>>(launch, *static_cast<const launches::Step<double>*>(step));
    } else {
      take_turns<Arguments<float>>(launch, *static_cast<const launches::Step<float>*>(step));
    }
  }
}

__device__ bool stands_still(const void* step, bool is_double) {
  return is_double ? is_stopped(*static_cast<const launches::Step<double>*>(step))
                   : is_stopped(*static_cast<const launches::Step<float>*>(step));
}

__global__ void __launch_bounds__(kMostThreads)
    persistent(const Launch* all, std::int64_t number, const unsigned char* steps,
               std::int64_t step_bytes, std::int64_t count) {
  const auto grid = cooperative_groups::this_grid();
  for (std::int64_t i = 0; i < count; ++i) {
    const void* const step = steps + i * step_bytes;
    for (std::int64_t l = 0; l < number; ++l) {
      const Launch& launch = all[l];
      const auto kernel = static_cast<launches::Kernel>(launch.kernel);
      // All threads must see the same: behind what stops, not beside it.
      if (kernel == launches::Kernel::StopUnlessFinite || !stands_still(step, launch.is_double)) {
#define MUNDUR_CASE(name)                     \
  case launches::Kernel::name:                \
    go_through<launches::name>(launch, step); \
    break;
        switch (kernel) { MUNDUR_LAUNCHES(MUNDUR_CASE) }
#undef MUNDUR_CASE
      }
      gridDim.x == 1 ? __syncthreads() : grid.sync();
    }
  }
}

constexpr bool kThere[] = {
#define MUNDUR_IS_THERE(name) IsThere<launches::name<float>>,
    MUNDUR_LAUNCHES(MUNDUR_IS_THERE)
#undef MUNDUR_IS_THERE
};

}  // namespace

bool can_persist(const Launch* launches, std::int64_t count, std::int32_t device) {
  int cooperates = 0;
  cudaDeviceGetAttribute(&cooperates, cudaDevAttrCooperativeLaunch, device);
  if (!cooperates) return false;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!kThere[launches[i].kernel]) return false;
  }
  return true;
}

cudaError_t persist(const std::vector<Launch>& launches, const Launch* there,
                    const unsigned char* steps, std::int64_t step_bytes, std::int64_t count,
                    std::int32_t device, cudaStream_t stream) {
  std::int64_t blocks = 1;
  std::int32_t shared = 0;
  for (const Launch& launch : launches) {
    blocks = launch.blocks > blocks ? launch.blocks : blocks;
    shared = launch.shared > shared ? launch.shared : shared;
  }
  int processors = 0, fit = 0;
  cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  const cudaError_t error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(
      &fit, persistent, kMostThreads, static_cast<std::size_t>(shared));
  if (error != cudaSuccess) return error;
  if (fit < 1) return cudaErrorCooperativeLaunchTooLarge;
  blocks = blocks < processors ? blocks : processors;
  auto number = static_cast<std::int64_t>(launches.size());
  void* arguments[] = {&there, &number, &steps, &step_bytes, &count};
  return cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(persistent),
                                     dim3(static_cast<unsigned>(blocks)), dim3(kMostThreads),
                                     arguments, static_cast<std::size_t>(shared), stream);
}

}  // namespace mundur::cuda

#endif

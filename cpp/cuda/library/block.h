#pragma once

// A block of threads, in two builds of one source. Kernels are written as phases between barriers:
//
//   block.phase(f)      f(thread) by all threads, and a barrier
//   block.alone(f)      the same without one: each touches what no other does
//   block.each(n, f)    f(i) for those i of [0, n) that are this block's, in any order
//   block.shared<V>(o)  memory that the block's threads have in common, from byte o on
//   Block::Own<V>       what each thread has of V, own[thread]
//
// nvcc makes them run side by side on a GPU. Here, on the CPU, they run one after another, in an
// order that the device has, forward, reversed or shuffled, and common memory is full of NaN at
// first: what is read before it was written, or by grace of an order, shows in the bits.

#include "cpu/kernels/inline.h"
#include "cuda/launches.h"

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#else
#include <algorithm>
#include <cstring>
#include <vector>
#endif

namespace mundur::cuda {

/// Whether a step before this one ended all.
template <class T>
MUNDUR_INLINE bool is_stopped(const launches::Step<T>& step) {
  return step.stopped && *step.stopped != 0;
}

#if defined(__CUDACC__)

/// Where a kernel is started.
struct Place {
  cudaStream_t stream;
};

class DeviceBlock {
 public:
  template <class V>
  struct Own {
    V of_thread;
    MUNDUR_DEVICE V& operator[](int) { return of_thread; }
  };
  __device__ std::int64_t index() const { return blockIdx.x; }
  __device__ int threads() const { return static_cast<int>(blockDim.x); }
  template <class F>
  __device__ void phase(F f) {
    f(static_cast<int>(threadIdx.x));
    __syncthreads();
  }
  template <class F>
  __device__ void alone(F f) {
    f(static_cast<int>(threadIdx.x));
  }
  template <class F>
  __device__ void each(std::int64_t n, F f) {
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
    std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (; i < n; i += stride) f(i);
  }
  template <class V>
  __device__ V* shared(std::int64_t offset) {
    extern __shared__ __align__(16) unsigned char memory[];
    return reinterpret_cast<V*>(memory + offset);
  }
};

/// So few blocks to a multiprocessor are enough, and may have its registers; 0: nvcc decides.
template <class Arguments>
constexpr int enough_blocks() {
  if constexpr (requires { Arguments::kEnoughBlocks; }) return Arguments::kEnoughBlocks;
  return 0;
}

/// One kernel for all: what it does stands in Code<Arguments>.
template <class Code, class Arguments, class T>
__global__ void __launch_bounds__(kMostThreads, enough_blocks<Arguments>())
    kernel(const Arguments arguments, const launches::Step<T>* step) {
  if (is_stopped(*step)) return;
  DeviceBlock block;
  Code::run(block, arguments, *step);
}

template <class Code, class Arguments, class T>
void start(const Launch& launch, const void* step, const Place& place) {
  Arguments arguments;
  __builtin_memcpy(&arguments, launch.arguments, sizeof arguments);
  kernel<Code, Arguments, T>
      <<<static_cast<unsigned>(launch.blocks), static_cast<unsigned>(launch.threads),
         static_cast<std::size_t>(launch.shared), place.stream>>>(
          arguments, static_cast<const launches::Step<T>*>(step));
}

#else

/// How blocks and their threads take turns.
struct Place {
  enum class Order { forward, reversed, shuffled };
  Order order = Order::forward;
  int late = -1;  // after so many phases of a block there is no barrier: see HostBlock
  std::int64_t first = 0, every = 1;  // of the blocks, those that have their turn
};

/// Numbers 0 to n - 1 in such an order; `turn` makes shuffles differ.
void put_in_order(std::vector<std::int64_t>& turns, std::int64_t n, Place::Order order,
                  std::uint64_t turn);

class HostBlock {
 public:
  template <class V>
  struct Own {
    V of_threads[kMostThreads];
    V& operator[](int thread) { return of_threads[thread]; }
  };
  HostBlock(const Launch& launch, const Place& place)
      : launch_(launch), place_(place), memory_(static_cast<std::size_t>(launch.shared)) {}
  void begin(std::int64_t index) {
    index_ = index;
    phases_ = 0;
    std::fill(memory_.begin(), memory_.end(), static_cast<unsigned char>(0xFF));  // NaN
  }
  std::int64_t index() const { return index_; }
  int threads() const { return launch_.threads; }
  template <class F>
  void phase(F f) {
    if (phases_ == place_.late) before_ = memory_;
    alone(f);
    meet();
  }
  template <class F>
  void alone(F f) {
    put_in_order(turns_, threads(), place_.order, ++turn_);
    for (std::int64_t thread : turns_) f(static_cast<int>(thread));
  }
  template <class F>
  void each(std::int64_t n, F f) {
    const std::int64_t stride = launch_.blocks * threads();
    alone([&](int thread) {
      for (std::int64_t i = index_ * threads() + thread; i < n; i += stride) f(i);
    });
  }
  template <class V>
  V* shared(std::int64_t offset) {
    return reinterpret_cast<V*>(memory_.data() + offset);
  }

 private:
  /// A barrier; or, where one is left out, what was written in front of it is seen one phase late.
  void meet() {
    if (phases_ == place_.late) {
      late_ = memory_;
      memory_ = before_;
    } else if (phases_ == place_.late + 1 && !late_.empty()) {
      for (std::size_t i = 0; i < memory_.size(); ++i) {
        if (late_[i] != before_[i]) memory_[i] = late_[i];
      }
    }
    ++phases_;
  }

  const Launch& launch_;
  const Place& place_;
  std::vector<unsigned char> memory_, before_, late_;
  std::vector<std::int64_t> turns_;
  std::int64_t index_ = 0;
  std::uint64_t turn_ = 0;
  int phases_ = 0;
};

template <class Code, class Arguments, class T>
void start(const Launch& launch, const void* step, const Place& place) {
  Arguments arguments;
  std::memcpy(&arguments, launch.arguments, sizeof arguments);
  const auto& of_step = *static_cast<const launches::Step<T>*>(step);
  if (is_stopped(of_step)) return;
  std::vector<std::int64_t> turns;
  put_in_order(turns, (launch.blocks - place.first + place.every - 1) / place.every, place.order,
               0);
  HostBlock block(launch, place);
  for (std::int64_t index : turns) {
    block.begin(place.first + index * place.every);
    Code::run(block, arguments, of_step);
  }
}

#endif

using Start = void (*)(const Launch& launch, const void* step, const Place& place);
#define MUNDUR_STARTS(name) void start_##name(const Launch&, const void* step, const Place&);
MUNDUR_LAUNCHES(MUNDUR_STARTS)
#undef MUNDUR_STARTS

}  // namespace mundur::cuda

namespace mundur::MUNDUR_ISA {
namespace {

/// What each kernel's threads do, for its arguments.
template <class Arguments>
struct Code;

}  // namespace
}  // namespace mundur::MUNDUR_ISA

/// Behind the kernels of a file: how each is started, for both element types. What includes such a
/// file for its code alone says MUNDUR_CODE_ALONE.
#if defined(MUNDUR_CODE_ALONE)
#define MUNDUR_STARTED(name)
#else
#define MUNDUR_STARTED(name)                                                                   \
  void cuda::start_##name(const cuda::Launch& launch, const void* step,                        \
                          const cuda::Place& place) {                                          \
    static_assert(sizeof(launches::name<double>) <= cuda::kMostArguments);                     \
    if (launch.is_double) {                                                                    \
      using Arguments = launches::name<double>;                                                \
      return cuda::start<MUNDUR_ISA::Code<Arguments>, Arguments, double>(launch, step, place); \
    }                                                                                          \
    using Arguments = launches::name<float>;                                                   \
    cuda::start<MUNDUR_ISA::Code<Arguments>, Arguments, float>(launch, step, place);           \
  }
#endif

// The library on a GPU: memory, copies and launches, in order, on one stream.

#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

#include "cuda/library/block.h"
#include "cuda/library/persistent.h"

namespace mundur::cuda {
namespace {

constexpr int kSteps = 64;  // that may be on their way at once
constexpr std::int64_t kStepBytes = 1024;

std::int32_t number(cudaError_t error) { return static_cast<std::int32_t>(error); }

Found look() {
  Found found{Trouble::none, 0, 0, 0};
  cudaDriverGetVersion(&found.driver);
  cudaRuntimeGetVersion(&found.needed);
  if (found.driver == 0) {
    found.trouble = Trouble::no_driver;
    return found;
  }
  const cudaError_t error = cudaGetDeviceCount(&found.devices);
  if (error == cudaErrorInsufficientDriver) {
    found.trouble = Trouble::old_driver;
  } else if (error == cudaErrorNoDevice || (error == cudaSuccess && found.devices == 0)) {
    found.trouble = Trouble::no_device;
  } else if (error != cudaSuccess) {
    found.trouble = Trouble::other;
  }
  return found;
}

}  // namespace

struct Context {
  std::int32_t device = 0;
  cudaStream_t stream = nullptr;
  unsigned char *steps = nullptr, *sent = nullptr;  // the device's, and where they come from
  std::int64_t sent_steps = 0;
};

namespace {

std::int32_t open(std::int32_t device, Context** context) {
  *context = nullptr;
  auto* const made = new (std::nothrow) Context;
  if (!made) return number(cudaErrorMemoryAllocation);
  made->device = device;
  cudaError_t error = cudaSetDevice(device);
  if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&made->stream, cudaStreamNonBlocking);
  if (error == cudaSuccess) error = cudaMalloc(&made->steps, kSteps * kStepBytes);
  if (error == cudaSuccess) error = cudaMallocHost(&made->sent, kSteps * kStepBytes);
  if (error != cudaSuccess) {
    delete made;
    return number(error);
  }
  *context = made;
  return 0;
}

void close(Context* context) {
  cudaSetDevice(context->device);
  cudaStreamSynchronize(context->stream);
  cudaFree(context->steps);
  cudaFreeHost(context->sent);
  cudaStreamDestroy(context->stream);
  delete context;
}

void name(Context* context, char* text, std::int64_t size) {
  cudaDeviceProp properties;
  const bool known = cudaGetDeviceProperties(&properties, context->device) == cudaSuccess;
  std::snprintf(text, static_cast<std::size_t>(size), "%s", known ? properties.name : "?");
}

const char* text(std::int32_t error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }

std::int32_t room(Context* context, std::int64_t* free_bytes) {
  cudaSetDevice(context->device);
  std::size_t free = 0, all = 0;
  const cudaError_t error = cudaMemGetInfo(&free, &all);
  *free_bytes = static_cast<std::int64_t>(free);
  return number(error);
}

std::int32_t take(Context* context, std::int64_t bytes, void** memory) {
  cudaSetDevice(context->device);
  const cudaError_t error = cudaMalloc(memory, static_cast<std::size_t>(bytes));
  if (error != cudaSuccess) {
    cudaGetLastError();  // it is told here, and no later call shall find it
    return number(error);
  }
  return number(cudaMemsetAsync(*memory, 0xFF, static_cast<std::size_t>(bytes), context->stream));
}

void give_back(Context* context, void* memory) {
  cudaSetDevice(context->device);
  cudaFree(memory);
}

std::int32_t up(Context* context, void* to, const void* from, std::int64_t bytes) {
  cudaSetDevice(context->device);
  return number(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice,
                                context->stream));
}

std::int32_t down(Context* context, void* to, const void* from, std::int64_t bytes) {
  cudaSetDevice(context->device);
  const cudaError_t error = cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes),
                                            cudaMemcpyDeviceToHost, context->stream);
  return number(error == cudaSuccess ? cudaStreamSynchronize(context->stream) : error);
}

std::int32_t copy(Context* context, void* to, const void* from, std::int64_t bytes) {
  cudaSetDevice(context->device);
  return number(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice,
                                context->stream));
}

constexpr Start kStarts[] = {
#define MUNDUR_START(name) start_##name,
    MUNDUR_LAUNCHES(MUNDUR_START)
#undef MUNDUR_START
};

std::int32_t run(Context* context, const Launch* launches, std::int64_t count, const void* step,
                 std::int64_t step_bytes) {
  cudaSetDevice(context->device);
  if (step_bytes > kStepBytes) return number(cudaErrorInvalidValue);
  const std::int64_t turn = context->sent_steps++ % kSteps;
  if (turn == 0) {  // all before it may still be read
    const cudaError_t error = cudaStreamSynchronize(context->stream);
    if (error != cudaSuccess) return number(error);
  }
  unsigned char* const at = context->steps + turn * kStepBytes;
  unsigned char* const from = context->sent + turn * kStepBytes;
  std::memcpy(from, step, static_cast<std::size_t>(step_bytes));
  const cudaError_t error = cudaMemcpyAsync(at, from, static_cast<std::size_t>(step_bytes),
                                            cudaMemcpyHostToDevice, context->stream);
  if (error != cudaSuccess) return number(error);
  const Place place{context->stream};
  for (std::int64_t i = 0; i < count; ++i) {
    kStarts[launches[i].kernel](launches[i], at, place);
  }
  return number(cudaGetLastError());
}

}  // namespace

struct Prepared {
  std::vector<Launch> launches;
  Executor executor = Executor::launches;
  Launch* there = nullptr;          // of a persistent kernel
  cudaGraphExec_t graph = nullptr;  // of kRecorded steps, which lie in `recorded`
  unsigned char *recorded = nullptr, *steps = nullptr, *sent = nullptr;
  std::int64_t room = 0;  // bytes of `steps` and of `sent`, which they come from
};

namespace {

cudaError_t launch_all(const Prepared& all, const void* step, const Context& context) {
  const Place place{context.stream};
  for (const Launch& launch : all.launches) kStarts[launch.kernel](launch, step, place);
  return cudaGetLastError();
}

/// The steps of a graph are `step_bytes` apart.
cudaError_t record(Prepared& all, const Context& context, std::int64_t step_bytes) {
  cudaError_t error = cudaMalloc(&all.recorded, static_cast<std::size_t>(kRecorded * step_bytes));
  if (error != cudaSuccess) return error;
  error = cudaStreamBeginCapture(context.stream, cudaStreamCaptureModeThreadLocal);
  if (error != cudaSuccess) return error;
  for (std::int64_t i = 0; i < kRecorded && error == cudaSuccess; ++i) {
    error = launch_all(all, all.recorded + i * step_bytes, context);
  }
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(context.stream, &graph);
  if (error == cudaSuccess) error = ended;
  if (error == cudaSuccess) error = cudaGraphInstantiate(&all.graph, graph, 0);
  if (graph) cudaGraphDestroy(graph);
  return error;
}

void forget(Context* context, Prepared* all) {
  cudaSetDevice(context->device);
  cudaStreamSynchronize(context->stream);
  if (all->graph) cudaGraphExecDestroy(all->graph);
  cudaFree(all->there);
  cudaFree(all->recorded);
  cudaFree(all->steps);
  cudaFreeHost(all->sent);
  delete all;
}

std::int32_t prepare(Context* context, const Launch* launches, std::int64_t count,
                     Executor executor, Prepared** prepared) {
  cudaSetDevice(context->device);
  *prepared = nullptr;
  const bool persists = executor == Executor::persistent;
  if (persists && !can_persist(launches, count, context->device)) return 0;
  auto* const made = new (std::nothrow) Prepared;
  if (!made) return number(cudaErrorMemoryAllocation);
  made->executor = executor;
  made->launches.assign(launches, launches + count);
  if (persists) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(Launch);
    cudaError_t error = cudaMalloc(&made->there, bytes);
    if (error == cudaSuccess) {
      error =
          cudaMemcpyAsync(made->there, launches, bytes, cudaMemcpyHostToDevice, context->stream);
    }
    if (error == cudaSuccess) error = cudaStreamSynchronize(context->stream);
    if (error != cudaSuccess) {
      forget(context, made);
      return number(error);
    }
  }
  *prepared = made;
  return 0;
}

/// All steps to the device; none before them is on its way any more.
cudaError_t send(Prepared& all, const Context& context, const void* steps, std::int64_t bytes) {
  cudaError_t error = cudaStreamSynchronize(context.stream);
  if (error == cudaSuccess && bytes > all.room) {
    cudaFree(all.steps);
    cudaFreeHost(all.sent);
    all.steps = all.sent = nullptr;
    all.room = 0;
    error = cudaMalloc(&all.steps, static_cast<std::size_t>(bytes));
    if (error == cudaSuccess) error = cudaMallocHost(&all.sent, static_cast<std::size_t>(bytes));
    if (error == cudaSuccess) all.room = bytes;
  }
  if (error != cudaSuccess) return error;
  std::memcpy(all.sent, steps, static_cast<std::size_t>(bytes));
  return cudaMemcpyAsync(all.steps, all.sent, static_cast<std::size_t>(bytes),
                         cudaMemcpyHostToDevice, context.stream);
}

std::int32_t repeat(Context* context, Prepared* all, const void* steps, std::int64_t step_bytes,
                    std::int64_t count) {
  cudaSetDevice(context->device);
  cudaError_t error = send(*all, *context, steps, count * step_bytes);
  if (error == cudaSuccess && all->executor == Executor::persistent) {
    error = persist(all->launches, all->there, all->steps, step_bytes, count, context->device,
                    context->stream);
    return number(error);
  }
  if (error == cudaSuccess && all->executor == Executor::graph && !all->graph &&
      count >= kRecorded) {
    error = record(*all, *context, step_bytes);
  }
  for (std::int64_t i = 0; i < count && error == cudaSuccess;) {
    const unsigned char* const step = all->steps + i * step_bytes;
    if (!all->graph || count - i < kRecorded) {
      error = launch_all(*all, step, *context);
      ++i;
      continue;
    }
    error = cudaMemcpyAsync(all->recorded, step, static_cast<std::size_t>(kRecorded * step_bytes),
                            cudaMemcpyDeviceToDevice, context->stream);
    if (error == cudaSuccess) error = cudaGraphLaunch(all->graph, context->stream);
    i += kRecorded;
  }
  return number(error);
}

constexpr Functions kFunctions = {kAbi, 0,       MUNDUR_VERSION, look,      open, close, name,
                                  text, room,    take,           give_back, up,   down,  copy,
                                  run,  prepare, repeat,         forget};

}  // namespace
}  // namespace mundur::cuda

extern "C" __attribute__((visibility("default"))) const mundur::cuda::Functions* mundur_cuda(
    std::int32_t abi) {
  return abi == mundur::cuda::kAbi ? &mundur::cuda::kFunctions : nullptr;
}

// The library on a GPU: memory, copies and launches, in order, on one stream.

#include <cstdio>
#include <cstring>
#include <new>

#include "cuda/library/block.h"

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

constexpr Functions kFunctions = {kAbi, 0,    MUNDUR_VERSION, look,      open, close, name,
                                  text, room, take,           give_back, up,   down,  run};

}  // namespace
}  // namespace mundur::cuda

extern "C" __attribute__((visibility("default"))) const mundur::cuda::Functions* mundur_cuda(
    std::int32_t abi) {
  return abi == mundur::cuda::kAbi ? &mundur::cuda::kFunctions : nullptr;
}

#pragma once

// What the core and the library that computes on a GPU know of each other: plain data and a table
// of functions in C. Both are built from one source tree; the table's first members tell whether
// they were.

#include <cstddef>
#include <cstdint>

namespace mundur::cuda {

/// Grows with any change to what stands here or in launches.h.
inline constexpr std::int32_t kAbi = 8;

/// The most threads of a block, and bytes of a kernel's arguments.
inline constexpr int kMostThreads = 256;
inline constexpr std::size_t kMostArguments = 328;

/// One kernel, on so many blocks of threads, with the arguments of launches.h.
struct Launch {
  std::int32_t kernel;
  std::int32_t is_double;
  std::int64_t blocks;
  std::int32_t threads;
  std::int32_t shared;  // bytes of memory that a block's threads have in common
  alignas(8) unsigned char arguments[kMostArguments];
};

/// Why nothing can be computed: see Functions::look.
enum class Trouble : std::int32_t { none, no_driver, old_driver, no_device, other };
/// What there is; versions as CUDA counts them, 13000 for 13.0.
struct Found {
  Trouble trouble;
  std::int32_t devices;
  std::int32_t driver, needed;
};

/// A place to compute on one device: what it is told is done in that order, beside what others are.
struct Context;

/// How launches come about. The bits are the same.
enum class Executor : std::int32_t {
  launches,   // one by one
  graph,      // those of several steps recorded, and launched as one
  persistent  // one launch, whose blocks go through all of them and wait for each other between
};
inline constexpr const char* kExecutors[] = {"launches", "graph", "persistent"};
/// Launches that are made again and again, for steps that differ.
struct Prepared;
/// Steps that are recorded as one.
inline constexpr std::int64_t kRecorded = 16;

/// Those that return a number return 0, or what text() explains.
struct Functions {
  std::int32_t abi;
  std::int32_t is_emulation;  // on the CPU
  const char* version;        // of the package
  Found (*look)();
  std::int32_t (*open)(std::int32_t device, Context** context);
  void (*close)(Context* context);
  void (*name)(Context* context, char* text, std::int64_t size);
  const char* (*text)(std::int32_t error);
  std::int32_t (*room)(Context* context, std::int64_t* free_bytes);
  std::int32_t (*take)(Context* context, std::int64_t bytes, void** memory);
  void (*give_back)(Context* context, void* memory);
  /// In the order in which they are called; `down` has happened when it returns, `up` may read
  /// `from` no longer.
  std::int32_t (*up)(Context* context, void* to, const void* from, std::int64_t bytes);
  std::int32_t (*down)(Context* context, void* to, const void* from, std::int64_t bytes);
  std::int32_t (*copy)(Context* context, void* to, const void* from, std::int64_t bytes);
  /// All of them, one behind the other; `step` is what they know of the step, Step in launches.h.
  std::int32_t (*run)(Context* context, const Launch* launches, std::int64_t count,
                      const void* step, std::int64_t step_bytes);
  /// They are copied. `prepared` is null where that executor does not have one of the kernels, or
  /// the device not the executor.
  std::int32_t (*prepare)(Context* context, const Launch* launches, std::int64_t count,
                          Executor executor, Prepared** prepared);
  /// For each of `count` steps, one behind the other.
  std::int32_t (*repeat)(Context* context, Prepared* prepared, const void* steps,
                         std::int64_t step_bytes, std::int64_t count);
  void (*forget)(Context* context, Prepared* prepared);
};

/// The name and the type of the library's one function: null for an ABI that is not its own.
inline constexpr const char* kEntry = "mundur_cuda";
using Entry = const Functions* (*)(std::int32_t abi);

}  // namespace mundur::cuda

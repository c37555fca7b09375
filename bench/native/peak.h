#pragma once

// What the machine can do, measured: the limits that the benchmarks are held against. Each is the
// best of many short measurements, taken once per process; shares of the peak are told beside one
// taken right before and after (timing.h), since clocks fall under load.

#include <cstdint>
#include <string>

#include "mundur/types.h"

namespace mundur_bench {

/// Floating-point operations per second of so many cores that do nothing but independent fused
/// multiply-adds in registers, two operations for each lane.
template <class T>
double fma_peak(mundur::Isa isa, int threads = 1);

/// The same of what the instruction set computes products in bfloat16 with, four operations for
/// each lane of pairs.
double bfloat16_peak(mundur::Isa isa, mundur::Compute kind, int threads = 1);

/// Some microseconds of the same, by the calling thread; the operations done.
template <class T>
std::int64_t fma_work(mundur::Isa isa);
std::int64_t bfloat16_work(mundur::Isa isa, mundur::Compute kind);

/// Seconds of one fused multiply-add that waits for the one before it.
template <class T>
double fma_latency(mundur::Isa isa);

/// Bytes per second that so many cores read from so many bytes, again and again, a share each:
/// from the cache that holds them, or from memory.
double read_rate(mundur::Isa isa, std::int64_t bytes, int threads);

/// Where a core finds so many bytes again and again: "L1", "L2", "L3" or "memory".
std::string cache_of(std::int64_t bytes);

/// Seconds of a meeting of so many workers. Between virtual processors it may change by a factor of
/// five with where their host puts them.
double barrier_time(int threads);

}  // namespace mundur_bench

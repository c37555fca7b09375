#pragma once

// What the machine can do, measured: the limits that the benchmarks are held against.

#include <cstdint>

#include "mundur/types.h"

namespace mundur_bench {

/// Floating-point operations per second of so many cores that do nothing but independent fused
/// multiply-adds in registers, two operations for each lane. The best of many short measurements,
/// taken once per process, type, instruction set and number of threads.
template <class T>
double fma_peak(mundur::Isa isa, int threads = 1);

/// Bytes per second that so many cores read from so many bytes, again and again, a share each:
/// from the cache that holds them, or from memory.
double read_rate(mundur::Isa isa, std::int64_t bytes, int threads);

}  // namespace mundur_bench

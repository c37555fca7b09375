#pragma once

// What the machine can do, measured: the limits that the benchmarks are held against.

#include "mundur/types.h"

namespace mundur_bench {

/// Floating-point operations per second of one core that does nothing but independent fused
/// multiply-adds in registers, two operations for each lane. The best of many short measurements,
/// taken once per process, type and instruction set.
template <class T>
double fma_peak(mundur::Isa isa);

}  // namespace mundur_bench

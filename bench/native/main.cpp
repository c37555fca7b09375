// Every other source of this folder registers its own benchmarks.

#include <benchmark/benchmark.h>

BENCHMARK_MAIN();

#pragma once

// How kernels' functions are declared. A GPU's compiler builds some of them for its threads, and is
// told so.

#if defined(__CUDACC__)
#define MUNDUR_DEVICE __host__ __device__
#define MUNDUR_INLINE MUNDUR_DEVICE __forceinline__
#define MUNDUR_BODY
#define MUNDUR_UNROLL _Pragma("unroll")
// One lane takes sixteen turns where registers take one: their code would be there as often.
#define MUNDUR_ROLLED _Pragma("unroll 1")
#else
#define MUNDUR_DEVICE
#define MUNDUR_INLINE inline __attribute__((always_inline))
// After a lambda's parameters: a loop body that a compiler leaves as a call costs more than its
// arithmetic.
#define MUNDUR_BODY __attribute__((always_inline))
#define MUNDUR_UNROLL _Pragma("GCC unroll 16")
#define MUNDUR_ROLLED
#endif

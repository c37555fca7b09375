#pragma once

// What the instruction sets of x86 share. Included by vec.h only.

#include <immintrin.h>

namespace mundur::MUNDUR_ISA {
namespace {

constexpr bool kFlushes = true;

class Flushing {
 public:
  Flushing() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlushToZero | kSubnormalsAreZero); }
  ~Flushing() { _mm_setcsr(before_); }
  Flushing(const Flushing&) = delete;
  Flushing& operator=(const Flushing&) = delete;

 private:
  static constexpr unsigned kFlushToZero = 0x8000, kSubnormalsAreZero = 0x0040;
  unsigned before_;
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

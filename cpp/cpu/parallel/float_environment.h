#pragma once

#include <cstdint>

namespace mundur {

/// Round to nearest, no flush to zero, no traps, for as long as it lives: the promise of bits must
/// not hang on what a host program set.
class FloatEnvironment {
 public:
  FloatEnvironment() : before_(get()) { set(kDefault); }
  ~FloatEnvironment() { set(before_); }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
#if defined(__x86_64__)
  using Word = std::uint32_t;
  static constexpr Word kDefault = 0x1F80;
  static Word get() { return __builtin_ia32_stmxcsr(); }
  static void set(Word word) { __builtin_ia32_ldmxcsr(word); }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  static constexpr Word kDefault = 0;
  static Word get() {
    Word word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void set(Word word) { __asm__ volatile("msr fpcr, %0" : : "r"(word)); }
#else
#error "say here how this processor sets rounding and flush-to-zero"
#endif
  Word before_;
};

}  // namespace mundur

#pragma once

// Random words: which are whose stands in cpu/kernels/isa/random.cpp.

#include "cpu/kernels/philox.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
MUNDUR_INLINE RandomKey key_of(const launches::Key& key, const launches::Step<T>& step) {
  return {key.own_seed ? key.seed : step.seed, key.place | step.forward};
}

/// The block of counter number `counter`.
MUNDUR_INLINE PhiloxBlock words_of(RandomKey key, std::uint64_t counter) {
  const auto low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
  return philox4x32_10({{low(counter), low(counter >> 32), low(key.stream), low(key.stream >> 32)}},
                       low(key.key), low(key.key >> 32));
}
/// That of element e of those that dropout draws for.
MUNDUR_INLINE std::uint32_t word_of(RandomKey key, std::uint64_t e) {
  return words_of(key, e / 64 * 16 + e % 16).word[e % 64 / 16];
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

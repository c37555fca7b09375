#pragma once

// Random words: which are whose stands in cpu/kernels/isa/random.cpp.

#include "cpu/images.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
MUNDUR_INLINE RandomKey key_of(const launches::Key& key, const launches::Step<T>& step) {
  return {key.own_seed ? key.seed : step.seed, key.place | step.forward};
}

/// That of element e of those that dropout draws for.
MUNDUR_INLINE std::uint32_t word_of(RandomKey key, std::uint64_t e) {
  return philox_of(e / 64 * 16 + e % 16, key).word[e % 64 / 16];
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA

#pragma once

// Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random
// numbers: as easy as 1, 2, 3" (SC 2011), with Random123's constants. Static: the sources of each
// instruction set need a copy of their own.

#include <cstdint>

namespace mundur {

struct PhiloxBlock {
  std::uint32_t word[4];
};

static constexpr std::uint32_t kPhiloxMultiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
static constexpr std::uint32_t kPhiloxKeyStep[2] = {0x9E3779B9u, 0xBB67AE85u};
static constexpr int kPhiloxRounds = 10;

/// The 128-bit counter, lowest word first, under a 64-bit key, lowest word first, gives four random
/// words.
static inline constexpr PhiloxBlock philox4x32_10(PhiloxBlock counter, std::uint32_t key0,
                                                  std::uint32_t key1) {
  std::uint32_t c0 = counter.word[0], c1 = counter.word[1], c2 = counter.word[2],
                c3 = counter.word[3];
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{kPhiloxMultiplier[0]} * c0;
    const std::uint64_t product1 = std::uint64_t{kPhiloxMultiplier[1]} * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<std::uint32_t>(product1);
    c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<std::uint32_t>(product0);
    key0 += kPhiloxKeyStep[0];
    key1 += kPhiloxKeyStep[1];
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace mundur

#include <algorithm>
#include <numeric>
#include <utility>

#include "cpu/kernels/philox.h"
#include "mundur/data.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

/// Streams of shuffles: apart from initialisers' (small numbers) and masks' (top bit set).
constexpr std::uint64_t kShuffles = std::uint64_t{1} << 62;

PhiloxBlock draw(std::uint64_t block, std::uint64_t stream, std::uint64_t key) {
  const auto low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
  return philox4x32_10({{low(block), low(block >> 32), low(stream), low(stream >> 32)}}, low(key),
                       low(key >> 32));
}

/// Uniform in [0, n): the high half of a 64-bit random number times n, whose bias is below n /
/// 2^64.
std::int64_t below(std::uint64_t bits, std::int64_t n) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int64_t>((static_cast<Wide>(bits) * static_cast<Wide>(n)) >> 64);
}

/// Fisher and Yates, from the end; two places per Philox block, counted from `first`.
void shuffle(std::int64_t* order, std::int64_t n, std::uint64_t first, std::uint64_t seed,
             std::uint64_t epoch) {
  PhiloxBlock words{};
  for (std::int64_t i = n - 1, drawn = 0; i > 0; --i, ++drawn) {
    if (drawn % 2 == 0) {
      words = draw(first + static_cast<std::uint64_t>(drawn / 2), kShuffles | epoch, seed);
    }
    const std::uint32_t* pair = words.word + drawn % 2 * 2;
    const std::uint64_t bits = std::uint64_t{pair[1]} << 32 | pair[0];
    std::swap(order[i], order[below(bits, i + 1)]);
  }
}

}  // namespace

void permutation(std::int64_t* order, std::int64_t n, std::uint64_t seed, std::uint64_t epoch) {
  std::iota(order, order + n, std::int64_t{0});
  shuffle(order, n, 0, seed, epoch);
}

void block_permutation(std::int64_t* order, std::int64_t n, std::int64_t block, std::uint64_t seed,
                       std::uint64_t epoch) {
  const std::int64_t blocks = (n + block - 1) / block;
  constexpr const char* kWhat = "the order of the blocks";
  Buffer turns(checked_product(blocks, sizeof(std::int64_t), kWhat), kWhat, Fill::none);
  permutation(turns.as<std::int64_t>(), blocks, seed, epoch);
  std::int64_t* next = order;
  for (std::int64_t i = 0; i < blocks; ++i) {
    const std::int64_t begin = turns.as<std::int64_t>()[i] * block;
    const std::int64_t count = std::min(block, n - begin);
    std::iota(next, next + count, begin);
    // Each block draws from a stretch of its own, behind that of the blocks' order.
    shuffle(next, count, static_cast<std::uint64_t>(blocks + begin), seed, epoch);
    next += count;
  }
}

}  // namespace mundur

#include <utility>

#include "kernels/philox.h"
#include "mundur/data.h"

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

}  // namespace

// Fisher and Yates, from the end; two places per Philox block.
void permutation(std::int64_t* order, std::int64_t n, std::uint64_t seed, std::uint64_t epoch) {
  for (std::int64_t i = 0; i < n; ++i) order[i] = i;
  PhiloxBlock words{};
  for (std::int64_t i = n - 1, drawn = 0; i > 0; --i, ++drawn) {
    if (drawn % 2 == 0) {
      words = draw(static_cast<std::uint64_t>(drawn / 2), kShuffles | epoch, seed);
    }
    const std::uint32_t* pair = words.word + drawn % 2 * 2;
    const std::uint64_t bits = std::uint64_t{pair[1]} << 32 | pair[0];
    std::swap(order[i], order[below(bits, i + 1)]);
  }
}

}  // namespace mundur

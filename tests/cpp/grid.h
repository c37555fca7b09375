#pragma once

// Sizes with each other, as many as a run has time for.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace check {

/// Under a sanitizer.
constexpr bool kSparse = MUNDUR_SPARSE;

/// Calls of(b, i, o) for all triples; if sparse, for a third, in which most pairs of sizes meet.
template <class Of>
void grid(const std::vector<std::int64_t>& B, const std::vector<std::int64_t>& I,
          const std::vector<std::int64_t>& O, Of of) {
  for (std::size_t b = 0; b < B.size(); ++b) {
    for (std::size_t i = 0; i < I.size(); ++i) {
      for (std::size_t o = 0; o < O.size(); ++o) {
        if (!kSparse || (b + i + o) % 3 == 0) of(B[b], I[i], O[o]);
      }
    }
  }
}

}  // namespace check

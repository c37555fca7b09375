#pragma once

// Where the values of a program lie: by lifetime, so that a value takes the place of those that
// nobody reads any more.

#include "program/program.h"

namespace mundur {

struct Placement {
  std::vector<std::int64_t> offsets;  // bytes, of each value; -1: it has no memory of the program's
  std::int64_t bytes = 0;
};

/// `bytes_of` says what a value takes for so many samples. Throws OutOfMemory where that is more
/// than any machine has.
Placement place(const Program& program,
                const std::function<std::int64_t(const ValueInfo& value)>& bytes_of);

}  // namespace mundur

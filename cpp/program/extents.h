#pragma once

#include "program/program.h"

namespace mundur {

/// How large the values of a program are for a batch of so many samples.
class Extents {
 public:
  Extents(const Program& program, std::int64_t samples) : batch(samples), program_(program) {}

  const std::int64_t batch;

  const ValueInfo& operator[](Value value) const { return program_[value]; }
  std::int64_t samples(Value value) const {
    const std::int64_t each = program_[value].samples;
    return each == 0 ? 1 : batch * each;
  }
  std::int64_t size(Value value) const { return samples(value) * program_[value].size(); }
  /// Of the last axis.
  std::int64_t columns(Value value) const {
    const Shape& shape = program_[value].shape;
    return shape.empty() ? 1 : shape.back();
  }
  std::int64_t rows(Value value) const { return columns(value) ? size(value) / columns(value) : 0; }
  /// Of each sample of the batch.
  std::int64_t rows_of_sample(Value value) const {
    return program_[value].samples * program_[value].size() / columns(value);
  }

 protected:
  const Program& program_;
};

}  // namespace mundur

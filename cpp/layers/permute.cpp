// Permute: the axes of a sample in another order.

#include <algorithm>

#include "layers/permuted.h"

namespace mundur {
namespace {

class Permute final : public Layer {
 public:
  explicit Permute(const PermuteSpec& spec) : axes_(spec.axes) {
    Shape sorted = axes_;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] != static_cast<std::int64_t>(i))
        throw std::invalid_argument("axes: expected each from 0 on once");
    }
  }

  Shape build(Setup&, const Shape& input) override {
    if (input.size() != axes_.size()) {
      throw std::invalid_argument("axes: expected as many as a sample has, " +
                                  std::to_string(input.size()) + ", got " +
                                  std::to_string(axes_.size()));
    }
    for (std::int64_t axis : axes_) output_.push_back(input[static_cast<std::size_t>(axis)]);
    return output_;
  }
  bool passes_mask() const override { return false; }

  Value forward(Builder& b, Value x) const override { return permuted(b, x, axes_); }

 private:
  Shape axes_, output_;
};

}  // namespace

MUNDUR_LAYER(Permute);

}  // namespace mundur

// Merging: Add, Multiply, Average and Concatenate, of one input or more.

#include "layers/merging.h"

#include "mundur/memory.h"

namespace mundur {

// y = Σ_i x_i        y = Π_i x_i        y = Σ_i x_i / n        y = (x_1, x_2, ...)
Value merge(Builder& b, Merge how, const std::vector<Value>& x) {
  if (how == Merge::concat) return b.concatenate(x);
  Value y = x.front();
  for (std::size_t i = 1; i < x.size(); ++i) {
    y = how == Merge::mul ? b.multiply(y, x[i]) : b.add(y, x[i]);
  }
  return how == Merge::ave ? b.rescale(y, 1.0 / static_cast<double>(x.size()), 0.0) : y;
}

namespace {

class Merging final : public Layer {
 public:
  explicit Merging(const MergingSpec& spec) : merge_(spec.merge) {}

  Shape build(Setup& setup, const Shape& input) override { return build_on(setup, {input}); }
  Shape build_on(Setup&, const std::vector<Shape>& inputs) override {
    const bool side_by_side = merge_ == Merge::concat;
    Shape output = inputs.front();
    std::int64_t columns = 0;
    for (const Shape& input : inputs) {
      Shape alike = input;
      if (side_by_side) {
        columns = checked_sum(columns, last_axis(input), "one sample");
        alike.back() = output.back();
      }
      if (alike == output) continue;
      throw std::invalid_argument(std::string("expected inputs of the same shape") +
                                  (side_by_side ? " but for the last axis" : "") + ", got " +
                                  text_of(output) + " and " + text_of(input));
    }
    if (side_by_side) output.back() = columns;
    return output;
  }

  Value forward(Builder& b, Value x) const override { return forward_of(b, {x}); }
  // As in Keras, a step that a factor's mask lacks is a factor of 1; one that all lack gives 0.
  Value forward_of(Builder& b, const std::vector<Value>& x) const override {
    if (merge_ != Merge::mul) return merge(b, merge_, x);
    std::vector<Value> factors;
    for (Value one : x) factors.push_back(b.mask(one) ? b.mask_steps(one, b.mask(one), 1.0) : one);
    const Value y = merge(b, merge_, factors), mask = b.mask_of(x);
    return mask ? b.mask_steps(y, mask) : y;
  }

 private:
  Merge merge_;
};

}  // namespace

MUNDUR_LAYER(Merging);

}  // namespace mundur

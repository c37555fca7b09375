// Merging: Add, Subtract, Multiply, Average, Maximum, Minimum and Concatenate, of one input or
// more.

#include "layers/merging.h"

#include "mundur/memory.h"

namespace mundur {

namespace {

Value both(Builder& b, Merge how, Value x, Value y) {
  switch (how) {
    case Merge::mul:
      return b.multiply(x, y);
    case Merge::sub:
      return b.add(x, b.rescale(y, -1.0, -0.0));
    case Merge::max:
    case Merge::min:
      return b.larger(x, y, how == Merge::min);
    default:
      return b.add(x, y);
  }
}

}  // namespace

// y = Σ_i x_i        y = Π_i x_i        y = Σ_i x_i / n        y = x_1 − x_2
// y = max_i x_i      y = min_i x_i      y = (x_1, x_2, ...)
Value merge(Builder& b, Merge how, const std::vector<Value>& x) {
  if (how == Merge::concat) return b.concatenate(x);
  Value y = x.front();
  for (std::size_t i = 1; i < x.size(); ++i) y = both(b, how, y, x[i]);
  return how == Merge::ave ? b.rescale(y, 1.0 / static_cast<double>(x.size()), 0.0) : y;
}

namespace {

class Merging final : public Layer {
 public:
  explicit Merging(const MergingSpec& spec) : merge_(spec.merge), axis_(spec.axis) {}

  Shape build(Setup& setup, const Shape& input) override { return build_on(setup, {input}); }
  Shape build_on(Setup&, const std::vector<Shape>& inputs) override {
    const bool side_by_side = merge_ == Merge::concat;
    Shape output = inputs.front();
    if (merge_ == Merge::sub && inputs.size() != 2) {
      throw std::invalid_argument("expected two inputs, got " + std::to_string(inputs.size()));
    }
    if (side_by_side) {
      last_axis(output);
      if (axis_ < 0) axis_ = std::ssize(output) - 1;
      if (axis_ >= std::ssize(output)) {
        throw std::invalid_argument("axis: expected one of " + text_of(output) + ", got " +
                                    std::to_string(axis_));
      }
    }
    const auto axis = static_cast<std::size_t>(axis_);
    std::int64_t columns = 0;
    for (const Shape& input : inputs) {
      Shape alike = input;
      if (side_by_side && input.size() == output.size()) {
        columns = checked_sum(columns, input[axis], "one sample");
        alike[axis] = output[axis];
      }
      if (alike == output) continue;
      const std::string but = axis + 1 == output.size() ? "the last axis" : "one axis";
      throw std::invalid_argument("expected inputs of the same shape" +
                                  (side_by_side ? " but for " + but : "") + ", got " +
                                  text_of(output) + " and " + text_of(input));
    }
    if (side_by_side) output[axis] = columns;
    output_ = output;
    return output;
  }
  // Along time its steps are others.
  bool passes_mask() const override {
    return merge_ != Merge::concat || axis_ + 1 == std::ssize(output_);
  }

  Value forward(Builder& b, Value x) const override { return forward_of(b, {x}); }
  // As in Keras, a step that a factor's mask lacks is a factor of 1; one that all lack gives 0.
  Value forward_of(Builder& b, const std::vector<Value>& x) const override {
    if (merge_ == Merge::concat) return side_by_side(b, x);
    if (merge_ != Merge::mul) return merge(b, merge_, x);
    std::vector<Value> factors;
    for (Value one : x) factors.push_back(b.mask(one) ? b.mask_steps(one, b.mask(one), 1.0) : one);
    const Value y = merge(b, merge_, factors), mask = b.mask_of(x);
    return mask ? b.mask_steps(y, mask) : y;
  }

 private:
  /// What lies behind the axis belongs to it, in one row.
  Value side_by_side(Builder& b, const std::vector<Value>& x) const {
    if (axis_ + 1 == std::ssize(output_)) return b.concatenate(x);
    const auto row = [&](const Shape& shape) {
      Shape flat(shape.begin(), shape.begin() + axis_);
      flat.push_back(size_of(Shape(shape.begin() + axis_, shape.end())));
      return flat;
    };
    std::vector<Value> parts;
    for (Value one : x) parts.push_back(b.view(one, row(b[one].shape)));
    return b.view(b.concatenate(parts), output_);
  }

  Merge merge_;
  std::int64_t axis_;
  Shape output_;
};

}  // namespace

MUNDUR_LAYER(Merging);

}  // namespace mundur

// Dot: y_ij = Σ_k a_ik b_jk, of two inputs, each brought to length 1 along k if asked for.

#include "layers/permuted.h"
#include "layers/unit_rows.h"

namespace mundur {
namespace {

/// How a sample lies: so many rows, or one, and the axis that sums run along.
Contraction::Side side_of(const Shape& sample, std::int64_t axis) {
  const bool is_last = axis + 1 == std::ssize(sample);
  if (sample.size() == 1) return {1, 1, sample[0], 1};
  return is_last ? Contraction::Side{sample[0], sample[1], sample[1], 1}
                 : Contraction::Side{sample[1], 1, sample[0], sample[1]};
}

class Dot final : public Layer {
 public:
  explicit Dot(const DotSpec& spec) : axes_{spec.axis_a, spec.axis_b}, normalize_(spec.normalize) {}

  Shape build(Setup&, const Shape&) override {
    throw std::invalid_argument("expected two inputs, got 1");
  }
  Shape build_on(Setup& setup, const std::vector<Shape>& inputs) override {
    if (inputs.size() != 2) {
      throw std::invalid_argument("expected two inputs, got " + std::to_string(inputs.size()));
    }
    Shape output;
    for (std::size_t i = 0; i < 2; ++i) {
      const Shape& input = inputs[i];
      if (input.empty() || input.size() > 2) {
        throw std::invalid_argument("expected samples of one or two axes, got " + text_of(input));
      }
      if (axes_[i] < 0 || axes_[i] >= std::ssize(input)) {
        throw std::invalid_argument("axes: expected one of " + text_of(input) + ", got " +
                                    std::to_string(axes_[i]));
      }
      if (input.size() == 2) output.push_back(input[static_cast<std::size_t>(1 - axes_[i])]);
    }
    a_ = side_of(inputs[0], axes_[0]);
    b_ = side_of(inputs[1], axes_[1]);
    if (a_.depth != b_.depth) {
      throw std::invalid_argument("expected axes of one length, got " + text_of(inputs[0]) +
                                  " and " + text_of(inputs[1]));
    }
    if (output.empty()) output.push_back(1);
    setup.work += 2.0 * static_cast<double>(a_.rows * b_.rows * a_.depth);
    output_ = output;
    return output;
  }
  bool passes_mask() const override { return false; }

  Value forward(Builder&, Value x) const override { return x; }
  // y_ij = Σ_k a_ik b_jk
  Value forward_of(Builder& b, const std::vector<Value>& x) const override {
    const Contraction::Side y = {a_.rows, b_.rows, b_.rows, 1};
    return b.contract(along(b, x[0], axes_[0]), along(b, x[1], axes_[1]), output_, {y, a_, b_});
  }

 private:
  // As Keras has it.
  Value along(Builder& b, Value x, std::int64_t axis) const {
    constexpr double kEpsilon = 1e-7;
    if (!normalize_) return x;
    return in_rows(b, x, {axis}, [&](Value rows) { return unit_rows(b, rows, kEpsilon); });
  }

  std::int64_t axes_[2];
  bool normalize_;
  Contraction::Side a_, b_;
  Shape output_;
};

}  // namespace

MUNDUR_LAYER(Dot);

}  // namespace mundur

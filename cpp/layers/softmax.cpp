// Softmax along axes of a sample other than its last alone, which is an activation.

#include "layers/permuted.h"

namespace mundur {
namespace {

// y_i = exp(x_i) / Σ_j exp(x_j), j over all places of the axes together
class Softmax final : public Layer {
 public:
  explicit Softmax(const SoftmaxSpec& spec) : axes_(spec.axes) {}

  Shape build(Setup& setup, const Shape& input) override {
    last_axis(input);
    const auto rank = static_cast<std::int64_t>(input.size());
    axes_ = axes_of(axes_.empty() ? Shape{-1} : axes_, rank);
    setup.head = Activation::softmax;
    return input;
  }

  Value forward(Builder& b, Value x) const override {
    return in_rows(b, x, axes_, [&](Value rows) { return b.activate(Activation::softmax, rows); });
  }

 private:
  Shape axes_;
};

}  // namespace

MUNDUR_LAYER(Softmax);

}  // namespace mundur

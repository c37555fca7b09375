// PReLU: y = x where x > 0, else α x, an α for each element of a sample, or one for several. He,
// Zhang, Ren and Sun, "Delving deep into rectifiers" (2015).

#include "layers/permuted.h"

namespace mundur {
namespace {

class PReLU final : public Layer {
 public:
  explicit PReLU(const PReLUSpec& spec) : shared_(spec.shared) {}

  Shape build(Setup& setup, const Shape& input) override {
    last_axis(input);
    const auto rank = static_cast<std::int64_t>(input.size());
    shared_ = axes_of(shared_, rank);
    alphas_ = input;
    for (std::int64_t axis : shared_) alphas_[static_cast<std::size_t>(axis)] = 1;
    own_ = with_last(rank, shared_);
    own_.resize(own_.size() - shared_.size());
    alpha_ = setup.parameter("alpha", alphas_);
    return input;
  }

  /// What shares an α lies in one column.
  Value forward(Builder& b, Value x) const override {
    return in_rows(b, x, own_, [&](Value rows) { return bent(b, rows); });
  }

 private:
  // y = max(x, 0) + α min(x, 0)
  Value bent(Builder& b, Value x) const {
    const Value above = b.activate(Activation::relu, x);
    return b.add(above, sloped(b, b.activate({Activation::rectifier, {1.0, 0.0, 0.0}}, x)));
  }
  /// Each column times its α: what normalises columns, with mean 0 and variance 0 + 1.
  Value sloped(Builder& b, Value x) const {
    const Shape C = {b[x].shape.back()};
    const Value alpha = b.parameter(alpha_), zero = b.whole("zero", C);
    const Value one = b.whole("one", C), scale = b.whole("scale", C);
    b.emit(op::Zero{zero});
    b.emit(op::NormalizationScale{one, scale, zero, alpha, 1.0});
    const Value y = b.like("y", x);
    b.emit(op::NormalizeColumns{y, x, zero, scale, {}});
    // ∂L/∂x = α ∂L/∂y        ∂L/∂α = Σ_n x_n ∂L/∂y_n
    b.backward(y, {x, alpha}, [=, this, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::NormalizeColumnsDx{dx, dy, x, zero, one, scale, {}, {}, {}, {}});
      b.gradient(x, dx);
      const Value sum = b.whole("sum", alphas_), dalpha = b.like("dalpha", sum);
      b.emit(op::NormalizeColumnsSums{sum, dalpha, dy, x, zero, one});
      b.gradient(alpha, b.copy(dalpha));
    });
    return y;
  }

  Shape shared_, own_, alphas_;
  int alpha_ = 0;
};

}  // namespace

MUNDUR_LAYER(PReLU);

}  // namespace mundur

// Dense: y = f(z), z = x·W + b, on the last axis.

#include "layers/layer.h"

namespace mundur {
namespace {

class Dense final : public Layer {
 public:
  explicit Dense(const DenseSpec& spec) : spec_(spec) {
    if (spec.units >= 1) return;
    throw std::invalid_argument("units: expected at least 1, got " + std::to_string(spec.units));
  }

  Shape build(Setup& setup, const Shape& input) override {
    if (input.empty()) throw std::invalid_argument("Dense needs samples of at least one dimension");
    const Shape kernel = {input.back(), spec_.units};
    w_ = setup.parameter("kernel", kernel);
    if (spec_.use_bias) b_ = setup.parameter("bias", {spec_.units});
    setup.work += work_of(static_cast<double>(rows_of(input)), kernel);
    setup.head = spec_.activation.activation;
    Shape output = input;
    output.back() = spec_.units;
    return output;
  }

  // z_j = Σ_i x_i W_ij + b_j        y_j = f(z_j)
  Value forward(Builder& b, Value x) const override {
    const Value w = b.parameter(w_);
    const Value bias = spec_.use_bias ? b.parameter(b_) : Value{};
    const Value z = b.product(x, w, bias);
    // δ_j = f'(z_j) ∂L/∂y_j        ∂L/∂x_i = Σ_j W_ij δ_j
    // ∂L/∂W_ij = Σ_b x_i δ_j       ∂L/∂b_j = Σ_b δ_j
    b.backward(z, {x, w, bias}, [=, &b](Value delta) {
      b.gradient(x, b.product_dx(delta, w, x));
      b.gradient(w, b.product_dw(x, delta, w));
      if (bias) b.gradient(bias, b.sum_rows(delta, bias));
    });
    return b.activate(spec_.activation, z);
  }

 private:
  DenseSpec spec_;
  int w_ = 0, b_ = 0;
};

}  // namespace

MUNDUR_LAYER(Dense);

}  // namespace mundur

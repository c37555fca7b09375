// Conv2D: y_rt = f(Σ_j Σ_k x_(rS − P + jD, tS − P + kD)·W_jk + b): S the strides, D the dilation, P
// the rows and columns of padding, which hold 0.
//
// The order of sums. y: one chain over (j, k, channel). dx: one chain over (r, t, filter). dW: a
// sum over samples, whose rows are the places (r, t).

#include "layers/convolving.h"

namespace mundur {
namespace {

class Conv2D final : public Layer {
 public:
  explicit Conv2D(const Conv2DSpec& spec) : spec_(spec) {
    if (spec.filters < 1) {
      throw std::invalid_argument("filters: expected at least 1, got " +
                                  std::to_string(spec.filters));
    }
    if (spec.groups < 1 || spec.filters % spec.groups != 0) {
      throw std::invalid_argument("groups: expected a divisor of the filters, got " +
                                  std::to_string(spec.groups));
    }
    for (const Shape* pair : {&spec.kernel_size, &spec.strides, &spec.dilation_rate}) {
      if (pair->size() != 2) throw std::invalid_argument("Conv2D: expected pairs of sizes");
    }
  }

  Shape build(Setup& setup, const Shape& input) override {
    require_axes(input, 2, "Conv2D");
    const std::int64_t C = input[2];
    if (C % spec_.groups != 0) {
      throw std::invalid_argument("groups: expected a divisor of the channels, got " +
                                  std::to_string(spec_.groups));
    }
    const auto axis = [&](std::size_t i) {
      return windows_of(input[i], spec_.kernel_size[i], spec_.strides[i], spec_.dilation_rate[i],
                        spec_.padding);
    };
    windows_ = {axis(0), axis(1)};
    const Shape kernel = {spec_.kernel_size[0], spec_.kernel_size[1], C / spec_.groups,
                          spec_.filters};
    w_ = setup.parameter("kernel", kernel);
    if (spec_.use_bias) b_ = setup.parameter("bias", {spec_.filters});
    setup.work += work_of(static_cast<double>(windows_.out()), kernel);
    setup.head = spec_.activation.activation;
    return {windows_.rows.out, windows_.columns.out, spec_.filters};
  }
  bool passes_mask() const override { return false; }

  // z_rto = Σ_j Σ_k Σ_c x_(rS − P + jD, tS − P + kD)c W_jkco + b_o        y_rto = f(z_rto)
  Value forward(Builder& b, Value x) const override {
    const Value w = b.parameter(w_);
    const Value bias = spec_.use_bias ? b.parameter(b_) : Value{};
    const Value z = b.value("z", {windows_.rows.out, windows_.columns.out, spec_.filters}, x);
    b.emit(op::Convolve2D{z, x, w, bias, windows_, spec_.groups});
    // δ_rto = f'(z_rto) ∂L/∂y_rto
    // ∂L/∂x_uvc = Σ_jk Σ_o δ_rto W_jkco, (r, t) the place that sees (u, v) with tap (j, k)
    // ∂L/∂W_jkco = Σ_b Σ_rt x_(rS − P + jD, tS − P + kD)c δ_rto        ∂L/∂b_o = Σ_b Σ_rt δ_rto
    b.backward(z, {x, w, bias}, [=, this, &b](Value delta) {
      const Value dx = b.like("dx", x);
      convolve_back(b, dx, delta, w, {}, windows_, spec_.groups);
      b.gradient(x, dx);
      const Value dw = b.whole("dw", b[w].shape);
      b.emit(op::Convolve2DDw{dw, x, delta, windows_, spec_.groups});
      b.gradient(w, dw);
      if (bias) b.gradient(bias, b.sum_rows(delta, bias));
    });
    return b.activate(spec_.activation, z);
  }

 private:
  Conv2DSpec spec_;
  Windows2D windows_;
  int w_ = 0, b_ = 0;
};

}  // namespace

MUNDUR_LAYER(Conv2D);

}  // namespace mundur

// Conv2D: y_rt = f(Σ_j Σ_k x_(rS − P + jD, tS − P + kD)·W_jk + b): S the strides, D the dilation, P
// the rows and columns of padding, which hold 0.
//
// The order of sums. y: one chain over (j, k, channel). dx: one chain over (r, t, filter). dW: a
// sum over samples, whose rows are the places (r, t). In bfloat16 they are those of a Dense on what
// the places see, where a tap that is not there sees 0.

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

  // y = f(z), z what convolve() makes        δ = f'(z) ∂L/∂y
  Value forward(Builder& b, Value x) const override {
    const Value w = b.parameter(w_);
    const Value bias = spec_.use_bias ? b.parameter(b_) : Value{};
    const std::int64_t seen = windows_.taps() * b[x].shape.back();
    const bool rounds = b.rounds() && rounding_pays(seen, spec_.filters, spec_.groups);
    const Value z = rounds ? rounded(b, x, w, bias)
                           : convolve(b, x, w, bias, windows_, spec_.filters, spec_.groups);
    return b.activate(spec_.activation, z);
  }

 private:
  // A Dense on what the places see, one chain over (r, t, j, k) for each element of dx.
  Value rounded(Builder& b, Value x, Value w, Value bias) const {
    const Value z = b.value("z", {windows_.rows.out, windows_.columns.out, spec_.filters}, x);
    op::Convolve2D product{z, x, w, bias, windows_};
    product.rounded = b.rounds_to();
    b.emit(product);
    b.backward(z, {x, w, bias}, [=, this, &b](Value delta) {
      const Value dx = b.like("dx", x);
      b.emit(op::WindowsDx{dx, b.operand(delta, false), w, windows_});
      b.gradient(x, dx);
      const Value dw = b.whole("dw", b[w].shape);
      b.emit(op::Convolve2DDw{dw, x, b.operand(delta, false, Element::bfloat16_right), windows_});
      b.gradient(w, dw);
      if (bias) b.gradient(bias, b.sum_rows(delta, bias));
    });
    return z;
  }

  Conv2DSpec spec_;
  Windows2D windows_;
  int w_ = 0, b_ = 0;
};

}  // namespace

MUNDUR_LAYER(Conv2D);

}  // namespace mundur

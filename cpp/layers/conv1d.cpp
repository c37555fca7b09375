// Conv1D: y_t = f(Σ_k x_(tS − P + kD)·W_k + b), over the taps k whose step is there: S the stride,
// D the dilation, P steps of padding, which are left out of the sums.
//
// The order of sums. y: one chain over (k, channel). dx: one chain over (t, filter). dW: a sum over
// samples, whose rows are the steps t; those that do not see with a tap are not in its chains. In
// bfloat16 they are those of a Dense on what the steps see, where a tap that is not there sees 0.

#include "layers/convolving.h"

namespace mundur {
namespace {

class Conv1D final : public Layer {
 public:
  explicit Conv1D(const Conv1DSpec& spec) : spec_(spec) {
    if (spec.filters < 1) {
      throw std::invalid_argument("filters: expected at least 1, got " +
                                  std::to_string(spec.filters));
    }
    if (spec.groups < 1 || spec.filters % spec.groups != 0) {
      throw std::invalid_argument("groups: expected a divisor of the filters, got " +
                                  std::to_string(spec.groups));
    }
  }

  Shape build(Setup& setup, const Shape& input) override {
    require_steps(input, "Conv1D");
    const std::int64_t C = input[1], K = spec_.kernel_size;
    if (C % spec_.groups != 0) {
      throw std::invalid_argument("groups: expected a divisor of the channels, got " +
                                  std::to_string(spec_.groups));
    }
    windows_ = windows_of(input[0], K, spec_.strides, spec_.dilation_rate, spec_.padding);
    const Shape kernel = {K, C / spec_.groups, spec_.filters};
    w_ = setup.parameter("kernel", kernel);
    if (spec_.use_bias) b_ = setup.parameter("bias", {spec_.filters});
    setup.work += work_of(static_cast<double>(windows_.out), kernel);
    setup.head = spec_.activation.activation;
    return {windows_.out, spec_.filters};
  }
  bool passes_mask() const override { return false; }

  // z_to = Σ_k Σ_c x_(tS − P + kD)c W_kco + b_o        y_to = f(z_to)
  Value forward(Builder& b, Value x) const override {
    const Value w = b.parameter(w_);
    const Value bias = spec_.use_bias ? b.parameter(b_) : Value{};
    const std::int64_t C = b[x].shape[1], groups = spec_.groups;
    if (b.rounds() && rounding_pays(windows_.taps * C, spec_.filters, groups))
      return b.activate(spec_.activation, rounded(b, x, w, bias));
    // What a step sees lies side by side in x, but for dilation and groups.
    const bool gathers = spec_.dilation_rate > 1 || groups > 1;
    Value seen = x;
    if (gathers) {
      seen = b.value("seen", {windows_.out, windows_.taps * C}, x);
      b.emit(op::GatherWindows{seen, x, windows_, groups});
    }
    const Value z = b.value("z", {windows_.out, spec_.filters}, x);
    b.emit(op::Convolve{z, seen, w, bias, windows_, groups, gathers});
    // δ_to = f'(z_to) ∂L/∂y_to
    // ∂L/∂x_sc = Σ_k Σ_o δ_to W_kco, t the step that sees s with tap k
    // ∂L/∂W_kco = Σ_b Σ_t x_(tS − P + kD)c δ_to        ∂L/∂b_o = Σ_b Σ_t δ_to
    b.backward(z, {x, w, bias}, [=, this, &b](Value delta) {
      const Value dx = b.like("dx", x);
      convolve_back(b, dx, delta, w, {}, windows_, spec_.groups);
      b.gradient(x, dx);
      const Value dw = b.whole("dw", b[w].shape);
      b.emit(op::ConvolveDw{dw, seen, delta, windows_, groups, gathers});
      b.gradient(w, dw);
      if (bias) b.gradient(bias, b.sum_rows(delta, bias));
    });
    return b.activate(spec_.activation, z);
  }

 private:
  // A Dense on what the steps see, one chain over (t, k) for each element of dx.
  Value rounded(Builder& b, Value x, Value w, Value bias) const {
    const Value seen = b.windows(x, windows_);
    const Value z = b.product(seen, w, bias);
    b.backward(z, {x, w, bias}, [=, this, &b](Value delta) {
      b.gradient(x, b.product_dx(delta, w, seen));
      b.gradient(w, b.product_dw(seen, delta, w));
      if (bias) b.gradient(bias, b.sum_rows(delta, bias));
    });
    return z;
  }

  Conv1DSpec spec_;
  Windows windows_;
  int w_ = 0, b_ = 0;
};

}  // namespace

MUNDUR_LAYER(Conv1D);

}  // namespace mundur

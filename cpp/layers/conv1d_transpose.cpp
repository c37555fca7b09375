// Conv1DTranspose: y_s = f(Σ_k x_t·W_k + b), over the steps t and taps k of a Conv1D that would see
// step s of y: what that layer sends back is what this one sends ahead. Zeiler, Krishnan, Taylor
// and Fergus, "Deconvolutional networks" (2010).
//
// The order of sums. y: one chain over (t, channel). dx: one chain over (k, filter). dW: a sum over
// samples, whose rows are the steps of x.

#include "layers/convolving.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class Conv1DTranspose final : public Layer {
 public:
  explicit Conv1DTranspose(const Conv1DTransposeSpec& spec) : spec_(spec) {
    if (spec.filters < 1) {
      throw std::invalid_argument("filters: expected at least 1, got " +
                                  std::to_string(spec.filters));
    }
    if (spec.padding == Padding::causal) throw std::invalid_argument("padding: valid or same");
    if (spec.dilation_rate > 1 && spec.strides > 1) {
      throw std::invalid_argument("dilation_rate: expected 1, or strides of 1");
    }
  }

  Shape build(Setup& setup, const Shape& input) override {
    require_steps(input, "Conv1DTranspose");
    const std::int64_t K = spec_.kernel_size, S = spec_.strides, D = spec_.dilation_rate;
    windows_of(1, 1, S, D, Padding::same);  // that these are numbers to count with
    constexpr const char* kWhat = "one sample";
    const std::int64_t extent = checked_product(K - 1, D, kWhat) + 1;
    std::int64_t steps = checked_product(input[0], S, kWhat);
    if (spec_.padding == Padding::valid && extent > S) {
      steps = checked_sum(steps, extent - S, kWhat);
    }
    checked_product(steps, spec_.filters, kWhat);
    windows_ = windows_of(steps, K, S, D, spec_.padding);
    const Shape kernel = {K, spec_.filters, input[1]};
    w_ = setup.parameter("kernel", kernel);
    if (spec_.use_bias) b_ = setup.parameter("bias", {spec_.filters});
    setup.work += work_of(static_cast<double>(input[0]), kernel);
    setup.head = spec_.activation.activation;
    return {steps, spec_.filters};
  }
  bool passes_mask() const override { return false; }

  // z_so = Σ_k Σ_c x_tc W_koc + b_o, tS − P + kD = s        y_so = f(z_so)
  Value forward(Builder& b, Value x) const override {
    const Value w = b.parameter(w_);
    const Value bias = spec_.use_bias ? b.parameter(b_) : Value{};
    const Value z = b.value("z", {windows_.in, spec_.filters}, x);
    convolve_back(b, z, x, w, bias, windows_, 1);
    // ∂L/∂x_tc = Σ_k Σ_o δ_(tS − P + kD)o W_koc
    // ∂L/∂W_koc = Σ_b Σ_t δ_(tS − P + kD)o x_tc        ∂L/∂b_o = Σ_b Σ_s δ_so
    b.backward(z, {x, w, bias}, [=, this, &b](Value delta) {
      const bool gathers = spec_.dilation_rate > 1;
      Value seen = delta;
      if (gathers) {
        seen = b.value("seen", {windows_.out, windows_.taps * spec_.filters}, delta);
        b.emit(op::GatherWindows{seen, delta, windows_, 1});
      }
      const Value dx = b.like("dx", x);
      b.emit(op::Convolve{dx, seen, w, {}, windows_, 1, gathers});
      b.gradient(x, dx);
      const Value dw = b.whole("dw", b[w].shape);
      b.emit(op::ConvolveDw{dw, seen, x, windows_, 1, gathers});
      b.gradient(w, dw);
      if (bias) b.gradient(bias, b.sum_rows(delta, bias));
    });
    return b.activate(spec_.activation, z);
  }

 private:
  Conv1DTransposeSpec spec_;
  Windows windows_;
  int w_ = 0, b_ = 0;
};

}  // namespace

MUNDUR_LAYER(Conv1DTranspose);

}  // namespace mundur

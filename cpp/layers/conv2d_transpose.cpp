// Conv2DTranspose: y_uv = f(Σ_jk x_rt·W_jk + b), over the places (r, t) and taps (j, k) of a Conv2D
// that would see (u, v) of y: what that layer sends back is what this one sends ahead. Zeiler,
// Krishnan, Taylor and Fergus, "Deconvolutional networks" (2010).
//
// The order of sums. y: one chain over (r, t, channel). dx: one chain over (j, k, filter). dW: a
// sum over samples, whose rows are the places of x.

#include "layers/convolving.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class Conv2DTranspose final : public Layer {
 public:
  explicit Conv2DTranspose(const Conv2DTransposeSpec& spec) : spec_(spec) {
    if (spec.filters < 1) {
      throw std::invalid_argument("filters: expected at least 1, got " +
                                  std::to_string(spec.filters));
    }
    if (spec.padding == Padding::causal) throw std::invalid_argument("padding: valid or same");
    for (const Shape* pair : {&spec.kernel_size, &spec.strides, &spec.dilation_rate}) {
      if (pair->size() != 2)
        throw std::invalid_argument("Conv2DTranspose: expected pairs of sizes");
    }
    if (!spec.output_padding.empty() && spec.output_padding.size() != 2)
      throw std::invalid_argument("output_padding: expected a pair, or none");
  }

  Shape build(Setup& setup, const Shape& input) override {
    require_axes(input, 2, "Conv2DTranspose");
    windows_ = {axis(input, 0), axis(input, 1)};
    const Shape output = {windows_.rows.in, windows_.columns.in, spec_.filters};
    checked_size(output, "one sample");
    const Shape kernel = {spec_.kernel_size[0], spec_.kernel_size[1], spec_.filters, input[2]};
    w_ = setup.parameter("kernel", kernel);
    if (spec_.use_bias) b_ = setup.parameter("bias", {spec_.filters});
    setup.work += work_of(static_cast<double>(windows_.out()), kernel);
    setup.head = spec_.activation.activation;
    return output;
  }
  bool passes_mask() const override { return false; }

  // z_uvo = Σ_jk Σ_c x_rtc W_jkoc + b_o, (rS − P + jD, tS − P + kD) = (u, v)        y_uvo =
  // f(z_uvo)
  Value forward(Builder& b, Value x) const override {
    const Value w = b.parameter(w_);
    const Value bias = spec_.use_bias ? b.parameter(b_) : Value{};
    const Value z = b.value("z", {windows_.rows.in, windows_.columns.in, spec_.filters}, x);
    convolve_back(b, z, x, w, bias, windows_, 1);
    // ∂L/∂x_rtc = Σ_jk Σ_o δ_(rS − P + jD, tS − P + kD)o W_jkoc
    // ∂L/∂W_jkoc = Σ_b Σ_rt δ_(rS − P + jD, tS − P + kD)o x_rtc        ∂L/∂b_o = Σ_b Σ_uv δ_uvo
    b.backward(z, {x, w, bias}, [=, this, &b](Value delta) {
      const Value dx = b.like("dx", x);
      b.emit(op::Convolve2D{dx, delta, w, {}, windows_});
      b.gradient(x, dx);
      const Value dw = b.whole("dw", b[w].shape);
      b.emit(op::Convolve2DDw{dw, delta, x, windows_});
      b.gradient(w, dw);
      if (bias) b.gradient(bias, b.sum_rows(delta, bias));
    });
    return b.activate(spec_.activation, z);
  }

 private:
  // The windows of the convolution that sees y.
  Windows axis(const Shape& input, std::size_t i) const {
    constexpr const char* kWhat = "one sample";
    const std::int64_t n = input[i], K = spec_.kernel_size[i], S = spec_.strides[i],
                       D = spec_.dilation_rate[i];
    windows_of(1, K, S, D, Padding::same);  // that these are numbers to count with
    if (D > 1 && S > 1) {
      throw std::invalid_argument("strides: expected 1 where dilation_rate is not; got " +
                                  std::to_string(S));
    }
    const std::int64_t extent = (K - 1) * D + 1;
    const bool is_same = spec_.padding == Padding::same, is_plain = spec_.output_padding.empty();
    const std::int64_t last = checked_product(n - 1, S, kWhat);
    const std::int64_t plain = is_same ? S : std::max(extent, S);
    std::int64_t steps = checked_sum(last, is_plain ? plain : extent, kWhat);
    if (!is_plain) {
      const std::int64_t more = spec_.output_padding[i];
      if (more < 0 || more >= S) {
        throw std::invalid_argument("output_padding: expected 0 to strides - 1, got " +
                                    std::to_string(more));
      }
      steps = checked_sum(is_same ? last + extent % 2 : steps, more, kWhat);
    }
    if (steps < 1) throw std::invalid_argument("Conv2DTranspose: nothing would be left of samples");
    const std::int64_t before = is_same ? std::max<std::int64_t>(last + extent - steps, 0) / 2 : 0;
    return {steps, n, K, S, D, before};
  }

  Conv2DTransposeSpec spec_;
  Windows2D windows_;
  int w_ = 0, b_ = 0;
};

}  // namespace

MUNDUR_LAYER(Conv2DTranspose);

}  // namespace mundur

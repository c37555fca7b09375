// Depthwise convolutions of sequences and of images: each channel has filters of its own,
// z_rt(cd) = Σ_j Σ_k x_(rS − P + jD, tS − P + kD)c W_jkcd, a Conv2D whose groups are the channels;
// y = f(z + b). Separable ones, behind them: y_rt = f(z_rt·W' + b), a Conv2D of windows of one
// place. Sifre and Mallat, "Rigid-motion scattering for texture classification" (2014).
//
// The order of sums is that of the Conv2D.

#include "layers/convolving.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class DepthwiseConv final : public Layer {
 public:
  explicit DepthwiseConv(const DepthwiseConvSpec& spec) : spec_(spec) {
    if (spec.depth_multiplier < 1) {
      throw std::invalid_argument("depth_multiplier: expected at least 1, got " +
                                  std::to_string(spec.depth_multiplier));
    }
    if (spec.filters < 0) {
      throw std::invalid_argument("filters: expected at least 0, got " +
                                  std::to_string(spec.filters));
    }
    const std::size_t axes = spec.kernel_size.size();
    if (axes < 1 || axes > 2 || spec.strides.size() != axes || spec.dilation_rate.size() != axes) {
      throw std::invalid_argument("DepthwiseConv: expected as many of each size, one or two");
    }
  }

  Shape build(Setup& setup, const Shape& input) override {
    const std::size_t axes = spec_.kernel_size.size();
    require_axes(input, static_cast<std::int64_t>(axes), "DepthwiseConv");
    const auto axis = [&](std::size_t i) {
      return windows_of(input[i], spec_.kernel_size[i], spec_.strides[i], spec_.dilation_rate[i],
                        spec_.padding);
    };
    constexpr Windows kOne{1, 1};
    windows_ = {axes == 1 ? kOne : axis(0), axis(axes - 1)};
    const std::int64_t C = input.back();
    depth_ = checked_product(C, spec_.depth_multiplier, "one place");
    Shape kernel = spec_.kernel_size;
    kernel.insert(kernel.end(), {C, spec_.depth_multiplier});
    w_ = setup.parameter(is_separable() ? "depthwise_kernel" : "kernel", kernel);
    const auto places = static_cast<double>(windows_.out());
    setup.work += work_of(places, kernel);
    if (is_separable()) {
      Shape pointwise(axes, 1);
      pointwise.insert(pointwise.end(), {depth_, spec_.filters});
      pointwise_ = setup.parameter("pointwise_kernel", pointwise);
      setup.work += work_of(places, pointwise);
    }
    const std::int64_t filters = is_separable() ? spec_.filters : depth_;
    if (spec_.use_bias) b_ = setup.parameter("bias", {filters});
    setup.head = spec_.activation.activation;
    if (axes == 1) return {windows_.columns.out, filters};
    return {windows_.rows.out, windows_.columns.out, filters};
  }
  bool passes_mask() const override { return false; }

  Value forward(Builder& b, Value x) const override {
    const Value bias = spec_.use_bias ? b.parameter(b_) : Value{};
    const Value w = b.parameter(w_);
    const std::int64_t C = b[x].shape.back();
    if (!is_separable())
      return b.activate(spec_.activation, convolve(b, x, w, bias, windows_, depth_, C));
    const Value deep = convolve(b, x, w, {}, windows_, depth_, C);
    const std::int64_t rows = windows_.rows.out, columns = windows_.columns.out;
    const Windows2D places{{rows, rows}, {columns, columns}};
    const Value z = convolve(b, deep, b.parameter(pointwise_), bias, places, spec_.filters, 1);
    return b.activate(spec_.activation, z);
  }

 private:
  bool is_separable() const { return spec_.filters > 0; }

  DepthwiseConvSpec spec_;
  Windows2D windows_;
  std::int64_t depth_ = 0;  // filters of all channels
  int w_ = 0, pointwise_ = 0, b_ = 0;
};

}  // namespace

MUNDUR_LAYER(DepthwiseConv);

}  // namespace mundur

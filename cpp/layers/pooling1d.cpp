// MaxPooling1D and AveragePooling1D: y_t = the greatest, or the mean, of what a window sees,
// channel by channel; and those over all steps, the mean over those that the mask has.

#include <limits>

#include "layers/layer.h"

namespace mundur {
namespace {

class Pooling1D final : public Layer {
 public:
  explicit Pooling1D(const Pooling1DSpec& spec) : spec_(spec) {}

  Shape build(Setup& setup, const Shape& input) override {
    require_steps(input, "Pooling1D");
    const std::int64_t C = input[1];
    if (input[0] > std::numeric_limits<std::int32_t>::max()) {
      throw std::invalid_argument("Pooling1D: expected at most 2147483647 steps, got " +
                                  std::to_string(input[0]));
    }
    windows_ = spec_.global
                   ? Windows{input[0], 1, input[0], input[0], 1, 0}
                   : windows_of(input[0], spec_.pool_size, spec_.strides, 1, spec_.padding);
    setup.work += static_cast<double>(windows_.in * C);
    output_ = spec_.global && !spec_.keepdims ? Shape{C} : Shape{windows_.out, C};
    return output_;
  }
  bool passes_mask() const override { return false; }

  // y_tc = max_k x_(tS − P + k)c, or (1/n) Σ_k x_(tS − P + k)c over the n steps that are there
  Value forward(Builder& b, Value x) const override {
    const Value y = b.value("y", output_, x);
    const Value mask = spec_.global && spec_.average ? b.mask_of(x, windows_.in) : Value{};
    const Value row = b.value("row", output_, x, Element::int32);
    if (spec_.average) {
      b.emit(op::MeanWindows{y, x, mask, windows_});
    } else {
      b.emit(op::MaxWindows{y, row, x, windows_});
    }
    // ∂L/∂x_sc = Σ_t ∂L/∂y_tc over the windows whose maximum x_sc is, or over those that see s, / n
    b.backward(y, {x}, [=, this, &b](Value dy) {
      const Value dx = b.like("dx", x);
      if (spec_.average) {
        b.emit(op::MeanWindowsDx{dx, dy, mask, windows_});
      } else {
        b.emit(op::MaxWindowsDx{dx, dy, row, windows_});
      }
      b.gradient(x, dx);
    });
    return y;
  }

 private:
  Pooling1DSpec spec_;
  Windows windows_;
  Shape output_;
};

}  // namespace

MUNDUR_LAYER(Pooling1D);

}  // namespace mundur

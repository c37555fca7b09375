// Poolings of steps, or of rows and columns: y = the greatest, or the mean, of what a window sees,
// channel by channel; and those over all of a sample, the mean over the steps that the mask has.

#include <limits>

#include "layers/layer.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class Pooling final : public Layer {
 public:
  explicit Pooling(const PoolingSpec& spec) : spec_(spec) {
    if (spec.strides.size() == spec.pool_size.size()) return;
    throw std::invalid_argument("strides: expected as many as pool_size has");
  }

  Shape build(Setup& setup, const Shape& input) override {
    require_axes(input, axes(), "Pooling");
    const Image image = image_of(input);
    const std::int64_t pixels = checked_product(image.rows, image.columns, "one sample");
    if (pixels > std::numeric_limits<std::int32_t>::max()) {
      throw std::invalid_argument("Pooling: expected at most 2147483647 steps or pixels, got " +
                                  std::to_string(pixels));
    }
    if (spec_.global) {  // a row of all pixels
      windows_ = {over_all(1), over_all(pixels)};
    } else {
      windows_.rows = axes() == 1 ? over_all(1) : windows_on(image.rows, 0);
      windows_.columns = windows_on(image.columns, spec_.pool_size.size() - 1);
    }
    setup.work += static_cast<double>(size_of(input));
    output_ = spec_.global && !spec_.keepdims ? Shape{} : Shape{windows_.columns.out};
    if (!output_.empty() && axes() == 2) output_.insert(output_.begin(), windows_.rows.out);
    output_.push_back(image.channels);
    return output_;
  }
  bool passes_mask() const override { return false; }

  // y_c = max_k x_kc, or (1/n) Σ_k x_kc, over the n steps or pixels k that a window sees
  Value forward(Builder& b, Value x) const override {
    const Value y = b.value("y", output_, x);
    const bool is_masked = spec_.global && spec_.average && axes() == 1;
    const Value mask = is_masked ? b.mask_of(x, windows_.columns.in) : Value{};
    // A byte tells the tap where it can.
    const Element element = windows_.taps() <= 256 ? Element::byte : Element::int32;
    const Value at = b.keeps() && !spec_.average ? b.value("at", output_, x, element) : Value{};
    if (spec_.average) {
      b.emit(op::MeanWindows{y, x, mask, windows_});
    } else {
      b.emit(op::MaxWindows{y, at, x, windows_});
    }
    // ∂L/∂x_kc = Σ ∂L/∂y_c over the windows whose maximum x_kc is, or over those that see k, / n
    b.backward(y, {x}, [=, this, &b](Value dy) {
      const Value dx = b.like("dx", x);
      if (spec_.average) {
        b.emit(op::MeanWindowsDx{dx, dy, mask, windows_});
      } else {
        b.emit(op::MaxWindowsDx{dx, dy, at, windows_});
      }
      b.gradient(x, dx);
    });
    return y;
  }

 private:
  std::int64_t axes() const { return static_cast<std::int64_t>(spec_.pool_size.size()); }
  static Windows over_all(std::int64_t in) { return {in, 1, in, in, 1, 0}; }
  Windows windows_on(std::int64_t in, std::size_t axis) const {
    return windows_of(in, spec_.pool_size[axis], spec_.strides[axis], 1, spec_.padding);
  }

  PoolingSpec spec_;
  Windows2D windows_;
  Shape output_;
};

}  // namespace

MUNDUR_LAYER(Pooling);

}  // namespace mundur

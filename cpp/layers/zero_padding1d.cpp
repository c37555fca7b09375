// ZeroPadding1D: steps of zeros in front of a sample and behind it.

#include "layers/layer.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class ZeroPadding1D final : public Layer {
 public:
  explicit ZeroPadding1D(const ZeroPadding1DSpec& spec) : spec_(spec) {
    if (spec.before < 0 || spec.after < 0)
      throw std::invalid_argument("padding: expected no less than 0 steps");
  }

  Shape build(Setup&, const Shape& input) override {
    require_steps(input, "ZeroPadding1D");
    constexpr const char* kWhat = "one sample";
    const std::int64_t more = checked_sum(spec_.before, spec_.after, kWhat);
    checked_product(checked_sum(input[0], more, kWhat), input[1], kWhat);
    output_ = {input[0] + more, input[1]};
    return output_;
  }
  bool passes_mask() const override { return false; }

  // y_(t + before) = x_t, else 0
  Value forward(Builder& b, Value x) const override {
    const Value y = b.value("y", output_, x);
    b.emit(op::Shift{y, x, spec_.before});
    // ∂L/∂x_t = ∂L/∂y_(t + before)
    b.backward(y, {x}, [=, this, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::Shift{dx, dy, -spec_.before});
      b.gradient(x, dx);
    });
    return y;
  }

 private:
  ZeroPadding1DSpec spec_;
  Shape output_;
};

}  // namespace

MUNDUR_LAYER(ZeroPadding1D);

}  // namespace mundur

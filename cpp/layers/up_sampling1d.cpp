// UpSampling1D: each step of a sample comes several times in a row.

#include "layers/layer.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class UpSampling1D final : public Layer {
 public:
  explicit UpSampling1D(const UpSampling1DSpec& spec) : size_(spec.size) {
    if (spec.size >= 1) return;
    throw std::invalid_argument("size: expected no less than 1, got " + std::to_string(spec.size));
  }

  Shape build(Setup&, const Shape& input) override {
    require_steps(input, "UpSampling1D");
    constexpr const char* kWhat = "one sample";
    output_ = {checked_product(input[0], size_, kWhat), input[1]};
    checked_product(output_[0], input[1], kWhat);
    return output_;
  }
  bool passes_mask() const override { return false; }

  // y_(t size + i) = x_t
  Value forward(Builder& b, Value x) const override {
    const std::int64_t steps = b[x].samples * b[x].shape[0], C = b[x].shape[1];
    const Value each = b.regroup(x, {C}, steps);
    const Value y = b.value("y", {size_, C}, each);
    b.emit(op::Repeat{y, each});
    // ∂L/∂x_t = Σ_i ∂L/∂y_(t size + i)
    b.backward(y, {each}, [=, &b](Value dy) {
      const Value dx = b.like("dx", each);
      b.emit(op::SumSteps{dx, dy});
      b.gradient(each, dx);
    });
    return b.regroup(y, output_, b[x].samples);
  }

 private:
  std::int64_t size_;
  Shape output_;
};

}  // namespace

MUNDUR_LAYER(UpSampling1D);

}  // namespace mundur

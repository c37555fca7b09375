// RepeatVector: a vector becomes a sequence that has it at every step, as what an encoder has made
// of a sequence for a decoder that makes one of it.

#include "layers/layer.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class RepeatVector final : public Layer {
 public:
  explicit RepeatVector(const RepeatVectorSpec& spec) : steps_(spec.n) {
    if (spec.n >= 1) return;
    throw std::invalid_argument("n: expected no less than 1, got " + std::to_string(spec.n));
  }

  Shape build(Setup& setup, const Shape& input) override {
    if (input.size() != 1) {
      throw std::invalid_argument("RepeatVector needs samples of one axis, got " +
                                  std::to_string(input.size()));
    }
    setup.work += static_cast<double>(checked_product(steps_, input[0], "one sample"));
    return {steps_, input[0]};
  }
  bool passes_mask() const override { return false; }

  // y_tc = x_c
  Value forward(Builder& b, Value x) const override {
    const Value y = b.value("y", {steps_, b[x].size()}, x);
    b.emit(op::Repeat{y, x});
    // ∂L/∂x_c = Σ_t ∂L/∂y_tc
    b.backward(y, {x}, [=, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::SumSteps{dx, dy});
      b.gradient(x, dx);
    });
    return y;
  }

 private:
  std::int64_t steps_;
};

}  // namespace

MUNDUR_LAYER(RepeatVector);

}  // namespace mundur

// ZeroPadding and Cropping, of steps or of rows and columns: zeros around a sample, or what is left
// without its margins.

#include "layers/layer.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class Margins final : public Layer {
 public:
  explicit Margins(const MarginsSpec& spec) : before_(spec.before), after_(spec.after) {
    if (before_.empty() || before_.size() != after_.size())
      throw std::invalid_argument("margins: expected two for each axis in front of the channels");
  }

  Shape build(Setup&, const Shape& input) override {
    require_axes(input, static_cast<std::int64_t>(before_.size()), "Margins");
    output_ = input;
    for (std::size_t axis = 0; axis < before_.size(); ++axis) {
      std::int64_t& extent = output_[axis];
      for (std::int64_t margin : {before_[axis], after_[axis]}) {
        extent = checked_sum(extent, margin, "one sample");
      }
      if (extent >= 1) continue;
      throw std::invalid_argument("margins: leave nothing of " + std::to_string(input[axis]) +
                                  (before_.size() == 1 ? " steps"
                                   : axis == 0         ? " rows"
                                                       : " columns"));
    }
    checked_size(output_, "one sample");
    return output_;
  }
  bool passes_mask() const override { return false; }

  // y_(t + before) = x_t where both are there, else 0
  Value forward(Builder& b, Value x) const override {
    const std::int64_t rows = before_.size() == 1 ? 0 : before_.front(), columns = before_.back();
    const Value y = b.value("y", output_, x);
    b.emit(op::Shift{y, x, rows, columns});
    // ∂L/∂x_t = ∂L/∂y_(t + before), or 0
    b.backward(y, {x}, [=, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::Shift{dx, dy, -rows, -columns});
      b.gradient(x, dx);
    });
    return y;
  }

 private:
  Shape before_, after_, output_;
};

}  // namespace

MUNDUR_LAYER(Margins);

}  // namespace mundur

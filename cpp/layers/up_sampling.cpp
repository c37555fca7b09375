// UpSampling: each step of a sample, or each row and each column, comes several times in a row.

#include "layers/layer.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class UpSampling final : public Layer {
 public:
  explicit UpSampling(const UpSamplingSpec& spec) : size_(spec.size) {
    for (std::int64_t times : size_) {
      if (times >= 1) continue;
      throw std::invalid_argument("size: expected no less than 1, got " + std::to_string(times));
    }
  }

  Shape build(Setup&, const Shape& input) override {
    require_axes(input, static_cast<std::int64_t>(size_.size()), "UpSampling");
    output_ = input;
    for (std::size_t axis = 0; axis < size_.size(); ++axis) {
      output_[axis] = checked_product(input[axis], size_[axis], "one sample");
    }
    checked_size(output_, "one sample");
    return output_;
  }
  bool passes_mask() const override { return false; }

  // y_(t size + i) = x_t: the pixels of each row, then the rows
  Value forward(Builder& b, Value x) const override {
    const Image image = image_of(b[x].shape);
    const std::int64_t samples = b[x].samples, row = image.columns * image.channels;
    Value y = repeated(b, x, size_.back(), samples * image.rows * image.columns, image.channels);
    if (size_.size() == 2) {
      y = repeated(b, y, size_.front(), samples * image.rows, row * size_.back());
    }
    return b.regroup(y, output_, samples);
  }

 private:
  /// x, seen as so many pieces of `width` numbers, each of them `times` in a row.
  static Value repeated(Builder& b, Value x, std::int64_t times, std::int64_t pieces,
                        std::int64_t width) {
    const Value each = b.regroup(x, {width}, pieces);
    const Value y = b.value("y", {times, width}, each);
    b.emit(op::Repeat{y, each});
    // ∂L/∂x_t = Σ_i ∂L/∂y_(t times + i)
    b.backward(y, {each}, [=, &b](Value dy) {
      const Value dx = b.like("dx", each);
      b.emit(op::SumSteps{dx, dy});
      b.gradient(each, dx);
    });
    return y;
  }

  Shape size_, output_;
};

}  // namespace

MUNDUR_LAYER(UpSampling);

}  // namespace mundur

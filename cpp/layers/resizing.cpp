// Resizing, CenterCrop and UpSampling2D in between pixels: images of another size.

#include "layers/resizing.h"

#include <cmath>

#include "mundur/memory.h"

namespace mundur {
namespace {

class Resizing final : public Layer {
 public:
  explicit Resizing(const ResizingSpec& spec) : spec_(spec) {
    if (spec.size.size() != 2 || spec.size[0] < 1 || spec.size[1] < 1)
      throw std::invalid_argument("size: expected two of 1 or more");
    if (!std::isfinite(spec.fill)) throw std::invalid_argument("fill_value: expected a number");
  }

  Shape build(Setup&, const Shape& input) override {
    require_image(input, "Resizing");
    output_ = {spec_.size[0], spec_.size[1], input[2]};
    for (std::size_t axis = 0; spec_.times && axis < 2; ++axis) {
      output_[axis] = checked_product(input[axis], spec_.size[axis], "one sample");
    }
    checked_size(output_, "one sample");
    return output_;
  }
  bool passes_mask() const override { return false; }

  // y_ij = Σ w x of the four pixels around (i + 1/2)·rows/rows' - 1/2, likewise of columns
  Value forward(Builder& b, Value x) const override {
    using Fit = ResizingSpec::Fit;
    const Image from = image_of(b[x].shape), to = image_of(output_);
    Box box{0, 0, from.rows, from.columns};
    const bool fits = from.rows >= to.rows && from.columns >= to.columns;
    if (spec_.fit == Fit::middle && fits) {
      box = {(from.rows - to.rows) / 2, (from.columns - to.columns) / 2, to.rows, to.columns};
    } else if (spec_.fit != Fit::stretch) {
      box = middle_of(from, to, spec_.fit == Fit::pad);
    }
    return warped(b, x, output_, spread(box, to, {Edge::nearest, spec_.nearest, spec_.fill}));
  }

 private:
  ResizingSpec spec_;
  Shape output_;
};

}  // namespace

MUNDUR_LAYER(Resizing);

}  // namespace mundur

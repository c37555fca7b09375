// RandomFlip, RandomTranslation, RandomRotation, RandomZoom, RandomCrop, RandomContrast: in
// training an image becomes another by chance; else y = x, but for a crop.

#include <cmath>

#include "layers/resizing.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class RandomImage final : public Layer {
  using Kind = RandomChange::Kind;

 public:
  explicit RandomImage(const RandomImageSpec& spec) : how_(spec.how), size_(spec.size) {
    const bool is_crop = how_.kind == Kind::crop;
    if (size_.size() != (is_crop ? 2 : 0) || (is_crop && (size_[0] < 1 || size_[1] < 1)))
      throw std::invalid_argument("size: expected two of 1 or more for a crop, else none");
    for (int i = 0; i < 2; ++i) {
      if (std::isfinite(how_.low[i]) && how_.low[i] <= how_.high[i] && std::abs(how_.low[i]) < 1e9)
        continue;
      throw std::invalid_argument("factor: expected numbers, the lower one first");
    }
  }

  Shape build(Setup&, const Shape& input) override {
    require_image(input, "RandomImage");
    if (size_.empty()) return input;
    const Shape output = {size_[0], size_[1], input[2]};
    checked_size(output, "one sample");
    return output;
  }
  bool passes_mask() const override { return how_.kind != Kind::crop; }

  Value forward(Builder& b, Value x) const override {
    const Image from = image_of(b[x].shape);
    if (how_.kind == Kind::crop) return cropped(b, x, from);
    if (!b.training()) return x;
    if (how_.kind != Kind::contrast) {
      return warped(b, x, b[x].shape, moved(b, x, from, from, how_.sampling));
    }
    // y = (x - m)·f + m, within the range of the values
    const Value map = drawn(b, x, from, from), y = b.like("y", x);
    b.emit(op::Contrast{y, x, map, how_.low[1], how_.high[1]});
    // ∂L/∂x = f δ + (1 - f)·mean of δ, δ = ∂L/∂y where nothing was cut off, else 0
    b.backward(y, {x}, [=, this, &b](Value dy) {
      const Value dx = b.like("dx", x);
      b.emit(op::ContrastDx{dx, dy, x, map, how_.low[1], how_.high[1]});
      b.gradient(x, dx);
    });
    return y;
  }

 private:
  Value drawn(Builder& b, Value x, const Image& from, const Image& to) const {
    const Value map = b.value("map", {6}, x, Element::float64);
    b.emit(op::DrawMaps{map, {how_.seed, stream()}, how_, from, to});
    return map;
  }
  op::Warp moved(Builder& b, Value x, const Image& from, const Image& to,
                 const Sampling& sampling) const {
    return {{}, {}, drawn(b, x, from, to), sampling, {0, 0, from.rows, from.columns}};
  }
  /// At a place by chance; outside of training, or of a smaller image, the middle of that ratio.
  Value cropped(Builder& b, Value x, const Image& from) const {
    const Shape output = {size_[0], size_[1], from.channels};
    const Image to = image_of(output);
    const bool fits = from.rows >= to.rows && from.columns >= to.columns;
    if (b.training() && fits) return warped(b, x, output, moved(b, x, from, to, {}));
    return warped(b, x, output, spread(middle_of(from, to, false), to, {Edge::nearest}));
  }

  RandomChange how_;
  Shape size_;
};

}  // namespace

MUNDUR_LAYER(RandomImage);

}  // namespace mundur

// Reshape: a sample takes another shape. The memory already lies that way.

#include "layers/layer.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

class Reshape final : public Layer {
 public:
  explicit Reshape(const ReshapeSpec& spec) : shape_(spec.shape) {}

  Shape build(Setup&, const Shape& input) override {
    const std::int64_t size = size_of(input);
    std::int64_t known = 1;
    std::int64_t* open = nullptr;
    for (std::int64_t& extent : shape_) {
      if (extent == -1 && !open) {
        open = &extent;
      } else if (extent >= 1 && extent <= size) {
        known = checked_product(known, extent, "one sample");
      } else {
        throw std::invalid_argument("shape: expected extents of 1 to " + std::to_string(size) +
                                    ", one of them -1 at most, got " + std::to_string(extent));
      }
    }
    if (open && size % known == 0) known *= * open = size / known;
    if (size != known) {
      throw std::invalid_argument("shape: does not hold the " + std::to_string(size) +
                                  " numbers of a sample");
    }
    return shape_;
  }
  bool passes_mask() const override { return false; }
  Value forward(Builder& b, Value x) const override { return b.view(x, shape_); }

 private:
  Shape shape_;
};

}  // namespace

MUNDUR_LAYER(Reshape);

}  // namespace mundur

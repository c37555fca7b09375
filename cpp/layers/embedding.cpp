// Embedding: y = W[id], a row of W for each id.

#include <limits>

#include "layers/layer.h"

namespace mundur {
namespace {

class Embedding final : public Layer {
 public:
  explicit Embedding(const EmbeddingSpec& spec) : spec_(spec) {
    const auto require = [](const char* name, std::int64_t value, std::int64_t most) {
      if (value >= 1 && value <= most) return;
      throw std::invalid_argument(std::string(name) + ": expected 1 to " + std::to_string(most) +
                                  ", got " + std::to_string(value));
    };
    require("input_dim", spec.input_dim, std::numeric_limits<std::int32_t>::max());
    require("output_dim", spec.output_dim, std::numeric_limits<std::int32_t>::max());
  }

  Shape build(Setup& setup, const Shape& input) override {
    w_ = setup.parameter("embeddings", {spec_.input_dim, spec_.output_dim});
    Shape output = input;
    output.push_back(spec_.output_dim);
    setup.work += static_cast<double>(size_of(output));  // rows are copied
    return output;
  }
  bool passes_mask() const override { return false; }

  // y_n = W[id_n]; where the mask has no step, its row without what is not finite: 0 times a NaN
  // would still be one in the gradients of the layers behind
  Value forward(Builder& b, Value x) const override {
    const Value ids = ids_of(b, x);
    const Value w = b.parameter(w_);
    Shape shape = b[ids].shape;
    const Value mask = spec_.mask_zero ? b.value("mask", shape, ids, Element::byte) : Value{};
    shape.push_back(spec_.output_dim);
    const Value y = b.value("y", std::move(shape), ids);
    b.set_mask(y, mask);
    b.emit(op::Lookup{y, mask, ids, w});
    // ∂L/∂W_v = Σ_n [id_n = v] ∂L/∂y_n        An id has no gradient.
    b.backward(y, {w}, [=, this, &b](Value dy) {
      const Value first = b.whole("first", {spec_.input_dim}, Element::int32);
      const Value next = b.like("next", ids);
      b.emit(op::ListPlaces{first, next, ids});
      const Value dw = b.whole("dw", b[w].shape);
      b.emit(op::LookupDw{dw, dy, first, next});
      b.gradient(w, dw);
    });
    return y;
  }

 private:
  /// x, unless it is computed, or an input that others read as numbers: then as Keras casts it.
  Value ids_of(Builder& b, Value x) const {
    if (b[x].element == Element::int32) return x;
    const Value ids = b.value("ids", b[x].shape, x, Element::int32);
    b.emit(op::ToIds{ids, x, spec_.input_dim});
    if (b.is_part()) b.emit(op::Agree{{ids}});
    return ids;
  }

  EmbeddingSpec spec_;
  int w_ = 0;
};

}  // namespace

MUNDUR_LAYER(Embedding);

}  // namespace mundur

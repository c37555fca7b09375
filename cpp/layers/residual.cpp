// Residual: y = x + chain(x), so that a deep chain learns what to add. He, Zhang, Ren and Sun,
// "Deep residual learning for image recognition" (2015).

#include "layers/layer.h"

namespace mundur {
namespace {

class Residual final : public Layer {
 public:
  explicit Residual(const ResidualSpec& spec) : names_(spec.names) {
    if (spec.layers.empty() || spec.layers.size() != names_.size()) {
      throw std::invalid_argument("layers: expected one or more, each with a name");
    }
    for (const LayerNode& node : spec.layers) layers_.push_back(make_layer(node.spec));
  }

  Shape build(Setup& setup, const Shape& input) override {
    Shape shape = input;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      setup.enter(names_[i]);
      shape = layers_[i]->add_to(setup, {shape}).front();
      setup.leave(names_[i]);
    }
    if (shape != input) {
      throw std::invalid_argument("residual: the chain's output must have the shape of its input");
    }
    setup.head = Activation::linear;
    return input;
  }
  bool passes_mask() const override { return false; }

  // y = x + chain(x), with the chain's mask        ∂L/∂x = ∂L/∂y + what comes back through it
  Value forward(Builder& b, Value x) const override {
    Value inner = x;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      b.enter(names_[i]);
      inner = layers_[i]->apply(b, {inner}).front();
      b.leave();
    }
    const Value y = b.add(x, inner);
    b.set_mask(y, b.mask(inner));
    return y;
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace

MUNDUR_LAYER(Residual);

}  // namespace mundur

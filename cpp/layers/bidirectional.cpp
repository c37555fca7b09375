// Bidirectional: two recurrent layers, one of which goes through time backwards; at each step stand
// the outputs that both have there. Schuster and Paliwal, "Bidirectional recurrent neural networks"
// (1997). A sequence has zeros at masked steps, as in Keras.

#include "layers/merging.h"

namespace mundur {
namespace {

class Bidirectional final : public Layer {
 public:
  explicit Bidirectional(const BidirectionalSpec& spec) : names_(spec.names), merge_(spec.merge) {
    if (spec.layers.size() != 2 || names_.size() != 2) {
      throw std::invalid_argument("layers: expected two, each with a name");
    }
    for (const LayerNode& node : spec.layers) layers_.push_back(make_layer(in_order(node.spec)));
  }

  Shape build(Setup& setup, const Shape& input) override {
    Shape outputs[2];
    for (std::size_t i = 0; i < 2; ++i) {
      setup.enter(names_[i]);
      outputs[i] = layers_[i]->add_to(setup, {input});
      setup.leave(names_[i]);
    }
    const auto& [ahead, back] = outputs;
    if (ahead.size() != back.size() || (merge_ != Merge::concat && ahead != back)) {
      throw std::invalid_argument("both layers must have outputs of the same shape");
    }
    Shape output = ahead;
    if (merge_ == Merge::concat) output.back() += back.back();
    return output;
  }
  bool passes_mask() const override { return layers_[0]->passes_mask(); }

  // y_t = (ahead_t, back_t), their sum, product or mean
  Value forward(Builder& b, Value x) const override {
    Value of[2];
    for (std::size_t i = 0; i < 2; ++i) {
      b.enter(names_[i]);
      of[i] = layers_[i]->apply(b, {x});
      b.leave();
    }
    const Value merged = merge(b, merge_, {of[0], of[1]});
    const Value mask = b[merged].shape.size() == 2 ? b.mask_of(x, b[merged].shape[0]) : Value{};
    return mask ? b.mask_steps(merged, mask) : merged;
  }

 private:
  /// A recurrent layer whose outputs stand in the order of time.
  static LayerSpec in_order(LayerSpec spec) {
    std::visit(
        [](auto& one) {
          if constexpr (requires { one.recurrent; }) one.recurrent.in_order = true;
        },
        spec);
    return spec;
  }

  std::vector<std::string> names_;
  std::vector<std::unique_ptr<Layer>> layers_;  // the one ahead, the one backwards
  Merge merge_;
};

}  // namespace

MUNDUR_LAYER(Bidirectional);

}  // namespace mundur

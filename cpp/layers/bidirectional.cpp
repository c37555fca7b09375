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
    return build_all(setup, {input}).front();
  }
  /// Behind the sequence come the states of the one ahead, then those of the other; so they do
  /// behind y.
  std::vector<Shape> build_all(Setup& setup, const std::vector<Shape>& inputs) override {
    std::vector<Shape> of[2];
    for (std::size_t i = 0; i < 2; ++i) {
      setup.enter(names_[i]);
      of[i] = layers_[i]->add_to(setup, part(inputs, i));
      setup.leave(names_[i]);
    }
    const Shape &ahead = of[0].front(), &back = of[1].front();
    if (ahead.size() != back.size() || (merge_ != Merge::concat && ahead != back)) {
      throw std::invalid_argument("both layers must have outputs of the same shape");
    }
    std::vector<Shape> made = joined(of[0], of[1]);
    if (merge_ == Merge::concat) made.front().back() += back.back();
    return made;
  }
  bool passes_mask() const override { return layers_[0]->passes_mask(); }

  // y_t = (ahead_t, back_t), their sum, product or mean
  Value forward(Builder& b, Value x) const override { return forward_all(b, {x}).front(); }
  std::vector<Value> forward_all(Builder& b, const std::vector<Value>& from) const override {
    std::vector<Value> of[2];
    for (std::size_t i = 0; i < 2; ++i) {
      b.enter(names_[i]);
      of[i] = layers_[i]->apply(b, part(from, i));
      b.leave();
    }
    std::vector<Value> made = joined(of[0], of[1]);
    Value& y = made.front();
    y = merge(b, merge_, {y, of[1].front()});
    const Value mask = b[y].shape.size() == 2 ? b.mask_of(from.front(), b[y].shape[0]) : Value{};
    if (mask) y = b.mask_steps(y, mask);
    if (passes_mask()) b.set_mask(y, b.mask(from.front()));  // whatever the states' are
    return made;
  }

 private:
  /// The sequence, and that layer's half of the states.
  template <class One>
  static std::vector<One> part(const std::vector<One>& all, std::size_t layer) {
    const auto half = static_cast<std::ptrdiff_t>((all.size() - 1) / 2);
    const auto begin = all.begin() + 1 + (layer == 0 ? 0 : half);
    std::vector<One> found = {all.front()};
    found.insert(found.end(), begin, begin + half);
    return found;
  }
  /// What the one ahead makes, and the states of the other.
  template <class One>
  static std::vector<One> joined(std::vector<One> ahead, const std::vector<One>& back) {
    ahead.insert(ahead.end(), back.begin() + 1, back.end());
    return ahead;
  }
  /// A recurrent layer whose outputs stand in the order of time.
  static LayerSpec in_order(LayerSpec spec) {
    std::visit(
        [](auto& one) {
          if constexpr (requires { one.recurrent; }) {
            one.recurrent.in_order = true;
            one.recurrent.zero_output_for_mask = false;  // which sequences are anyhow, joined
          }
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

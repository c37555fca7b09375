// TimeDistributed: a layer on each time step alike, as on batch · steps samples.

#include "layers/layer.h"

namespace mundur {
namespace {

class TimeDistributed final : public Layer {
 public:
  explicit TimeDistributed(const TimeDistributedSpec& spec) : name_(spec.name) {
    if (spec.layer.size() != 1) throw std::invalid_argument("layer: expected one");
    layer_ = make_layer(spec.layer.front().spec);
  }

  Shape build(Setup& setup, const Shape& input) override {
    if (input.size() < 2)
      throw std::invalid_argument("TimeDistributed needs samples of shape (steps, ...)");
    steps_ = input[0];
    const double work = setup.work;
    setup.enter(name_);
    output_ = layer_->add_to(setup, {Shape(input.begin() + 1, input.end())}).front();
    setup.leave(name_);
    setup.work = work + (setup.work - work) * static_cast<double>(steps_);
    output_.insert(output_.begin(), steps_);
    return output_;
  }

  bool passes_mask() const override { return false; }

  // y_t = layer(x_t)
  Value forward(Builder& b, Value x) const override {
    const Shape shape = b[x].shape;
    const std::int64_t samples = b[x].samples * steps_;
    const Value inner = b.regroup(x, {shape.begin() + 1, shape.end()}, samples);
    // Each step is a sample of its own. A mask of steps within it is the layer's, and goes on where
    // that passes it on; one of steps as they are goes on, and is the layer's where they are rows.
    const Value mask = b.mask(x);
    const Shape steps = mask ? b[mask].shape : Shape{};
    const bool is_within = steps.size() > 1;
    if (is_within || (steps.size() == 1 && shape.size() == 2)) {
      b.set_mask(inner, b.regroup(mask, {steps.begin() + 1, steps.end()}, samples));
    }
    b.enter(name_);
    const Value of_steps = layer_->apply(b, {inner}).front();
    b.leave();
    const Value y = b.regroup(of_steps, output_, b[x].samples);
    if (!is_within || b.mask(of_steps)) b.set_mask(y, mask);
    return y;
  }

 private:
  std::string name_;
  std::unique_ptr<Layer> layer_;
  std::int64_t steps_ = 0;
  Shape output_;
};

}  // namespace

MUNDUR_LAYER(TimeDistributed);

}  // namespace mundur

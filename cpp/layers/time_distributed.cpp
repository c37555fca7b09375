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
    output_ = layer_->add_to(setup, {Shape(input.begin() + 1, input.end())});
    setup.leave(name_);
    setup.work = work + (setup.work - work) * static_cast<double>(steps_);
    output_.insert(output_.begin(), steps_);
    return output_;
  }

  // y_t = layer(x_t)
  Value forward(Builder& b, Value x) const override {
    const Shape shape = b[x].shape;
    const std::int64_t samples = b[x].samples;
    const Value inner = b.regroup(x, {shape.begin() + 1, shape.end()}, samples * steps_);
    // Each step is a sample of its own, a row that is there or not; one with steps has no mask.
    const Value mask = shape.size() == 2 ? b.mask_of(x, steps_) : Value{};
    if (mask) b.set_mask(inner, b.regroup(mask, {1}, samples * steps_));
    b.enter(name_);
    const Value y = layer_->apply(b, {inner});
    b.leave();
    return b.regroup(y, output_, samples);
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

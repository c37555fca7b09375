// Outside: a layer of the caller's, with the arrays that it says it has.

#include "layers/layer.h"

namespace mundur {
namespace {

class Outside final : public Layer {
 public:
  explicit Outside(const OutsideSpec& spec) : spec_(spec) {}

  Shape build(Setup& setup, const Shape& input) override { return build_on(setup, {input}); }
  Shape build_on(Setup& setup, const std::vector<Shape>&) override {
    for (const OutsideSpec::Entry& one : spec_.parameters) {
      parameters_.push_back(setup.parameter(one.name.c_str(), one.shape));
    }
    for (const OutsideSpec::Entry& one : spec_.states) {
      states_.push_back(setup.state(one.name.c_str(), one.shape));
    }
    return spec_.output;
  }
  bool passes_mask() const override { return spec_.passes_mask; }

  Value forward(Builder& b, Value x) const override { return forward_of(b, {x}); }
  Value forward_of(Builder& b, const std::vector<Value>& x) const override {
    std::vector<Value> parameters, states;
    for (int one : parameters_) parameters.push_back(b.parameter(one));
    for (int one : states_) states.push_back(b.state(one));
    const std::shared_ptr<OutsideCall> call = spec_.layer->call();
    const Value y = b.value("y", spec_.output, x.front());
    OutsideTask task;
    task.training = b.training();
    task.learns = b.learns(place());
    task.stream = stream();
    b.emit_outside(op::AskLayer{y, x, parameters, states, call, task});
    std::vector<Value> from = x;
    from.insert(from.end(), parameters.begin(), parameters.end());
    b.backward(y, from, [=, &b](Value dy) {
      std::vector<Value> dx, dw;
      for (Value one : x) dx.push_back(b.wants(one) ? b.like("dx", one) : Value{});
      for (Value w : parameters) {
        dw.push_back(b.wants(w) ? b.whole("dw", b[w].shape) : Value{});
      }
      b.emit_outside(op::AskLayerDx{dx, dw, dy, call});
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (dx[i]) b.gradient(x[i], dx[i]);
      }
      // A parameter's gradient is finished by an operation that knows what follows.
      for (std::size_t i = 0; i < dw.size(); ++i) {
        if (dw[i]) b.gradient(parameters[i], b.copy(dw[i]));
      }
    });
    return y;
  }

 private:
  OutsideSpec spec_;
  std::vector<int> parameters_, states_;
};

}  // namespace

MUNDUR_LAYER(Outside);

}  // namespace mundur

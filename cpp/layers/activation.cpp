// Activation: y = f(x); softmax and log_softmax along the last axis.

#include "layers/layer.h"

namespace mundur {
namespace {

class Activated final : public Layer {
 public:
  explicit Activated(const ActivationSpec& spec) : f_(spec.function) {}

  Shape build(Setup& setup, const Shape& input) override {
    if (input.empty()) {
      throw std::invalid_argument("Activation needs samples of at least one dimension");
    }
    setup.head = f_.activation;
    return input;
  }
  Value forward(Builder& b, Value x) const override { return b.activate(f_, x); }

 private:
  ActivationFunction f_;
};

}  // namespace

std::unique_ptr<Layer> make(const ActivationSpec& spec) {
  return std::make_unique<Activated>(spec);
}

}  // namespace mundur

// SimpleRNN: h_t = f(x_t·W + h_{t-1}·U + b). Elman, "Finding structure in time" (1990).

#include "layers/recurrent.h"

namespace mundur {
namespace {

template <class T>
class SimpleRNN final : public Recurrent<T> {
 public:
  explicit SimpleRNN(const SimpleRNNSpec& spec)
      : Recurrent<T>(spec.recurrent, 1, false, false), f_(elementwise(spec.activation)) {
    if (is_function(spec.activation)) return;
    throw std::invalid_argument("activation: expected linear, relu, sigmoid or tanh, got " +
                                std::string(name_of(spec.activation)));
  }

 private:
  // h_t = f(z_t)
  void gates(const Kernels<T>& kernels, const TimeStep<T>& step, std::int64_t B) const override {
    kernels.simple_rnn(step, B, this->units(), f_);
  }

  // ∂L/∂z_t = f'(z_t) ∂L/∂h_t
  void gates_backward(const Kernels<T>& kernels, const TimeStepBackward<T>& step,
                      std::int64_t B) const override {
    kernels.simple_rnn_backward(step, B, this->units(), f_);
  }

  Function f_;
};

}  // namespace

MUNDUR_LAYER(SimpleRNN);

}  // namespace mundur

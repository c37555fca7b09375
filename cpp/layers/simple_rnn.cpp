// SimpleRNN: h_t = f(z_t). Elman, "Finding structure in time" (1990).
//
// ∂L/∂z_t = f'(z_t) ∂L/∂h_t

#include "layers/recurrent.h"

namespace mundur {
namespace {

class SimpleRNN final : public Recurrent {
 public:
  explicit SimpleRNN(const SimpleRNNSpec& spec)
      : Recurrent(spec.recurrent, Cell::simple_rnn, 1, spec.activation, Activation::linear) {}
};

}  // namespace

MUNDUR_LAYER(SimpleRNN);

}  // namespace mundur

// LSTM: Hochreiter and Schmidhuber, "Long short-term memory" (1997), with the forget gate of Gers,
// Schmidhuber and Cummins, "Learning to forget" (2000).
//
// (1) i, f, o = σ(z_i), σ(z_f), σ(z_o)        g = tanh(z_g)
// (2) c_t = f c_{t-1} + i g
// (3) h_t = o tanh(c_t)
//
// (3) ∂L/∂z_o = o (1 - o) tanh(c_t) ∂L/∂h_t        ∂L/∂c_t += o (1 - tanh²(c_t)) ∂L/∂h_t
// (2) ∂L/∂c_{t-1} = f ∂L/∂c_t
// (1) ∂L/∂z_i = i (1 - i) g ∂L/∂c_t        ∂L/∂z_f = f (1 - f) c_{t-1} ∂L/∂c_t
//     ∂L/∂z_g = (1 - g²) i ∂L/∂c_t

#include "layers/recurrent.h"

namespace mundur {
namespace {

class LSTM final : public Recurrent {
 public:
  explicit LSTM(const LSTMSpec& spec)
      : Recurrent(spec.recurrent, Cell::lstm, 4, spec.activation, spec.recurrent_activation) {}
};

}  // namespace

MUNDUR_LAYER(LSTM);

}  // namespace mundur

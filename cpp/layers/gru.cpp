// GRU: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), with the
// reset gate behind the product, as Keras has it by default and PyTorch always, or in front of it.
//
// (1) u, r = σ(z_u), σ(z_r)        n = tanh(z_n + r q)
// (2) h_t = u h_{t-1} + (1 - u) n
//
// (2) ∂L/∂z_u = u (1 - u) (h_{t-1} - n) ∂L/∂h_t        ∂L/∂h_{t-1} = u ∂L/∂h_t + ...
// (1) ∂L/∂z_n = (1 - n²) (1 - u) ∂L/∂h_t        ∂L/∂q = r ∂L/∂z_n
//     ∂L/∂z_r = r (1 - r) q ∂L/∂z_n
//
// With the reset gate in front, as in the paper, q = r h_{t-1} takes the place of h_{t-1} in the
// product with U_n, and n = tanh(z_n):
//
//     ∂L/∂q = ∂L/∂z_n·U_nᵀ        ∂L/∂z_r = r (1 - r) h_{t-1} ∂L/∂q
//     ∂L/∂h_{t-1} = u ∂L/∂h_t + r ∂L/∂q + ...

#include "layers/recurrent.h"

namespace mundur {
namespace {

class GRU final : public Recurrent {
 public:
  explicit GRU(const GRUSpec& spec)
      : Recurrent(spec.recurrent, spec.reset_after ? Cell::gru : Cell::gru_before, 3,
                  spec.activation, spec.recurrent_activation) {}
};

}  // namespace

MUNDUR_LAYER(GRU);

}  // namespace mundur

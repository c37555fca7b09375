// GRU: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), with the
// reset gate behind the product, as Keras has it by default and PyTorch always.
//
// (1) u, r = σ(z_u), σ(z_r)        n = tanh(z_n + r q)
// (2) h_t = u h_{t-1} + (1 - u) n
//
// (2) ∂L/∂z_u = u (1 - u) (h_{t-1} - n) ∂L/∂h_t        ∂L/∂h_{t-1} = u ∂L/∂h_t + ...
// (1) ∂L/∂z_n = (1 - n²) (1 - u) ∂L/∂h_t        ∂L/∂q = r ∂L/∂z_n
//     ∂L/∂z_r = r (1 - r) q ∂L/∂z_n

#include "layers/recurrent.h"

namespace mundur {
namespace {

class GRU final : public Recurrent {
 public:
  explicit GRU(const GRUSpec& spec) : Recurrent(spec.recurrent, Cell::gru, 3) {}
};

}  // namespace

MUNDUR_LAYER(GRU);

}  // namespace mundur

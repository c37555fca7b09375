// Dropout: in training an element is kept with probability 1 - rate and scaled by 1/(1 - rate);
// else y = x.

#include "layers/dropping.h"

namespace mundur {
namespace {

// y_j = keep_j x_j / (1 − rate)
class Dropout final : public Dropping {
 public:
  explicit Dropout(const DropoutSpec& spec) : Dropping(spec.rate, spec.seed) {}
};

}  // namespace

MUNDUR_LAYER(Dropout);

}  // namespace mundur

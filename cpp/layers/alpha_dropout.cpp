// AlphaDropout: in training an element becomes α′ with probability `rate`, and an affine map keeps
// mean 0 and variance 1; else y = x. Klambauer et al., "Self-normalizing neural networks" (2017).

#include <cmath>

#include "layers/dropping.h"

namespace mundur {
namespace {

/// −α·scale of SELU, where its values saturate.
constexpr double kSaturation =
    -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946;

// y_j = a x_j + b where kept, a α′ + b where dropped
class AlphaDropout final : public Dropping {
 public:
  explicit AlphaDropout(const AlphaDropoutSpec& spec) : Dropping(spec.rate, spec.seed) {
    const double q = spec.rate;
    drop_.scale = 1.0 / std::sqrt((1.0 - q) * (1.0 + q * kSaturation * kSaturation));
    affine_ = true;
    offset_ = -drop_.scale * kSaturation * q;
    dropped_ = drop_.scale * kSaturation + offset_;
  }
};

}  // namespace

MUNDUR_LAYER(AlphaDropout);

}  // namespace mundur

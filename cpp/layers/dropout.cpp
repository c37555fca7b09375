// Dropout: in training an element is kept with probability 1 - rate and scaled by 1/(1 - rate);
// else y = x.

#include "layers/dropping.h"
#include "layers/permuted.h"

namespace mundur {
namespace {

// y_j = keep_j x_j / (1 − rate), keep the same along the axes that share it
class Dropout final : public Dropping {
 public:
  explicit Dropout(const DropoutSpec& spec)
      : Dropping(spec.rate, spec.seed), shared_(spec.shared) {}

  Shape build(Setup&, const Shape& input) override {
    const auto rank = static_cast<std::int64_t>(input.size());
    shared_ = axes_of(shared_, rank);
    order_ = with_last(rank, with_last_but(rank, shared_));
    return input;
  }

  Value forward(Builder& b, Value x) const override {
    if (shared_.empty() || !drops(b)) return Dropping::forward(b, x);
    const Value y = Dropping::forward(b, permuted(b, x, order_));
    return permuted(b, y, back_from(order_));
  }

 private:
  /// The axes along which each element is dropped by itself.
  static Shape with_last_but(std::int64_t rank, const Shape& shared) {
    Shape own = with_last(rank, shared);
    own.resize(own.size() - shared.size());
    return own;
  }
  Shape kept(const Shape& input) const override {
    std::int64_t size = 1;
    for (std::size_t i = shared_.size(); i < input.size(); ++i) size *= input[i];
    return shared_.empty() ? input : Shape{size};
  }

  Shape shared_, order_;
};

}  // namespace

MUNDUR_LAYER(Dropout);

}  // namespace mundur

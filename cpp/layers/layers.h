#pragma once

// What the layers share: how an activation is split between the product's epilogue and a pass over
// rows, how elements are shared out.

#include <stdexcept>

#include "kernels/table.h"
#include "mundur/layers.h"
#include "parallel/team.h"

namespace mundur {

/// Elements per grain of an elementwise pass: a multiple of every vector and of a cache line.
inline constexpr std::int64_t kGrain = 64;

/// The part of an activation that acts on one element.
inline Function elementwise(Activation activation) {
  return activation == Activation::softmax ? Function::linear : static_cast<Function>(activation);
}

/// dy becomes δ = ∂L/∂z for y = f(z); [B,O], shared among the workers, without a barrier.
template <class T>
void activation_backward(const Pass<T>& pass, T* dx, const T* y, const T* dy, std::int64_t B,
                         std::int64_t O, Activation activation) {
  if (activation == Activation::softmax) {
    const Range rows = share(B, 1, pass.worker);
    const std::int64_t at = rows.begin * O;
    pass.kernels.softmax_backward(dx + at, y + at, dy + at, rows.size(), O);
    return;
  }
  const Range part = share(B * O, kGrain, pass.worker);
  pass.kernels.activation_backward(dx + part.begin, y + part.begin, dy + part.begin, part.size(),
                                   elementwise(activation));
}

/// The optimizer's step for a block of a parameter whose gradient is known, if the pass is to do
/// it; `at` is the block's first element, `ld` the distance of its rows.
template <class T>
void update_block(const Pass<T>& pass, const Parameter<T>& parameter, std::int64_t at,
                  std::int64_t rows, std::int64_t columns, std::int64_t ld) {
  if (!pass.update) return;
  pass.kernels.update(pass.update->at(parameter.value - pass.update->w + at),
                      parameter.gradient + at, rows, columns, ld, ld);
}

inline double checked_rate(double rate) {
  if (rate >= 0.0 && rate < 1.0) return rate;
  throw std::invalid_argument("rate: expected 0 <= rate < 1, got " + std::to_string(rate));
}

/// Where a layer's masks or noise come from: one stream of random numbers per layer and training
/// forward; the top bit keeps them apart from initialisers'.
class Masks {
 public:
  /// Without a seed, the network's.
  explicit Masks(std::optional<std::uint64_t> seed) : seed_(seed) {}
  void place(int index) { index_ = static_cast<std::uint64_t>(index); }
  template <class T>
  RandomKey key(const Pass<T>& pass) const {
    constexpr int kLayerBits = 15;
    return {seed_.value_or(pass.seed),
            (std::uint64_t{1} << 63) | (index_ << (63 - kLayerBits)) | pass.forward};
  }

 private:
  std::optional<std::uint64_t> seed_;
  std::uint64_t index_ = 0;
};

template <class T>
std::unique_ptr<Layer<T>> make(const DenseSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const ActivationSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const DropoutSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const FlattenSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const RescalingSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const BatchNormalizationSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const LayerNormalizationSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const GaussianNoiseSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const GaussianDropoutSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const AlphaDropoutSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const ResidualSpec& spec);

/// Instantiates make() for both element types at the end of a layer's file.
#define MUNDUR_LAYER(Name)                                               \
  template <class T>                                                     \
  std::unique_ptr<Layer<T>> make(const Name##Spec& spec) {               \
    return std::make_unique<Name<T>>(spec);                              \
  }                                                                      \
  template std::unique_ptr<Layer<float>> make<float>(const Name##Spec&); \
  template std::unique_ptr<Layer<double>> make<double>(const Name##Spec&)

}  // namespace mundur

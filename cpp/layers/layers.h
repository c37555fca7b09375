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

/// The part of an activation that a product applies.
inline Function elementwise(Activation activation) {
  return is_function(activation) ? static_cast<Function>(activation) : Function::linear;
}

/// An activation y = f(z) on [B,O]: over blocks, or by all workers, who then share the work and
/// meet at no barrier.
template <class T>
class Activator {
 public:
  explicit Activator(const ActivationFunction& f) : f_(f.activation), custom_(f.custom) {
    for (int i = 0; i < kCurveParameters; ++i) p_[i] = static_cast<T>(f.parameters[i]);
  }

  Activation activation() const { return f_; }
  CustomFunction* custom() const { return custom_.get(); }
  /// Whether it acts on whole rows.
  bool by_rows() const { return f_ == Activation::softmax || f_ == Activation::log_softmax; }
  /// Whether backward reads z, not y.
  bool keeps_z() const { return f_ > Activation::log_softmax; }

  /// Whole rows; y may be z.
  void rows(const Kernels<T>& kernels, T* y, const T* z, std::int64_t B, std::int64_t O) const {
    (f_ == Activation::softmax ? kernels.softmax : kernels.log_softmax)(y, z, B, O);
  }
  /// Elements that lie together, of an activation that keeps z; none of a custom one.
  void elements(const Kernels<T>& kernels, T* y, const T* z, std::int64_t n) const {
    if (!custom_) kernels.curve(y, z, n, curve(), p_);
  }

  void forward(const Pass<T>& pass, T* y, const T* z, std::int64_t B, std::int64_t O) const {
    if (custom_) {
      if (pass.worker.first()) custom_->value(y, z, B, O);
      return;
    }
    const Range part = shared(pass, B, O);
    y += part.begin;
    z += part.begin;
    if (by_rows()) return rows(pass.kernels, y, z, part.size() / O, O);
    if (keeps_z()) return elements(pass.kernels, y, z, part.size());
    pass.kernels.activation(y, z, part.size(), elementwise(f_));
  }

  /// dx = δ = ∂L/∂z; dx may be dy. `z` matters only if keeps_z(), else only y.
  void backward(const Pass<T>& pass, T* dx, const T* z, const T* y, const T* dy, std::int64_t B,
                std::int64_t O) const {
    if (custom_) {
      if (pass.worker.first()) custom_->backward(dx, z, dy, B, O);
      return;
    }
    const Range part = shared(pass, B, O);
    dx += part.begin;
    dy += part.begin;
    if (keeps_z()) {
      pass.kernels.curve_backward(dx, z + part.begin, dy, part.size(), curve(), p_);
    } else if (f_ == Activation::softmax) {
      pass.kernels.softmax_backward(dx, y + part.begin, dy, part.size() / O, O);
    } else if (f_ == Activation::log_softmax) {
      pass.kernels.log_softmax_backward(dx, y + part.begin, dy, part.size() / O, O);
    } else {
      pass.kernels.activation_backward(dx, y + part.begin, dy, part.size(), elementwise(f_));
    }
  }

 private:
  Curve curve() const {
    return static_cast<Curve>(static_cast<int>(f_) - static_cast<int>(Activation::rectifier));
  }
  /// The worker's share of the elements.
  Range shared(const Pass<T>& pass, std::int64_t B, std::int64_t O) const {
    if (!by_rows()) return share(B * O, kGrain, pass.worker);
    const Range rows = share(B, 1, pass.worker);
    return {rows.begin * O, rows.end * O};
  }

  Activation f_;
  T p_[kCurveParameters];
  std::shared_ptr<CustomFunction> custom_;
};

/// What follows when the gradient g of the data is known in a block of a parameter: the penalty's
/// gradient and, if the pass is to do it, the optimizer's step; `at` is the block's first element,
/// `ld` the distance of its rows.
template <class T>
void update_block(const Pass<T>& pass, const Parameter<T>& parameter, T* g, std::int64_t at,
                  std::int64_t rows, std::int64_t columns, std::int64_t ld) {
  if (parameter.penalty.any()) {
    pass.kernels.add_penalty(g, parameter.value + at, rows, columns, ld, ld,
                             static_cast<T>(parameter.penalty.l1),
                             static_cast<T>(2.0 * parameter.penalty.l2));
  }
  if (!pass.update) return;
  pass.kernels.update(pass.update->at(parameter.value - pass.update->w + at), g, rows, columns, ld,
                      ld);
}
/// The same where the gradient lies in its place.
template <class T>
void update_block(const Pass<T>& pass, const Parameter<T>& parameter, std::int64_t at,
                  std::int64_t rows, std::int64_t columns, std::int64_t ld) {
  update_block(pass, parameter, parameter.gradient + at, at, rows, columns, ld);
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
std::unique_ptr<Layer<T>> make(const EmbeddingSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const Conv1DSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const LSTMSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const GRUSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const SimpleRNNSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const BidirectionalSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const Pooling1DSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const SpatialDropout1DSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const ReshapeSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const PermuteSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const ZeroPadding1DSpec& spec);
template <class T>
std::unique_ptr<Layer<T>> make(const TimeDistributedSpec& spec);
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

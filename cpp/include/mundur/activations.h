#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mundur/types.h"

namespace mundur {

/// Throws std::invalid_argument for an unknown name, and for "custom".
Activation activation_from_name(const std::string& name);
std::string_view name_of(Activation activation);
/// Whether the activation is one of Function: written through its output.
constexpr bool is_function(Activation activation) { return activation < Activation::softmax; }
/// The curve that an activation is which is one.
constexpr Curve curve_of(Activation activation) {
  constexpr int kFirst = static_cast<int>(Activation::log_softmax) + 1;
  return static_cast<Curve>(static_cast<int>(activation) - kFirst);
}

/// A function of the caller's with its derivative, called by the calling thread for a whole batch,
/// while no team is at work. It may throw.
class CustomFunction {
 public:
  virtual ~CustomFunction() = default;
  /// y[B,O] = f(z[B,O]); y is not z.
  virtual void value(float* y, const float* z, std::int64_t B, std::int64_t O) = 0;
  virtual void value(double* y, const double* z, std::int64_t B, std::int64_t O) = 0;
  /// dx[B,O] = dy[B,O] · f'(z[B,O]); dx may be dy.
  virtual void backward(float* dx, const float* z, const float* dy, std::int64_t B,
                        std::int64_t O) = 0;
  virtual void backward(double* dx, const double* z, const double* dy, std::int64_t B,
                        std::int64_t O) = 0;
};

/// An activation and what belongs to it: a curve's parameters, or the caller's function.
struct ActivationFunction {
  ActivationFunction(Activation which = Activation::linear) : activation(which) {}
  /// Throws std::invalid_argument unless `values` are as many as the activation takes.
  ActivationFunction(Activation which, const std::vector<double>& values);
  explicit ActivationFunction(std::shared_ptr<CustomFunction> function)
      : activation(Activation::custom), custom(std::move(function)) {}

  /// Whether it acts on whole rows.
  bool by_rows() const {
    return activation == Activation::softmax || activation == Activation::log_softmax;
  }
  /// Whether its derivative is written through z, not through y = f(z).
  bool keeps_z() const { return activation > Activation::log_softmax; }

  Activation activation;
  double parameters[kCurveParameters] = {};
  std::shared_ptr<CustomFunction> custom;
};

}  // namespace mundur

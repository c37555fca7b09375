// Activation: y = f(x); softmax along the last axis.

#include <stdexcept>

#include "layers/layers.h"

namespace mundur {
namespace {

template <class T>
class Activated final : public Layer<T> {
 public:
  explicit Activated(const ActivationSpec& spec) : f_(spec.function) {}

  Shape build(const Shape& input, int) override {
    if (input.empty()) {
      throw std::invalid_argument("Activation needs samples of at least one dimension");
    }
    O_ = input.back();
    rows_ = O_ ? size_of(input) / O_ : 0;
    return input;
  }

  bool passes_through(bool) const override { return f_ == Activation::linear; }
  Activation head() const override { return f_; }

  // y_j = f(x_j)        softmax: y_j = exp(x_j) / Σ_k exp(x_k)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const std::int64_t B = pass.batch * rows_;
    if (f_ == Activation::softmax) {
      const Range rows = share(B, 1, pass.worker);
      pass.kernels.softmax(saved.y + rows.begin * O_, saved.x + rows.begin * O_, rows.size(), O_);
      return;
    }
    const Range part = share(B * O_, kGrain, pass.worker);
    pass.kernels.activation(saved.y + part.begin, saved.x + part.begin, part.size(),
                            elementwise(f_));
  }

  // ∂L/∂x_j = f'(x_j) ∂L/∂y_j        softmax: ∂L/∂x_j = y_j (∂L/∂y_j − Σ_k y_k ∂L/∂y_k)
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam& seam) const override {
    if (!dx) return;
    activation_backward(pass, dx, saved.y, dy, pass.batch * rows_, O_,
                        seam.at_logits ? Activation::linear : f_);
  }

 private:
  Activation f_;
  std::int64_t O_ = 0;
  std::int64_t rows_ = 1;
};

}  // namespace

template <class T>
std::unique_ptr<Layer<T>> make(const ActivationSpec& spec) {
  return std::make_unique<Activated<T>>(spec);
}
template std::unique_ptr<Layer<float>> make<float>(const ActivationSpec&);
template std::unique_ptr<Layer<double>> make<double>(const ActivationSpec&);

}  // namespace mundur

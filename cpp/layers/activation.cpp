// Activation: y = f(x); softmax and log_softmax along the last axis.

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

  bool passes_through(bool) const override { return head() == Activation::linear; }
  Activation head() const override { return f_.activation(); }
  void add_custom(std::vector<CustomFunction*>& all) const override {
    if (f_.custom()) all.push_back(f_.custom());
  }

  // y_j = f(x_j)        softmax: y_j = exp(x_j) / Σ_k exp(x_k)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    f_.forward(pass, saved.y, saved.x, pass.batch * rows_, O_);
  }

  // ∂L/∂x_j = f'(x_j) ∂L/∂y_j        softmax: ∂L/∂x_j = y_j (∂L/∂y_j − Σ_k y_k ∂L/∂y_k)
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam& seam) const override {
    if (!dx) return;
    const std::int64_t B = pass.batch * rows_;
    if (seam.at_logits) {
      const Range part = share(B * O_, kGrain, pass.worker);
      pass.kernels.activation(dx + part.begin, dy + part.begin, part.size(), Function::linear);
    } else {
      f_.backward(pass, dx, saved.x, saved.y, dy, B, O_);
    }
  }

 private:
  Activator<T> f_;
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

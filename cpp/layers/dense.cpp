// Dense: y = f(z), z = x·W + b, on the last axis.

#include <algorithm>
#include <stdexcept>

#include "layers/layers.h"

namespace mundur {
namespace {

template <class T>
class Dense final : public Layer<T> {
 public:
  explicit Dense(const DenseSpec& spec)
      : O_(spec.units), f_(spec.activation), bias_(spec.use_bias) {
    if (O_ < 1) {
      throw std::invalid_argument("units: expected at least 1, got " + std::to_string(O_));
    }
  }

  Shape build(const Shape& input, int) override {
    if (input.empty()) throw std::invalid_argument("Dense needs samples of at least one dimension");
    I_ = input.back();
    rows_ = 1;
    for (std::size_t axis = 0; axis + 1 < input.size(); ++axis) rows_ *= input[axis];
    Shape output = input;
    output.back() = O_;
    return output;
  }

  std::vector<Parameter<T>> parameters() const override {
    std::vector<Parameter<T>> all = {{"kernel", {I_, O_}}};
    if (bias_) all.push_back({"bias", {O_}});
    return all;
  }

  void bind(Parameter<T>* parameters) override {
    w_ = &parameters[0];
    b_ = bias_ ? &parameters[1] : nullptr;
  }

  Activation head() const override { return f_; }
  bool joins_below() const override { return true; }

  // z_j = Σ_i x_i W_ij + b_j        y_j = f(z_j)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const std::int64_t B = pass.batch * rows_;
    const Block part = output_part(pass, B);
    if (part.empty()) return;
    T* y = saved.y + part.rows.begin * O_;
    pass.kernels.product(
        y + part.columns.begin, saved.x + part.rows.begin * I_, w_->value + part.columns.begin,
        b_ ? b_->value + part.columns.begin : nullptr, part.rows.size(), part.columns.size(), I_,
        O_, I_, O_, elementwise(f_), uses_lanes(I_, O_), pass.scratch);
    if (f_ == Activation::softmax) pass.kernels.softmax(y, y, part.rows.size(), O_);
  }

  // δ_j = f'(z_j) ∂L/∂y_j        ∂L/∂x_i = Σ_j W_ij δ_j
  // ∂L/∂W_ij = Σ_b x_i δ_j       ∂L/∂b_j = Σ_b δ_j
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam& seam) const override {
    const std::int64_t B = pass.batch * rows_;
    if (!seam.at_logits && f_ != Activation::linear) {
      activation_backward(pass, dy, saved.y, dy, B, O_, f_);
      pass.worker.barrier();
    }
    const T* delta = dy;
    if (dx) {
      input_gradient(pass, dx, delta, saved.x, B, elementwise(seam.below));
      if (pass.update) pass.worker.barrier();  // W changes next
    }
    if (w_->trainable) kernel_gradient(pass, saved.x, delta, B);
    if (b_ && b_->trainable) bias_gradient(pass, delta, B);
  }

 private:
  /// A softmax needs its whole row, so then rows are shared out and the row is still warm.
  Block output_part(const Pass<T>& pass, std::int64_t B) const {
    if (f_ == Activation::softmax) return {share(B, 1, pass.worker), {0, O_}};
    return share(B, kTileRows, O_, pass.kernels.column_grain, pass.worker);
  }

  static constexpr std::int64_t kTileRows = 8;

  /// And further, if x = f(z), to ∂L/∂z_i = f'(z_i) ∂L/∂x_i, while the block is in the cache.
  void input_gradient(const Pass<T>& pass, T* dx, const T* delta, const T* x, std::int64_t B,
                      Function f) const {
    const Block part = share(B, kTileRows, I_, pass.kernels.column_grain, pass.worker);
    if (part.empty()) return;
    pass.kernels.product_dx(dx + part.rows.begin * I_ + part.columns.begin,
                            delta + part.rows.begin * O_, w_->value + part.columns.begin * O_,
                            part.rows.size(), part.columns.size(), O_, I_, O_, O_,
                            uses_lanes(O_, I_), pass.scratch);
    if (f == Function::linear) return;
    const bool is_whole = part.columns.size() == I_;
    const std::int64_t size = is_whole ? part.rows.size() * I_ : part.columns.size();
    for (std::int64_t row = part.rows.begin; row < part.rows.end; row += is_whole ? B : 1) {
      const std::int64_t at = row * I_ + part.columns.begin;
      pass.kernels.activation_backward(dx + at, x + at, dx + at, size, f);
    }
  }

  void kernel_gradient(const Pass<T>& pass, const T* x, const T* delta, std::int64_t B) const {
    const Block part = own(I_, kParameterRows, O_, pass.kernels.column_grain, pass.worker);
    if (part.empty()) return;
    const std::int64_t columns = part.columns.size();
    // An update follows while its gradients are in the cache.
    const std::int64_t strip = pass.update ? strip_rows(columns) : part.rows.size();
    for (std::int64_t row = part.rows.begin; row < part.rows.end; row += strip) {
      const std::int64_t rows = std::min(strip, part.rows.end - row);
      const std::int64_t at = row * O_ + part.columns.begin;
      pass.kernels.product_dw(w_->gradient + at, x + row, delta + part.columns.begin, rows, columns,
                              B, O_, I_, O_, pass.scratch);
      update_block(pass, *w_, at, rows, columns, O_);
    }
  }

  /// As many as keep the product busy, and no more than the cache holds.
  static std::int64_t strip_rows(std::int64_t columns) {
    constexpr std::int64_t kLeast = 256;
    constexpr std::int64_t kElements = 1 << 18;
    return std::max(kLeast, kElements / columns / kParameterRows * kParameterRows);
  }

  void bias_gradient(const Pass<T>& pass, const T* delta, std::int64_t B) const {
    const Block part = own(1, kParameterRows, O_, pass.kernels.column_grain, pass.worker);
    if (part.empty()) return;
    pass.kernels.sum_rows(b_->gradient + part.columns.begin, delta + part.columns.begin,
                          part.columns.size(), B, O_);
    update_block(pass, *b_, part.columns.begin, 1, part.columns.size(), O_);
  }

  std::int64_t O_;
  Activation f_;
  bool bias_;
  std::int64_t I_ = 0;
  std::int64_t rows_ = 1;  // of one sample: the product of its axes but the last
  Parameter<T>* w_ = nullptr;
  Parameter<T>* b_ = nullptr;
};

}  // namespace

MUNDUR_LAYER(Dense);

}  // namespace mundur

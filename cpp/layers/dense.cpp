// Dense: y = f(z), z = x·W + b, on the last axis.

#include <algorithm>
#include <stdexcept>

#include "layers/layers.h"
#include "mundur/memory.h"

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

  Activation head() const override { return f_.activation(); }
  void add_custom(std::vector<CustomFunction*>& all) const override {
    if (f_.custom()) all.push_back(f_.custom());
  }
  bool joins_below() const override { return true; }

  void compute_in(Compute compute) override { bfloat16_ = compute == Compute::bfloat16; }

  // z, if f' is written through it: outside of training, too, since a backward may follow a forward
  // by hand. In bfloat16: x and δ rounded, by all workers for all products.
  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    constexpr const char* kWhat = "the workspace of one batch";
    const std::int64_t numbers =
        bfloat16_ ? bfloat16_stride(I_) + (training ? bfloat16_stride(O_) : 0) : 0;
    if (f_.keeps_z()) checked_product(batch * rows_, O_ * std::int64_t{sizeof(T)} + kLine, kWhat);
    return checked_sum(z_bytes(batch * rows_), checked_product(batch * rows_, 2 * numbers, kWhat),
                       kWhat);
  }

  // z_j = Σ_i x_i W_ij + b_j        y_j = f(z_j)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const std::int64_t B = pass.batch * rows_;
    std::uint16_t* x16 = x16_of(saved, B);
    if (x16) round(pass, x16, saved.x, B, I_);
    const Block part = output_part(pass, B);
    if (!part.empty()) product(pass, saved, x16, part);
    if (f_.custom()) {
      pass.worker.barrier();
      f_.forward(pass, saved.y, z_of(saved), B, O_);
    }
  }

  // δ_j = f'(z_j) ∂L/∂y_j        ∂L/∂x_i = Σ_j W_ij δ_j
  // ∂L/∂W_ij = Σ_b x_i δ_j       ∂L/∂b_j = Σ_b δ_j
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam& seam) const override {
    const std::int64_t B = pass.batch * rows_;
    if (!seam.at_logits && head() != Activation::linear) {
      f_.backward(pass, dy, f_.keeps_z() ? z_of(saved) : nullptr, saved.y, dy, B, O_);
      pass.worker.barrier();
    }
    const T* delta = dy;
    std::uint16_t* x16 = x16_of(saved, B);
    std::uint16_t* delta16 = x16 ? x16 + B * bfloat16_stride(I_) : nullptr;
    if (delta16) round(pass, delta16, delta, B, O_);
    if (dx) {
      input_gradient(pass, dx, delta, delta16, saved.x, B, elementwise(seam.below));
      if (pass.update) pass.worker.barrier();  // W changes next
    }
    if (w_->trainable) kernel_gradient(pass, saved.x, x16, delta, delta16, B);
    if (b_ && b_->trainable) bias_gradient(pass, delta, B);
  }

 private:
  /// A softmax needs its whole row, so then rows are shared out and the row is still warm.
  Block output_part(const Pass<T>& pass, std::int64_t B) const {
    if (f_.by_rows()) return {share(B, 1, pass.worker), {0, O_}};
    return share(B, kTileRows, O_, pass.kernels.column_grain, pass.worker);
  }

  /// A block of z, and of y but for a custom f.
  void product(const Pass<T>& pass, const Saved<T>& saved, const std::uint16_t* x16,
               const Block& part) const {
    T* z = (f_.keeps_z() ? z_of(saved) : saved.y) + part.rows.begin * O_;
    const T* w = w_->value + part.columns.begin;
    const T* b = b_ ? b_->value + part.columns.begin : nullptr;
    const bool lanes = uses_lanes(I_, O_);
    if (x16 && !lanes) {
      const std::int64_t ldx = bfloat16_stride(I_);
      pass.kernels.product_bf16(z + part.columns.begin, x16 + part.rows.begin * ldx, w, b,
                                part.rows.size(), part.columns.size(), I_, O_, ldx, O_,
                                elementwise(head()), pass.scratch);
    } else {
      pass.kernels.product(z + part.columns.begin, saved.x + part.rows.begin * I_, w, b,
                           part.rows.size(), part.columns.size(), I_, O_, I_, O_,
                           elementwise(head()), lanes, pass.scratch);
    }
    if (f_.by_rows()) f_.rows(pass.kernels, z, z, part.rows.size(), O_);
    if (f_.keeps_z()) activate(pass, saved.y + (z - z_of(saved)), z, part);
  }

  static constexpr std::int64_t kTileRows = 8;
  static constexpr std::int64_t kLine = 64;

  /// y = f(z) on the block, while it is in the cache; y and z point at its first row.
  void activate(const Pass<T>& pass, T* y, const T* z, const Block& part) const {
    const bool is_whole = part.columns.size() == O_;
    const std::int64_t size = is_whole ? part.rows.size() * O_ : part.columns.size();
    for (std::int64_t row = 0; row < part.rows.size(); row += is_whole ? part.rows.size() : 1) {
      const std::int64_t at = row * O_ + part.columns.begin;
      f_.elements(pass.kernels, y + at, z + at, size);
    }
  }

  std::int64_t z_bytes(std::int64_t B) const {
    if (!f_.keeps_z()) return 0;
    return (B * O_ * std::int64_t{sizeof(T)} + kLine - 1) / kLine * kLine;
  }
  /// Where forward leaves z if it keeps it.
  static T* z_of(const Saved<T>& saved) { return reinterpret_cast<T*>(saved.extra); }

  /// x in bfloat16, which forward leaves; null without compute_in(bfloat16).
  std::uint16_t* x16_of(const Saved<T>& saved, std::int64_t B) const {
    return bfloat16_ ? reinterpret_cast<std::uint16_t*>(saved.extra + z_bytes(B)) : nullptr;
  }

  /// y[B, n] = x[B, n] in bfloat16, by all workers.
  void round(const Pass<T>& pass, std::uint16_t* y, const T* x, std::int64_t B,
             std::int64_t n) const {
    const Range rows = share(B, 1, pass.worker);
    const std::int64_t ldy = bfloat16_stride(n);
    pass.kernels.to_bfloat16(y + rows.begin * ldy, x + rows.begin * n, rows.size(), n, ldy, n);
    pass.worker.barrier();
  }

  /// And further, if x = f(z), to ∂L/∂z_i = f'(z_i) ∂L/∂x_i, while the block is in the cache.
  void input_gradient(const Pass<T>& pass, T* dx, const T* delta, const std::uint16_t* delta16,
                      const T* x, std::int64_t B, Function f) const {
    const Block part = share(B, kTileRows, I_, pass.kernels.column_grain, pass.worker);
    if (part.empty()) return;
    T* to = dx + part.rows.begin * I_ + part.columns.begin;
    const T* w = w_->value + part.columns.begin * O_;
    const bool lanes = uses_lanes(O_, I_);
    if (delta16 && !lanes) {
      const std::int64_t ldy = bfloat16_stride(O_);
      pass.kernels.product_dx_bf16(to, delta16 + part.rows.begin * ldy, w, part.rows.size(),
                                   part.columns.size(), O_, I_, ldy, O_, pass.scratch);
    } else {
      pass.kernels.product_dx(to, delta + part.rows.begin * O_, w, part.rows.size(),
                              part.columns.size(), O_, I_, O_, O_, lanes, pass.scratch);
    }
    if (f == Function::linear) return;
    const bool is_whole = part.columns.size() == I_;
    const std::int64_t size = is_whole ? part.rows.size() * I_ : part.columns.size();
    for (std::int64_t row = part.rows.begin; row < part.rows.end; row += is_whole ? B : 1) {
      const std::int64_t at = row * I_ + part.columns.begin;
      pass.kernels.activation_backward(dx + at, x + at, dx + at, size, f);
    }
  }

  void kernel_gradient(const Pass<T>& pass, const T* x, const std::uint16_t* x16, const T* delta,
                       const std::uint16_t* delta16, std::int64_t B) const {
    const Block part = own(I_, kParameterRows, O_, pass.kernels.column_grain, pass.worker);
    if (part.empty()) return;
    const std::int64_t columns = part.columns.size();
    // An update or a penalty follows while its gradients are in the cache.
    const bool more = pass.update || w_->penalty.any();
    const std::int64_t strip = more ? strip_rows(columns) : part.rows.size();
    for (std::int64_t row = part.rows.begin; row < part.rows.end; row += strip) {
      const std::int64_t rows = std::min(strip, part.rows.end - row);
      const std::int64_t at = row * O_ + part.columns.begin;
      T* dw = w_->gradient + at;
      if (delta16) {
        pass.kernels.product_dw_bf16(dw, x16 + row, delta16 + part.columns.begin, rows, columns, B,
                                     O_, bfloat16_stride(I_), bfloat16_stride(O_), pass.scratch);
      } else {
        pass.kernels.product_dw(dw, x + row, delta + part.columns.begin, rows, columns, B, O_, I_,
                                O_, pass.scratch);
      }
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
  Activator<T> f_;
  bool bias_;
  bool bfloat16_ = false;
  std::int64_t I_ = 0;
  std::int64_t rows_ = 1;  // of one sample: the product of its axes but the last
  Parameter<T>* w_ = nullptr;
  Parameter<T>* b_ = nullptr;
};

}  // namespace

MUNDUR_LAYER(Dense);

}  // namespace mundur

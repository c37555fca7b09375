// LayerNormalization: each sample's last axis brought to mean 0 and variance 1. Ba, Kiros and
// Hinton, "Layer normalization" (2016).

#include "layers/affine.h"

namespace mundur {
namespace {

template <class T>
class LayerNormalization final : public Layer<T> {
 public:
  explicit LayerNormalization(const LayerNormalizationSpec& spec)
      : epsilon_(static_cast<T>(spec.epsilon)), affine_(spec.scale, spec.center) {}

  Shape build(const Shape& input, int) override {
    C_ = last_axis(input);
    rows_ = size_of(input) / C_;
    return input;
  }

  std::vector<Parameter<T>> parameters() const override { return affine_.parameters(C_); }
  void bind(Parameter<T>* parameters) override { affine_.bind(parameters); }

  std::int64_t saved_bytes(std::int64_t batch, bool) const override {
    constexpr const char* kWhat = "the workspace of one batch";
    const std::int64_t moments = checked_product(batch * rows_, 2, kWhat);
    const std::int64_t sums = checked_product(C_, 2, kWhat);
    return checked_product(checked_sum(moments, sums, kWhat), static_cast<std::int64_t>(sizeof(T)),
                           kWhat);
  }

  // μ = Σ_j x_j / C        σ² = Σ_j (x_j − μ)² / C        y_j = γ_j (x_j − μ) / √(σ² + ε) + β_j
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Range rows = share(pass.batch * rows_, 1, pass.worker);
    const Kept kept(saved, pass.batch * rows_, C_);
    const std::int64_t at = rows.begin * C_;
    pass.kernels.normalize_rows(saved.y + at, kept.mean + rows.begin, kept.inverse + rows.begin,
                                saved.x + at, affine_.gamma(), affine_.beta(), rows.size(), C_,
                                epsilon_);
  }

  // g_j = γ_j dy_j        ∂L/∂x_j = (g_j − (Σ_k g_k + x̂_j Σ_k g_k x̂_k) / C) / √(σ² + ε)
  // ∂L/∂γ_j = Σ_n dy_nj x̂_nj        ∂L/∂β_j = Σ_n dy_nj
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam&) const override {
    const std::int64_t N = pass.batch * rows_;
    const Kept kept(saved, N, C_);
    if (dx) {
      const Range rows = share(N, 1, pass.worker);
      const std::int64_t at = rows.begin * C_;
      pass.kernels.normalize_rows_backward(dx + at, dy + at, saved.x + at, kept.mean + rows.begin,
                                           kept.inverse + rows.begin, affine_.gamma(), rows.size(),
                                           C_);
      if (pass.update) pass.worker.barrier();  // γ changes next
    }
    const Range own = Affine<T>::columns(pass, C_);
    if (own.empty() || !affine_.learns()) return;
    pass.kernels.normalize_rows_sums(kept.dbeta + own.begin, kept.dgamma + own.begin,
                                     dy + own.begin, saved.x + own.begin, kept.mean, kept.inverse,
                                     own.size(), N, C_);
    affine_.take(pass, kept.dgamma, kept.dbeta, own);
  }

 private:
  /// What forward leaves, a number for each row, and the sums of backward, one for each column.
  struct Kept {
    Kept(const Saved<T>& saved, std::int64_t rows, std::int64_t C)
        : mean(reinterpret_cast<T*>(saved.extra)),
          inverse(mean + rows),
          dbeta(inverse + rows),
          dgamma(dbeta + C) {}
    T* mean;
    T* inverse;
    T* dbeta;
    T* dgamma;
  };

  T epsilon_;
  Affine<T> affine_;
  std::int64_t C_ = 0;
  std::int64_t rows_ = 1;  // of one sample: the product of its axes but the last
};

}  // namespace

MUNDUR_LAYER(LayerNormalization);

}  // namespace mundur

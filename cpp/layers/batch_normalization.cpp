// BatchNormalization: each column brought to mean 0 and variance 1, by the batch's moments in
// training, by the moving ones else. Ioffe and Szegedy, "Batch normalization: accelerating deep
// network training by reducing internal covariate shift" (2015).

#include <algorithm>

#include "layers/affine.h"

namespace mundur {
namespace {

template <class T>
class BatchNormalization final : public Layer<T> {
 public:
  explicit BatchNormalization(const BatchNormalizationSpec& spec)
      : momentum_(static_cast<T>(spec.momentum)),
        one_minus_momentum_(static_cast<T>(1.0 - spec.momentum)),
        epsilon_(static_cast<T>(spec.epsilon)),
        affine_(spec.scale, spec.center) {}

  Shape build(const Shape& input, int) override {
    C_ = last_axis(input);
    rows_ = size_of(input) / C_;
    return input;
  }

  std::vector<Parameter<T>> parameters() const override { return affine_.parameters(C_); }
  void bind(Parameter<T>* parameters) override { affine_.bind(parameters); }
  std::vector<State<T>> state() const override {
    return {{"moving_mean", {C_}}, {"moving_variance", {C_}}};
  }
  void bind_state(State<T>* state) override {
    moving_mean_ = state[0].value;
    moving_variance_ = state[1].value;
  }
  void set_learning(const std::vector<bool>& flags, std::size_t at) override {
    learning_ = flags[at];
  }

  std::int64_t saved_bytes(std::int64_t, bool) const override {
    return checked_product(C_, kKept * static_cast<std::int64_t>(sizeof(T)), "the workspace");
  }

  // μ = Σ_n x_n / N        σ² = Σ_n (x_n − μ)² / N        y = γ (x − μ) / √(σ² + ε) + β
  // over the N rows that the mask has
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Kept kept(saved, C_);
    const std::int64_t N = pass.batch * rows_;
    const Counted counted = by_batch(pass) ? counted_rows(saved, N) : Counted{};
    const Range own = columns(pass);
    if (!own.empty()) {
      T* mean = kept.mean + own.begin;
      T* variance = kept.variance + own.begin;
      if (counted.rows > 0) {
        pass.kernels.column_moments(mean, variance, saved.x + own.begin, own.size(), N, C_,
                                    counted);
        pass.kernels.moving_average(moving_mean_ + own.begin, mean, own.size(), momentum_,
                                    one_minus_momentum_);
        pass.kernels.moving_average(moving_variance_ + own.begin, variance, own.size(), momentum_,
                                    one_minus_momentum_);
      } else {
        std::copy_n(moving_mean_ + own.begin, own.size(), mean);
        std::copy_n(moving_variance_ + own.begin, own.size(), variance);
      }
      const T* gamma = affine_.gamma() ? affine_.gamma() + own.begin : nullptr;
      pass.kernels.normalization_scale(kept.inverse + own.begin, kept.scale + own.begin, variance,
                                       gamma, own.size(), epsilon_);
    }
    pass.worker.barrier();
    const Range rows = share(N, 1, pass.worker);
    pass.kernels.normalize_columns(saved.y + rows.begin * C_, saved.x + rows.begin * C_, kept.mean,
                                   kept.scale, affine_.beta(), rows.size(), C_);
  }

  // ∂L/∂β = Σ_n dy_n        ∂L/∂γ = Σ_n dy_n x̂_n
  // ∂L/∂x = γ / √(σ² + ε) (dy − (∂L/∂β + x̂ ∂L/∂γ) / N); where the moments do not depend on x, the
  // moving ones or a row that the mask has not, only the first term
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam&) const override {
    const Kept kept(saved, C_);
    const std::int64_t N = pass.batch * rows_;
    const Range own = columns(pass);
    const Counted counted = by_batch(pass) && dx ? counted_rows(saved, N) : Counted{};
    if (!own.empty() && (by_batch(pass) || affine_.learns())) {
      pass.kernels.normalize_columns_sums(
          kept.dbeta + own.begin, kept.dgamma + own.begin, dy + own.begin, saved.x + own.begin,
          kept.mean + own.begin, kept.inverse + own.begin, own.size(), N, C_);
      affine_.take(pass, kept.dgamma, kept.dbeta, own);
    }
    if (!dx) return;
    pass.worker.barrier();
    const Range rows = share(N, counted.each, pass.worker);
    const std::int64_t at = rows.begin * C_;
    const bool depends = counted.rows > 0;
    pass.kernels.normalize_columns_backward(dx + at, dy + at, saved.x + at, kept.mean, kept.inverse,
                                            kept.scale, depends ? kept.dbeta : nullptr,
                                            depends ? kept.dgamma : nullptr, rows.size(), C_,
                                            counted.from(rows.begin));
  }

 private:
  static constexpr std::int64_t kKept = 6;

  /// What forward leaves, and the sums of backward: a number for each column.
  struct Kept {
    Kept(const Saved<T>& saved, std::int64_t C)
        : mean(reinterpret_cast<T*>(saved.extra)),
          variance(mean + C),
          inverse(mean + 2 * C),
          scale(mean + 3 * C),
          dbeta(mean + 4 * C),
          dgamma(mean + 5 * C) {}
    T* mean;
    T* variance;
    T* inverse;
    T* scale;
    T* dbeta;
    T* dgamma;
  };

  bool by_batch(const Pass<T>& pass) const { return pass.training && learning_; }
  /// The rows that moments are taken over; with none the moving ones serve, and stay.
  Counted counted_rows(const Saved<T>& saved, std::int64_t N) const {
    if (!saved.mask || rows_ % saved.mask_size != 0) return {nullptr, 1, N};
    const std::int64_t each = rows_ / saved.mask_size;
    return {saved.mask, each, each * std::count(saved.mask, saved.mask + N / each, 1)};
  }
  Range columns(const Pass<T>& pass) const { return Affine<T>::columns(pass, C_); }

  T momentum_;
  T one_minus_momentum_;
  T epsilon_;
  Affine<T> affine_;
  bool learning_ = true;
  std::int64_t C_ = 0;
  std::int64_t rows_ = 1;  // of one sample: the product of its axes but the last
  T* moving_mean_ = nullptr;
  T* moving_variance_ = nullptr;
};

}  // namespace

MUNDUR_LAYER(BatchNormalization);

}  // namespace mundur

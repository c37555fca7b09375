// ZeroPadding1D: steps of zeros in front of a sample and behind it.

#include <algorithm>

#include "layers/layers.h"
#include "layers/windows.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

template <class T>
class ZeroPadding1D final : public Layer<T> {
 public:
  explicit ZeroPadding1D(const ZeroPadding1DSpec& spec) : spec_(spec) {
    if (spec.before < 0 || spec.after < 0)
      throw std::invalid_argument("padding: expected no less than 0 steps");
  }

  Shape build(const Shape& input, int) override {
    require_steps(input, "ZeroPadding1D");
    constexpr const char* kWhat = "one sample";
    const std::int64_t more = checked_sum(spec_.before, spec_.after, kWhat);
    n_ = size_of(input);
    front_ = checked_product(spec_.before, input[1], kWhat);
    padded_ = checked_product(checked_sum(input[0], more, kWhat), input[1], kWhat);
    return {input[0] + more, input[1]};
  }
  MaskFlow mask_flow() const override { return MaskFlow::ends; }

  // y_(t + before) = x_t, else 0
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Range samples = share(pass.batch, 1, pass.worker);
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      T* const y = saved.y + n * padded_;
      std::fill(y, y + front_, T{0});
      std::copy_n(saved.x + n * n_, n_, y + front_);
      std::fill(y + front_ + n_, y + padded_, T{0});
    }
  }

  // ∂L/∂x_t = ∂L/∂y_(t + before)
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>&, const Seam&) const override {
    if (!dx) return;
    const Range samples = share(pass.batch, 1, pass.worker);
    for (std::int64_t n = samples.begin; n < samples.end; ++n)
      std::copy_n(dy + n * padded_ + front_, n_, dx + n * n_);
  }

 private:
  ZeroPadding1DSpec spec_;
  std::int64_t n_ = 0, front_ = 0, padded_ = 0;  // numbers of a sample
};

}  // namespace

MUNDUR_LAYER(ZeroPadding1D);

}  // namespace mundur

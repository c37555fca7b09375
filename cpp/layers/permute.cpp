// Permute: the axes of a sample in another order.

#include <algorithm>

#include "layers/layers.h"

namespace mundur {
namespace {

template <class T>
class Permute final : public Layer<T> {
 public:
  explicit Permute(const PermuteSpec& spec) : axes_(spec.axes) {
    Shape sorted = axes_;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] != static_cast<std::int64_t>(i))
        throw std::invalid_argument("axes: expected each from 0 on once");
    }
  }

  Shape build(const Shape& input, int) override {
    if (input.size() != axes_.size()) {
      throw std::invalid_argument("axes: expected as many as a sample has, " +
                                  std::to_string(input.size()) + ", got " +
                                  std::to_string(axes_.size()));
    }
    n_ = size_of(input);
    for (std::int64_t axis : axes_) {
      const auto at = static_cast<std::size_t>(axis);
      output_.push_back(input[at]);
      std::int64_t stride = 1;
      for (std::size_t i = at + 1; i < input.size(); ++i) stride *= input[i];
      strides_.push_back(stride);
    }
    return output_;
  }
  MaskFlow mask_flow() const override { return MaskFlow::ends; }

  // y_(j of axis a) = x_(j of axis a)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    each_number(pass, [&](std::int64_t y, std::int64_t x) { saved.y[y] = saved.x[x]; });
  }

  // ∂L/∂x = ∂L/∂y, the axes in their old order
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>&, const Seam&) const override {
    if (dx) each_number(pass, [&](std::int64_t y, std::int64_t x) { dx[x] = dy[y]; });
  }

 private:
  /// move(place in y, place in x) for the numbers of the worker's samples.
  template <class Move>
  void each_number(const Pass<T>& pass, Move move) const {
    const Range samples = share(pass.batch, 1, pass.worker);
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      std::int64_t y = n * n_;
      along(0, y, n * n_, move);
    }
  }
  template <class Move>
  void along(std::size_t axis, std::int64_t& y, std::int64_t x, Move move) const {
    const bool is_last = axis + 1 == output_.size();
    for (std::int64_t j = 0; j < output_[axis]; ++j, x += strides_[axis]) {
      if (is_last) {
        move(y++, x);
      } else {
        along(axis + 1, y, x, move);
      }
    }
  }

  Shape axes_;
  Shape output_, strides_;  // of y's axes, the strides those in x
  std::int64_t n_ = 0;
};

}  // namespace

MUNDUR_LAYER(Permute);

}  // namespace mundur

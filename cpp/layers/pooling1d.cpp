// MaxPooling1D and AveragePooling1D: y_t = the greatest, or the mean, of what a window sees,
// channel by channel; and those over all steps, the mean over those that the mask has.

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "layers/layers.h"
#include "layers/windows.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

template <class T>
class Pooling1D final : public Layer<T> {
 public:
  explicit Pooling1D(const Pooling1DSpec& spec) : spec_(spec) {}

  Shape build(const Shape& input, int) override {
    require_steps(input, "Pooling1D");
    C_ = input[1];
    if (input[0] > std::numeric_limits<std::int32_t>::max()) {
      throw std::invalid_argument("Pooling1D: expected at most 2147483647 steps, got " +
                                  std::to_string(input[0]));
    }
    if (!spec_.global) {
      windows_ = windows_of(input[0], spec_.pool_size, spec_.strides, 1, spec_.padding);
      return {windows_.out, C_};
    }
    windows_ = {input[0], 1, input[0], input[0], 1, 0};
    return spec_.keepdims ? Shape{1, C_} : Shape{C_};
  }

  MaskFlow mask_flow() const override { return MaskFlow::ends; }
  bool joins_below() const override { return true; }
  double work(const Shape&) const override { return static_cast<double>(windows_.in * C_); }

  /// Where in its window each maximum stood.
  std::int64_t saved_bytes(std::int64_t batch, bool) const override {
    constexpr const char* kWhat = "the workspace of one batch";
    if (spec_.average) return 0;
    return checked_product(checked_product(batch, windows_.out * C_, kWhat), sizeof(std::int32_t),
                           kWhat);
  }

  // y_tc = max_k x_(tS − P + k)c, or (1/n) Σ_k x_(tS − P + k)c over the n steps that are there
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    each_window(saved, part_of(pass, windows_.out), [&](const Window& window) {
      if (spec_.average) {
        pass.kernels.mean_rows(saved.y + window.y, saved.x + window.x, window.keep, C_, window.rows,
                               C_);
      } else {
        pass.kernels.max_rows(saved.y + window.y, row_of(saved) + window.y, saved.x + window.x, C_,
                              window.rows, C_);
      }
    });
  }

  // ∂L/∂x_sc = Σ_t ∂L/∂y_tc over the windows whose maximum x_sc is, or over those that see s, / n
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam& seam) const override {
    if (!dx) return;
    const Range samples = share(pass.batch, 1, pass.worker);
    const std::int64_t size = windows_.in * C_;
    const Function f = elementwise(seam.below);
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      std::fill_n(dx + n * size, size, T{0});
      const Part sample{{n, n + 1}, {0, windows_.out}};
      each_window(saved, sample, [&](const Window& window) {
        if (spec_.average) {
          pass.kernels.mean_rows_backward(dx + window.x, dy + window.y, window.keep, C_,
                                          window.rows, C_);
        } else {
          pass.kernels.max_rows_backward(dx + window.x, dy + window.y, row_of(saved) + window.y, C_,
                                         window.rows, C_);
        }
      });
      if (f != Function::linear) {
        pass.kernels.activation_backward(dx + n * size, saved.x + n * size, dx + n * size, size, f);
      }
    }
  }

 private:
  /// Where its rows begin in x and its output lies in y; which of the rows count, null: all.
  struct Window {
    std::int64_t x, y, rows;
    const std::uint8_t* keep;
  };

  template <class F>
  void each_window(const Saved<T>& saved, const Part& part, F f) const {
    for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
      const std::uint8_t* const mask = saved.mask_of(windows_.in);
      const bool masks = spec_.global && spec_.average && mask;
      const std::uint8_t* const keep = masks ? mask + n * windows_.in : nullptr;
      for (std::int64_t t = part.steps.begin; t < part.steps.end; ++t) {
        const Range taps = windows_.taps_of(t);
        f(Window{(n * windows_.in + windows_.first(t) + taps.begin) * C_,
                 (n * windows_.out + t) * C_, taps.size(), keep});
      }
    }
  }

  static std::int32_t* row_of(const Saved<T>& saved) {
    return reinterpret_cast<std::int32_t*>(saved.extra);
  }

  Pooling1DSpec spec_;
  std::int64_t C_ = 0;
  Windows windows_;
};

}  // namespace

MUNDUR_LAYER(Pooling1D);

}  // namespace mundur

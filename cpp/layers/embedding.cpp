// Embedding: y = W[id], a row of W for each id.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "layers/layers.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

template <class T>
class Embedding final : public Layer<T> {
 public:
  explicit Embedding(const EmbeddingSpec& spec)
      : V_(spec.input_dim), O_(spec.output_dim), mask_zero_(spec.mask_zero) {
    const auto require = [](const char* name, std::int64_t value, std::int64_t most) {
      if (value >= 1 && value <= most) return;
      throw std::invalid_argument(std::string(name) + ": expected 1 to " + std::to_string(most) +
                                  ", got " + std::to_string(value));
    };
    require("input_dim", V_, std::numeric_limits<std::int32_t>::max());
    require("output_dim", O_, std::numeric_limits<std::int32_t>::max());
  }

  Shape build(const Shape& input, int index) override {
    if (index != 0) {
      throw std::invalid_argument("Embedding takes ids, so it must be the first layer");
    }
    steps_ = size_of(input);
    Shape output = input;
    output.push_back(O_);
    return output;
  }

  std::vector<Parameter<T>> parameters() const override { return {{"embeddings", {V_, O_}}}; }
  void bind(Parameter<T>* parameters) override { w_ = parameters; }

  std::int64_t vocabulary() const override { return V_; }
  MaskFlow mask_flow() const override { return mask_zero_ ? MaskFlow::makes : MaskFlow::ends; }
  /// Rows are copied.
  double work(const Shape& output) const override { return static_cast<double>(size_of(output)); }

  /// The positions of each id as a list: where it begins, and what follows each.
  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    constexpr const char* kWhat = "the workspace of one batch";
    const std::int64_t positions = checked_product(batch, steps_, kWhat);
    if (positions > std::numeric_limits<std::int32_t>::max()) {
      throw OutOfMemory("a batch holds at most 2147483647 ids; choose a smaller batch_size");
    }
    if (!training) return 0;
    return checked_product(checked_sum(V_, positions, kWhat), sizeof(std::int32_t), kWhat);
  }

  // y_n = W[id_n]; where the mask has no step, its row without what is not finite: 0 times a NaN
  // would still be one in the gradients of the layers behind
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const std::int32_t* ids = saved.ids();
    const Range part = share(pass.batch * steps_, 1, pass.worker);
    for (std::int64_t n = part.begin; n < part.end; ++n) {
      std::memcpy(saved.y + n * O_, w_->value + ids[n] * O_,
                  static_cast<std::size_t>(O_) * sizeof(T));
      if (!mask_zero_) continue;
      saved.mask[n] = ids[n] != 0;
      if (ids[n] != 0) continue;
      std::replace_if(
          saved.y + n * O_, saved.y + (n + 1) * O_, [](T v) { return !std::isfinite(v); }, T{0});
    }
  }

  // ∂L/∂W_v = Σ_n [id_n = v] ∂L/∂y_n        An id has no gradient: dx is 0.
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam&) const override {
    const std::int64_t N = pass.batch * steps_;
    if (dx) {
      const Range part = share(N, kGrain, pass.worker);
      std::fill(dx + part.begin, dx + part.end, T{0});
    }
    if (!w_->trainable) return;
    const Positions positions(saved, V_);
    list(positions, saved.ids(), N, share(V_, kParameterRows, pass.worker));
    pass.worker.barrier();
    gradient(pass, dy, positions);
  }

 private:
  struct Positions {
    Positions(const Saved<T>& saved, std::int64_t V)
        : first(reinterpret_cast<std::int32_t*>(saved.extra)), next(first + V) {}
    std::int32_t* first;  // [V], -1 where there is none
    std::int32_t* next;   // [N], -1 behind the last
  };

  /// The lists of the worker's ids, in ascending order.
  static void list(const Positions& positions, const std::int32_t* ids, std::int64_t N, Range own) {
    std::fill(positions.first + own.begin, positions.first + own.end, -1);
    for (std::int64_t n = N; n-- > 0;) {
      if (ids[n] < own.begin || ids[n] >= own.end) continue;
      positions.next[n] = positions.first[ids[n]];
      positions.first[ids[n]] = static_cast<std::int32_t>(n);
    }
  }

  /// Some rows at a time, so that an update finds their gradients in the cache. With an update
  /// nobody wants to see them, and all of a worker use the memory of its first. Workers take strips
  /// in turn: frequent ids tend to be neighbours.
  void gradient(const Pass<T>& pass, const T* dy, const Positions& positions) const {
    constexpr std::int64_t kElements = 4096;
    const std::int64_t strip =
        std::max(kParameterRows, kElements / O_ / kParameterRows * kParameterRows);
    const std::int64_t begin = pass.worker.index() * strip;
    for (std::int64_t row = begin; row < V_; row += pass.worker.count() * strip) {
      const std::int64_t rows = std::min(strip, V_ - row);
      T* const g = w_->gradient + (pass.update ? begin : row) * O_;
      for (std::int64_t v = 0; v < rows; ++v) {
        const std::int32_t first = positions.first[row + v];
        if (first < 0) {
          std::fill_n(g + v * O_, O_, T{0});
        } else {
          pass.kernels.sum_listed(g + v * O_, dy, positions.next, first, O_, pass.batch, steps_,
                                  O_);
        }
      }
      update_block(pass, *w_, g, row * O_, rows, O_, O_);
    }
  }

  std::int64_t V_, O_;
  bool mask_zero_;
  std::int64_t steps_ = 1;  // ids of one sample
  Parameter<T>* w_ = nullptr;
};

}  // namespace

MUNDUR_LAYER(Embedding);

}  // namespace mundur

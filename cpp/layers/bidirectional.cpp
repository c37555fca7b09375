// Bidirectional: two recurrent layers, one of which goes through time backwards; at each step stand
// the outputs that both have there. Schuster and Paliwal, "Bidirectional recurrent neural networks"
// (1997). A sequence has zeros at masked steps, as in Keras.

#include <algorithm>
#include <stdexcept>

#include "layers/layers.h"
#include "layers/places.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

template <class T>
class Bidirectional final : public Layer<T> {
 public:
  explicit Bidirectional(const BidirectionalSpec& spec) : names_(spec.names), merge_(spec.merge) {
    if (spec.layers.size() != 2 || names_.size() != 2) {
      throw std::invalid_argument("layers: expected two, each with a name");
    }
    for (const LayerNode& node : spec.layers) layers_.push_back(make_layer<T>(node.spec));
  }

  int places() const override { return 3; }

  Shape build(const Shape& input, int index) override {
    n_ = size_of(input);
    const Shape ahead = layers_[0]->build(input, index + 1);
    const Shape back = layers_[1]->build(input, index + 2);
    if (ahead.size() != back.size() || (merge_ != Merge::concat && ahead != back)) {
      throw std::invalid_argument("both layers must have outputs of the same shape");
    }
    sequences_ = ahead.size() == 2;
    steps_ = sequences_ ? ahead.front() : 1;
    O_[0] = ahead.back();
    O_[1] = back.back();
    Shape output = ahead;
    if (merge_ == Merge::concat) output.back() += back.back();
    return output;
  }

  std::vector<Parameter<T>> parameters() const override {
    std::vector<Parameter<T>> all;
    for (int i = 0; i < 2; ++i) {
      for (Parameter<T>& one : layers_[i]->parameters()) {
        one.name = names_[i] + "/" + one.name;
        all.push_back(std::move(one));
      }
    }
    return all;
  }
  void bind(Parameter<T>* parameters) override {
    layers_[0]->bind(parameters);
    layers_[1]->bind(parameters + layers_[0]->parameters().size());
  }

  MaskFlow mask_flow() const override { return layers_[0]->mask_flow(); }
  double work(const Shape& output) const override {
    return layers_[0]->work(output) + layers_[1]->work(output);
  }
  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    std::int64_t bytes = training ? bytes_of<T>(batch, n_) : 0;
    for (int i = 0; i < 2; ++i) {
      bytes = checked_sum(bytes, kept_bytes(i, batch, training), kWorkspace);
      bytes = checked_sum(bytes, checked_product(2, bytes_of<T>(batch, steps_ * O_[i]), kWorkspace),
                          kWorkspace);
    }
    return bytes;
  }

  // y_t = (ahead_t, back_t), their sum, product or mean
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Memory memory = place(pass.batch, saved);
    for (int i = 0; i < 2; ++i) layers_[i]->forward(pass, memory.saved[i]);
    pass.worker.barrier();
    each_row(pass, [&](std::int64_t row, std::int64_t reversed) {
      const T* a = memory.saved[0].y + row * O_[0];
      const T* b = memory.saved[1].y + reversed * O_[1];
      T* y = saved.y + row * width();
      if (is_masked(saved, row)) {
        std::fill_n(y, width(), T{0});
        return;
      }
      switch (merge_) {
        case Merge::concat:
          std::copy_n(a, O_[0], y);
          std::copy_n(b, O_[1], y + O_[0]);
          return;
        case Merge::mul:
          return pass.kernels.multiply(y, a, b, O_[0]);
        case Merge::sum:
        case Merge::ave:
          pass.kernels.add(y, a, b, O_[0]);
          if (merge_ == Merge::ave) pass.kernels.rescale(y, y, O_[0], T(0.5), T(0));
      }
    });
  }

  // ∂L/∂ahead_t and ∂L/∂back_t are parts of ∂L/∂y_t, or multiples of it; ∂L/∂x is the sum of both.
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam& seam) const override {
    const Memory memory = place(pass.batch, saved);
    each_row(pass, [&](std::int64_t row, std::int64_t reversed) {
      const T* g = dy + row * width();
      const std::int64_t rows[2] = {row, reversed};
      for (int i = 0; i < 2; ++i) {
        T* to = memory.dy[i] + rows[i] * O_[i];
        if (is_masked(saved, row)) {
          std::fill_n(to, O_[i], T{0});
        } else if (merge_ == Merge::mul) {
          pass.kernels.multiply(to, g, memory.saved[1 - i].y + rows[1 - i] * O_[1 - i], O_[i]);
        } else if (merge_ == Merge::ave) {
          pass.kernels.rescale(to, g, O_[i], T(0.5), T(0));
        } else {
          std::copy_n(merge_ == Merge::concat && i == 1 ? g + O_[0] : g, O_[i], to);
        }
      }
    });
    pass.worker.barrier();
    for (int i = 0; i < 2; ++i) {
      T* to = i == 0 ? dx : memory.dx;
      layers_[i]->backward(pass, dx ? to : nullptr, memory.dy[i], memory.saved[i], seam);
    }
    if (!dx) return;
    pass.worker.barrier();
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    pass.kernels.add(dx + part.begin, dx + part.begin, memory.dx + part.begin, part.size());
  }

 private:
  using Merge = BidirectionalSpec::Merge;

  std::int64_t width() const { return merge_ == Merge::concat ? O_[0] + O_[1] : O_[0]; }

  bool is_masked(const Saved<T>& saved, std::int64_t row) const {
    const std::uint8_t* const mask = saved.mask_of(steps_);
    return sequences_ && mask && !mask[row];
  }

  /// work(row, the row of the same step where time runs backwards) for each step of the worker's
  /// samples.
  template <class Work>
  void each_row(const Pass<T>& pass, Work work) const {
    const Range own = share(pass.batch, 1, pass.worker);
    for (std::int64_t b = own.begin; b < own.end; ++b) {
      for (std::int64_t s = 0; s < steps_; ++s) {
        work(b * steps_ + s, b * steps_ + steps_ - 1 - s);
      }
    }
  }

  std::int64_t kept_bytes(int i, std::int64_t batch, bool training) const {
    return whole_lines(layers_[i]->saved_bytes(batch, training));
  }

  struct Memory {
    Saved<T> saved[2];
    T* dy[2];
    T* dx = nullptr;
  };
  Memory place(std::int64_t batch, const Saved<T>& whole) const {
    Memory memory;
    std::byte* at = whole.extra;
    const auto take = [&](std::int64_t bytes) {
      std::byte* found = at;
      at += bytes;
      return found;
    };
    for (int i = 0; i < 2; ++i) {
      std::byte* kept = take(kept_bytes(i, batch, whole.keeps));
      T* y = reinterpret_cast<T*>(take(bytes_of<T>(batch, steps_ * O_[i])));
      memory.dy[i] = reinterpret_cast<T*>(take(bytes_of<T>(batch, steps_ * O_[i])));
      memory.saved[i] = {whole.x, y, kept, whole.mask, whole.keeps, whole.mask_size};
    }
    if (whole.keeps) memory.dx = reinterpret_cast<T*>(take(bytes_of<T>(batch, n_)));
    return memory;
  }

  std::vector<std::string> names_;
  std::vector<std::unique_ptr<Layer<T>>> layers_;  // the one ahead, the one backwards
  Merge merge_;
  std::int64_t n_ = 0;      // of one sample's input
  std::int64_t steps_ = 1;  // of the output
  bool sequences_ = false;
  std::int64_t O_[2] = {};
};

}  // namespace

MUNDUR_LAYER(Bidirectional);

}  // namespace mundur

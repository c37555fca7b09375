// Residual: y = x + chain(x), so that a deep chain learns what to add. He, Zhang, Ren and Sun,
// "Deep residual learning for image recognition" (2015).

#include <algorithm>

#include "layers/layers.h"
#include "layers/places.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

template <class T>
class Residual final : public Layer<T> {
 public:
  explicit Residual(const ResidualSpec& spec) : names_(spec.names) {
    if (spec.layers.empty() || spec.layers.size() != names_.size()) {
      throw std::invalid_argument("layers: expected one or more, each with a name");
    }
    for (const LayerNode& node : spec.layers) layers_.push_back(make_layer<T>(node.spec));
  }

  int places() const override {
    int count = 1;
    for (const auto& layer : layers_) count += layer->places();
    return count;
  }
  void compute_in(Compute compute) override {
    for (const auto& layer : layers_) layer->compute_in(compute);
  }
  Shape build(const Shape& input, int index) override {
    n_ = widest_ = size_of(input);
    Shape shape = input;
    int place = index + 1;
    for (const auto& layer : layers_) {
      shape = layer->build(shape, place);
      place += layer->places();
      sizes_.push_back(size_of(shape));
      masked_.push_back(mask_flow_ == MaskFlow::passes);
      if (layer->mask_flow() != MaskFlow::passes) mask_flow_ = MaskFlow::ends;
      widest_ = std::max(widest_, sizes_.back());
    }
    if (shape != input) {
      throw std::invalid_argument("residual: the chain's output must have the shape of its input");
    }
    return input;
  }

  std::vector<Parameter<T>> parameters() const override {
    return joined<Parameter<T>>([](const Layer<T>& layer) { return layer.parameters(); });
  }
  void bind(Parameter<T>* parameters) override {
    for (const auto& layer : layers_) {
      layer->bind(parameters);
      parameters += layer->parameters().size();
    }
  }
  std::vector<State<T>> state() const override {
    return joined<State<T>>([](const Layer<T>& layer) { return layer.state(); });
  }
  void bind_state(State<T>* state) override {
    for (const auto& layer : layers_) {
      layer->bind_state(state);
      state += layer->state().size();
    }
  }
  MaskFlow mask_flow() const override { return mask_flow_; }
  void add_custom(std::vector<CustomFunction*>& all) const override {
    for (const auto& layer : layers_) layer->add_custom(all);
  }
  void set_learning(const std::vector<bool>& flags, std::size_t at) override {
    ++at;
    for (const auto& layer : layers_) {
      layer->set_learning(flags, at);
      at += static_cast<std::size_t>(layer->places());
    }
  }

  /// The same in an inference: after one by hand, in the memory of a training, backward may follow.
  std::int64_t saved_bytes(std::int64_t batch, bool) const override {
    std::int64_t bytes = checked_product(2, bytes_of<T>(batch, widest_), kWorkspace);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      bytes = checked_sum(
          bytes, checked_sum(kept_bytes(i, batch), bytes_of<T>(batch, sizes_[i]), kWorkspace),
          kWorkspace);
    }
    return bytes;
  }

  // y = x + chain(x)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    std::byte* free = saved.extra;
    const T* x = saved.x;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Saved<T> inner = place(pass, i, x, free, saved);
      x = inner.y;
      if (layers_[i]->passes_through(pass.training)) continue;
      layers_[i]->forward(pass, inner);
      pass.worker.barrier();
    }
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    pass.kernels.add(saved.y + part.begin, saved.x + part.begin, x + part.begin, part.size());
  }

  // ∂L/∂x = ∂L/∂y + what comes back through the chain
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam&) const override {
    Gradients gradients;
    chain_backward(pass, 0, saved.x, saved.extra, saved, dx != nullptr, dy, gradients);
    if (!dx) return;
    const Range part = share(pass.batch * n_, kGrain, pass.worker);
    pass.kernels.add(dx + part.begin, dy + part.begin, gradients.dy + part.begin, part.size());
  }

 private:
  /// ∂L/∂output and ∂L/∂input of the layer in turn; a copy of the whole's dy, which is needed
  /// again.
  struct Gradients {
    T* dy = nullptr;
    T* dx = nullptr;
    Seam seam;
  };

  std::int64_t kept_bytes(std::size_t i, std::int64_t batch) const {
    return whole_lines(layers_[i]->saved_bytes(batch, true));
  }

  /// Where layer i keeps what it keeps; `free` moves on behind it.
  Saved<T> place(const Pass<T>& pass, std::size_t i, const T* x, std::byte*& free,
                 const Saved<T>& whole) const {
    T* const y = reinterpret_cast<T*>(free + kept_bytes(i, pass.batch));
    Saved<T> saved{x, y, free, masked_[i] ? whole.mask : nullptr, true, whole.mask_size};
    free = reinterpret_cast<std::byte*>(saved.y) + bytes_of<T>(pass.batch, sizes_[i]);
    // One that hands x on in this mode leaves it where it is.
    if (layers_[i]->passes_through(pass.training)) saved.y = const_cast<T*>(x);
    return saved;
  }

  /// From the last layer to the i-th. The way down finds the layers' places, the way up uses them.
  void chain_backward(const Pass<T>& pass, std::size_t i, const T* x, std::byte* free,
                      const Saved<T>& whole, bool wants_dx, const T* dy,
                      Gradients& gradients) const {
    if (i == layers_.size()) {
      gradients.dy = reinterpret_cast<T*>(free);
      gradients.dx = reinterpret_cast<T*>(free + bytes_of<T>(pass.batch, widest_));
      const Range part = share(pass.batch * n_, kGrain, pass.worker);
      std::copy(dy + part.begin, dy + part.end, gradients.dy + part.begin);
      pass.worker.barrier();
      return;
    }
    const Saved<T> saved = place(pass, i, x, free, whole);
    chain_backward(pass, i + 1, saved.y, free, whole, wants_dx, dy, gradients);
    if (layers_[i]->passes_through(pass.training)) return;
    const bool wanted = i > 0 || wants_dx;
    const Activation below = i > 0 ? layers_[i - 1]->head() : Activation::linear;
    const bool joins = layers_[i]->joins_below() && is_function(below);
    gradients.seam.below = joins ? below : Activation::linear;
    layers_[i]->backward(pass, wanted ? gradients.dx : nullptr, gradients.dy, saved,
                         gradients.seam);
    gradients.seam.at_logits = gradients.seam.below != Activation::linear;
    pass.worker.barrier();
    std::swap(gradients.dx, gradients.dy);
  }

  template <class Item, class Get>
  std::vector<Item> joined(Get get) const {
    std::vector<Item> all;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      for (Item& item : get(*layers_[i])) {
        item.name = names_[i] + "/" + item.name;
        all.push_back(std::move(item));
      }
    }
    return all;
  }

  std::vector<std::string> names_;
  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<std::int64_t> sizes_;  // of one sample behind each layer
  std::vector<bool> masked_;         // whether each layer gets the mask of the whole
  MaskFlow mask_flow_ = MaskFlow::passes;
  std::int64_t n_ = 0;
  std::int64_t widest_ = 0;
};

}  // namespace

MUNDUR_LAYER(Residual);

}  // namespace mundur

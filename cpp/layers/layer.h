#pragma once

// What a layer is. It says which arrays it has, and which operations make y from x and the
// gradients from ∂L/∂y: no memory, no element type, no threads.

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "mundur/layers.h"
#include "program/program.h"

namespace mundur {

/// What layers tell a model of themselves as they are built, once for each call of one.
class Setup {
 public:
  /// A call of that layer comes: its first one makes its arrays, all others share them.
  void begin(int layer);
  /// Takes an array; returns its number. Layers within others put their names in front.
  int parameter(const char* name, Shape shape) { return take(parameters, name, std::move(shape)); }
  int state(const char* name, Shape shape) { return take(states, name, std::move(shape)); }
  /// The index of the layer that is built now, those within others counted.
  int next_place();
  /// The same of this call.
  int next_stream() { return streams_++; }
  void enter(const std::string& name) { prefix_ += name + "/"; }
  void leave(const std::string& name) { prefix_.resize(prefix_.size() - name.size() - 1); }

  std::vector<Array> parameters, states;
  int places = 0;          // so far
  std::int64_t batch = 0;  // of whoever keeps state from batch to batch, each of so many samples
  double work = 0.0;       // floating-point operations of a forward pass over one sample
  Activation head = Activation::linear;  // behind the output of the last layer

 private:
  int take(std::vector<Array>& arrays, const char* name, Shape shape);
  std::string prefix_;
  int layer_ = 0;  // the outermost
  bool is_shared_ = false;
  int place_ = 0, streams_ = 0;
  std::map<int, int> first_places_;  // of each layer
};

class Layer {
 public:
  virtual ~Layer() = default;
  /// Takes what the layer needs, and returns its output's shape; throws std::invalid_argument where
  /// the input does not fit.
  virtual Shape build(Setup& setup, const Shape& input) = 0;
  /// y from x, with what backward does.
  virtual Value forward(Builder& b, Value x) const = 0;
  /// The same of a layer that takes several inputs.
  virtual Shape build_on(Setup& setup, const std::vector<Shape>& inputs);
  virtual Value forward_of(Builder& b, const std::vector<Value>& x) const {
    return forward(b, x.front());
  }
  /// The same of one that makes several values.
  virtual std::vector<Shape> build_all(Setup& setup, const std::vector<Shape>& inputs) {
    return {build_on(setup, inputs)};
  }
  virtual std::vector<Value> forward_all(Builder& b, const std::vector<Value>& x) const {
    return {forward_of(b, x)};
  }
  /// Whether the mask of x's time steps holds for y, the first of what is made, as well.
  virtual bool passes_mask() const { return true; }

  /// build_all() and forward_all() as whoever holds layers calls them.
  std::vector<Shape> add_to(Setup& setup, const std::vector<Shape>& inputs) {
    setup.head = Activation::linear;
    place_ = setup.next_place();
    stream_ = setup.next_stream();
    return build_all(setup, inputs);
  }
  std::vector<Value> apply(Builder& b, const std::vector<Value>& x) const {
    std::vector<Value> all = forward_all(b, x);
    Value& y = all.front();
    // What returns x itself has a gradient of its own: others may read x.
    if (b.keeps() && std::find(x.begin(), x.end(), y) != x.end()) {
      const Value of_x = y;
      y = b.view(of_x, b[of_x].shape);
      b.set_mask(y, b.mask(of_x));
    }
    if (passes_mask() && !b.mask(y)) b.set_mask(y, b.mask_of(x));
    b.show(y, "a", "da");
    for (std::size_t i = 1; i < all.size(); ++i) {
      const std::string number = std::to_string(i);
      b.show(all[i], ("a:" + number).c_str(), ("da:" + number).c_str());
    }
    return all;
  }

 protected:
  /// The layer's index, what its flags go by; and this call's, what its random numbers go by.
  int place() const { return place_; }
  int stream() const { return stream_; }

 private:
  int place_ = 0, stream_ = 0;
};

/// Throws std::invalid_argument where a description is wrong by itself.
std::unique_ptr<Layer> make_layer(const LayerSpec& spec);

/// Floating-point operations of a product with so many weights, for so many rows.
inline double work_of(double rows, const Shape& weights) {
  return 2.0 * static_cast<double>(size_of(weights)) * rows;
}

inline double checked_rate(double rate) {
  if (rate >= 0.0 && rate < 1.0) return rate;
  throw std::invalid_argument("rate: expected 0 <= rate < 1, got " + std::to_string(rate));
}
inline Drop drop_of(double rate) {
  return {static_cast<std::uint32_t>(checked_rate(rate) * 0x1p32), 1.0 / (1.0 - rate)};
}

/// Samples with so many axes in front of their channels: throws std::invalid_argument for others.
inline void require_axes(const Shape& input, std::int64_t axes, const char* layer) {
  if (static_cast<std::int64_t>(input.size()) == axes + 1 && (axes == 1 || axes == 2)) return;
  throw std::invalid_argument(std::string(layer) + " needs samples of shape " +
                              (axes == 1 ? "(steps, channels)" : "(rows, columns, channels)"));
}
inline void require_image(const Shape& input, const char* layer) { require_axes(input, 2, layer); }
inline void require_steps(const Shape& input, const char* layer) { require_axes(input, 1, layer); }
inline std::int64_t last_axis(const Shape& input) {
  if (input.empty()) throw std::invalid_argument("expected samples of one axis or more");
  return input.back();
}

/// Ends a layer's file: how it comes from its description.
#define MUNDUR_LAYER(Name)                                                                     \
  std::unique_ptr<Layer> make(const Name##Spec& spec) { return std::make_unique<Name>(spec); } \
  static_assert(true)

}  // namespace mundur

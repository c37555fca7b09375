#pragma once

// A network as the user asks for it: which layers are called on which values.

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "mundur/layers.h"

namespace mundur {

/// Of graphs, and of what is given to networks made of them: std::invalid_argument where it fails,
/// of a text, or of what returns one and is not asked before.
template <class Message>
void require(bool holds, const Message& message) {
  if (holds) return;
  if constexpr (std::is_invocable_v<const Message&>) {
    throw std::invalid_argument(message());
  } else {
    throw std::invalid_argument(message);
  }
}

/// Values go by numbers: first come the inputs, then what each call makes, one value or several. A
/// layer that several calls name is shared: it has its parameters once. Names tell layers, and
/// inputs, apart; none where numbers do. A '/' is in the names of what belongs together, as the
/// layers of a model within.
struct Graph {
  struct Input {
    Shape shape;  // of one sample
    std::string name{};
  };
  struct Layer {
    LayerSpec spec;
    std::string name{};
  };
  struct Call {
    std::size_t layer;
    std::vector<std::size_t> from;  // values that are there by then
  };
  std::vector<Input> inputs;
  std::vector<Layer> layers;
  std::vector<Call> calls;
  std::vector<std::size_t> outputs;  // values

  /// Each layer called once, on what the one before has made; the last ones may lack a name.
  static Graph chain(const std::vector<LayerSpec>& layers, Shape input,
                     const std::vector<std::string>& names);

  /// Throws std::invalid_argument, with the name of the layer, where it is none: names that come
  /// twice, values that nobody made, or not yet, or that no output needs.
  void check() const;
  /// Of each value that a call makes, the call.
  std::vector<std::size_t> makers() const;
  /// What the ids of an input are below, if nothing reads it but Embeddings; 0: it holds numbers.
  std::int64_t vocabulary(std::size_t input) const;
  /// "layer 'dense'", for messages.
  std::string layer_text(std::size_t layer) const;
  std::string input_text(std::size_t input) const;
  /// Of the layer that makes the value, or the input.
  std::string value_name(std::size_t value) const;
};

}  // namespace mundur

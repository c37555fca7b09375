// How a network is made of a graph, and what it asks of its inputs and of whoever wants outputs.

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "cpu/gather.h"
#include "layers/layer.h"
#include "mundur/network.h"
#include "training/compiled.h"

namespace mundur {

/// The layers of the graph, called on samples of its inputs' shapes.
template <class T>
Setup Network<T>::wire() {
  graph_.check();
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
    const Shape& shape = graph_.inputs[i].shape;
    const std::string what =
        (graph_.inputs.size() == 1 ? "" : graph_.input_text(i) + ": ") + "input_shape";
    for (std::int64_t extent : shape) {
      if (extent >= 1) continue;
      throw std::invalid_argument(what + ": expected extents >= 1, got " + std::to_string(extent));
    }
    checked_size(shape, "one sample");
    shapes_.push_back(shape);
    heads_.push_back(Activation::linear);
  }
  Setup setup;
  for (const Graph::Call& call : graph_.calls) build(setup, call);
  forward_work_ = setup.work;
  batch_ = setup.batch;
  return setup;
}

template <class T>
void Network<T>::find_masks() {
  Ports ports;
  const Program program = compile({}, ports);
  calls_outside_ = program.calls_outside();
  masks_output_.resize(graph_.outputs.size());
  for (std::size_t i = 0; i < masks_output_.size(); ++i) {
    const Value mask = program[ports.outputs[i].p].mask;
    masks_output_[i] = mask && program[mask].size() == rows_of(output_shape(i));
  }
}

/// Each call has a layer of its own: shared ones have their arrays in common.
template <class T>
void Network<T>::build(Setup& setup, const Graph::Call& call) {
  const std::string layer = graph_.layer_text(call.layer) + ": ";
  std::vector<Shape> from;
  for (std::size_t value : call.from) from.push_back(shapes_[value]);
  setup.begin(static_cast<int>(call.layer));
  try {
    require_exact_ids(call);
    calls_.push_back(make_layer(graph_.layers[call.layer].spec));
    for (Shape& shape : calls_.back()->add_to(setup, from)) {
      checked_size(shape, "one sample");
      shapes_.push_back(std::move(shape));
    }
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(layer + error.what());
  } catch (const OutOfMemory& error) {
    throw OutOfMemory(layer + error.what());
  }
  heads_.resize(shapes_.size(), setup.head);  // of a layer that makes several it is linear
  scopes_.push_back(scope_of(call.layer));
}

/// Ids that are computed, or of an input that others read as numbers, come to a table as numbers of
/// the network's type.
template <class T>
void Network<T>::require_exact_ids(const Graph::Call& call) const {
  constexpr std::int64_t kMost = std::int64_t{1} << std::numeric_limits<T>::digits;
  const auto* const table = std::get_if<EmbeddingSpec>(&graph_.layers[call.layer].spec);
  const std::size_t from = call.from.front();
  if (!table || (from < graph_.inputs.size() && graph_.vocabulary(from) > 0)) return;
  require(table->input_dim <= kMost,
          "input_dim: expected at most " + std::to_string(kMost) +
              ", since its ids are not an input that only Embeddings read, and come as numbers "
              "that tell no more of them apart, got " +
              std::to_string(table->input_dim));
}

/// What the names of a call's values begin with: its layer's name, from the second call on with a
/// number; as often as it takes to be none of another's.
template <class T>
std::string Network<T>::scope_of(std::size_t layer) const {
  const std::string& name = graph_.layers[layer].name;
  const std::string base = name.empty() ? std::to_string(layer) : name;
  std::string scope = base;
  const auto is_taken = [&] {
    const auto& layers = graph_.layers;
    const bool is_name =
        scope != name && std::any_of(layers.begin(), layers.end(),
                                     [&](const auto& one) { return one.name == scope; });
    return is_name || std::find(scopes_.begin(), scopes_.end(), scope) != scopes_.end();
  };
  for (int number = 1; is_taken(); ++number) scope = base + ":" + std::to_string(number);
  return scope;
}

template <class T>
void Network<T>::allocate() {
  constexpr const char* kWhat = "the model's parameters";
  for (Array& array : parameters_) {
    const std::int64_t size = checked_size(array.shape, kWhat);
    array.place = flat_size_;
    checked_sum(flat_size_, checked_sum(size, kPlaceGrain, kWhat), kWhat);
    flat_size_ = place_behind(flat_size_ + size);
    if (array.place + size < flat_size_)
      gaps_.insert(gaps_.end(), {array.place + size, flat_size_});
  }
  const std::int64_t bytes =
      checked_product(flat_size_, static_cast<std::int64_t>(sizeof(T)), kWhat);
  require_memory(checked_sum(bytes, bytes, kWhat), kWhat);  // gradients too, before taking either
  values_ = Buffer(bytes, kWhat);
  gradients_ = Buffer(bytes, "the model's gradients");
  for (Array& array : states_) {
    array.place = state_size_;
    state_size_ = checked_sum(state_size_, size_of(array.shape), "the model's state");
  }
  if (state_size_ == 0) return;
  state_values_ = Buffer(
      checked_product(state_size_, static_cast<std::int64_t>(sizeof(T)), "the model's state"),
      "the model's state");
}

template <class T>
void Network<T>::require_inputs(const std::vector<ArrayView>& x) const {
  const std::size_t inputs = graph_.inputs.size();
  require(x.size() == inputs, [&] {
    return "x: expected " + std::to_string(inputs) + " arrays, one per input, got " +
           std::to_string(x.size());
  });
  for (std::size_t i = 0; i < inputs; ++i) {
    const auto what = [&] {
      return (inputs == 1 ? "x" : "x, " + graph_.input_text(i)) + ": expected ";
    };
    require(x[i].n >= 1, [&] { return what() + "at least one sample"; });
    require(x[i].n == x[0].n, [&] {
      return what() + std::to_string(x[0].n) + " samples, as in the first, got " +
             std::to_string(x[i].n);
    });
    require(x[i].sample_size() == size_of(input_shape(i)), [&] {
      return what() + "samples of " + std::to_string(size_of(input_shape(i))) + " elements, got " +
             std::to_string(x[i].sample_size());
    });
  }
}

template <class T>
void Network<T>::require_batches(std::int64_t samples, std::int64_t batch) const {
  if (batch_ == 0 || (batch == batch_ && samples % batch_ == 0)) return;
  throw std::invalid_argument("batch_size: expected " + std::to_string(batch_) +
                              ", as stateful layers were made for, and as many samples or a "
                              "multiple of them, got " +
                              std::to_string(samples) + " samples in batches of " +
                              std::to_string(batch));
}

template <class T>
std::string Network<T>::with_unknown_id(const std::vector<ArrayView>& x) const {
  for (std::size_t i = 0; i < x.size() && x.size() > 1; ++i) {
    const std::int64_t vocabulary = graph_.vocabulary(i);
    std::vector<std::int32_t> ids(vocabulary > 0 ? x[i].n * x[i].sample_size() : 0);
    if (ids.empty() || gather_ids(ids.data(), x[i], nullptr, 0, {0, x[i].n}, vocabulary)) continue;
    return "x, " + graph_.input_text(i);
  }
  return "x";
}

template <class T>
void Network<T>::require_outputs(std::size_t given, const std::string& what) const {
  const std::size_t outputs = graph_.outputs.size();
  require(given == outputs, [&] {
    return what + ": expected " + std::to_string(outputs) + " arrays, one per output, got " +
           std::to_string(given);
  });
}

template <class T>
void Network<T>::require_deltas(const std::vector<T*>& dx,
                                const std::vector<const T*>& delta) const {
  require(dx.size() == graph_.inputs.size(), [&] {
    return "dx: expected " + std::to_string(graph_.inputs.size()) + " arrays, one per input, got " +
           std::to_string(dx.size());
  });
  require_outputs(delta.size(), "delta");
  for (const T* one : delta) require(one, "delta: expected an array for each output");
}

#define MUNDUR_BUILDING(T)                                                                       \
  template Setup Network<T>::wire();                                                             \
  template void Network<T>::find_masks();                                                        \
  template void Network<T>::build(Setup& setup, const Graph::Call& call);                        \
  template void Network<T>::allocate();                                                          \
  template void Network<T>::require_inputs(const std::vector<ArrayView>&) const;                 \
  template void Network<T>::require_batches(std::int64_t, std::int64_t) const;                   \
  template std::string Network<T>::with_unknown_id(const std::vector<ArrayView>&) const;         \
  template void Network<T>::require_outputs(std::size_t, const std::string&) const;              \
  template void Network<T>::require_deltas(const std::vector<T*>&, const std::vector<const T*>&) \
      const
MUNDUR_BUILDING(float);
MUNDUR_BUILDING(double);

}  // namespace mundur

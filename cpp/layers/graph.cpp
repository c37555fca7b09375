#include "mundur/graph.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "program/training_operations.h"

namespace mundur {
namespace {

template <class Named>
void require_distinct(const std::vector<Named>& all, const char* what) {
  std::set<std::string> names;
  for (const Named& one : all) {
    require(one.name.empty() || names.insert(one.name).second,
            std::string(what) + ": two have the name '" + one.name + "'");
  }
}

std::string text(const char* what, const std::string& name, std::size_t number) {
  return std::string(what) + (name.empty() ? " " + std::to_string(number) : " '" + name + "'");
}

}  // namespace

Graph Graph::chain(const std::vector<LayerSpec>& layers, Shape input,
                   const std::vector<std::string>& names) {
  Graph graph;
  graph.inputs.push_back({std::move(input)});
  std::size_t value = 0, next = 1;
  for (const LayerSpec& spec : layers) {
    const std::size_t number = graph.layers.size();
    graph.layers.push_back({spec, number < names.size() ? names[number] : ""});
    graph.calls.push_back({number, {value}});
    value = next;
    next += outputs_of(spec);
  }
  graph.outputs = {value};
  return graph;
}

std::vector<std::size_t> Graph::makers() const {
  std::vector<std::size_t> makers;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    makers.insert(makers.end(), outputs_of(layers[calls[i].layer].spec), i);
  }
  return makers;
}

void Graph::check() const {
  require(!inputs.empty(), "inputs: expected at least one");
  require(!outputs.empty() && outputs.size() <= op::kMostOutputs,
          "outputs: expected 1 to " + std::to_string(op::kMostOutputs) + ", got " +
              std::to_string(outputs.size()));
  require_distinct(inputs, "inputs");
  require_distinct(layers, "layers");
  std::vector<bool> called(layers.size(), false);
  for (const Call& call : calls) {
    require(call.layer < layers.size(), "calls: there is no layer " + std::to_string(call.layer));
    called[call.layer] = true;
  }
  const std::vector<std::size_t> makers = this->makers();
  const std::size_t values = inputs.size() + makers.size();
  std::vector<bool> needed(values, false);
  std::size_t there = inputs.size();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Call& call = calls[i];
    const std::string layer = layer_text(call.layer);
    require(!call.from.empty(), layer + ": expected at least one input, got none");
    for (std::size_t from : call.from) {
      const std::string value = "value " + std::to_string(from);
      require(from < values, layer + ": reads " + value + ", which is none of this graph");
      require(from < there, [&] {
        return layer + ": reads " + value + ", the output of " +
               layer_text(calls[makers[from - inputs.size()]].layer) +
               ", before that is made: the graph has a cycle, or its calls another order";
      });
    }
    there += outputs_of(layers[call.layer].spec);
  }
  for (std::size_t output : outputs) {
    require(output < values, "outputs: value " + std::to_string(output) + " is none of this graph");
    needed[output] = true;
  }
  for (std::size_t i = calls.size(); i-- > 0;) {
    bool is_needed = false;
    for (std::size_t made = outputs_of(layers[calls[i].layer].spec); made > 0; --made) {
      is_needed |= needed[--there];
    }
    require(is_needed, layer_text(calls[i].layer) + ": no output needs what it makes");
    for (std::size_t from : calls[i].from) needed[from] = true;
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    require(called[i], layer_text(i) + ": nothing calls it");
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    require(needed[i], input_text(i) + ": no output needs it");
  }
}

std::int64_t Graph::vocabulary(std::size_t input) const {
  std::int64_t least = 0;
  for (const Call& call : calls) {
    if (std::find(call.from.begin(), call.from.end(), input) == call.from.end()) continue;
    const auto* const embedding = std::get_if<EmbeddingSpec>(&layers[call.layer].spec);
    if (!embedding) return 0;
    least = least == 0 ? embedding->input_dim : std::min(least, embedding->input_dim);
  }
  return std::find(outputs.begin(), outputs.end(), input) == outputs.end() ? least : 0;
}

std::string Graph::layer_text(std::size_t layer) const {
  return text("layer", layers[layer].name, layer);
}
std::string Graph::input_text(std::size_t input) const {
  return text("input", inputs[input].name, input);
}
std::string Graph::value_name(std::size_t value) const {
  return value < inputs.size() ? inputs[value].name
                               : layers[calls[makers()[value - inputs.size()]].layer].name;
}

}  // namespace mundur

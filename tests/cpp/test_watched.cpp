// What people see who watch a pass by hand: each value by a name of its own, with its own gradient.

#include <cmath>

#include "check.h"
#include "mundur/network.h"
#include "plain.h"

namespace {

using mundur::Activation;
using mundur::Graph;
using mundur::Merge;
using mundur::MergingSpec;
using plain::kSamples;
using plain::Rows;
using plain::view;

mundur::DenseSpec layer(std::int64_t units, Activation f = Activation::linear) {
  return {units, f, true};
}

void fill(mundur::Network<double>& network, check::Numbers& numbers) {
  for (auto& entry : network.parameters()) {
    const std::int64_t size = mundur::size_of(entry.parameter.shape);
    for (std::int64_t i = 0; i < size; ++i) entry.parameter.value[i] = numbers.uniform(-0.7, 0.7);
  }
}

// -----------------------------------------------------------------------------

/// What a watch sees by such a name; none: nothing.
Rows watched(mundur::Network<double>& network, const std::string& name) {
  for (const auto& value : network.watched_values()) {
    if (value.name == name) return Rows(value.value, value.value + mundur::size_of(value.shape));
  }
  return {};
}

/// The gradient of what is its input all over is that of its own readers.
void test_gradients_of_what_changes_nothing() {
  const std::vector<std::pair<const char*, mundur::LayerSpec>> all = {
      {"Dropout", mundur::DropoutSpec{0.5, {}}},
      {"GaussianNoise", mundur::GaussianNoiseSpec{0.5, {}}},
      {"Activation", mundur::ActivationSpec{Activation::linear}},
      {"Merging", MergingSpec{Merge::sum}}};
  for (const auto& [name, spec] : all) {
    check::context = std::string("a watched ") + name;
    mundur::Network<double> network(
        {{{{2}, "x"}},
         {{layer(2), "h"}, {spec, "same"}, {layer(1), "p"}, {layer(1), "q"}},
         {{0, {0}}, {1, {1}}, {2, {2}}, {3, {1}}},
         {3, 4}},
        3);
    check::Numbers numbers(7);
    fill(network, numbers);
    const Rows x = numbers.vector<double>(kSamples * 2, -1, 1);
    const Rows dp(kSamples, 2.0), dq(kSamples, 3.0);
    Rows p(kSamples), q(kSamples), dx(kSamples * 2);
    const mundur::Network<double>::Watch watch(network);
    network.forward({p.data(), q.data()}, {view(x, {2})}, false);
    network.backward({dx.data()}, {dp.data(), dq.data()});
    const auto parameters = network.parameters();
    const double *to_p = parameters[2].parameter.value, *to_q = parameters[4].parameter.value;
    const Rows own = watched(network, "same/da"), of_h = watched(network, "h/da");
    CHECK(own.size() == dx.size() && of_h.size() == dx.size());
    for (std::size_t i = 0; i < own.size() && i < of_h.size(); ++i) {
      CHECK(own[i] == 2.0 * to_p[i % 2]);
      CHECK(std::fabs(of_h[i] - 2.0 * to_p[i % 2] - 3.0 * to_q[i % 2]) < 1e-15);
    }
    CHECK(watched(network, "same/a") == watched(network, "h/a"));
  }
}

/// Calls of a layer, and layers that are called as if they were one, are told apart.
void test_names_of_what_is_watched() {
  check::context = "names under a watch";
  mundur::ResidualSpec around{{mundur::LayerNode{layer(2)}}, {"in/side"}};
  const Graph graph = {
      {{{2}, "x"}},
      {{layer(2), "d"}, {layer(2), "d:1"}, {layer(2)}, {layer(2), "2"}, {around, "r"}},
      {{0, {0}}, {0, {1}}, {1, {2}}, {2, {3}}, {3, {4}}, {4, {5}}, {0, {6}}},
      {7}};
  mundur::Network<double> network(graph, 3);
  check::Numbers numbers(8);
  fill(network, numbers);
  const Rows x = numbers.vector<double>(kSamples * 2, -1, 1);
  Rows y(kSamples * 2);
  const mundur::Network<double>::Watch watch(network);
  network.forward({y.data()}, {view(x, {2})}, true);
  std::vector<Rows> all;
  for (const char* name : {"d", "d:2", "d:1", "2:1", "2", "r", "d:3", "r/in/side"}) {
    all.push_back(watched(network, name + std::string("/a")));
    CHECK(all.back().size() == y.size());
    for (std::size_t i = 0; i + 1 < all.size(); ++i) CHECK(all[i] != all.back());
  }
  CHECK(all[6] == y);
}

}  // namespace

int main() {
  mundur::set_num_threads(2);
  test_gradients_of_what_changes_nothing();
  test_names_of_what_is_watched();
  return check::result();
}

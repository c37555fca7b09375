// A network that is called on samples of other shapes than it was made for: what one that was made
// for them computes; and one that cannot be stays as it was.

#include <cmath>
#include <stdexcept>

#include "check.h"
#include "mundur/network.h"
#include "plain.h"

namespace {

using mundur::Graph;
using mundur::LayerSpec;
using mundur::Shape;
using plain::Rows;
using plain::view;

constexpr std::int64_t kChannels = 3, kBatch = plain::kSamples;

mundur::LSTMSpec memory(bool sequences) {
  mundur::RecurrentSpec spec{};
  spec.units = 4;
  spec.return_sequences = sequences;
  return {spec};
}

Graph over_time(std::int64_t steps) {
  const std::vector<LayerSpec> layers = {memory(true), mundur::DropoutSpec{0.3, {}}, memory(false),
                                         mundur::DenseSpec{2, mundur::Activation::tanh, true}};
  return Graph::chain(layers, Shape{steps, kChannels}, {});
}

struct Passed {
  Rows y, dx, gradients;
  bool operator==(const Passed&) const = default;
};

Passed pass(mundur::Network<double>& network, std::int64_t steps) {
  check::Numbers numbers(static_cast<std::uint64_t>(steps));
  const Rows x = numbers.vector<double>(kBatch * steps * kChannels, -1, 1);
  const Rows delta = numbers.vector<double>(kBatch * 2, -1, 1);
  Passed found{Rows(kBatch * 2), Rows(x.size()), {}};
  network.training_forwards = 0;
  const mundur::ArrayView samples = view(x, {steps, kChannels});
  network.forward({found.y.data()}, {samples}, true);
  network.backward({found.dx.data()}, {delta.data()});
  found.gradients.assign(network.flat_gradients(), network.flat_gradients() + network.flat_size());
  return found;
}

void take(mundur::Network<double>& to, mundur::Network<double>& from) {
  std::copy_n(from.flat_values(), from.flat_size(), to.flat_values());
}

void test_other_lengths() {
  mundur::Network<double> network(over_time(6), 3);
  check::Numbers numbers(1);
  for (std::int64_t i = 0; i < network.flat_size(); ++i) {
    network.flat_values()[i] = numbers.uniform(-0.7, 0.7);
  }
  const double* const values = network.flat_values();
  for (const std::int64_t steps : {6, 9, 1, 40, 6}) {
    check::context = "reshaped to " + std::to_string(steps) + " steps";
    network.reshape(over_time(steps));
    mundur::Network<double> made(over_time(steps), 3);
    take(made, network);
    CHECK(pass(network, steps) == pass(made, steps));
    CHECK(network.input_shape() == made.input_shape());
    CHECK(network.flat_values() == values);
    CHECK(network.forward_work() == made.forward_work());
  }
}

void test_steps_of_training() {
  check::context = "a training of several lengths";
  mundur::Network<double> network(over_time(4), 3);
  check::Numbers numbers(2);
  for (std::int64_t i = 0; i < network.flat_size(); ++i) {
    network.flat_values()[i] = numbers.uniform(-0.7, 0.7);
  }
  mundur::Network<double> whole(over_time(4), 3);
  take(whole, network);
  for (const std::int64_t steps : {4, 7, 3}) {
    mundur::Network<double> made(over_time(steps), 3);
    take(made, whole);
    network.reshape(over_time(steps));
    const Passed mine = pass(network, steps), theirs = pass(made, steps);
    CHECK(mine == theirs);
    for (std::int64_t i = 0; i < network.flat_size(); ++i) {
      network.flat_values()[i] -= 0.1 * mine.gradients[static_cast<std::size_t>(i)];
      made.flat_values()[i] -= 0.1 * theirs.gradients[static_cast<std::size_t>(i)];
    }
    take(whole, made);
    CHECK(std::equal(whole.flat_values(), whole.flat_values() + whole.flat_size(),
                     network.flat_values()));
  }
}

void test_what_cannot_be() {
  check::context = "a kernel that would have another shape";
  const auto flat = [](std::int64_t steps) {
    return Graph::chain(
        {mundur::FlattenSpec{}, mundur::DenseSpec{2, mundur::Activation::linear, true}},
        Shape{steps, kChannels}, {});
  };
  mundur::Network<double> network(flat(6), 3);
  const Passed before = pass(network, 6);
  bool threw = false;
  try {
    network.reshape(flat(7));
  } catch (const std::invalid_argument& error) {
    threw = std::string(error.what()).find("its kernel has another shape") != std::string::npos;
  }
  CHECK(threw);
  CHECK(network.input_shape() == (Shape{6, kChannels}));
  CHECK(pass(network, 6) == before);
}

}  // namespace

int main() {
  mundur::set_num_threads(2);
  test_other_lengths();
  test_steps_of_training();
  test_what_cannot_be();
  return check::result();
}

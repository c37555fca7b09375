// What graphs ask beyond values and gradients: random numbers of shared layers, losses of the
// caller's, ids that are none, samples that weigh nothing, and descriptions that are no graph.

#include <cmath>
#include <limits>
#include <memory>

#include "check.h"
#include "mundur/training.h"
#include "plain.h"

namespace {

using mundur::Activation;
using mundur::Graph;
using mundur::Merge;
using mundur::MergingSpec;
using plain::kSamples;
using plain::Rows;
using plain::view;

using Inputs = std::vector<mundur::ArrayView>;

mundur::DenseSpec layer(std::int64_t units, Activation f = Activation::linear) {
  return {units, f, true};
}

void fill(mundur::Network<double>& network, check::Numbers& numbers) {
  for (auto& entry : network.parameters()) {
    const std::int64_t size = mundur::size_of(entry.parameter.shape);
    for (std::int64_t i = 0; i < size; ++i) entry.parameter.value[i] = numbers.uniform(-0.7, 0.7);
  }
}

std::unique_ptr<mundur::Optimizer> descent(double rate) {
  return mundur::make_optimizer("SGD", {{"learning_rate", rate}});
}

/// Whether it throws std::invalid_argument with these words in its message.
template <class Work>
bool refuses(Work work, const std::string& words) {
  try {
    work();
  } catch (const std::invalid_argument& error) {
    const bool told = std::string(error.what()).find(words) != std::string::npos;
    if (!told) std::fprintf(stderr, "expected '%s' in: %s\n", words.c_str(), error.what());
    return told;
  }
  std::fprintf(stderr, "expected to be refused: '%s'\n", words.c_str());
  return false;
}

// ---- random numbers -----------------------------------------------------------------------------

/// Both calls of one Dropout keep elements of their own; the first those of a chain's.
void test_a_shared_dropout() {
  check::context = "a shared Dropout";
  constexpr std::int64_t C = 40, n = kSamples * C;
  const mundur::DropoutSpec half{0.5, {}};
  mundur::Network<double> shared({{{{C}, "x"}}, {{half, "drop"}}, {{0, {0}}, {0, {0}}}, {1, 2}}, 3);
  mundur::Network<double> chain({half}, {C}, 3);
  check::Numbers numbers(1);
  const Rows x = numbers.vector<double>(n, 1.0, 2.0);
  const Rows da = numbers.vector<double>(n, -1.0, 1.0), db = numbers.vector<double>(n, -1.0, 1.0);
  Rows a(n), b(n), own(n), dx(n);
  shared.forward({a.data(), b.data()}, {view(x, {C})}, true);
  shared.backward({dx.data()}, {da.data(), db.data()});
  chain.forward({own.data()}, {view(x, {C})}, true);
  CHECK(a == own);
  CHECK(a != b);
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(a[i] == 0.0 || a[i] == 2.0 * x[i]);
    CHECK(b[i] == 0.0 || b[i] == 2.0 * x[i]);
    CHECK(dx[i] == (a[i] != 0.0 ? 2.0 * da[i] : 0.0) + (b[i] != 0.0 ? 2.0 * db[i] : 0.0));
  }
}

// ---- losses of the caller's ---------------------------------------------------------------------

/// A mean squared error.
class Squares final : public mundur::OutsideLoss {
 public:
  explicit Squares(const Rows& targets)
      : OutsideLoss({"squares", mundur::LossKind::mean_squared_error, false}), y_(targets) {}
  double evaluate(const mundur::Batch&, const float*, float*, std::int64_t) const override {
    return 0.0;
  }
  double evaluate(const mundur::Batch& batch, const double* p, double* dp,
                  std::int64_t O) const override {
    const auto n = static_cast<double>(batch.count * O);
    double sum = 0.0;
    for (std::int64_t i = 0; i < batch.count * O; ++i) {
      const std::int64_t row = batch.begin + i / O;
      const std::int64_t sample = batch.order ? batch.order[row] : row;
      const double apart = p[i] - y_[static_cast<std::size_t>(sample * O + i % O)];
      sum += apart * apart / n;
      if (dp) dp[i] = 2.0 * apart / n;
    }
    return sum;
  }
  bool reads_targets() const override { return false; }

 private:
  const Rows& y_;
};

/// Losses that others compute, weighted: the steps of the core's own.
void test_losses_from_outside() {
  check::context = "losses from outside";
  const Graph graph = {{{{3}, "x"}},
                       {{layer(4, Activation::tanh), "h"}, {layer(2), "p"}, {layer(1), "q"}},
                       {{0, {0}}, {1, {1}}, {2, {1}}},
                       {2, 3}};
  check::Numbers numbers(2);
  const Rows x = numbers.vector<double>(kSamples * 3, -1, 1);
  const Rows y[] = {numbers.vector<double>(kSamples * 2, -1, 1),
                    numbers.vector<double>(kSamples, -1, 1)};
  const mundur::DataSet data{{view(x, {3})}, {{view(y[0], {2})}, {view(y[1], {1})}}};
  const auto own = mundur::make_loss("mean_squared_error", false);
  const Squares first(y[0]), second(y[1]);
  std::vector<Rows> found;
  for (const auto& losses :
       {std::pair<const mundur::Loss*, const mundur::Loss*>{own.get(), own.get()},
        {&first, &second},
        {&first, own.get()},
        {own.get(), &second}}) {
    mundur::Network<double> network(graph, 3);
    check::Numbers same(4);
    fill(network, same);
    const auto sgd = descent(0.1);
    const std::vector<mundur::Objective> objectives = {{losses.first, 0.5}, {losses.second, 3.0}};
    mundur::Trainer<double> trainer(network, *sgd, objectives, data, {4, true, 5});
    for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
      trainer.begin_epoch(epoch);
      CHECK(trainer.run(1e9, -1) == mundur::Outcome::finished);
    }
    CHECK(sgd->iterations() == 6);
    mundur::Evaluator<double> evaluator(network, objectives, data, {4});
    CHECK(evaluator.run(1e9) == mundur::Outcome::finished);
    const double* const w = network.flat_values();
    found.emplace_back(w, w + network.flat_size());
    found.back().push_back(trainer.tally().mean_loss());
    found.back().push_back(evaluator.tally().mean_loss());
    CHECK(check::distance(found.back(), found.front()) < 1e-13);
  }
}

// ---- layers of the caller's ---------------------------------------------------------------------

/// y = x·W, W[I, I], and a count of training forwards.
class Mixed final : public mundur::OutsideLayer {
 public:
  static constexpr std::int64_t I = 4;
  std::shared_ptr<mundur::OutsideCall> call() const override { return std::make_shared<Call>(); }
  static mundur::OutsideSpec spec() {
    return {std::make_shared<Mixed>(), {I}, {{"kernel", {I, I}}}, {{"count", {1}}}};
  }

 private:
  class Call final : public mundur::OutsideCall {
    double* at(std::size_t i) const { return static_cast<double*>(given_[i].data); }
    void forward(const mundur::OutsideTask& task) override {
      CHECK(task.is_double && given_.size() == 4);
      n_ = given_[0].samples;
      x_.assign(at(1), at(1) + n_ * I);
      w_.assign(at(2), at(2) + I * I);
      for (std::int64_t i = 0; i < n_ * I; ++i) {
        at(0)[i] = 0.0;
        for (std::int64_t k = 0; k < I; ++k) at(0)[i] += x_[i / I * I + k] * w_[k * I + i % I];
      }
      if (task.training && task.learns) at(3)[0] += 1.0;
    }
    void backward(bool is_double) override {
      CHECK(is_double && given_.size() == 3 && given_[2].samples == n_);
      for (std::int64_t i = 0; i < n_ * I && at(0); ++i) {
        at(0)[i] = 0.0;
        for (std::int64_t k = 0; k < I; ++k) at(0)[i] += at(2)[i / I * I + k] * w_[i % I * I + k];
      }
      for (std::int64_t i = 0; i < I * I && at(1); ++i) {
        at(1)[i] = 0.0;
        for (std::int64_t b = 0; b < n_; ++b) at(1)[i] += x_[b * I + i / I] * at(2)[b * I + i % I];
      }
    }
    std::int64_t n_ = 0;
    Rows x_, w_;
  };
};

/// A layer that others compute, called twice: the steps, and by hand the gradients, of the core's.
void test_layers_from_outside() {
  check::context = "layers from outside";
  constexpr std::int64_t I = Mixed::I;
  check::Numbers numbers(7);
  const Rows x = numbers.vector<double>(kSamples * I, -1, 1);
  const Rows y = numbers.vector<double>(kSamples, -1, 1);
  const Rows dy = numbers.vector<double>(kSamples, -1, 1);
  const mundur::DataSet data{{view(x, {I})}, {{view(y, {1})}}};
  const auto loss = mundur::make_loss("mean_squared_error", false);
  std::vector<Rows> found;
  for (const mundur::LayerSpec& mixed :
       {mundur::LayerSpec(mundur::DenseSpec{I, Activation::linear, false}),
        mundur::LayerSpec(Mixed::spec())}) {
    const Graph graph = {{{{I}, "x"}},
                         {{mixed, "mixed"}, {layer(I, Activation::tanh), "h"}, {layer(1), "p"}},
                         {{0, {0}}, {1, {1}}, {0, {2}}, {2, {3}}},
                         {4}};
    for (const std::string part : {"all", "frozen"}) {
      mundur::Network<double> network(graph, 3);
      check::Numbers same(8);
      fill(network, same);
      if (part == "frozen") network.set_trainable({false, true, true, true, true});
      const auto sgd = descent(0.1);
      mundur::Trainer<double> trainer(network, *sgd, {{loss.get()}}, data, {4, true, 5});
      for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
        trainer.begin_epoch(epoch);
        CHECK(trainer.run(1e9, -1) == mundur::Outcome::finished);
      }
      Rows p(kSamples), dx(kSamples * I), again = dx;
      network.forward({p.data()}, {view(x, {I})}, false);
      network.backward({dx.data()}, {dy.data()});
      network.backward({again.data()}, {dy.data()});
      CHECK(dx == again);
      const double *const w = network.flat_values(), *const g = network.flat_gradients();
      found.emplace_back(w, w + network.flat_size());
      found.back().insert(found.back().end(), g, g + network.flat_size());
      found.back().insert(found.back().end(), dx.begin(), dx.end());
      if (network.state_size() > 0) CHECK(network.state_values()[0] == 12.0);  // two calls a step
    }
  }
  for (std::size_t i : {0, 1}) CHECK(check::distance(found[i + 2], found[i]) < 1e-13);
}

// ---- ids and weights ----------------------------------------------------------------------------

void test_ids_that_are_none() {
  check::context = "ids";
  const Graph graph = {{{{2}, "x"}, {{2}, "ids"}},
                       {{mundur::EmbeddingSpec{4, 2}, "table"},
                        {MergingSpec{Merge::mul}, "both"},
                        {mundur::FlattenSpec{}, "flat"},
                        {layer(1), "out"}},
                       {{0, {0}}, {0, {1}}, {1, {2, 3}}, {2, {4}}, {3, {5}}, {0, {6}}},
                       {6, 7}};  // what the network computes is an id, too
  mundur::Network<double> network(graph, 3);
  CHECK(graph.vocabulary(0) == 4 && graph.vocabulary(1) == 4);
  const auto loss = mundur::make_loss("mean_squared_error", false);
  const Rows y(kSamples, 0.0);
  Rows x(kSamples * 2, 1.0), ids = x;
  const auto sgd = descent(0.1);
  const mundur::DataSet data{{view(x, {2}), view(ids, {2})}, {{view(y, {1})}, {}}};
  const auto passes = [&](mundur::Outcome expected) {
    Rows p(kSamples), z(kSamples * 2);
    const bool is_whole = expected == mundur::Outcome::finished;
    mundur::Trainer<double> trainer(network, *sgd, {{loss.get()}, {}}, data, {4, false, 0, false});
    trainer.begin_epoch(0);
    CHECK(trainer.run(1e9, -1) == expected);
    mundur::Evaluator<double> evaluator(network, {{loss.get()}, {}}, data, {4, false});
    CHECK(evaluator.run(1e9) == expected);
    CHECK(network.predict({p.data(), z.data()}, data.x, 0, 4, 1e9, false) ==
          (is_whole ? kSamples : -1));
    const auto forward = [&] { network.forward({p.data(), z.data()}, data.x, true); };
    if (is_whole) return forward();
    CHECK(refuses(forward, ids[9] == 1.0 ? "x: holds an id" : "x, input 'ids': holds an id"));
  };
  passes(mundur::Outcome::finished);
  for (const double wrong : {4.0, -1.0, 0.5}) {  // as an input: a fraction is no id
    ids[9] = wrong;
    passes(mundur::Outcome::input);
  }
  ids[9] = 1.0;
  for (const double wrong : {4.5, -1.5, std::numeric_limits<double>::quiet_NaN()}) {
    for (auto& entry : network.parameters()) {
      if (entry.parameter.name == "bias") entry.parameter.value[0] = wrong;
    }
    for (auto& entry : network.parameters()) {
      if (entry.parameter.name == "kernel") std::fill_n(entry.parameter.value, 4, 0.0);
    }
    passes(mundur::Outcome::input);
  }
}

/// In float32 numbers tell 2^24 ids apart: a table of more reads nothing but ids.
void test_ids_beyond_what_numbers_tell_apart() {
  check::context = "many ids";
  constexpr std::int64_t most = 1 << 24;
  const auto graph = [](std::int64_t vocabulary, bool shared) {
    Graph all = {
        {{{1}, "ids"}}, {{mundur::EmbeddingSpec{vocabulary, 1}, "table"}}, {{0, {0}}}, {1}};
    if (shared) {
      all.layers.push_back({layer(1), "other"});
      all.calls.push_back({1, {0}});
      all.outputs.push_back(2);
    }
    return all;
  };
  mundur::Network<float>(graph(most + 1, false), 0);
  mundur::Network<float>(graph(most, true), 0);
  mundur::Network<double>(graph(most + 1, true), 0);
  CHECK(refuses([&] { mundur::Network<float>(graph(most + 1, true), 0); },
                "layer 'table': input_dim: expected at most 16777216"));
}

/// A forward by hand that is refused leaves the moving statistics as they were.
void test_a_refused_forward_moves_nothing() {
  check::context = "a refused forward";
  mundur::Network<double> network(
      {mundur::EmbeddingSpec{4, 2}, mundur::BatchNormalizationSpec{0.5, 0.1}}, {1}, 3);
  check::Numbers numbers(9);
  fill(network, numbers);
  Rows ids(kSamples, 1.0), y(kSamples * 2);
  const auto state = [&] {
    const double* const values = network.state_values();
    return Rows(values, values + network.state_size());
  };
  const Rows before = state();
  ids[5] = 4.0;
  CHECK(refuses([&] { network.forward({y.data()}, {view(ids, {1})}, true); }, "vocabulary"));
  CHECK(state() == before && network.training_forwards == 0);
  ids[5] = 3.0;
  network.forward({y.data()}, {view(ids, {1})}, true);
  CHECK(state() != before);
}

/// What no output gives a weight is not there, whatever it holds.
void test_samples_that_weigh_nothing() {
  check::context = "weights";
  const Graph graph = {{{{2}, "a"}, {{2}, "b"}},
                       {{MergingSpec{Merge::sum}, "sum"}, {layer(1), "p"}, {layer(1), "q"}},
                       {{0, {0, 1}}, {1, {2}}, {2, {2}}},
                       {3, 4}};
  check::Numbers numbers(6);
  Rows a = numbers.vector<double>(kSamples * 2, -1, 1), b = a;
  const Rows y = numbers.vector<double>(kSamples, -1, 1);
  Rows first(kSamples, 1.0), second(kSamples, 1.0);
  a[5] = b[4] = std::numeric_limits<double>::quiet_NaN();  // of sample 2
  first[2] = second[2] = 0.0;
  mundur::DataSet data{{view(a, {2}), view(b, {2})},
                       {{view(y, {1}), {}, first.data()}, {view(y, {1}), {}, second.data()}}};
  const auto loss = mundur::make_loss("mean_squared_error", false);
  const auto run = [&] {
    mundur::Network<double> network(graph, 3);
    const auto sgd = descent(0.1);
    mundur::Trainer<double> trainer(network, *sgd, {{loss.get()}, {loss.get()}}, data,
                                    {4, false, 0, false});
    trainer.begin_epoch(0);
    return trainer.run(1e9, -1);
  };
  CHECK(run() == mundur::Outcome::finished);
  second[2] = 1.0;  // there after all
  CHECK(run() == mundur::Outcome::loss);
  second[2] = 0.0;
  data.y[1].weights = nullptr;
  CHECK(run() == mundur::Outcome::loss);
}

// ---- what is no graph ---------------------------------------------------------------------------

void test_bad_graphs() {
  check::context = "bad graphs";
  const Graph good = {{{{3}, "a"}, {{3}, "b"}},
                      {{layer(2), "twin"}, {MergingSpec{Merge::sum}, "sum"}, {layer(1), "out"}},
                      {{0, {0}}, {0, {1}}, {1, {2, 3}}, {2, {4}}},
                      {5}};
  const auto refused = [&](auto change, const char* words) {
    Graph graph = good;
    change(graph);
    CHECK(refuses([&] { mundur::Network<float>(graph, 0); }, words));
  };
  mundur::Network<float>(good, 0);
  using G = Graph&;
  refused([](G g) { g.calls[2].from[1] = 5; },
          "layer 'sum': reads value 5, the output of layer 'out'");
  refused([](G g) { g.calls[2].from[1] = 4; },
          "layer 'sum': reads value 4, the output of layer 'sum'");
  refused([](G g) { g.calls[2].from[0] = 6; }, "layer 'sum': reads value 6, which is none");
  refused([](G g) { g.calls[1].layer = 3; }, "there is no layer 3");
  refused(
      [](G g) {
        g.calls[0].from[0] = 5;  // what the last call makes
        g.calls[3].layer = 9999999;
      },
      "there is no layer 9999999");
  refused([](G g) { g.outputs[0] = 6; }, "outputs: value 6 is none");
  refused([](G g) { g.outputs.clear(); }, "outputs: expected 1 to 16, got 0");
  refused([](G g) { g.outputs.assign(17, 5); }, "outputs: expected 1 to 16, got 17");
  refused([](G g) { g.inputs.clear(); }, "inputs: expected at least one");
  refused([](G g) { g.calls[0].from.clear(); }, "layer 'twin': expected at least one input");
  refused([](G g) { g.calls[0].from = {0, 1}; }, "layer 'twin': expected one input, got 2");
  refused([](G g) { g.calls[1].from[0] = 0; }, "input 'b': no output needs it");
  refused([](G g) { g.calls.push_back({2, {3}}); }, "layer 'out': no output needs what it makes");
  refused([](G g) { g.layers.push_back({layer(1), "lonely"}); },
          "layer 'lonely': nothing calls it");
  refused([](G g) { g.layers[2].name = "twin"; }, "layers: two have the name 'twin'");
  refused([](G g) { g.inputs[1].name = "a"; }, "inputs: two have the name 'a'");
  refused([](G g) { g.inputs[1].shape = {4}; }, "layer 'twin': its kernel has the shape (3, 2)");
  refused(
      [](G g) {
        g.calls[2].from[1] = 0;
        g.calls[3].from = {4};
        g.calls[1].from = {0};
      },
      "layer 'twin': no output needs what it makes");
  refused(
      [](G g) {
        g.calls[2].from = {2, 1};
        g.calls[1] = g.calls[0];
        g.outputs.push_back(3);
      },
      "layer 'sum': expected inputs of the same shape, got (2,) and (3,)");
  refused([](G g) { g.layers[0].spec = layer(0); }, "layer 'twin': units");
  refused([](G g) { g.inputs[1].shape = {0}; }, "input 'b': input_shape: expected extents >= 1");
  refused(
      [](G g) {
        g.layers[0].name.clear();
        g.layers[0].spec = layer(0);
      },
      "layer 0: units");
  std::string too_much;
  try {
    constexpr std::int64_t half = std::numeric_limits<std::int64_t>::max() / 2;
    mundur::Network<float>(
        {{{{half}, "x"}}, {{MergingSpec{Merge::concat}, "wide"}}, {{0, {0, 0, 0, 0, 0}}}, {1}}, 0);
  } catch (const mundur::OutOfMemory& error) {
    too_much = error.what();
  }
  CHECK(too_much.find("layer 'wide': one sample") == 0);
}

void test_bad_objectives() {
  check::context = "bad objectives";
  mundur::Network<double> network(
      {{{{3}, "a"}, {{3}, "b"}}, {{layer(2), "p"}, {layer(1), "q"}}, {{0, {0}}, {1, {1}}}, {2, 3}},
      0);
  const Rows x(kSamples * 3, 0.0), y(kSamples * 2, 0.0);
  const auto loss = mundur::make_loss("mean_squared_error", false);
  const auto labels = mundur::make_loss("sparse_categorical_crossentropy", true);
  const auto sgd = descent(0.1);
  const auto refused = [&](std::vector<mundur::Objective> objectives, const Inputs& inputs,
                           std::vector<mundur::TargetSet> targets, const char* words) {
    const mundur::DataSet data{inputs, std::move(targets)};
    CHECK(refuses([&] { mundur::Trainer<double>(network, *sgd, objectives, data, {}); }, words));
  };
  const Inputs both = {view(x, {3}), view(x, {3})};
  mundur::ArrayView few = view(x, {3});
  few.n = 5;
  const mundur::TargetSet of_p{view(y, {2})}, of_q{view(y, {1})};
  const mundur::Objective one{loss.get()};
  refused({one}, both, {of_p, of_q}, "loss: expected one for each of 2 outputs, got 1");
  refused({one, one, one}, both, {of_p, of_q}, "outputs, got 3");
  refused({{}, {}}, both, {of_p, of_q}, "loss: expected one for at least one output");
  refused({one, {loss.get(), std::nan("")}}, both, {of_p, of_q}, "loss_weights: expected finite");
  refused({one, {nullptr, 1.0, {mundur::Metric::binary_accuracy}}}, both, {of_p, of_q},
          "metrics: expected none for the output of 'q'");
  refused({one, one}, {view(x, {3})}, {of_p, of_q}, "x: expected 2 arrays, one per input, got 1");
  refused({one, one}, {view(x, {3}), view(x, {2})}, {of_p, of_q},
          "x, input 'b': expected samples of 3 elements, got 2");
  refused({one, one}, {view(x, {3}), few}, {of_p, of_q}, "x, input 'b': expected 11 samples");
  refused({one, one}, both, {of_p}, "y: expected targets of 2 outputs, got 1");
  refused({one, one}, both, {of_p, of_p},
          "y, output of 'q': expected targets of 1 elements, got 2");
  refused({{labels.get()}, one}, both, {{{}, std::vector<std::int32_t>(kSamples, 2)}, of_q},
          "y, output of 'p': expected labels in [0, 2), got 2");
  const mundur::DataSet data{both, {of_p, of_q}};
  mundur::Trainer<double> trainer(network, *sgd, {one, {loss.get(), 1.0, {}}}, data, {});
  CHECK(refuses([&] { trainer.set_augment({{.stddev = 0.1}}); }, "several inputs"));
  CHECK(refuses([&] { trainer.resume(0, {1.0, 2.0}); }, "sums: expected 7 numbers, got 2"));
  trainer.resume(0, {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0});
  CHECK((trainer.tally().numbers() == Rows{1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0}));
}

/// One pointer for each, and batches that are some.
void test_counts_of_pointers() {
  check::context = "counts of pointers";
  mundur::Network<double> network({{{{2}, "x"}}, {{layer(1), "d"}}, {{0, {0}}}, {1, 1}}, 0);
  const Rows x(kSamples * 2, 1.0);
  const Inputs inputs = {view(x, {2})};
  Rows p(kSamples), q(kSamples), dx(kSamples * 2);
  const std::vector<double*> both = {p.data(), q.data()};
  const auto refused = [&](auto work, const char* words) { CHECK(refuses(work, words)); };
  refused([&] { network.forward({}, inputs, true); }, "y: expected 2 arrays, one per output");
  network.forward({p.data(), nullptr}, inputs, true);
  refused([&] { network.backward({dx.data()}, {p.data()}); }, "delta: expected 2 arrays");
  refused([&] { network.backward({dx.data()}, {p.data(), nullptr}); }, "delta: expected an array");
  refused([&] { network.backward({dx.data(), dx.data()}, {p.data(), q.data()}); },
          "dx: expected 1 arrays, one per input, got 2");
  network.backward({nullptr}, {p.data(), q.data()});
  refused([&] { network.predict({p.data()}, inputs, 0, 4, 1e9, true); }, "out: expected 2 arrays");
  for (const auto& [start, batch] : {std::pair{-1, 4}, {12, 4}, {0, 0}}) {
    refused([&] { network.predict(both, inputs, start, batch, 1e9, true); },
            "expected a start of 0 to 11 and a batch of 1 or more");
  }
  CHECK(network.predict(both, inputs, kSamples, 4, 1e9, true) == kSamples);
  const auto loss = mundur::make_loss("mean_squared_error", false);
  const auto sgd = descent(0.1);
  const mundur::DataSet data{inputs, {{view(p, {1})}, {}}};
  const std::vector<mundur::Objective> objectives = {{loss.get()}, {}};
  mundur::Trainer<double>::Options few;
  few.outputs = {q.data()};
  refused([&] { mundur::Trainer<double>(network, *sgd, objectives, data, few); },
          "outputs: expected 2 arrays");
  refused([&] { mundur::Evaluator<double>(network, objectives, data, {4, true, few.outputs}); },
          "outputs: expected 2 arrays");
}

}  // namespace

int main() {
  mundur::set_num_threads(2);
  test_a_shared_dropout();
  test_losses_from_outside();
  test_layers_from_outside();
  test_ids_that_are_none();
  test_ids_beyond_what_numbers_tell_apart();
  test_a_refused_forward_moves_nothing();
  test_samples_that_weigh_nothing();
  test_bad_graphs();
  test_bad_objectives();
  test_counts_of_pointers();
  return check::result();
}

// Graphs: what networks of several inputs and outputs, of shared layers and of values used more
// than once compute, held against plain arithmetic: the outputs directly, the gradients by its
// central differences. And that teams of any size train the same bits.

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "check.h"
#include "cpu/parallel/pace.h"
#include "mundur/training.h"
#include "plain.h"

namespace {

using mundur::Activation;
using mundur::Graph;
using mundur::Merge;
using mundur::MergingSpec;
using namespace plain;

// ---- cases --------------------------------------------------------------------------------------

struct Target {
  const char* loss;  // null: none
  bool from_logits = false;
  double weight = 1.0;
};

/// Parameters, then state, in the network's order; values of each input: the outputs.
using Forward =
    std::function<std::vector<Rows>(const std::vector<Rows>& w, std::vector<Rows>& state,
                                    const std::vector<Rows>& x, bool training)>;

struct Case {
  std::string name;
  Graph graph;
  std::vector<std::int64_t> ids;  // of each input: below what; 0: it holds numbers
  std::vector<Target> targets;
  Forward forward;
  double largest = 1.0;  // number of an input
};

mundur::DenseSpec layer(std::int64_t units, Activation f = Activation::linear) {
  return {units, f, true};
}

mundur::LSTMSpec memory(std::int64_t units, bool gives_states = false) {
  mundur::RecurrentSpec spec{};
  spec.units = units;
  spec.return_state = gives_states;
  return {spec};
}

/// Steps that one of two sequences of ids has.
Mask either(const Rows& a, const Rows& b) {
  Mask mask;
  for (std::size_t i = 0; i < a.size(); ++i) mask.push_back(a[i] != 0.0 || b[i] != 0.0);
  return mask;
}

/// Two sequences through one table with a mask, merged, then through time.
Case masked(Merge how) {
  const auto forward = [how](const std::vector<Rows>& w, std::vector<Rows>&,
                             const std::vector<Rows>& x, bool) -> std::vector<Rows> {
    Rows a = embed(x[0], w[0], 2), b = embed(x[1], w[0], 2), merged;
    if (how == Merge::mul) {  // a step that is not there is a factor of 1
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (x[0][i / 2] == 0.0) a[i] = 1.0;
        if (x[1][i / 2] == 0.0) b[i] = 1.0;
      }
      merged = product(a, b);
    } else {
      merged = how == Merge::concat ? join(a, b, kSamples * 4) : sum(a, b);
      for (double& value : merged) value *= how == Merge::ave ? 0.5 : 1.0;
    }
    return {dense(lstm(merged, 4, w[1], w[2], w[3], either(x[0], x[1])), w[4], w[5])};
  };
  return {"masks merged " + std::to_string(static_cast<int>(how)),
          {{{{4}, "a"}, {{4}, "b"}},
           {{mundur::EmbeddingSpec{4, 2, true}, "table"},
            {MergingSpec{how}, "merged"},
            {memory(3), "lstm"},
            {layer(1), "out"}},
           {{0, {0}}, {0, {1}}, {1, {2, 3}}, {2, {4}}, {3, {5}}},
           {6}},
          {4, 4},
          {{"mean_squared_error"}},
          forward};
}

std::vector<Case> cases() {
  using Params = const std::vector<Rows>&;
  using State = std::vector<Rows>&;
  using Inputs = const std::vector<Rows>&;
  std::vector<Case> all;
  all.push_back({"two inputs side by side",
                 {{{{3}, "a"}, {{2}, "b"}},
                  {{layer(4, Activation::tanh), "hidden"},
                   {MergingSpec{Merge::concat}, "both"},
                   {layer(1), "out"}},
                  {{0, {0}}, {1, {2, 1}}, {2, {3}}},
                  {4}},
                 {0, 0},
                 {{"mean_squared_error"}},
                 [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                   return {dense(join(dense(x[0], w[0], w[1], hyperbolic), x[1]), w[2], w[3])};
                 }});
  all.push_back({"a value used three times",
                 {{{{3}, "x"}},
                  {{layer(3, Activation::tanh), "first"},
                   {layer(3, Activation::sigmoid), "second"},
                   {MergingSpec{Merge::sum}, "sum"},
                   {MergingSpec{Merge::mul}, "product"},
                   {layer(2), "out"}},
                  {{0, {0}}, {1, {1}}, {2, {1, 2}}, {3, {3, 1}}, {4, {4}}},
                  {5}},
                 {0},
                 {{"mean_squared_error"}},
                 [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                   const Rows h = dense(x[0], w[0], w[1], hyperbolic);
                   const Rows g = sum(h, dense(h, w[2], w[3], sigmoid));
                   return {dense(product(g, h), w[4], w[5])};
                 }});
  all.push_back({"a shared Dense",
                 {{{{3}, "a"}, {{3}, "b"}},
                  {{layer(2, Activation::tanh), "twin"},
                   {MergingSpec{Merge::mul}, "product"},
                   {layer(1), "out"}},
                  {{0, {0}}, {0, {1}}, {1, {2, 3}}, {2, {4}}},
                  {5}},
                 {0, 0},
                 {{"mean_squared_error"}},
                 [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                   return {dense(product(dense(x[0], w[0], w[1], hyperbolic),
                                         dense(x[1], w[0], w[1], hyperbolic)),
                                 w[2], w[3])};
                 }});
  all.push_back({"a shared LSTM, over other numbers of steps",
                 {{{{4, 2}, "a"}, {{3, 2}, "b"}},
                  {{memory(3), "lstm"}, {MergingSpec{Merge::concat}, "both"}, {layer(1), "out"}},
                  {{0, {0}}, {0, {1}}, {1, {2, 3}}, {2, {4}}},
                  {5}},
                 {0, 0},
                 {{"mean_squared_error"}},
                 [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                   return {
                       dense(join(lstm(x[0], 4, w[0], w[1], w[2]), lstm(x[1], 3, w[0], w[1], w[2])),
                             w[3], w[4])};
                 }});
  // Values: x, y; 2, 3, 4 of the encoder, whose own output nobody needs; 5, 6, 7 of the decoder.
  all.push_back({"an encoder, and a decoder that begins where it ends",
                 {{{{4, 2}, "x"}, {{3, 2}, "y"}},
                  {{memory(3, true), "encoder"}, {memory(3, true), "decoder"}, {layer(1), "out"}},
                  {{0, {0}}, {1, {1, 3, 4}}, {2, {5}}},
                  {8, 7}},
                 {0, 0},
                 {{"mean_squared_error"}, {"mean_squared_error"}},
                 [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                   States states;
                   lstm(x[0], 4, w[0], w[1], w[2], {}, &states);
                   const Rows h = lstm(x[1], 3, w[3], w[4], w[5], {}, &states);
                   return {dense(h, w[6], w[7]), states.c};
                 }});
  all.push_back({"a shared BatchNormalization",
                 {{{{3}, "x"}},
                  {{mundur::BatchNormalizationSpec{kMomentum, kEpsilon}, "normal"},
                   {layer(3, Activation::tanh), "hidden"},
                   {MergingSpec{Merge::sum}, "sum"},
                   {layer(1), "out"}},
                  {{0, {0}}, {1, {0}}, {0, {2}}, {2, {1, 3}}, {3, {4}}},
                  {5}},
                 {0},
                 {{"mean_squared_error"}},
                 [](Params w, State s, Inputs x, bool training) -> std::vector<Rows> {
                   const Rows a = normalise(x[0], w[0], w[1], s[0], s[1], training);
                   const Rows h = dense(x[0], w[2], w[3], hyperbolic);
                   const Rows b = normalise(h, w[0], w[1], s[0], s[1], training);
                   return {dense(sum(a, b), w[4], w[5])};
                 }});
  all.push_back({"two losses with weights",
                 {{{{3}, "x"}},
                  {{layer(4, Activation::tanh), "hidden"}, {layer(2), "p"}, {layer(1), "q"}},
                  {{0, {0}}, {1, {1}}, {2, {1}}},
                  {2, 3}},
                 {0},
                 {{"mean_squared_error", false, 0.5}, {"binary_crossentropy", true, 2.0}},
                 [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                   const Rows h = dense(x[0], w[0], w[1], hyperbolic);
                   return {dense(h, w[2], w[3]), dense(h, w[4], w[5])};
                 }});
  all.push_back({"ids in the second input",
                 {{{{2}, "x"}, {{4}, "ids"}},
                  {{mundur::EmbeddingSpec{5, 3}, "table"},
                   {mundur::FlattenSpec{}, "flat"},
                   {MergingSpec{Merge::concat}, "both"},
                   {layer(1), "out"}},
                  {{0, {1}}, {1, {2}}, {2, {0, 3}}, {3, {4}}},
                  {5}},
                 {0, 5},
                 {{"mean_squared_error"}},
                 [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                   return {dense(join(x[0], embed(x[1], w[0], 3)), w[1], w[2])};
                 }});
  // Behind an LSTM over a sentence's words, their mask is none of the sentences'.
  const mundur::TimeDistributedSpec each{{mundur::LayerNode{memory(3)}}, "lstm"};
  all.push_back({"words that are there, in sentences",
                 {{{{2, 3}, "ids"}},
                  {{mundur::EmbeddingSpec{3, 2, true}, "table"},
                   {each, "sentences"},
                   {MergingSpec{Merge::mul}, "squares"},
                   {memory(2), "text"}},
                  {{0, {0}}, {1, {1}}, {2, {2, 2}}, {3, {3}}},
                  {4}},
                 {3},
                 {{"mean_squared_error"}},
                 [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                   const Mask words = either(x[0], x[0]);
                   const Rows h = lstm(embed(x[0], w[0], 2), 3, w[1], w[2], w[3], words);
                   return {lstm(product(h, h), 2, w[4], w[5], w[6])};
                 }});
  // The table also reads an input that others read as numbers: it loses its fraction.
  Case middle{"a table in the middle",
              {{{{3}, "x"}},
               {{mundur::RescalingSpec{2.0, 1.0}, "scaled"},
                {mundur::EmbeddingSpec{9, 2}, "table"},
                {MergingSpec{Merge::mul}, "product"},
                {mundur::FlattenSpec{}, "flat"},
                {MergingSpec{Merge::concat}, "both"},
                {layer(1), "out"}},
               {{0, {0}}, {1, {1}}, {1, {0}}, {2, {2, 3}}, {3, {4}}, {4, {0, 5}}, {5, {6}}},
               {7}},
              {0},
              {{"mean_squared_error"}},
              [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                Rows scaled;
                for (double value : x[0]) scaled.push_back(2.0 * value + 1.0);
                const Rows both = product(embed(scaled, w[0], 2), embed(x[0], w[0], 2));
                return {dense(join(x[0], both), w[1], w[2])};
              }};
  middle.largest = 3.9;
  all.push_back(std::move(middle));
  all.push_back(
      {"an output that goes on, and one without a loss",
       {{{{3}, "x"}},
        {{layer(2, Activation::sigmoid), "p"}, {layer(1), "q"}, {MergingSpec{Merge::sum}, "twice"}},
        {{0, {0}}, {1, {1}}, {2, {1, 1}}},
        {1, 2, 3}},
       {0},
       {{"binary_crossentropy"}, {"mean_squared_error", false, 3.0}, {nullptr}},
       [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
         const Rows p = dense(x[0], w[0], w[1], sigmoid);
         return {p, dense(p, w[2], w[3]), sum(p, p)};
       }});
  all.push_back({"the larger, the smaller, what lies between, and how alike they are",
                 {{{{2, 3}, "a"}, {{2, 3}, "b"}},
                  {{layer(3, Activation::tanh), "twin"},
                   {MergingSpec{Merge::max}, "larger"},
                   {MergingSpec{Merge::min}, "smaller"},
                   {MergingSpec{Merge::sub}, "between"},
                   {MergingSpec{Merge::concat, 0}, "in time"},
                   {mundur::DotSpec{1, 1}, "alike"},
                   {mundur::FlattenSpec{}, "flat"},
                   {layer(1), "out"}},
                  {{0, {0}},
                   {0, {1}},
                   {1, {2, 3}},
                   {2, {2, 3}},
                   {3, {4, 5}},
                   {4, {6, 2}},
                   {5, {4, 7}},
                   {6, {8}},
                   {7, {9}}},
                  {10}},
                 {0, 0},
                 {{"mean_squared_error"}},
                 [](Params w, State, Inputs x, bool) -> std::vector<Rows> {
                   const Rows a = dense(x[0], w[0], w[1], hyperbolic);
                   const Rows b = dense(x[1], w[0], w[1], hyperbolic);
                   Rows larger, alike;
                   for (std::size_t i = 0; i < a.size(); ++i)
                     larger.push_back(std::max(a[i], b[i]));
                   for (std::size_t n = 0; n < a.size(); n += 6) {
                     for (std::size_t i = 0; i < 2; ++i) {
                       for (std::size_t j = 0; j < 4; ++j) {
                         double dot = 0.0;
                         for (std::size_t k = 0; k < 3; ++k) {
                           const std::size_t at = n + (j % 2) * 3 + k;
                           const double between = std::max(a[at], b[at]) - std::min(a[at], b[at]);
                           dot += larger[n + i * 3 + k] * (j < 2 ? between : a[at]);
                         }
                         alike.push_back(dot);
                       }
                     }
                   }
                   return {dense(alike, w[2], w[3])};
                 }});
  for (Merge how : {Merge::concat, Merge::sum, Merge::mul, Merge::ave}) all.push_back(masked(how));
  return all;
}

// ---- a network of a case, and its data ----------------------------------------------------------

template <class T>
struct Subject {
  const Case& of;
  mundur::Network<T> network;
  std::vector<Rows> x, y;
  Rows weights;  // of the samples for the last output that has a loss
  mundur::DataSet data;
  std::vector<std::unique_ptr<mundur::Loss>> losses;

  explicit Subject(const Case& one) : of(one), network(one.graph, 3) {
    check::Numbers numbers(5);
    for (auto& entry : network.parameters()) {
      const std::int64_t size = mundur::size_of(entry.parameter.shape);
      for (std::int64_t i = 0; i < size; ++i) {
        entry.parameter.value[i] = static_cast<T>(numbers.uniform(-0.7, 0.7));
      }
    }
    for (auto& entry : network.state()) {
      const std::int64_t size = mundur::size_of(entry.state.shape);
      for (std::int64_t i = 0; i < size; ++i) {
        entry.state.value[i] = static_cast<T>(numbers.uniform(0.5, 0.7));
      }
    }
    for (std::size_t i = 0; i < of.ids.size(); ++i) {
      const std::int64_t n = kSamples * mundur::size_of(network.input_shape(i));
      const auto most = static_cast<double>(of.ids[i]);
      x.push_back(numbers.vector<double>(n, most > 0 || of.largest > 1.0 ? 0.0 : -of.largest,
                                         most > 0 ? most : of.largest));
      for (double& value : x.back()) value = most > 0 ? std::floor(value) : value;
    }
    weights = numbers.vector<double>(kSamples, 0.5, 2.0);
    weights[3] = 0.0;
    for (std::size_t i = 0; i < of.targets.size(); ++i) {
      const Target& target = of.targets[i];
      y.push_back(
          numbers.vector<double>(kSamples * mundur::size_of(network.output_shape(i)), 0, 1));
      for (double& value : y.back()) value = target.from_logits ? std::floor(value + 0.5) : value;
      losses.push_back(target.loss ? mundur::make_loss(target.loss, target.from_logits) : nullptr);
      data.y.emplace_back();
    }
    for (std::size_t i = 0; i < x.size(); ++i) data.x.push_back(view(x[i], network.input_shape(i)));
    for (std::size_t i = 0; i < y.size(); ++i) {
      data.y[i].y = view(y[i], {mundur::size_of(network.output_shape(i))});
      if (i == 1) data.y[i].weights = weights.data();
    }
  }

  std::vector<mundur::Objective> objectives() const {
    std::vector<mundur::Objective> all;
    for (std::size_t i = 0; i < losses.size(); ++i) {
      all.push_back({losses[i].get(), of.targets[i].weight, {}});
    }
    return all;
  }
  std::vector<Rows> parameters() {
    std::vector<Rows> all;
    for (auto& entry : network.parameters()) {
      const T* const value = entry.parameter.value;
      all.emplace_back(value, value + mundur::size_of(entry.parameter.shape));
    }
    return all;
  }
  std::vector<Rows> state() {
    std::vector<Rows> all;
    for (auto& entry : network.state()) {
      all.emplace_back(entry.state.value, entry.state.value + mundur::size_of(entry.state.shape));
    }
    return all;
  }

  /// The mean loss of an output, by the textbook.
  double loss(std::size_t output, const Rows& p) const {
    const Target& target = of.targets[output];
    const std::size_t O = p.size() / kSamples;
    double total = 0.0, weight = 0.0;
    for (std::size_t i = 0; target.loss && i < p.size(); ++i) {
      const double t = y[output][i], w = output == 1 ? weights[i / O] : 1.0;
      double term = (t - p[i]) * (t - p[i]);
      if (target.from_logits) {
        term = std::fmax(p[i], 0.0) - p[i] * t + std::log1p(std::exp(-std::fabs(p[i])));
      } else if (target.loss == std::string("binary_crossentropy")) {
        term = -t * std::log(p[i]) - (1.0 - t) * std::log(1.0 - p[i]);
      }
      total += w * term;
      weight += w;
    }
    return weight > 0.0 ? total / weight : 0.0;
  }
  /// Of all outputs.
  double loss(const std::vector<Rows>& w, std::vector<Rows> state, bool training) const {
    const std::vector<Rows> p = of.forward(w, state, x, training);
    double total = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) total += of.targets[i].weight * loss(i, p[i]);
    return total;
  }
};

/// Where each output goes, and pointers there.
template <class T>
struct Outputs {
  std::vector<std::vector<T>> values;
  std::vector<T*> to;
  std::vector<const T*> from;
  Outputs(const mundur::Network<T>& network, bool of_inputs) {
    const std::size_t count =
        of_inputs ? network.graph().inputs.size() : network.graph().outputs.size();
    for (std::size_t i = 0; i < count; ++i) {
      const auto& shape = of_inputs ? network.input_shape(i) : network.output_shape(i);
      values.emplace_back(static_cast<std::size_t>(kSamples * mundur::size_of(shape)));
    }
    for (auto& one : values) {
      to.push_back(one.data());
      from.push_back(one.data());
    }
  }
};

// ---- against plain arithmetic -------------------------------------------------------------------

void test_values_and_gradients(const Case& of) {
  check::context = of.name;
  constexpr double kSlope = 1e-6;
  Subject<double> subject(of);
  std::vector<Rows> w = subject.parameters(), state = subject.state();

  Outputs<double> p(subject.network, false);
  CHECK(subject.network.predict(p.to, subject.data.x, 0, 4, 1e9, true) == kSamples);
  CHECK(check::distance(flat(p.values), flat(of.forward(w, state, subject.x, false))) < 1e-12);

  mundur::Evaluator<double> evaluator(subject.network, subject.objectives(), subject.data, {5});
  CHECK(evaluator.run(1e9) == mundur::Outcome::finished);
  const double expected = subject.loss(w, state, false);
  CHECK(std::fabs(evaluator.tally().mean_loss() - expected) < 1e-12 * std::fabs(expected));
  for (std::size_t i = 0; i < p.values.size(); ++i) {
    CHECK(std::fabs(evaluator.tally().outputs[i].mean_loss() -
                    subject.loss(i, of.forward(w, state, subject.x, false)[i])) < 1e-12);
  }

  // One step of SGD with rate 1 over the whole set: w − ∂L/∂w.
  std::vector<Rows> slopes = w;
  for (std::size_t a = 0; a < w.size(); ++a) {
    for (std::size_t i = 0; i < w[a].size(); ++i) {
      const double before = w[a][i];
      w[a][i] = before + kSlope;
      const double up = subject.loss(w, state, true);
      w[a][i] = before - kSlope;
      slopes[a][i] = (up - subject.loss(w, state, true)) / (2.0 * kSlope);
      w[a][i] = before;
    }
  }
  const auto sgd = mundur::make_optimizer("SGD", {{"learning_rate", 1.0}});
  mundur::Trainer<double> trainer(subject.network, *sgd, subject.objectives(), subject.data,
                                  {kSamples, false, 5});
  trainer.begin_epoch(0);
  CHECK(trainer.run(1e9, -1) == mundur::Outcome::finished);
  CHECK(std::fabs(trainer.batch_loss() - subject.loss(w, state, true)) < 1e-12);
  std::vector<Rows> steps = subject.parameters();
  for (std::size_t a = 0; a < w.size(); ++a) {
    for (std::size_t i = 0; i < w[a].size(); ++i) steps[a][i] = w[a][i] - steps[a][i];
  }
  CHECK(check::distance(flat(steps), flat(slopes)) < 1e-7);
  of.forward(w, state, subject.x, true);
  CHECK(check::distance(flat(subject.state()), flat(state)) < 1e-12);
}

/// By hand, ∂/∂x of Σ_o c_o·y_o.
void test_by_hand(const Case& of) {
  check::context = of.name + " by hand";
  constexpr double kSlope = 1e-6;
  Subject<double> subject(of);
  const std::vector<Rows> w = subject.parameters(), state = subject.state();
  Outputs<double> y(subject.network, false), c(subject.network, false), dx(subject.network, true);
  subject.network.forward(y.to, subject.data.x, true);
  check::Numbers numbers(9);
  for (auto& rows : c.values) {
    for (double& value : rows) value = numbers.uniform(-1, 1);
  }
  subject.network.backward(dx.to, c.from);
  const auto value = [&] {
    std::vector<Rows> own = state;
    const Rows outputs = flat(of.forward(w, own, subject.x, true)), factors = flat(c.values);
    double total = 0.0;
    for (std::size_t i = 0; i < outputs.size(); ++i) total += outputs[i] * factors[i];
    return total;
  };
  for (std::size_t input = 0; input < subject.x.size(); ++input) {
    Rows slopes;
    for (double& place : subject.x[input]) {
      const double before = place;
      place = before + kSlope;
      const double up = value();
      place = before - kSlope;
      slopes.push_back(of.ids[input] ? 0.0 : (up - value()) / (2.0 * kSlope));
      place = before;
    }
    CHECK(check::distance(dx.values[input], slopes) < 1e-7);
  }
}

// ---- teams --------------------------------------------------------------------------------------

/// Every number a training and what follows it make.
template <class T>
std::vector<double> train(const Case& of, int threads) {
  mundur::set_num_threads(threads);
  Subject<T> subject(of);
  mundur::Network<T>& network = subject.network;
  const auto adam = mundur::make_optimizer("Adam", {{"learning_rate", 1e-2}});
  mundur::Trainer<T> trainer(network, *adam, subject.objectives(), subject.data, {4, true, 5});
  std::vector<double> all;
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    trainer.begin_epoch(epoch);
    CHECK(trainer.run(1e9, -1) == mundur::Outcome::finished);
    const std::vector<double> sums = trainer.tally().numbers();
    all.insert(all.end(), sums.begin(), sums.end());
  }
  mundur::Evaluator<T> evaluator(network, subject.objectives(), subject.data, {3});
  CHECK(evaluator.run(1e9) == mundur::Outcome::finished);
  all.push_back(evaluator.tally().mean_loss());
  Outputs<T> p(network, false), dx(network, true);
  CHECK(network.predict(p.to, subject.data.x, 0, kSamples, 1e9, true) == kSamples);
  for (const auto& one : p.values) all.insert(all.end(), one.begin(), one.end());
  network.forward(p.to, subject.data.x, true);
  network.backward(dx.to, p.from);
  for (const auto& one : dx.values) all.insert(all.end(), one.begin(), one.end());
  for (const T* values : {network.flat_values(), network.flat_gradients()}) {
    all.insert(all.end(), values, values + network.flat_size());
  }
  return all;
}

template <class T>
void test_teams(const Case& of) {
  const std::vector<double> expected = train<T>(of, 1);
  for (double value : expected) CHECK(!(value != value));
  for (int threads : {2, 3, 5}) {
    check::context = of.name + (sizeof(T) == 4 ? " float32" : " float64") + " threads " +
                     std::to_string(threads);
    CHECK(check::same_bits(train<T>(of, threads), expected));
  }
}

}  // namespace

int main() {
  mundur::set_adaptive(false);  // each count of workers is meant
  for (const Case& of : cases()) {
    mundur::set_num_threads(2);
    test_values_and_gradients(of);
    test_by_hand(of);
    test_teams<float>(of);
    test_teams<double>(of);
  }
  return check::result();
}

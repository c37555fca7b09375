// Parameters that no loss reaches: those of a head without a loss, and what stands in front of a
// table. Their gradient is 0 and what penalties add, in fit as by hand, whatever lay there before.

#include <cmath>
#include <memory>

#include "check.h"
#include "cpu/parallel/pace.h"
#include "mundur/training.h"
#include "plain.h"

namespace {

using mundur::Activation;
using mundur::Graph;
using plain::kSamples;
using plain::Rows;
using plain::view;
using Settings = std::vector<std::pair<std::string, double>>;

mundur::DenseSpec layer(std::int64_t units, Activation f = Activation::linear) {
  return {units, f, true};
}

struct Case {
  const char* name;
  Graph graph;
  std::size_t layer, kernel, bias;  // out of reach
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {{"a head without a loss",
                                         {{{{3}, "x"}},
                                          {{layer(2, Activation::tanh), "p"}, {layer(4), "q"}},
                                          {{0, {0}}, {1, {0}}},
                                          {1, 2}},
                                         1,
                                         2,
                                         3},
                                        {"in front of a table",
                                         {{{{3}, "x"}},
                                          {{layer(2), "front"},
                                           {mundur::EmbeddingSpec{9, 2}, "table"},
                                           {mundur::FlattenSpec{}, "flat"},
                                           {layer(2), "out"}},
                                          {{0, {0}}, {1, {1}}, {2, {2}}, {3, {3}}},
                                          {4}},
                                         0,
                                         0,
                                         1}};
  return all;
}

struct Subject {
  const Case& of;
  mundur::Network<double> network{of.graph, 3};
  Rows x, y;
  std::unique_ptr<mundur::Loss> loss = mundur::make_loss("mean_squared_error", false);
  std::vector<mundur::Objective> objectives{{loss.get()}};
  mundur::DataSet data;

  explicit Subject(const Case& one) : of(one) {
    check::Numbers numbers(1);
    x = numbers.vector<double>(kSamples * 3, -1, 1);
    y = numbers.vector<double>(kSamples * 2, -1, 1);
    for (auto& entry : network.parameters()) {
      const std::int64_t size = mundur::size_of(entry.parameter.shape);
      for (std::int64_t i = 0; i < size; ++i) entry.parameter.value[i] = numbers.uniform(-0.7, 0.7);
    }
    for (int unit : {0, 1}) network.parameters()[of.bias].parameter.value[unit] = 4.5;  // an id
    objectives.resize(of.graph.outputs.size());
    data = {{view(x, {3})}, {{view(y, {2})}}};
    data.y.resize(objectives.size());
  }
  void penalise() {
    network.set_penalty(of.kernel, {0.01, 0.5});
    network.set_activity_penalty(of.layer, {0.02, 0.3});
  }
  Rows values() { return Rows(network.flat_values(), network.flat_values() + network.flat_size()); }
  double told() {
    mundur::Evaluator<double> evaluator(network, objectives, data, {kSamples});
    CHECK(evaluator.run(1e9) == mundur::Outcome::finished);
    return evaluator.tally().mean_loss();
  }
  void fit(const std::string& rule, const Settings& settings, std::int64_t batch) {
    const auto optimizer = mundur::make_optimizer(rule, settings);
    mundur::Trainer<double> trainer(network, *optimizer, objectives, data, {batch, false, 5});
    trainer.begin_epoch(0);
    CHECK(trainer.run(1e9, -1) == mundur::Outcome::finished);
  }
  /// With zeros for ∂L/∂y.
  void by_hand() {
    std::vector<Rows> rows;
    for (std::size_t i = 0; i < objectives.size(); ++i) {
      rows.emplace_back(kSamples * mundur::size_of(network.output_shape(i)));
    }
    std::vector<double*> to;
    for (Rows& one : rows) to.push_back(one.data());
    network.forward(to, data.x, true);
    for (Rows& one : rows) std::fill(one.begin(), one.end(), 0.0);
    Rows dx(x.size());
    network.backward({dx.data()}, {to.begin(), to.end()});
  }
};

/// A step is down the slope of the loss that is told, by hand too.
void test_slopes(const Case& of) {
  constexpr double kSlope = 1e-6;
  for (int threads : {1, 2}) {
    check::context = of.name + (" threads " + std::to_string(threads));
    mundur::set_num_threads(threads);
    for (bool penalised : {false, true}) {
      Subject subject(of);
      if (penalised) subject.penalise();
      const auto entries = subject.network.parameters();
      Rows slopes, steps, by_hand;
      const auto out_of_reach = [&](auto work) {
        for (std::size_t i : {of.kernel, of.bias}) {
          const auto& parameter = entries[i].parameter;
          for (std::int64_t j = 0; j < mundur::size_of(parameter.shape); ++j)
            work(parameter.value[j], parameter.gradient[j]);
        }
      };
      out_of_reach([&](double& w, double&) {
        const double before = w;
        w = before + kSlope;
        const double up = subject.told();
        w = before - kSlope;
        slopes.push_back((up - subject.told()) / (2.0 * kSlope));
        w = before;
        steps.push_back(before);
      });
      std::fill_n(subject.network.flat_gradients(), subject.network.flat_size(), 7.0);
      subject.by_hand();
      out_of_reach([&](double&, double& g) { by_hand.push_back(g); });
      std::fill_n(subject.network.flat_gradients(), subject.network.flat_size(), 7.0);
      subject.fit("SGD", {{"learning_rate", 1.0}}, kSamples);
      std::size_t at = 0;
      out_of_reach([&](double& w, double&) { steps[at++] -= w; });
      for (std::size_t i = 0; i < slopes.size(); ++i) {
        CHECK(std::fabs(steps[i] - slopes[i]) < 1e-7);
        CHECK(std::fabs(by_hand[i] - slopes[i]) < 1e-7);
        CHECK(penalised || (steps[i] == 0.0 && by_hand[i] == 0.0));
      }
    }
  }
}

/// Updates at once and at the end, of gradients that lay there or not: the same bits.
void test_bits(const Case& of) {
  const std::vector<std::pair<std::string, Settings>> rules = {
      {"SGD", {{"learning_rate", 0.1}}},
      {"SGD", {{"learning_rate", 0.1}, {"momentum", 0.9}, {"weight_decay", 0.1}}},
      {"SGD", {{"learning_rate", 0.1}, {"global_clipnorm", 0.05}}},
      {"SGD", {{"learning_rate", 0.1}, {"gradient_accumulation_steps", 2}}},
      {"Adam", {{"learning_rate", 0.01}, {"weight_decay", 0.1}}}};
  for (const auto& [rule, settings] : rules) {
    for (bool penalised : {false, true}) {
      check::context = of.name + (" bits of " + rule) + " " + settings.back().first;
      std::vector<Rows> found;
      for (int threads : {1, 2}) {
        for (double stale : {0.0, 7.0}) {
          mundur::set_num_threads(threads);
          Subject subject(of);
          if (penalised) subject.penalise();
          for (const auto& [layer, parameter] : subject.network.parameters()) {
            std::fill_n(parameter.gradient, mundur::size_of(parameter.shape), stale);
          }
          subject.fit(rule, settings, 4);
          found.push_back(subject.values());
          CHECK(check::same_bits(found.back(), found.front()));
        }
      }
    }
  }
}

}  // namespace

int main() {
  mundur::set_adaptive(false);  // each count of workers is meant
  for (const Case& of : cases()) {
    test_slopes(of);
    test_bits(of);
  }
  return check::result();
}

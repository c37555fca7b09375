#include "training/metrics.h"

#include <algorithm>
#include <stdexcept>

#include "training/runner.h"

namespace mundur {

std::string_view name_of(Outcome outcome) {
  constexpr std::string_view kNames[] = {"finished", "more", "loss", "input", "failed"};
  return kNames[static_cast<int>(outcome)];
}

Metric metric_from_name(const std::string& name, const Loss& loss, std::int64_t outputs) {
  if (name == "binary_accuracy") return Metric::binary_accuracy;
  if (name == "categorical_accuracy") return Metric::categorical_accuracy;
  if (name == "sparse_categorical_accuracy") return Metric::sparse_categorical_accuracy;
  if (name == "accuracy") {
    if (loss.sparse()) return Metric::sparse_categorical_accuracy;
    return outputs == 1 ? Metric::binary_accuracy : Metric::categorical_accuracy;
  }
  throw std::invalid_argument(
      "metrics: expected accuracy, binary_accuracy, categorical_accuracy or "
      "sparse_categorical_accuracy, got '" +
      name + "'");
}

std::vector<double> Tally::numbers() const {
  std::vector<double> all = {loss, terms, rows, penalties};
  all.insert(all.end(), scores.begin(), scores.end());
  return all;
}

void Tally::set_numbers(const std::vector<double>& numbers) {
  if (numbers.size() != 4 + scores.size()) {
    throw std::invalid_argument("sums: expected " + std::to_string(4 + scores.size()) +
                                " numbers, got " + std::to_string(numbers.size()));
  }
  loss = numbers[0];
  terms = numbers[1];
  rows = numbers[2];
  penalties = numbers[3];
  std::copy(numbers.begin() + 4, numbers.end(), scores.begin());
}

template <class T>
OutputRows output_rows(const Network<T>& network, const Loss& loss) {
  const std::int64_t O = size_of(network.output_shape());
  if (loss.outside() || network.output_shape().empty()) return {1, O};
  const std::int64_t last = network.output_shape().back();
  return {O / last, last};
}

template <class T>
void require_fit(const Network<T>& network, const Loss& loss, const DataSet& data,
                 std::int64_t batch_size, const std::vector<Metric>& metrics) {
  const auto require = [](bool holds, const std::string& message) {
    if (!holds) throw std::invalid_argument(message);
  };
  const OutputRows per_sample = output_rows(network, loss);
  const std::int64_t O = size_of(network.output_shape());
  const ArrayView& x = data.x.front();
  const TargetSet& targets = data.y.front();
  require(x.n >= 1, "x: expected at least one sample");
  require(x.sample_size() == size_of(network.input_shape()),
          "x: expected samples of " + std::to_string(size_of(network.input_shape())) +
              " elements, got " + std::to_string(x.sample_size()));
  require(batch_size >= 1, "batch_size: expected at least 1, got " + std::to_string(batch_size));
  if (loss.sparse()) {
    require(static_cast<std::int64_t>(targets.labels.size()) == x.n * per_sample.rows,
            "y: expected as many labels as samples, or time steps of them");
    for (std::int32_t label : targets.labels) {
      require(label >= 0 && label < per_sample.outputs, "y: expected labels in [0, " +
                                                            std::to_string(per_sample.outputs) +
                                                            "), got " + std::to_string(label));
    }
  } else if (loss.reads_targets()) {
    require(targets.y.n == x.n, "y: expected as many targets as samples");
    require(targets.y.sample_size() == O, "y: expected targets of " + std::to_string(O) +
                                              " elements, got " +
                                              std::to_string(targets.y.sample_size()));
  }
  for (Metric metric : metrics) {
    require((metric == Metric::sparse_categorical_accuracy) == loss.sparse(),
            "metrics: sparse_categorical_accuracy goes with labels, the other accuracies with "
            "targets of one row per sample");
  }
}

template <class T>
Found<T>::Found(const Lane<T>& lane, const OutputRows& per_sample, double weights_penalty)
    : penalty(weights_penalty) {
  const Compiled<T>& program = *lane.program;
  const Ports& ports = program.ports();
  const LossRule& loss = *program.purpose().loss;
  const std::int64_t rows = lane.now.batch.count * per_sample.rows;
  // Of the whole batch, where this is a part of it.
  const auto total = [&](Value known, auto otherwise) {
    return known ? *program.template at<double>(known) : otherwise();
  };
  const std::int64_t samples = lane.now.samples();
  weight = total(ports.weight, [&] {
    const T* const weights = program.at(ports.weights);
    return total_weight(weights, weights ? rows : samples * per_sample.rows, per_sample.rows);
  });
  if (program.purpose().outside) {
    sum = lane.now.outside_loss * weight;
    factor = weight > 0.0 ? 1.0 / weight : 0.0;
  } else {
    sum = total(ports.loss, [&] {
      return sum_over_samples(program.template at<double>(ports.values), rows, per_sample.rows);
    });
    factor = mean_factor(loss, weight, per_sample.outputs, per_sample.rows);
  }
  if (ports.penalties) {
    const auto* const pieces = program.template at<double>(ports.penalties);
    const std::int64_t count = program.program()[ports.penalties].size();
    for (std::int64_t i = 0; i < count; ++i) penalty += pieces[i];
  }
  if (ports.activity) {
    const double active = total(ports.active, [&] {
      return sum_over_samples(program.template at<double>(ports.activity), samples, 1);
    });
    penalty += active / static_cast<double>(samples);
  }
}

namespace {

/// The rows of a batch as the accuracies compare them.
template <class T>
struct Compare {
  const T *p, *y;
  const std::int32_t *labels, *predicted, *expected;
  std::int64_t O;
  bool from_logits;

  double score(Metric metric, std::int64_t row) const {
    if (metric == Metric::binary_accuracy) return binary(row);
    const std::int32_t right = labels ? labels[row] : expected[row];
    return predicted[row] == right ? 1.0 : 0.0;
  }
  /// The share of a sample's outputs on the right side of the threshold.
  double binary(std::int64_t row) const {
    const T threshold = from_logits ? T{0} : T{0.5};
    std::int64_t right = 0;
    for (std::int64_t o = 0; o < O; ++o) {
      const T found = p[row * O + o] > threshold ? T{1} : T{0};
      const T target = std::max(y[row * O + o], T{0});  // hinges call the other class -1
      right += found == target ? 1 : 0;
    }
    return static_cast<double>(right) / static_cast<double>(O);
  }
};

}  // namespace

template <class T>
void add_to(Tally& tally, const Found<T>& found, const Lane<T>& lane, const OutputRows& per_sample,
            std::vector<double>& scores) {
  const Compiled<T>& program = *lane.program;
  const Ports& ports = program.ports();
  const LossRule& loss = *program.purpose().loss;
  const std::int64_t B = lane.now.batch.count * per_sample.rows, O = per_sample.outputs;
  const auto* const mask = program.template at<std::uint8_t>(ports.mask);
  const auto all = static_cast<double>(lane.now.samples());
  const double rows = ports.rows ? *program.template at<double>(ports.rows)
                      : mask     ? static_cast<double>(std::count(mask, mask + B, 1))
                                 : all * static_cast<double>(per_sample.rows);
  tally.rows += rows;
  tally.samples += all;
  tally.penalties += found.penalty * all;
  if (loss.sums()) {
    // As Keras reports it: the mean of the batches' sums, each as often as the batch has samples.
    tally.loss += found.sum * found.factor * all;
    tally.terms += all;
  } else {
    tally.loss += found.sum;
    tally.terms += loss.elementwise() ? found.weight * static_cast<double>(O) : found.weight;
  }
  const Compare<T> compare{program.at(ports.p),
                           program.at(ports.y),
                           program.template at<std::int32_t>(ports.labels),
                           program.template at<std::int32_t>(ports.predicted),
                           program.template at<std::int32_t>(ports.expected),
                           O,
                           loss.from_logits()};
  for (std::size_t m = 0; m < program.purpose().metrics.size(); ++m) {
    for (std::int64_t b = 0; b < B; ++b) {
      const bool is_there = !mask || mask[b];
      scores[static_cast<std::size_t>(b)] =
          is_there ? compare.score(program.purpose().metrics[m], b) : 0.0;
    }
    double score = sum_over_samples(scores.data(), B, per_sample.rows);
    if (lane.now.exchange) lane.now.join(&score, 1);
    tally.scores[m] += score;
  }
}

#define MUNDUR_METRICS(T)                                                                    \
  template OutputRows output_rows<T>(const Network<T>&, const Loss&);                        \
  template void require_fit<T>(const Network<T>&, const Loss&, const DataSet&, std::int64_t, \
                               const std::vector<Metric>&);                                  \
  template struct Found<T>;                                                                  \
  template void add_to<T>(Tally&, const Found<T>&, const Lane<T>&, const OutputRows&,        \
                          std::vector<double>&)
MUNDUR_METRICS(float);
MUNDUR_METRICS(double);

}  // namespace mundur

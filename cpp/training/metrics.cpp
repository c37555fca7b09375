#include "training/metrics.h"

#include <algorithm>
#include <cmath>
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

Tally::Tally(const std::vector<Objective>& objectives) {
  for (const Objective& objective : objectives) {
    outputs.emplace_back().weight = objective.weight;
    outputs.back().scores.resize(objective.metrics.size());
  }
}

std::vector<double> Tally::numbers() const {
  std::vector<double> all;
  for (const Output& output : outputs) {
    all.insert(all.end(), {output.loss, output.terms, output.rows});
  }
  all.push_back(penalties);
  for (const Output& output : outputs) {
    all.insert(all.end(), output.scores.begin(), output.scores.end());
  }
  return all;
}

void Tally::set_numbers(const std::vector<double>& numbers) {
  const std::size_t expected = this->numbers().size();
  if (numbers.size() != expected) {
    throw std::invalid_argument("sums: expected " + std::to_string(expected) + " numbers, got " +
                                std::to_string(numbers.size()));
  }
  auto next = numbers.begin();
  for (Output& output : outputs) {
    for (double* sum : {&output.loss, &output.terms, &output.rows}) *sum = *next++;
  }
  penalties = *next++;
  for (Output& output : outputs) {
    for (double& score : output.scores) score = *next++;
  }
}

void Tally::clear() {
  samples = penalties = 0.0;
  for (Output& output : outputs) {
    output.loss = output.terms = output.rows = 0.0;
    std::fill(output.scores.begin(), output.scores.end(), 0.0);
  }
}

double Tally::mean_loss() const {
  double sum = 0.0;
  for (const Output& output : outputs) sum += output.weight * output.mean_loss();
  return sum + (samples > 0.0 ? penalties / samples : 0.0);
}

void Tally::add_means_to(std::vector<double>& all) const {
  all.push_back(mean_loss());
  for (const Output& output : outputs) {
    if (outputs.size() > 1) all.push_back(output.mean_loss());
  }
  for (const Output& output : outputs) {
    for (std::size_t m = 0; m < output.scores.size(); ++m) all.push_back(output.mean_score(m));
  }
}

// ---- what objectives ask of a set ---------------------------------------------------------------

namespace {

/// How losses and metrics see the outputs of one sample.
OutputRows rows_of_output(const Shape& output, const Loss* loss) {
  const std::int64_t O = size_of(output);
  if (!loss || loss->outside() || output.empty()) return {1, O};
  const std::int64_t columns = loss->along(output).back();
  return {O / columns, columns};
}

}  // namespace

template <class T>
Judge<T>::Judge(const Network<T>& network, std::vector<Objective> objectives)
    : network_(network), objectives_(std::move(objectives)) {
  const std::size_t outputs = network.graph().outputs.size();
  require(objectives_.size() == outputs, "loss: expected one for each of " +
                                             std::to_string(outputs) + " outputs, got " +
                                             std::to_string(objectives_.size()));
  bool any = false;
  for (std::size_t i = 0; i < outputs; ++i) {
    const Objective& one = objectives_[i];
    any |= one.loss != nullptr;
    calls_outside_ |= one.loss && one.loss->outside();
    require(std::isfinite(one.weight), "loss_weights: expected finite numbers");
    require(one.loss || one.metrics.empty(),
            "metrics: expected none for the output of '" +
                network.graph().value_name(network.graph().outputs[i]) + "', which has no loss");
    for (Metric metric : one.metrics) {
      require((metric == Metric::sparse_categorical_accuracy) == one.loss->sparse(),
              "metrics: sparse_categorical_accuracy goes with labels, the other accuracies with "
              "targets of one row per sample");
    }
  }
  require(any, "loss: expected one for at least one output");
}

template <class T>
void Judge<T>::require_fit(const DataSet& data, std::int64_t batch_size) {
  network_.require_inputs(data.x);
  rows_.clear();
  require(batch_size >= 1, "batch_size: expected at least 1, got " + std::to_string(batch_size));
  require(data.y.size() == objectives_.size(),
          "y: expected targets of " + std::to_string(objectives_.size()) + " outputs, got " +
              std::to_string(data.y.size()));
  for (std::size_t i = 0; i < objectives_.size(); ++i) {
    rows_.push_back(rows_of_output(network_.output_shape(i), objectives_[i].loss));
  }
  for (std::size_t i = 0; i < objectives_.size(); ++i) {
    if (objectives_[i].loss) require_targets(i, data);
  }
}

template <class T>
void Judge<T>::require_targets(std::size_t output, const DataSet& data) const {
  const Graph& graph = network_.graph();
  const std::string what =
      rows_.size() == 1 ? "y" : "y, output of '" + graph.value_name(graph.outputs[output]) + "'";
  const Loss& loss = *objectives_[output].loss;
  const TargetSet& targets = data.y[output];
  const auto [rows, outputs] = rows_[output];
  require(targets.weights_each == 1 || targets.weights_each == rows,
          "weights: expected one for each sample, or for each of its " + std::to_string(rows) +
              " rows of outputs");
  if (loss.sparse()) {
    require(static_cast<std::int64_t>(targets.labels.size()) == data.in_arrays() * rows,
            what + ": expected as many labels as samples, or time steps of them");
    const std::int32_t least = targets.ignores ? -1 : 0;
    for (std::int32_t label : targets.labels) {
      if (label >= least && label < outputs) continue;
      require(false, what + ": expected labels in [0, " + std::to_string(outputs) + "), got " +
                         std::to_string(label));
    }
  } else if (loss.reads_targets()) {
    const std::int64_t O = rows * outputs;
    require(targets.y.n == data.in_arrays(), what + ": expected as many targets as samples");
    require(targets.y.sample_size() == O, what + ": expected targets of " + std::to_string(O) +
                                              " elements, got " +
                                              std::to_string(targets.y.sample_size()));
  }
}

template <class T>
void Judge<T>::reserve(std::int64_t batch_size) {
  std::int64_t most = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (!objectives_[i].metrics.empty()) most = std::max(most, rows_[i].rows);
  }
  scores_.resize(static_cast<std::size_t>(batch_size * most));
}

// ---- what a batch was worth ---------------------------------------------------------------------

namespace {

/// A sum over the whole batch: known, where the samples are a part of it.
template <class T, class Otherwise>
double of_whole(const Compiled<T>& program, Value known, Otherwise otherwise) {
  return known ? *program.template at<double>(known) : otherwise();
}

/// What a program has found of one output of some samples of a lane's last batch; with those that
/// other ranks have, `all`.
template <class T>
struct Found {
  const Lane<T>& lane;
  const Range part;
  const std::int64_t all;
  const Comparison& with;
  const Ports::Output& port;
  const OutputRows& each;  // sample's
  double sum = 0.0, weight = 0.0, factor = 0.0;

  Found(const Lane<T>& of, Range samples, std::int64_t with_others, std::size_t output,
        const OutputRows& of_sample)
      : lane(of),
        part(samples),
        all(with_others),
        with(of.program->purpose().compares[output]),
        port(of.program->ports().outputs[output]),
        each(of_sample) {
    const Compiled<T>& program = *lane.program;
    weight = of_whole(program, port.weight, [&] {
      const T* const weights = of_rows<T>(port.weights);
      return total_weight(weights, weights ? rows() : all * each.rows, each.rows);
    });
    if (with.outside) {
      sum = *program.template at<double>(port.values) * weight;
      factor = weight > 0.0 ? 1.0 / weight : 0.0;
    } else {
      sum = of_whole(program, port.loss, [&] {
        return sum_over_samples(of_rows<double>(port.values), rows(), each.rows);
      });
      factor = mean_factor(*with.loss, weight, each.outputs);
    }
  }
  std::int64_t rows() const { return part.size() * each.rows; }
  /// The samples' part of a value, so many elements for each row.
  template <class U>
  const U* of_rows(Value value, std::int64_t elements = 1) const {
    return value ? lane.program->template at<U>(value) + part.begin * each.rows * elements
                 : nullptr;
  }
};

/// What a program has found of penalties, on top of these.
template <class T>
double penalties(const Compiled<T>& program, Range part, std::int64_t samples, double sum) {
  const Ports& ports = program.ports();
  if (ports.penalties) {
    const auto* const pieces = program.template at<double>(ports.penalties);
    const std::int64_t count = program.program()[ports.penalties].size();
    for (std::int64_t i = 0; i < count; ++i) sum += pieces[i];
  }
  if (ports.activity) {
    sum += of_whole(program, ports.active,
                    [&] {
                      return sum_over_samples(
                          program.template at<double>(ports.activity) + part.begin, part.size(), 1);
                    }) /
           static_cast<double>(samples);
  }
  return sum;
}

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

template <class T>
void add_scores(Tally::Output& tally, const Found<T>& found, std::vector<double>& scores) {
  const Now<T>& now = found.lane.now;
  const Ports::Output& port = found.port;
  const std::int64_t B = found.rows(), O = found.each.outputs;
  const auto* const mask = found.template of_rows<std::uint8_t>(port.mask);
  const Compare<T> compare{found.template of_rows<T>(port.p, O),
                           found.template of_rows<T>(port.y, O),
                           found.template of_rows<std::int32_t>(port.labels),
                           found.template of_rows<std::int32_t>(port.predicted),
                           found.template of_rows<std::int32_t>(port.expected),
                           O,
                           found.with.loss->from_logits()};
  for (std::size_t m = 0; m < tally.scores.size(); ++m) {
    for (std::int64_t b = 0; b < B; ++b) {
      const bool is_there = !mask || mask[b];
      scores[static_cast<std::size_t>(b)] =
          is_there ? compare.score(found.with.metrics[m], b) : 0.0;
    }
    double score = sum_over_samples(scores.data(), B, found.each.rows);
    if (now.exchange) now.join(&score, 1);
    tally.scores[m] += score;
  }
}

template <class T>
void add_to(Tally::Output& tally, const Found<T>& found) {
  const Compiled<T>& program = *found.lane.program;
  const LossRule& loss = *found.with.loss;
  const auto all = static_cast<double>(found.all);
  tally.rows += of_whole(program, found.port.rows, [&] {
    const auto* const mask = found.template of_rows<std::uint8_t>(found.port.mask);
    return mask ? static_cast<double>(std::count(mask, mask + found.rows(), 1))
                : all * static_cast<double>(found.each.rows);
  });
  if (loss.sums()) {
    // As Keras reports it: the mean of the batches' sums, each as often as the batch has samples.
    tally.loss += found.sum * found.factor * all;
    tally.terms += all;
  } else {
    const auto outputs = static_cast<double>(found.each.outputs);
    tally.loss += found.sum;
    tally.terms += loss.elementwise() ? found.weight * outputs : found.weight;
  }
}

}  // namespace

template <class T>
double Judge<T>::judge(const Lane<T>& lane, double penalty, Tally* tally) {
  return judge_part(lane, {0, lane.now.batch.count}, lane.now.samples(), penalty, tally);
}
template <class T>
double Judge<T>::judge(const Lane<T>& lane, Range samples, double penalty, Tally* tally) {
  return judge_part(lane, samples, samples.size(), penalty, tally);
}

template <class T>
double Judge<T>::judge_part(const Lane<T>& lane, Range part, std::int64_t samples, double penalty,
                            Tally* tally) {
  double loss = 0.0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (!objectives_[i].loss) continue;
    const Found<T> found(lane, part, samples, i, rows_[i]);
    loss += objectives_[i].weight * (found.sum * found.factor);
    if (!tally) continue;
    add_to(tally->outputs[i], found);
    if (!objectives_[i].metrics.empty()) add_scores(tally->outputs[i], found, scores_);
  }
  const double sum = penalties(*lane.program, part, samples, penalty);
  if (tally) {
    tally->samples += static_cast<double>(samples);
    tally->penalties += sum * static_cast<double>(samples);
  }
  return loss + sum;
}

template class Judge<float>;
template class Judge<double>;

}  // namespace mundur

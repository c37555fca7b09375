#include "training/metrics.h"

#include <algorithm>
#include <stdexcept>

#include "losses/losses.h"
#include "training/batch.h"

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
void keep_outputs(T* to, const Workspace<T>& space, const Batch& batch, std::int64_t O,
                  Range rows) {
  if (!to) return;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const std::int64_t place = batch.begin + row;
    std::copy_n(space.output + row * O, O, to + (batch.order ? batch.order[place] : place) * O);
  }
}

template <class T>
void find_classes(const Kernels<T>& kernels, Workspace<T>& space, const Loss& loss,
                  const std::vector<Metric>& metrics, std::int64_t O, Range rows) {
  bool categorical = false;
  for (Metric metric : metrics) categorical |= metric != Metric::binary_accuracy;
  if (!categorical) return;
  kernels.argmax(space.predicted + rows.begin, space.output + rows.begin * O, rows.size(), O);
  if (loss.sparse()) return;
  kernels.argmax(space.expected + rows.begin, space.targets + rows.begin * O, rows.size(), O);
}

namespace {

/// The share of a sample's outputs on the right side of the threshold.
template <class T>
double binary_score(const Workspace<T>& space, const Loss& loss, std::int64_t b, std::int64_t O) {
  const T threshold = loss.from_logits() ? T{0} : T{0.5};
  std::int64_t right = 0;
  for (std::int64_t o = 0; o < O; ++o) {
    const T predicted = space.output[b * O + o] > threshold ? T{1} : T{0};
    const T target = std::max(space.targets[b * O + o], T{0});  // hinges call the other class -1
    right += predicted == target ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(O);
}

template <class T>
double score(Metric metric, const Workspace<T>& space, const Loss& loss, std::int64_t b,
             std::int64_t O) {
  if (metric == Metric::binary_accuracy) return binary_score(space, loss, b, O);
  const std::int32_t expected = loss.sparse() ? space.labels[b] : space.expected[b];
  return space.predicted[b] == expected ? 1.0 : 0.0;
}

}  // namespace

template <class T>
void find_losses(const Kernels<T>& kernels, Workspace<T>& space, const T* weights, const Loss& loss,
                 std::int64_t O, Range rows) {
  kernels.loss_value(space.values + rows.begin, space.output + rows.begin * O,
                     loss.sparse() ? nullptr : space.targets + rows.begin * O,
                     loss.sparse() ? space.labels + rows.begin : nullptr, rows.size(), O,
                     loss.kind(), loss.numbers());
  if (!weights) return;
  for (std::int64_t b = rows.begin; b < rows.end; ++b) {
    // A sample of weight zero is not there, whatever its value.
    space.values[b] = weights[b] == T{0} ? 0.0 : space.values[b] * static_cast<double>(weights[b]);
  }
}

template <class T>
void add_to(Tally& tally, double sum, double weight, double penalty, Workspace<T>& space,
            const Loss& loss, const std::vector<Metric>& metrics, std::int64_t samples,
            const OutputRows& per_sample) {
  const std::int64_t B = samples * per_sample.rows, O = per_sample.outputs;
  const std::uint8_t* mask = loss.outside() ? nullptr : space.mask;
  const auto rows = static_cast<double>(mask ? std::count(mask, mask + B, 1) : B);
  const auto all = static_cast<double>(samples);
  tally.rows += rows;
  tally.samples += all;
  tally.penalties += penalty * all;
  if (loss.sums()) {
    // As Keras reports it: the mean of the batches' sums, each as often as the batch has samples.
    tally.loss += sum * mean_factor(loss, weight, O, per_sample.rows) * all;
    tally.terms += all;
  } else {
    tally.loss += sum;
    tally.terms += loss.elementwise() ? weight * static_cast<double>(O) : weight;
  }
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    for (std::int64_t b = 0; b < B; ++b) {
      const bool is_there = !mask || mask[b];
      space.scores[b] = is_there ? score(metrics[m], space, loss, b, O) : 0.0;
    }
    tally.scores[m] += sum_over_samples(space.scores, B);
  }
}

template void keep_outputs<float>(float*, const Workspace<float>&, const Batch&, std::int64_t,
                                  Range);
template void keep_outputs<double>(double*, const Workspace<double>&, const Batch&, std::int64_t,
                                   Range);
template void find_classes<float>(const Kernels<float>&, Workspace<float>&, const Loss&,
                                  const std::vector<Metric>&, std::int64_t, Range);
template void find_classes<double>(const Kernels<double>&, Workspace<double>&, const Loss&,
                                   const std::vector<Metric>&, std::int64_t, Range);
template void find_losses<float>(const Kernels<float>&, Workspace<float>&, const float*,
                                 const Loss&, std::int64_t, Range);
template void find_losses<double>(const Kernels<double>&, Workspace<double>&, const double*,
                                  const Loss&, std::int64_t, Range);
template void add_to<float>(Tally&, double, double, double, Workspace<float>&, const Loss&,
                            const std::vector<Metric>&, std::int64_t, const OutputRows&);
template void add_to<double>(Tally&, double, double, double, Workspace<double>&, const Loss&,
                             const std::vector<Metric>&, std::int64_t, const OutputRows&);

}  // namespace mundur

#include "training/batch.h"

#include <algorithm>
#include <stdexcept>

#include "losses/losses.h"
#include "training/batches.h"

namespace mundur {

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
  require(data.x.n >= 1, "x: expected at least one sample");
  require(data.x.sample_size() == size_of(network.input_shape()),
          "x: expected samples of " + std::to_string(size_of(network.input_shape())) +
              " elements, got " + std::to_string(data.x.sample_size()));
  require(batch_size >= 1, "batch_size: expected at least 1, got " + std::to_string(batch_size));
  if (loss.sparse()) {
    require(static_cast<std::int64_t>(data.labels.size()) == data.x.n * per_sample.rows,
            "y: expected as many labels as samples, or time steps of them");
    for (std::int32_t label : data.labels) {
      require(label >= 0 && label < per_sample.outputs, "y: expected labels in [0, " +
                                                            std::to_string(per_sample.outputs) +
                                                            "), got " + std::to_string(label));
    }
  } else if (loss.reads_targets()) {
    require(data.y.n == data.x.n, "y: expected as many targets as samples");
    require(data.y.sample_size() == O, "y: expected targets of " + std::to_string(O) +
                                           " elements, got " +
                                           std::to_string(data.y.sample_size()));
  }
  for (Metric metric : metrics) {
    require((metric == Metric::sparse_categorical_accuracy) == loss.sparse(),
            "metrics: sparse_categorical_accuracy goes with labels, the other accuracies with "
            "targets of one row per sample");
  }
}

template <class T>
void load_batch(const Network<T>& network, const Kernels<T>& kernels, Workspace<T>& space,
                const Loss& loss, const OutputRows& per_sample, const DataSet& data,
                const Batch& batch, Worker& worker) {
  const Range rows = share(batch.count, 1, worker);
  const bool finite = network.take(kernels, space, data.x, batch.order, batch.begin, rows);
  if (!finite) space.finite.store(false, std::memory_order_relaxed);
  if (!loss.sparse() && loss.reads_targets()) {
    gather(kernels, space.targets, data.y, batch.order, batch.begin, rows);
  }
  const bool weighs = weights_of(network, data, space) != nullptr;
  if (!loss.sparse() && !weighs) return;
  const std::int64_t R = per_sample.rows;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const std::int64_t index = batch.order ? batch.order[batch.begin + row] : batch.begin + row;
    if (loss.sparse()) {
      std::copy_n(data.labels.begin() + index * R, R, space.labels + row * R);
    }
    if (!weighs) continue;
    const T weight = data.weights ? static_cast<T>(data.weights[index]) : T{1};
    std::fill_n(space.weights + row * R, R, weight);
    // A sample of weight zero is not there: 0 times a NaN would still be one. Each is asked for
    // itself: what else the worker has must not matter.
    if (weight == T{0} && !finite &&
        !network.take(kernels, space, data.x, batch.order, batch.begin, {row, row + 1})) {
      const std::int64_t size = data.x.sample_size();
      std::fill_n(space.input + row * size, size, T{0});
    }
  }
}

template OutputRows output_rows<float>(const Network<float>&, const Loss&);
template OutputRows output_rows<double>(const Network<double>&, const Loss&);
template void require_fit<float>(const Network<float>&, const Loss&, const DataSet&, std::int64_t,
                                 const std::vector<Metric>&);
template void require_fit<double>(const Network<double>&, const Loss&, const DataSet&, std::int64_t,
                                  const std::vector<Metric>&);
template void load_batch<float>(const Network<float>&, const Kernels<float>&, Workspace<float>&,
                                const Loss&, const OutputRows&, const DataSet&, const Batch&,
                                Worker&);
template void load_batch<double>(const Network<double>&, const Kernels<double>&, Workspace<double>&,
                                 const Loss&, const OutputRows&, const DataSet&, const Batch&,
                                 Worker&);

}  // namespace mundur

#include <algorithm>

#include "losses/losses.h"
#include "mundur/training.h"
#include "training/batch.h"
#include "training/metrics.h"
#include "training/steps.h"

namespace mundur {

template <class T>
Evaluator<T>::Evaluator(Network<T>& network, const Loss& loss, const DataSet& data, Options options)
    : network_(network),
      loss_(loss),
      data_(data),
      options_(std::move(options)),
      per_sample_(output_rows(network, loss, options_.metrics)) {
  require_fit(network, loss, data, options_.batch_size, options_.metrics);
  options_.batch_size = std::min(options_.batch_size, data.x.n);
  options_.check_finite |= network.vocabulary() > 0;  // what is no id has no row
  tally_.scores.resize(options_.metrics.size());
}

template <class T>
void Evaluator<T>::feed() {
  require_fit(network_, loss_, data_, data_.x.n, options_.metrics);
  options_.batch_size = std::max(options_.batch_size, data_.x.n);
  step_ = 0;
}

template <class T>
std::int64_t Evaluator<T>::steps() const {
  return (data_.x.n + options_.batch_size - 1) / options_.batch_size;
}

template <class T>
Outcome Evaluator<T>::run(double budget) {
  const std::int64_t batch_size = options_.batch_size;
  const int workers = network_.workers_for(batch_size, false);
  Workspace<T>& space = network_.workspace(batch_size, false, workers);
  if (loss_.outside()) return run_outside(budget, space, workers);
  const Kernels<T>& table = kernels<T>();
  const std::int64_t O = per_sample_.outputs;
  const T* weights = weights_of(network_, data_, space);
  bool finite = true;
  run_team(1, [&](Worker& worker) { network_.find_penalties(table, worker); });
  run_steps(
      network_.pace(batch_size, false, workers), budget, 1,
      [&] { return finite && !network_.failed() && step_ < steps(); },
      [&](Worker& worker) {
        const Batch batch{nullptr, step_ * batch_size,
                          std::min(batch_size, data_.x.n - step_ * batch_size)};
        load_batch(network_, table, space, loss_, per_sample_, data_, batch, worker);
        worker.barrier();
        network_.chain_forward({worker, table, batch.count, false, network_.seed(), 0,
                                space.scratch[static_cast<std::size_t>(worker.index())]},
                               space);
        mask_weights(network_, space, batch.count, worker);
        const Range samples = share(batch.count, 1, worker);
        const Range rows = rows_of(samples, per_sample_);
        find_losses(table, space, weights, loss_, O, rows);
        find_classes(table, space, loss_, options_.metrics, O, rows);
        keep_outputs(options_.outputs, space, batch, O * per_sample_.rows, samples);
        return batch.count;
      },
      [&](std::int64_t count) {
        finite = !options_.check_finite || space.finite.load(std::memory_order_relaxed);
        const std::int64_t rows = count * per_sample_.rows;
        add_to(tally_, sum_over_samples(space.values, rows), total_weight(weights, rows),
               network_.penalty(space, count), space, loss_, options_.metrics, rows, O);
        ++step_;
        return 1;
      });
  network_.raise_failure();
  if (!finite) return Outcome::input;
  return step_ >= steps() ? Outcome::finished : Outcome::more;
}

template class Evaluator<float>;
template class Evaluator<double>;

}  // namespace mundur

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
      per_sample_(output_rows(network, loss)) {
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
Batch Evaluator<T>::batch_at(std::int64_t step) const {
  const std::int64_t begin = step * options_.batch_size;
  return {nullptr, begin, std::min(options_.batch_size, data_.x.n - begin)};
}

template <class T>
std::int64_t Evaluator<T>::steps() const {
  return (data_.x.n + options_.batch_size - 1) / options_.batch_size;
}

/// The losses and classes of a batch, by the team that the worker belongs to.
template <class T>
void Evaluator<T>::pass(const Kernels<T>& table, Workspace<T>& space, std::int64_t step,
                        Worker& worker) {
  const Batch batch = batch_at(step);
  const std::int64_t O = per_sample_.outputs;
  load_batch(network_, table, space, loss_, per_sample_, data_, batch, worker);
  worker.barrier();
  network_.chain_forward({worker, table, batch.count, false, network_.seed(), 0,
                          space.scratch[static_cast<std::size_t>(worker.index())]},
                         space);
  mask_weights(network_, space, batch.count, worker);
  const Range samples = share(batch.count, 1, worker);
  const Range rows = rows_of(samples, per_sample_);
  find_losses(table, space, weights_of(network_, data_, space), loss_, O, rows);
  find_classes(table, space, loss_, options_.metrics, O, rows);
  keep_outputs(options_.outputs, space, batch, O * per_sample_.rows, samples);
}

/// What pass() left of the next batch into the sums; false where a feature was not finite.
template <class T>
bool Evaluator<T>::add(Workspace<T>& space) {
  const std::int64_t count = batch_at(step_++).count;
  const std::int64_t rows = count * per_sample_.rows;
  add_to(tally_, sum_over_samples(space.values, rows),
         total_weight(weights_of(network_, data_, space), rows), network_.penalty(space, count),
         space, loss_, options_.metrics, count, per_sample_);
  return !options_.check_finite || space.finite.load(std::memory_order_relaxed);
}

template <class T>
Outcome Evaluator<T>::run(double budget) {
  const std::int64_t batch_size = options_.batch_size;
  // Many batches of some size: each worker takes one of its own, and waits for nobody within it. Of
  // larger ones a worker's part is work enough.
  constexpr std::int64_t kMostApart = 256;
  constexpr std::int64_t kLeastApart = 16;
  const int many = network_.workers_for(data_.x.n, false);
  const bool is_apart = many > 1 && steps() >= 2 * many && batch_size >= kLeastApart &&
                        batch_size <= kMostApart && budget > 0.0 && !network_.calls_back() &&
                        !loss_.outside();
  const int workers = is_apart ? many : network_.workers_for(batch_size, false);
  std::vector<Workspace<T>>* const apart =
      is_apart ? &network_.workspaces_apart(batch_size, workers) : nullptr;
  Workspace<T>* const shared = is_apart ? nullptr : &network_.workspace(batch_size, false, workers);
  if (loss_.outside()) return run_outside(budget, *shared, workers);
  const Kernels<T>& table = kernels<T>();
  bool finite = true;
  run_team(1, [&](Worker& worker) { network_.find_penalties(table, worker); });
  run_steps(
      network_.pace(is_apart ? batch_size : -batch_size, false, workers), budget, 1,
      [&] { return finite && !network_.failed() && step_ < steps(); },
      [&](Worker& worker) {
        const std::int64_t taken =
            is_apart ? std::min<std::int64_t>(worker.count(), steps() - step_) : 1;
        if (!is_apart) {
          pass(table, *shared, step_, worker);
        } else if (worker.index() < taken) {
          Worker alone = worker.alone();
          const int own = worker.index();
          pass(table, (*apart)[static_cast<std::size_t>(own)], step_ + own, alone);
        }
        return taken;
      },
      [&](std::int64_t taken) {
        for (std::int64_t i = 0; i < taken && finite; ++i) {
          finite = add(is_apart ? (*apart)[static_cast<std::size_t>(i)] : *shared);
        }
        return taken;
      });
  network_.raise_failure();
  if (!finite) return Outcome::input;
  return step_ >= steps() ? Outcome::finished : Outcome::more;
}

template class Evaluator<float>;
template class Evaluator<double>;

}  // namespace mundur

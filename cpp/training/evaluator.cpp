#include <algorithm>

#include "mundur/training.h"
#include "training/metrics.h"

namespace mundur {

template <class T>
class Evaluator<T>::Evaluation final : public Pass<T> {
 public:
  Evaluation(Network<T>& of, const Loss& by, const DataSet& set, Options how)
      : network(of), loss(by), data(set), options(std::move(how)), per_sample(output_rows(of, by)) {
    require_fit(network, loss, data, options.batch_size, options.metrics);
    options.batch_size = std::min(options.batch_size, data.samples());
    options.check_finite |= network.vocabulary() > 0;  // what is no id has no row
    tally.scores.resize(options.metrics.size());
  }

  Network<T>& network;
  const Loss& loss;
  const DataSet& data;
  Options options;
  OutputRows per_sample;
  Tally tally;
  std::int64_t step = 0;  // done

  std::int64_t steps() const {
    return (data.samples() + options.batch_size - 1) / options.batch_size;
  }
  void feed() {
    require_fit(network, loss, data, data.samples(), options.metrics);
    options.batch_size = std::max(options.batch_size, data.samples());
    step = next_ = 0;
  }
  Outcome run(double budget);

 private:
  bool any() const override { return finite_ && next_ < steps(); }
  void next(Now<T>& now) override {
    const std::int64_t begin = next_++ * options.batch_size;
    now.data = &data;
    now.batch = {nullptr, begin, std::min(options.batch_size, data.samples() - begin)};
    now.seed = network.seed();
    now.outputs = options.outputs;
    now.finite.store(true, std::memory_order_relaxed);
  }
  bool goes_on(std::size_t behind, Lane<T>& lane, const Worker&) override {
    // Nobody is asked about what is no number.
    return !loss.outside() || behind > 0 || is_finite(lane);
  }
  std::int64_t finish(Lane<T>& lane) override {
    finite_ &= is_finite(lane);
    if (!finite_) return 1;
    ++step;
    const Found<T> found(lane, per_sample, penalty_);
    add_to(tally, found, lane, per_sample, scores_);
    return 1;
  }
  bool is_finite(const Lane<T>& lane) const {
    return !options.check_finite || lane.now.finite.load(std::memory_order_relaxed);
  }

  std::vector<double> scores_;
  double penalty_ = 0.0;  // of the weights
  std::int64_t next_ = 0;
  bool finite_ = true;
};

template <class T>
Outcome Evaluator<T>::Evaluation::run(double budget) {
  const std::int64_t batch_size = options.batch_size;
  // Many batches of some size: each worker takes one of its own, and waits for nobody within it. Of
  // larger ones a worker's part is work enough.
  constexpr std::int64_t kMostApart = 256;
  constexpr std::int64_t kLeastApart = 16;
  const int many = network.workers_for(data.samples(), false);
  const bool is_apart = many > 1 && steps() >= 2 * many && batch_size >= kLeastApart &&
                        batch_size <= kMostApart && budget > 0.0 && !network.calls_outside() &&
                        !loss.outside();
  const int workers = is_apart ? many : network.workers_for(batch_size, false);
  const std::size_t count = is_apart ? static_cast<std::size_t>(workers) : 1;
  Purpose purpose;
  purpose.asked_for_outputs = options.outputs != nullptr;
  purpose.compare_with(loss);
  purpose.weighted = data.y.front().weights != nullptr;
  purpose.metrics = options.metrics;
  scores_.resize(static_cast<std::size_t>(batch_size * per_sample.rows));
  penalty_ = network.weight_penalty();
  std::vector<Lane<T>> lanes(count);
  for (std::size_t i = 0; i < count; ++i) lanes[i].program = &network.compiled(purpose, i);
  const std::int64_t rest = data.samples() % batch_size;
  next_ = step;
  finite_ = true;
  Runner<T>(lanes, network.pace(is_apart ? batch_size : -batch_size, false, workers), batch_size,
            rest ? rest : batch_size, workers)
      .run(*this, budget, 1);
  if (!finite_) return Outcome::input;
  return step >= steps() ? Outcome::finished : Outcome::more;
}

// ---- what others see ----------------------------------------------------------------------------

template <class T>
Evaluator<T>::Evaluator(Network<T>& network, const Loss& loss, const DataSet& data, Options options)
    : evaluation_(std::make_unique<Evaluation>(network, loss, data, std::move(options))) {}
template <class T>
Evaluator<T>::~Evaluator() = default;

template <class T>
std::int64_t Evaluator<T>::steps() const {
  return evaluation_->steps();
}
template <class T>
Outcome Evaluator<T>::run(double budget) {
  return evaluation_->run(budget);
}
template <class T>
void Evaluator<T>::feed() {
  evaluation_->feed();
}
template <class T>
std::int64_t Evaluator<T>::step() const {
  return evaluation_->step;
}
template <class T>
const Tally& Evaluator<T>::tally() const {
  return evaluation_->tally;
}

template class Evaluator<float>;
template class Evaluator<double>;

}  // namespace mundur

#include <algorithm>

#include "mundur/training.h"
#include "training/metrics.h"

namespace mundur {

template <class T>
class Evaluator<T>::Evaluation final : public Pass<T> {
 public:
  Evaluation(Network<T>& of, std::vector<Objective> by, const DataSet& set, Options how)
      : network(of),
        data(set),
        options(std::move(how)),
        judge(of, std::move(by)),
        tally(judge.objectives()) {
    judge.require_fit(data, options.batch_size);
    if (!options.outputs.empty()) network.require_outputs(options.outputs.size(), "outputs");
    options.batch_size = std::min(options.batch_size, data.samples());
    if (judge.calls_outside()) this->asked = {0};  // nobody is asked about what is no number
  }

  Network<T>& network;
  const DataSet& data;
  Options options;
  Judge<T> judge;
  Tally tally;
  std::int64_t step = 0;  // done

  std::int64_t steps() const {
    return (data.samples() + options.batch_size - 1) / options.batch_size;
  }
  void feed() {
    judge.require_fit(data, data.samples());
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
    now.outputs = &options.outputs;
    now.begin_checks();
  }
  bool goes_on(std::size_t, Lane<T>& lane, const Worker&) override {
    return lane.now.passes(options.check_finite);
  }
  std::int64_t finish(Lane<T>& lane) override {
    finite_ &= lane.now.passes(options.check_finite);
    if (!finite_) return 1;
    ++step;
    judge.judge(lane, penalty_, &tally);
    return 1;
  }

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
                        !judge.calls_outside();
  const int workers = is_apart ? many : network.workers_for(batch_size, false);
  const std::size_t count = is_apart ? static_cast<std::size_t>(workers) : 1;
  Purpose purpose;
  purpose.asked_for_outputs = !options.outputs.empty();
  purpose.compares.assign(judge.objectives().begin(), judge.objectives().end());
  purpose.weigh(data);
  judge.reserve(batch_size);
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
Evaluator<T>::Evaluator(Network<T>& network, std::vector<Objective> objectives, const DataSet& data,
                        Options options)
    : evaluation_(
          std::make_unique<Evaluation>(network, std::move(objectives), data, std::move(options))) {}
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

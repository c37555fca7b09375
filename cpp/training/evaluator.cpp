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
    network.require_batches(data.samples(), options.batch_size);
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
  void feed(std::vector<T*> outputs) {
    judge.require_fit(data, data.samples());
    options.outputs = std::move(outputs);
    options.batch_size = std::max(options.batch_size, data.samples());
    step = begin_ = 0;
  }
  Outcome run(double budget);

 private:
  bool any() const override { return finite_ && begin_ < data.samples(); }
  void next(Now<T>& now) override {
    now.data = &data;
    now.batch = {data.rows, begin_, std::min(at_once_, data.samples() - begin_)};
    begin_ += at_once_;
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
    const std::int64_t count = lane.now.batch.count, size = options.batch_size;
    for (std::int64_t first = 0; first < count; first += size, ++step) {
      const Range samples{first, std::min(first + size, count)};
      judge.judge(lane, samples, samples.size() == size ? penalty_ : penalty_of_last_, &tally);
    }
    return 1;
  }

  // Of the weights.
  double penalty_ = 0.0, penalty_of_last_ = 0.0;
  std::int64_t begin_ = 0;    // of what comes next
  std::int64_t at_once_ = 0;  // samples: whole batches
  bool finite_ = true;
};

template <class T>
Outcome Evaluator<T>::Evaluation::run(double budget) {
  Purpose purpose;
  purpose.asked_for_outputs = !options.outputs.empty();
  purpose.compares.assign(judge.objectives().begin(), judge.objectives().end());
  purpose.weigh(data);
  Compiled<T>& program = network.compiled(purpose, 0);
  begin_ = step * options.batch_size;
  const std::int64_t left = data.samples() - begin_;
  const int many = network.workers_for(data.samples(), false);
  // One batch of the caller's, where they are called between batches, or from within.
  const bool one = budget <= 0.0 || network.in_order() || judge.calls_outside();
  const Bundle by =
      one ? Bundle{options.batch_size, true} : program.bundle(options.batch_size, left);
  // Many samples: each worker takes batches of its own, and waits for nobody within them. Of larger
  // ones a worker's part is work enough.
  const std::int64_t share = data.samples() / (2 * many) / options.batch_size * options.batch_size;
  const std::int64_t apart = std::min(by.samples, std::max(options.batch_size, share));
  const bool is_apart = many > 1 && !by.together && apart >= kLeastApart && apart <= kMostApart &&
                        data.samples() >= 2 * many * apart;
  at_once_ = is_apart ? apart : by.samples;
  const int workers = is_apart ? many : network.workers_for(at_once_, false);
  const std::size_t count = is_apart ? static_cast<std::size_t>(workers) : 1;
  judge.reserve(options.batch_size);
  penalty_ = network.weight_penalty(options.batch_size);
  const std::int64_t last = data.samples() % options.batch_size;
  penalty_of_last_ = last ? network.weight_penalty(last) : penalty_;
  std::vector<Lane<T>> lanes(count);
  for (std::size_t i = 0; i < count; ++i)
    lanes[i].program = i ? &network.compiled(purpose, i) : &program;
  const std::int64_t rest = left % at_once_;
  finite_ = true;
  Runner<T>(lanes, network.pace(is_apart ? at_once_ : -at_once_, false, workers), at_once_,
            rest ? rest : at_once_, workers)
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
void Evaluator<T>::feed(std::vector<T*> outputs) {
  evaluation_->feed(std::move(outputs));
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

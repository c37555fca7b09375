#pragma once

// Batches one after another: what fit, evaluate, predict and calls by hand have in common.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "cpu/parallel/pace.h"
#include "training/clock.h"
#include "training/compiled.h"

namespace mundur {

/// Where batches go through a program: all workers share each batch of the one lane there is, or
/// each worker has a lane, with memory of its own, and waits for nobody within a batch.
template <class T>
struct Lane {
  Compiled<T>* program = nullptr;
  const Plan<T>*of_batch = nullptr, *of_last = nullptr, *plan = nullptr;
  Now<T> now;
  bool busy = false;
  bool whole = true;  // else the batch ended early
};

/// What a pass over batches is, to the loop.
template <class T>
struct Pass {
  virtual ~Pass() = default;
  /// Whether there is another batch, and then which. One worker asks, while the others wait.
  virtual bool any() const = 0;
  virtual void next(Now<T>& now) = 0;
  /// Whether to go on behind one of these stretches, in ascending order; all workers ask, and get
  /// the same answer.
  std::vector<std::size_t> asked{};
  virtual bool goes_on(std::size_t /*behind*/, Lane<T>& /*lane*/, const Worker& /*worker*/) {
    return true;
  }
  /// A batch is through, or has ended early. Returns how much was done, in a unit that is the same
  /// for any number of workers. One worker asks.
  virtual std::int64_t finish(Lane<T>& lane) = 0;
  /// A device has the set: batches go through it together, so many of them ahead of finish().
  DeviceData* held = nullptr;
  std::int64_t ahead = 0;
  /// Samples of the next batch; 0: there is none.
  virtual std::int64_t coming() const { return 0; }
  /// Calls what calls a function of the caller's, while no team is at work.
  virtual void outside(const Operation& /*operation*/, Now<T>& /*now*/,
                       const std::function<void()>& call) {
    call();
  }
};

template <class T>
class Runner {
 public:
  /// Batches of `batch` samples, the last one of `last`; at most so many workers.
  Runner(std::vector<Lane<T>>& lanes, Pace& pace, std::int64_t batch, std::int64_t last, int most)
      : lanes_(lanes), pace_(pace), batch_(batch), last_(last), most_(most) {
    for (Lane<T>& lane : lanes_) lane.program->reserve(batch_, apart() ? 1 : most_);
  }

  /// Until there are no more batches, or about `budget` seconds are over. The clock is looked at
  /// every `per_look` batches. Stretches in front of `first` are done already.
  void run(Pass<T>& pass, double budget, std::int64_t per_look, std::size_t first = 0) {
    first_ = first;
    Device<T>* const device = lanes_.front().program->network().device();
    if (device) device->begin();
    pass.held ? run_together(pass, budget) : run_batches(pass, budget, per_look);
    if (device) device->end();
  }

 private:
  void run_batches(Pass<T>& pass, double budget, std::int64_t per_look) {
    const AtWork one;
    Deadline deadline(budget);
    while (pass.any() && !deadline.over()) {
      const Pace::Stretch stretch = pace_.next();
      workers_ = std::min(stretch.workers, AtWork::share(most_));
      Deadline end(std::min(stretch.seconds, budget));
      find_plans();
      done_ = 0;
      advance(pass);
      if (lanes_.front().program->program().calls_outside()) {
        run_in_pieces(pass, end);
      } else {
        run_as_team(pass, end, per_look);
      }
      pace_.record(workers_ == stretch.workers ? done_ : 0);
      deadline.look();
    }
  }

  /// Many steps at once, which are judged behind them, one after the other.
  void run_together(Pass<T>& pass, double budget) {
    Lane<T>& lane = lanes_.front();
    Barrier barrier;
    const Worker caller(0, 1, barrier);
    lane.whole = true;
    Stopwatch watch;
    while (lane.whole && pass.coming() > 0 && watch.seconds() < budget) {
      const std::int64_t size = pass.coming();
      Together<T>& steps = *lane.program->together(size);
      const std::int64_t most = steps.most(budget - watch.seconds());
      for (; pass.ahead < most && pass.coming() == size; ++pass.ahead) {
        pass.next(lane.now);
        steps.add(lane.now, *pass.held);
      }
      steps.run();
      lane.now.batch.count = size;
      for (std::int64_t i = 0; pass.ahead > 0; ++i) {
        steps.show(i);
        lane.whole = pass.goes_on(pass.asked.back(), lane, caller);
        pass.ahead = lane.whole ? pass.ahead - 1 : 0;
        pass.finish(lane);
      }
    }
  }

  bool apart() const { return lanes_.size() > 1; }
  int workers_of_a_batch() const { return apart() ? 1 : workers_; }

  /// Here, so that no step allocates anything or looks for them.
  void find_plans() {
    for (Lane<T>& lane : lanes_) {
      lane.program->plan(batch_, workers_of_a_batch());
      lane.of_last = &lane.program->plan(last_, workers_of_a_batch());
      lane.of_batch = &lane.program->plan(batch_, workers_of_a_batch());
    }
  }

  /// The next batches, for as many lanes as there are workers.
  void advance(Pass<T>& pass) {
    const std::size_t used = apart() ? static_cast<std::size_t>(workers_) : 1;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      Lane<T>& lane = lanes_[i];
      lane.busy = i < used && pass.any();
      if (!lane.busy) continue;
      pass.next(lane.now);
      lane.plan = lane.now.batch.count == batch_ ? lane.of_batch : lane.of_last;
    }
  }

  void finish(Pass<T>& pass) {
    for (Lane<T>& lane : lanes_) {
      if (lane.busy) done_ += pass.finish(lane);
      lane.busy = false;
    }
  }

  /// All stretches, or those up to where the pass does not go on.
  bool goes_through(Pass<T>& pass, Lane<T>& lane, Worker& worker) {
    std::size_t begin = first_;
    const auto run = [&](std::size_t end) {
      if (begin == end) return;
      lane.plan->run(begin, end, lane.now, worker);
      worker.barrier();
      begin = end;
    };
    for (std::size_t behind : pass.asked) {
      if (behind < begin) continue;
      run(behind + 1);
      if (!pass.goes_on(behind, lane, worker)) return false;
    }
    run(lane.program->program().stretches.size());
    return true;
  }

  void run_as_team(Pass<T>& pass, Deadline& end, std::int64_t per_look) {
    std::int64_t till_look = per_look;
    run_team(workers_, [&](Worker& worker) {
      Worker alone = worker.alone();
      Lane<T>& lane = lanes_[apart() ? static_cast<std::size_t>(worker.index()) : 0];
      Worker& own = apart() ? alone : worker;
      while (lanes_.front().busy) {
        const bool whole = !lane.busy || goes_through(pass, lane, own);
        if (own.first()) lane.whole = whole;
        worker.barrier();
        // Behind this barrier nobody reads the step's state any more; behind the next one all read
        // the new.
        if (worker.first()) {
          finish(pass);
          if (--till_look == 0) {
            till_look = per_look;
            end.look();
            if (!end.over()) pace_.look(done_);
          }
          if (!end.over()) advance(pass);
        }
        worker.barrier();
      }
    });
  }

  void run_in_pieces(Pass<T>& pass, Deadline& end) {
    Lane<T>& lane = lanes_.front();
    const Program& program = lane.program->program();
    while (lane.busy) {
      Barrier barrier;
      Worker caller(0, 1, barrier);
      lane.whole = true;
      for (std::size_t i = first_; lane.whole && i < program.stretches.size(); ++i) {
        const Stretch& stretch = program.stretches[i];
        if (stretch.stage == Stage::outside) {
          pass.outside(program.operations[stretch.begin], lane.now,
                       [&] { lane.plan->run(i, i + 1, lane.now, caller); });
        } else {
          run_team(workers_, [&](Worker& worker) { lane.plan->run(i, i + 1, lane.now, worker); });
        }
        const bool asks = std::find(pass.asked.begin(), pass.asked.end(), i) != pass.asked.end();
        lane.whole = !asks || pass.goes_on(i, lane, caller);
      }
      finish(pass);
      end.look();
      if (!end.over()) advance(pass);
    }
  }

  std::vector<Lane<T>>& lanes_;
  Pace& pace_;
  std::int64_t batch_, last_;
  int most_;
  std::size_t first_ = 0;
  int workers_ = 1;
  std::int64_t done_ = 0;
};

}  // namespace mundur

#include "cpu/parallel/pace.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>

namespace mundur {
namespace {

constexpr double kTrial = 4e-3;       // seconds; at least one step
constexpr double kWarmUp = 1e-3;      // of it
constexpr double kProbation = 16e-3;  // longer than a scheduler's time slice
constexpr double kStretch = 50e-3;
constexpr double kShortest = 0.2;  // between trials
constexpr double kLongest = 2.0;
constexpr double kStepsApart = 32.0;  // the same in steps: where these are long, trials are rarer
constexpr double kWorthMore = 0.95;   // more workers must bring at least this
constexpr double kDisturbed = 1.25;   // a pace so much slower than before

std::atomic<bool> is_adaptive{true};

/// The best of others: the key of steps, with the number of the choice in its lowest byte.
std::atomic<std::uint64_t> found_best[256];
constexpr std::uint64_t kNumber = 0xff;

std::atomic<std::uint64_t>& place_of(std::uint64_t key) { return found_best[key >> 56]; }

std::atomic<int> at_work{0};

std::uint64_t mixed(std::uint64_t seen, std::uint64_t more) {
  seen = (seen ^ more) * 0x9e3779b97f4a7c15u;
  return seen ^ seen >> 32;
}

}  // namespace

void set_adaptive(bool adaptive) { is_adaptive.store(adaptive, std::memory_order_relaxed); }
bool adaptive() { return is_adaptive.load(std::memory_order_relaxed); }

AtWork::AtWork() { at_work.fetch_add(1, std::memory_order_relaxed); }
AtWork::~AtWork() { at_work.fetch_sub(1, std::memory_order_relaxed); }
int AtWork::share(int most) {
  if (!adaptive()) return most;
  return std::max(1, most / std::max(1, at_work.load(std::memory_order_relaxed)));
}

double Pace::now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Pace::about(std::int64_t kind, int most, std::uint64_t network) {
  if (!adaptive()) kind = -1;
  if (kind == kind_ && !choices_.empty() && choices_.front().workers == most) return;
  kind_ = kind;
  best_ = trying_ = before_ = 0;
  on_probation_ = false;
  choices_.clear();
  for (int workers = most; workers >= 1; workers /= 2) {
    choices_.push_back({workers});
    if (!adaptive()) break;
  }
  key_ = 0;
  is_recalled_ = false;
  if (network == 0 || choices_.size() == 1) return;
  key_ = mixed(mixed(mixed(0, network), static_cast<std::uint64_t>(kind)),
               static_cast<std::uint64_t>(most)) |
         kNumber;
  const std::uint64_t found = place_of(key_).load(std::memory_order_relaxed);
  is_recalled_ = (found | kNumber) == key_ && (found & kNumber) < choices_.size();
  if (is_recalled_) best_ = trying_ = before_ = found & kNumber;
}

void Pace::remember() const {
  if (key_ == 0) return;
  place_of(key_).store((key_ & ~kNumber) | best_, std::memory_order_relaxed);
}

template <class Visit>
void Pace::for_neighbours(Visit visit) {
  if (best_ + 1 < choices_.size()) visit(best_ + 1);
  if (best_ > 0) visit(best_ - 1);
}

Pace::Stretch Pace::next() {
  trying_ = best_;
  if (choices_.size() == 1) {
    return {choices_[0].workers, std::numeric_limits<double>::infinity()};
  }
  begun_ = started_ = clock_();
  uncounted_ = 0;
  double seconds = kStretch;
  if (choices_[best_].pace == 0.0) {
    seconds = kTrial;
  } else if (on_probation_) {
    seconds = kProbation;
  } else {
    for_neighbours([&](std::size_t i) {
      const double left = choices_[i].due - worked_;
      if (left <= 0.0) trying_ = i;
      seconds = std::min(seconds, std::max(left, kTrial));
    });
  }
  return {choices_[trying_].workers, seconds};
}

void Pace::look(std::int64_t steps) {
  if (choices_.size() == 1 || uncounted_ > 0) return;
  const double time = clock_();
  if (time < started_ + kWarmUp) return;
  started_ = time;
  uncounted_ = steps;
}

void Pace::record(std::int64_t steps) {
  if (choices_.size() == 1 || steps < 1) return;
  const double time = clock_();
  worked_ += time - begun_;
  if (steps <= uncounted_) return;
  const double pace = (time - started_) / static_cast<double>(steps - uncounted_);
  if (trying_ != best_) {
    record_trial(pace);
  } else {
    record_best(pace);
  }
}

void Pace::postpone(Choice& choice) const {
  const double longest = std::max(kLongest, 4.0 * kStepsApart * choices_[best_].pace);
  choice.interval = std::min(2.0 * choice.interval, longest);
  choice.due = worked_ + choice.interval;
}

void Pace::record_trial(double pace) {
  Choice& tried = choices_[trying_];
  tried.pace = pace;
  const bool has_more = trying_ < best_;
  if (pace < choices_[best_].pace * (has_more ? kWorthMore : 1.0)) {
    before_ = best_;
    best_ = trying_;
    on_probation_ = true;
    is_recalled_ = false;
  } else {
    postpone(tried);
    remember();
  }
}

void Pace::record_best(double pace) {
  Choice& best = choices_[best_];
  const double last = best.pace;
  best.pace = pace;
  if (on_probation_) {
    on_probation_ = false;
    const bool has_more = best_ < before_;
    if (pace > choices_[before_].pace * (has_more ? kWorthMore : 1.0)) {
      best_ = before_;
      postpone(best);
      remember();
      return;
    }
    remember();
  } else if (last != 0.0) {
    if (pace > kDisturbed * last) {
      for_neighbours([&](std::size_t i) {
        choices_[i].due = std::min(choices_[i].due, worked_ + kStepsApart * last);
      });
    }
    return;
  }
  // The first, or a new one that has proved itself: what lies beyond it comes next.
  for_neighbours([&](std::size_t i) {
    Choice& choice = choices_[i];
    choice.interval = std::max(kShortest, kStepsApart * pace);
    const bool is_news = choice.pace == 0.0 && !is_recalled_;
    choice.due = worked_ + (is_news ? kStepsApart * pace : choice.interval);
  });
}

}  // namespace mundur

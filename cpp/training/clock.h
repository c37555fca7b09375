#pragma once

#include <chrono>

namespace mundur {

/// Whether a slice of time is over. One worker looks at the clock before a barrier; all read the
/// answer behind it.
class Deadline {
 public:
  explicit Deadline(double seconds) : end_(Clock::now() + to_duration(seconds)) {}
  void look() { over_ = Clock::now() >= end_; }
  bool over() const { return over_; }

 private:
  using Clock = std::chrono::steady_clock;
  static Clock::duration to_duration(double seconds) {
    // An endless budget must not overflow the clock.
    constexpr double kLongest = 1e8;
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(seconds < kLongest ? seconds : kLongest));
  }
  Clock::time_point end_;
  bool over_ = false;
};

/// How long it is.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_ = Clock::now();
};

}  // namespace mundur

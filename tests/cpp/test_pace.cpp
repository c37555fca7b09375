// How the team's size is learned, on a machine that is made up: time passes as a function of the
// number of workers and of the time of day.

#include <cmath>
#include <functional>
#include <utility>

#include "check.h"
#include "cpu/parallel/pace.h"

using namespace mundur;

namespace {

double today = 0.0;
double cold = 0.0;  // what each of a stretch's first steps takes besides

/// Seconds that a step takes with so many workers, at a time.
using Machine = std::function<double(int workers, double time)>;

/// Steps from now until `end`; returns how many.
double work_until(Pace& pace, double end, int most, const Machine& machine,
                  std::uint64_t network = 0) {
  double steps = 0.0;
  while (today < end) {
    pace.about(1, most, network);
    const Pace::Stretch stretch = pace.next();
    const double stop = std::min(today + stretch.seconds, end);
    std::int64_t done = 0;
    do {
      today += machine(stretch.workers, today) + (done < 5 ? cold : 0.0);
      ++done;
      if (today < stop) pace.look(done);
    } while (today < stop);
    pace.record(done);
    steps += static_cast<double>(done);
  }
  return steps;
}

/// The share of the best machine's steps that are done in `seconds`, from a fresh start.
double share_of(double best_pace, double seconds, int most, const Machine& machine) {
  today = 100.0;
  Pace pace([] { return today; });
  return work_until(pace, today + seconds, most, machine) * best_pace / seconds;
}

}  // namespace

int main() {
  const auto scales = [](int workers, double) { return 200e-6 / workers; };
  CHECK(share_of(100e-6, 2.0, 2, scales) > 0.97);
  CHECK(share_of(25e-6, 2.0, 8, scales) > 0.97);

  const auto far_apart = [](int workers, double) { return workers == 1 ? 200e-6 : 300e-6; };
  CHECK(share_of(200e-6, 2.0, 2, far_apart) > 0.97);

  // More workers than cores wait for one another.
  const auto two_cores = [](int workers, double) {
    return workers == 1 ? 200e-6 : workers == 2 ? 105e-6 : 250e-6 * workers;
  };
  CHECK(share_of(105e-6, 2.0, 4, two_cores) > 0.95);
  CHECK(share_of(105e-6, 5.0, 32, two_cores) > 0.85);

  // Steps so long that a trial costs much.
  const auto long_steps = [](int workers, double) { return 0.2 / workers; };
  CHECK(share_of(0.1, 30.0, 2, long_steps) > 0.93);

  // Another process on one of the cores takes turns with the second worker.
  const auto shared_core = [](int workers, double time) {
    if (workers == 1) return 200e-6;
    const bool is_waiting = std::fmod(time, 8e-3) < 4e-3;
    return is_waiting ? 4e-3 : 130e-6;
  };
  CHECK(share_of(200e-6, 3.0, 2, shared_core) > 0.85);

  // Who has just been woken is slow at first.
  cold = 150e-6;
  {
    const auto late = [&](int workers, double time) {
      return time < 101.0 ? shared_core(workers, time) : scales(workers, time);
    };
    today = 100.0;
    Pace pace([] { return today; });
    work_until(pace, 104.0, 2, late);
    CHECK(pace.workers() == 2);
  }
  cold = 0.0;

  // It comes and goes.
  {
    today = 0.0;
    Pace pace([] { return today; });
    const auto visited = [&](int workers, double time) {
      return time > 5.0 && time < 10.0 ? shared_core(workers, time) : scales(workers, time);
    };
    work_until(pace, 5.0, 2, visited);
    CHECK(pace.workers() == 2);
    work_until(pace, 5.5, 2, visited);
    CHECK(pace.workers() == 1);
    work_until(pace, 13.0, 2, visited);
    CHECK(pace.workers() == 2);
  }

  // Calls of a few long steps, with pauses: what else takes time brings no trial nearer.
  {
    today = 0.0;
    Pace pace([] { return today; });
    int tried = 0;
    const auto counted = [&](int workers, double time) {
      tried += workers == 1 ? 1 : 0;
      return long_steps(workers, time);
    };
    for (int call = 0; call < 40; ++call) {
      work_until(pace, today + 0.4, 2, counted);
      today += 10.0;
    }
    CHECK(tried >= 1 && tried <= 4);
  }

  // What one has found others begin with, and are not done with: another day, another best.
  {
    const auto in_each_others_way = [](int workers, double) { return 100e-6 * workers; };
    const auto begun = [](std::uint64_t network, const Machine& machine, double until) {
      today = 0.0;
      Pace pace([] { return today; });
      pace.about(1, 4, network);
      const int first = pace.next().workers;
      work_until(pace, until, 4, machine, network);
      return std::pair{first, pace.workers()};
    };
    CHECK((begun(7, in_each_others_way, 0.2) == std::pair{4, 1}));
    CHECK((begun(7, in_each_others_way, 0.2) == std::pair{1, 1}));
    CHECK((begun(8, in_each_others_way, 0.2) == std::pair{4, 1}));
    CHECK((begun(0, in_each_others_way, 0.2) == std::pair{4, 1}));
    CHECK((begun(0, in_each_others_way, 0.2) == std::pair{4, 1}));
    CHECK((begun(7, scales, 3.0) == std::pair{1, 4}));
    CHECK((begun(7, scales, 0.01) == std::pair{4, 4}));
  }

  // Whoever else is at work takes a share.
  {
    const AtWork one;
    CHECK(AtWork::share(6) == 6);
    {
      const AtWork two, three;
      CHECK(AtWork::share(6) == 2);
      CHECK(AtWork::share(2) == 1);
    }
    CHECK(AtWork::share(6) == 6);
    set_adaptive(false);
    const AtWork two;
    CHECK(AtWork::share(6) == 6);
    set_adaptive(true);
  }

  // Told not to learn, it does as it is told.
  set_adaptive(false);
  Pace pace([] { return today; });
  pace.about(1, 6);
  CHECK(pace.next().workers == 6);
  set_adaptive(true);
  pace.about(1, 6);
  pace.next();
  pace.record(5);
  pace.about(2, 1);
  CHECK(pace.next().workers == 1);
  return check::result();
}

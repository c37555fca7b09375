#pragma once

#include <algorithm>
#include <cstdint>

#include "parallel/pace.h"
#include "parallel/team.h"
#include "training/clock.h"

namespace mundur {

/// Steps one after another until `going()` is false or about `budget` seconds are over. Every
/// worker does `step(worker)`; then, alone, the first does `advance(what step returned)`, which
/// returns how much was done, in a unit that is the same for any number of workers. The clock is
/// looked at every `per_look` steps.
template <class Going, class Step, class Advance>
void run_steps(Pace& pace, double budget, std::int64_t per_look, Going&& going, Step&& step,
               Advance&& advance) {
  Deadline deadline(budget);
  while (going() && !deadline.over()) {
    const Pace::Stretch stretch = pace.next();
    Deadline end(std::min(stretch.seconds, budget));
    std::int64_t steps = 0;
    std::int64_t done = 0;
    run_team(stretch.workers, [&](Worker& worker) {
      while (going() && !end.over()) {
        const auto result = step(worker);
        // Behind this barrier nobody reads the step's state any more; behind the next one all read
        // the new.
        worker.barrier();
        if (worker.first()) {
          done += advance(result);
          if (++steps % per_look == 0) {
            end.look();
            if (!end.over()) pace.look(done);
          }
        }
        worker.barrier();
      }
    });
    pace.record(done);
    deadline.look();
  }
}

}  // namespace mundur

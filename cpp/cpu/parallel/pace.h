#pragma once

// How many workers pay, learned while they work. The bits don't depend on it, so it may be tried
// out: a core taken by another process, two virtual cores that are far from each other, more
// threads than cores all show as steps that take longer with more workers.

#include <cstdint>
#include <vector>

namespace mundur {

/// Chooses among `most`, most/2, ..., 1 workers by how long equal steps took with each, and tries
/// the neighbours of the best again now and then. Trials stay below a few percent of the time.
/// What was found is kept for the next network of the same kind: of many small ones, each of which
/// trains for a few milliseconds, none would be done with its trials.
class Pace {
 public:
  using Clock = double (*)();  // seconds
  static double now();
  explicit Pace(Clock clock = now) : clock_(clock) {}

  /// Steps of this kind follow, on at most so many workers. What was learned of others is
  /// forgotten. `network`: a number that networks have in common whose steps take as long; 0: it is
  /// like no other.
  void about(std::int64_t kind, int most, std::uint64_t network = 0);

  struct Stretch {
    int workers;
    double seconds;  // how long to go on before the next one is asked for, at most
  };
  Stretch next();
  /// So many steps of the stretch are done. A team that has just met finds its threads asleep and
  /// its caches cold: what a trial's first steps took is not counted.
  void look(std::int64_t steps);
  /// The stretch has ended after so many steps.
  void record(std::int64_t steps);
  /// The best so far.
  int workers() const { return choices_.empty() ? 1 : choices_[best_].workers; }

 private:
  struct Choice {
    int workers;
    double pace = 0.0;      // seconds a step when last tried; 0: never
    double due = 0.0;       // when to try again, if a neighbour of the best; in time worked
    double interval = 0.0;  // since then; longer after each trial in vain
  };
  template <class Visit>
  void for_neighbours(Visit visit);
  void record_trial(double pace);
  void record_best(double pace);
  void postpone(Choice& choice) const;
  void remember() const;

  Clock clock_;
  std::int64_t kind_ = -1;
  std::uint64_t key_ = 0;     // under which the best is remembered; 0: it is not
  bool is_recalled_ = false;  // no trial of this one's own yet
  std::vector<Choice> choices_;
  std::size_t best_ = 0;
  std::size_t trying_ = 0;
  std::size_t before_ = 0;      // the best before the one on probation
  bool on_probation_ = false;   // a trial was better: is it so for longer?
  double worked_ = 0.0;         // seconds in stretches: pauses between calls bring no trial nearer
  double begun_ = 0.0;          // the stretch
  double started_ = 0.0;        // what is counted of it
  std::int64_t uncounted_ = 0;  // steps before `started_`
};

/// While it lives, one of those who run teams in this process. Each takes its share of the threads:
/// teams of all of them at once would wait for one another's cores.
class AtWork {
 public:
  AtWork();
  ~AtWork();
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;
  /// Of so many workers.
  static int share(int most);
};

/// Whether teams choose their size so (the default); else they are as large as they may be. For
/// tests and measurements.
void set_adaptive(bool adaptive);
bool adaptive();

}  // namespace mundur

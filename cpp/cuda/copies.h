#pragma once

// What of the host's memory has a copy on a device, and which of the two is fresh.

#include <map>
#include <string>
#include <vector>

#include "cpu/plan.h"
#include "cuda/launch.h"
#include "cuda/library.h"
#include "cuda/session.h"

namespace mundur::cuda {

/// A vector of the host's and its copy.
template <class T>
struct Mirror {
  T* host = nullptr;
  std::int64_t size = 0;
  std::shared_ptr<void> there;
  bool fresh = false, changed = false;  // within a native call

  std::int64_t bytes() const { return size * static_cast<std::int64_t>(sizeof(T)); }
  T* data() const { return static_cast<T*>(there.get()); }
};

/// Launches one behind the other.
template <class T>
struct List {
  std::vector<Launch> launches;
  bool uses[kRoles] = {}, changes[kRoles] = {};
  /// An operation that is now in it touches these.
  void note(const Program& program, const std::vector<Access>& accesses) {
    for (const Access& access : accesses) {
      const auto role = static_cast<std::size_t>(program[program.root(access.value)].role);
      uses[role] = true;
      changes[role] |= access.kind != Access::Kind::read;
    }
  }
  /// Whether the optimizer's step is in it.
  bool updates() const {
    return uses[static_cast<int>(Role::sum)] || changes[static_cast<int>(Role::parameter)];
  }
};

/// Of one network. Behind a failure nothing is done, and the end of the native call tells.
template <class T>
class Copies {
 public:
  Copies(std::shared_ptr<Gpu> gpu, const Flat<T> (&flat)[kRoles]);

  const std::shared_ptr<Gpu>& gpu() const { return gpu_; }
  T* flat(int role) const { return flats_[role].data(); }
  /// Of native calls that have begun.
  std::uint64_t calls() const { return calls_; }
  /// A native call begins; it ends, and what has changed comes back.
  void begin();
  void end();

  void up(void* to, const void* from, std::int64_t bytes) {
    if (failure_.empty()) check(gpu_->up(to, from, bytes));
  }
  void down(void* to, const void* from, std::int64_t bytes) {
    if (failure_.empty()) check(gpu_->down(to, from, bytes));
  }
  void check(std::int32_t error) {
    if (error != 0 && failure_.empty()) failure_ = gpu_->text(error);
  }
  /// Throws std::runtime_error where something failed.
  void require_success() const;
  bool failed() const { return !failure_.empty(); }

  /// What the list is of the step, with what it uses there. Throws OutOfMemory.
  launches::Step<T> step_of(const List<T>& list, const Now<T>& now);
  void run(const List<T>& list, const Now<T>& now);
  /// Launches that know nothing else of a step.
  template <class Step>
  void run(const std::vector<Launch>& launches, const Step& step) {
    if (!failed()) check(gpu_->run(launches.data(), std::ssize(launches), &step, sizeof step));
  }

  /// Parameters, state and these slots of the optimizer's as they are now; and back, on the host.
  void keep_start(const std::vector<T*>& slots);
  void restore_start();
  /// Whether all parameters are.
  bool all_finite();

 private:
  void take(Mirror<T>& mirror) {
    mirror.there = Gpu::take(gpu_, mirror.bytes(), "the model and its optimizer");
  }
  void bring(Mirror<T>& mirror) {
    if (!mirror.fresh) up(mirror.data(), mirror.host, mirror.bytes());
    mirror.fresh = true;
  }
  void bring_back(Mirror<T>& mirror) {
    if (mirror.changed) down(mirror.host, mirror.data(), mirror.bytes());
    mirror.changed = false;
  }
  Mirror<T>& slot_at(T* host);
  /// Of state that an update changes; null: none.
  T* slot(T* host);
  /// Of the numbers of parameters that do not decay, which are the optimizer's.
  const std::int64_t* spared(const Update<T>& update);

  std::shared_ptr<Gpu> gpu_;
  Mirror<T> flats_[kRoles];  // empty: planned, and sums, which are slots
  std::map<T*, Mirror<T>> slots_;
  std::map<T*, Mirror<T>> start_;  // of the epoch, of what lies there
  std::shared_ptr<void> flag_, spared_;
  std::int64_t spares_ = 0;  // that it has room for
  bool spared_is_fresh_ = false;
  std::uint64_t calls_ = 0;
  std::string failure_;  // what went wrong first within the call
};

}  // namespace mundur::cuda

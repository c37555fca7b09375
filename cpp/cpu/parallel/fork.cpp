// What becomes of threads and locks in a child that was forked from this process.

#include "cpu/parallel/fork.h"

#include <pthread.h>

#include <new>
#include <stdexcept>
#include <utility>

#include "mundur/lock.h"

namespace mundur {

/// All locks there are, as a list.
struct Locks {
  static inline std::mutex mutex;
  static inline Lock* first = nullptr;
  static inline bool forked = false;

  static void before() { mutex.lock(); }
  static void in_parent() { mutex.unlock(); }
  static void in_child() {
    mutex.unlock();
    forked = true;
    for (Lock* lock = first; lock; lock = lock->next_) lock->leave_behind();
  }
};

namespace {

const int registered = pthread_atfork(Locks::before, Locks::in_parent, Locks::in_child);

}  // namespace

bool in_forked_child() {
  (void)registered;
  return Locks::forked;
}

Lock::Lock(std::string what) : what_(std::move(what)) {
  const std::lock_guard held(Locks::mutex);
  next_ = Locks::first;
  if (next_) next_->before_ = this;
  Locks::first = this;
}

Lock::~Lock() {
  const std::lock_guard held(Locks::mutex);
  (before_ ? before_->next_ : Locks::first) = next_;
  if (next_) next_->before_ = before_;
}

/// In a child: whoever else held it is not there.
void Lock::leave_behind() {
  if (is_mine()) return;  // forked from within a function that the work calls
  if (mutex_.try_lock()) return mutex_.unlock();
  new (&mutex_) std::mutex;
  owner_.store({}, std::memory_order_relaxed);
  depth_ = 0;
  abandoned_ = true;
}

void Lock::require_whole() const {
  if (!abandoned_) return;
  throw std::runtime_error(
      what_ +
      " was at work in another thread when this process was forked, and may "
      "be in the middle of a step; load or make it anew in the forked process");
}

void Lock::take() {
  owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  depth_ = 1;
}

void Lock::lock() {
  if (is_mine()) {
    ++depth_;
    return;
  }
  require_whole();
  mutex_.lock();
  take();
}

bool Lock::try_lock() {
  if (is_mine()) {
    ++depth_;
    return true;
  }
  require_whole();
  if (!mutex_.try_lock()) return false;
  take();
  return true;
}

void Lock::unlock() {
  if (--depth_ > 0) return;
  owner_.store({}, std::memory_order_relaxed);
  mutex_.unlock();
}

}  // namespace mundur

#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

namespace mundur {

/// A recursive mutex that a forked child need not wait for: one that another thread held at the
/// fork is free there, and abandoned, since that thread did not come along and what it guards may
/// be half done.
class Lock {
 public:
  /// `what` it guards, for messages.
  explicit Lock(std::string what);
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  /// Both throw std::runtime_error where the lock is abandoned.
  void lock();
  bool try_lock();
  void unlock();
  /// What it guards has been made anew.
  void renew() {
    if (abandoned_) abandoned_ = false;
  }

 private:
  friend struct Locks;
  void require_whole() const;
  void take();
  bool is_mine() const {
    return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  void leave_behind();

  std::string what_;
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_{};
  int depth_ = 0;
  bool abandoned_ = false;
  Lock* before_ = nullptr;
  Lock* next_ = nullptr;
};

}  // namespace mundur

// A lock that a forked child can tell of.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.h"
#include "mundur/lock.h"

namespace {

using mundur::Lock;

/// Whether work() returns true in a forked child.
bool in_child(const std::function<bool()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work() ? 0 : 1);
  int status = 1;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// What a lock that nobody may take says.
std::string refusal(const std::function<void()>& take) {
  try {
    take();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

void test_one_at_a_time() {
  Lock lock("the counter");
  std::int64_t count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 2000; ++n) {
        const std::lock_guard outer(lock);
        const std::lock_guard inner(lock);  // it is recursive
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(count == 8000);
}

void test_trying() {
  Lock lock("the lock");
  CHECK(lock.try_lock());
  CHECK(lock.try_lock());
  bool other = true;
  std::thread([&] { other = lock.try_lock(); }).join();
  CHECK(!other);
  lock.unlock();
  std::thread([&] { other = lock.try_lock(); }).join();
  CHECK(!other);
  lock.unlock();
  std::thread([&] {
    other = lock.try_lock();
    lock.unlock();
  }).join();
  CHECK(other);
}

/// A child neither waits for a thread that stayed behind nor takes its work for whole.
void test_forks() {
  Lock free("the free one"), own("the own one"), held("the held one");
  std::atomic<int> stage{0};
  std::thread holder([&] {
    const std::lock_guard taken(held);
    stage = 1;
    while (stage == 1) std::this_thread::yield();
  });
  while (stage == 0) std::this_thread::yield();
  own.lock();
  CHECK(in_child([&] {
    const std::lock_guard taken(free);
    own.lock();  // goes on where the fork came from
    own.unlock();
    own.unlock();
    const bool refuses = refusal([&] { held.lock(); }).find("the held one was at work") == 0 &&
                         !refusal([&] { held.try_lock(); }).empty();
    held.renew();
    const std::lock_guard again(held);
    return refuses;
  }));
  own.unlock();
  stage = 2;
  holder.join();
  const std::lock_guard here(held);  // the parent's is as it was
}

/// Whatever came and went before.
void test_locks_that_are_gone() {
  auto first = std::make_unique<Lock>("first");
  const Lock second("second");
  auto third = std::make_unique<Lock>("third");
  first.reset();
  third.reset();
  Lock fourth("fourth");
  CHECK(in_child([&] { return fourth.try_lock(); }));
}

}  // namespace

int main() {
  test_one_at_a_time();
  test_trying();
  test_forks();
  test_locks_that_are_gone();
  return check::result();
}

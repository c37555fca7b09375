#include "parallel/fork.h"

#include <pthread.h>

namespace mundur {
namespace {

bool forked = false;

const int registered = pthread_atfork(nullptr, nullptr, [] { forked = true; });

}  // namespace

bool in_forked_child() {
  (void)registered;
  return forked;
}

}  // namespace mundur

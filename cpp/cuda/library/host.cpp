// The library on the CPU: the same kernels, one thread after another. It finds what a GPU would
// hide only now and then: a barrier that is missing, memory that nobody wrote, an order that
// matters.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <random>
#include <string_view>

#include "cuda/library/block.h"

namespace mundur::cuda {

void put_in_order(std::vector<std::int64_t>& turns, std::int64_t n, Place::Order order,
                  std::uint64_t turn) {
  turns.resize(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) turns[static_cast<std::size_t>(i)] = i;
  if (order == Place::Order::reversed) std::reverse(turns.begin(), turns.end());
  if (order != Place::Order::shuffled) return;
  std::minstd_rand random(static_cast<std::uint32_t>(turn % 1000 + 1));
  for (std::size_t i = turns.size(); i > 1; --i) std::swap(turns[i - 1], turns[random() % i]);
}

namespace {

constexpr std::int32_t kNoMemory = 1;

std::string_view setting(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

/// Its devices differ in who comes first: threads and blocks forward, reversed, shuffled; and, to
/// see that barriers matter, forward without the first one of each block, the second or the third
/// (MUNDUR_CUDA_LATE names another, -1 none), or without each second one between the launches of a
/// persistent kernel.
struct Emulated {
  const char* name;
  Place place;
  bool meets = true;
};
constexpr Emulated kDevices[] = {
    {"host emulation", {Place::Order::forward}},
    {"host emulation, reversed", {Place::Order::reversed}},
    {"host emulation, shuffled", {Place::Order::shuffled}},
    {"host emulation, without a barrier", {Place::Order::forward, 0}},
    {"host emulation, without the second barrier", {Place::Order::forward, 1}},
    {"host emulation, without the third barrier", {Place::Order::forward, 2}},
    {"host emulation, without a grid barrier", {Place::Order::forward}, false},
};

/// What a machine without a GPU would answer, for tests of who asks.
Found look() {
  const std::string_view lacks = setting("MUNDUR_CUDA_LACKS");
  if (lacks == "driver") return {Trouble::no_driver, 0, 0, 13000};
  if (lacks == "new driver") return {Trouble::old_driver, 0, 11040, 13000};
  if (lacks == "device") return {Trouble::no_device, 0, 13000, 13000};
  return {Trouble::none, static_cast<std::int32_t>(std::size(kDevices)), 13000, 13000};
}

}  // namespace

struct Context {
  const Emulated& device;
};

struct Prepared {
  std::vector<Launch> launches;
  Executor executor;
};

namespace {

std::int32_t open(std::int32_t device, Context** context) {
  *context = new (std::nothrow) Context{kDevices[device]};
  return *context ? 0 : kNoMemory;
}
void close(Context* context) { delete context; }
void name(Context* context, char* text, std::int64_t size) {
  std::snprintf(text, static_cast<std::size_t>(size), "%s", context->device.name);
}
const char* text(std::int32_t) { return "out of memory"; }
/// All that its devices have is what the core's own arena is granted; or less, for tests of that.
std::int64_t most_bytes() {
  const std::string_view told = setting("MUNDUR_CUDA_BYTES");
  return told.empty() ? std::int64_t{1} << 62 : std::atoll(told.data());
}
std::mutex taking;
std::map<void*, std::int64_t> taken;
std::int64_t taken_bytes = 0;

std::int32_t room(Context*, std::int64_t* free_bytes) {
  const std::lock_guard lock(taking);
  *free_bytes = std::max<std::int64_t>(most_bytes() - taken_bytes, 0);
  return 0;
}
std::int32_t take(Context*, std::int64_t bytes, void** memory) {
  const std::lock_guard lock(taking);
  if (taken_bytes + bytes > most_bytes()) return kNoMemory;
  *memory = std::malloc(static_cast<std::size_t>(bytes));
  if (!*memory) return kNoMemory;
  std::memset(*memory, 0xFF, static_cast<std::size_t>(bytes));  // NaN
  taken[*memory] = bytes;
  taken_bytes += bytes;
  return 0;
}
void give_back(Context*, void* memory) {
  const std::lock_guard lock(taking);
  const auto found = taken.find(memory);
  taken_bytes -= found->second;
  taken.erase(found);
  std::free(memory);
}
std::int32_t copy(Context*, void* to, const void* from, std::int64_t bytes) {
  std::memcpy(to, from, static_cast<std::size_t>(bytes));
  return 0;
}

constexpr Start kStarts[] = {
#define MUNDUR_START(name) start_##name,
    MUNDUR_LAUNCHES(MUNDUR_START)
#undef MUNDUR_START
};

Place place_of(const Context& context) {
  Place place = context.device.place;
  const std::string_view late = setting("MUNDUR_CUDA_LATE");
  if (place.late >= 0 && !late.empty()) place.late = std::atoi(late.data());
  return place;
}

std::int32_t run(Context* context, const Launch* launches, std::int64_t count, const void* step,
                 std::int64_t) {
  const Place place = place_of(*context);
  for (std::int64_t i = 0; i < count; ++i) {
    kStarts[launches[i].kernel](launches[i], step, place);
  }
  return 0;
}

void run_step(const Prepared& all, const Context& context, const void* step) {
  const Place place = place_of(context);
  for (const Launch& launch : all.launches) kStarts[launch.kernel](launch, step, place);
}

/// A few blocks go through all launches, with those of each launch that are theirs, and wait for
/// each other between launches.
void run_persistent(const Prepared& all, const Context& context, const void* step) {
  constexpr std::int64_t kThere = 3;
  const std::size_t together = context.device.meets ? 1 : 2;  // launches up to a barrier
  std::vector<std::int64_t> turns;
  for (std::size_t begin = 0; begin < all.launches.size(); begin += together) {
    put_in_order(turns, kThere, context.device.place.order, begin);
    for (std::int64_t block : turns) {
      for (std::size_t i = begin; i < std::min(begin + together, all.launches.size()); ++i) {
        if (block >= all.launches[i].blocks) continue;
        Place place = place_of(context);
        place.first = block;
        place.every = kThere;
        kStarts[all.launches[i].kernel](all.launches[i], step, place);
      }
    }
  }
}

std::int32_t prepare(Context*, const Launch* launches, std::int64_t count, Executor executor,
                     Prepared** prepared) {
  *prepared = new (std::nothrow) Prepared{{launches, launches + count}, executor};
  return *prepared ? 0 : kNoMemory;
}

/// Recorded launches find the steps at one place, where each time others are.
std::int32_t repeat(Context* context, Prepared* all, const void* steps, std::int64_t step_bytes,
                    std::int64_t count) {
  const auto* const first = static_cast<const unsigned char*>(steps);
  std::vector<unsigned char> recorded(static_cast<std::size_t>(kRecorded * step_bytes));
  for (std::int64_t i = 0; i < count; ++i) {
    const unsigned char* step = first + i * step_bytes;
    if (all->executor == Executor::persistent) {
      run_persistent(*all, *context, step);
      continue;
    }
    const std::int64_t place = i % kRecorded;
    if (all->executor == Executor::graph && count - i + place >= kRecorded) {
      if (place == 0) std::memcpy(recorded.data(), step, recorded.size());
      step = recorded.data() + place * step_bytes;
    }
    run_step(*all, *context, step);
  }
  return 0;
}
void forget(Context*, Prepared* prepared) { delete prepared; }

constexpr Functions kFunctions = {kAbi, 1,       MUNDUR_VERSION, look,      open, close, name,
                                  text, room,    take,           give_back, copy, copy,  copy,
                                  run,  prepare, repeat,         forget};

}  // namespace
}  // namespace mundur::cuda

extern "C" __attribute__((visibility("default"))) const mundur::cuda::Functions* mundur_cuda(
    std::int32_t abi) {
  return abi == mundur::cuda::kAbi ? &mundur::cuda::kFunctions : nullptr;
}

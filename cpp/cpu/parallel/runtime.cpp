// How many threads, how much memory: what the machine, the system and the user grant this process.

#include "mundur/runtime.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "cpu/parallel/fork.h"

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace mundur {
namespace {

constexpr int kMostThreads = 4096;
std::atomic<int> chosen_threads{0};  // 0: the default
thread_local int most_threads = kMostThreads;

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (file && std::getline(file, line)) return line;
  return std::nullopt;
}

/// The folders of this process's control group from its own up to the root: of version 2 where the
/// controller is empty, else of a controller of version 1.
std::vector<std::string> cgroup_folders(const std::string& controller = "") {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  std::string path;  // of the group: empty for the root, else "/..."
  // "0::/path", or "4:cpu,cpuacct:/path"
  while (std::getline(file, line)) {
    const std::size_t names = line.find(':') + 1;
    const std::size_t end = line.find(':', names);
    if (names == 0 || end == std::string::npos || line.compare(end, 2, ":/") != 0) continue;
    const std::string listed = "," + line.substr(names, end - names) + ",";
    if (listed.find("," + controller + ",") != std::string::npos) path = line.substr(end + 1);
  }
  if (path == "/") path.clear();
  const std::string root = "/sys/fs/cgroup" + (controller.empty() ? "" : "/" + controller);
  std::vector<std::string> folders;
  while (true) {
    folders.push_back(root + path);
    if (path.empty()) return folders;
    path.resize(path.find_last_of('/'));
  }
}

/// Of "quota period", in microseconds; version 2 says "max" for no quota, version 1 -1.
std::int64_t whole_cpus(const std::string& line) {
  std::istringstream text(line);
  std::int64_t quota = 0;
  std::int64_t period = 0;
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) {
    return std::numeric_limits<int>::max();
  }
  return std::max<std::int64_t>(1, quota / period);
}

std::int64_t number(const std::string& line) {
  std::int64_t value = std::numeric_limits<std::int64_t>::max();
  std::from_chars(line.data(), line.data() + line.size(), value);
  return value;
}

std::int64_t quota_threads() {
  std::int64_t threads = std::numeric_limits<int>::max();
  for (const std::string& folder : cgroup_folders()) {
    if (const auto line = first_line(folder + "/cpu.max")) {
      threads = std::min(threads, whole_cpus(*line));
    }
  }
  for (const std::string& folder : cgroup_folders("cpu")) {
    const auto quota = first_line(folder + "/cpu.cfs_quota_us");
    const auto period = first_line(folder + "/cpu.cfs_period_us");
    if (quota && period) threads = std::min(threads, whole_cpus(*quota + " " + *period));
  }
  return threads;
}

/// The number behind a name in a file of lines "name number"; 0 where there is none.
std::int64_t entry(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream text(line);
    std::string found;
    std::int64_t value = 0;
    if (text >> found >> value && found == name) return value;
  }
  return 0;
}

/// What a group may still take: its limit less what it holds, but for files' pages, which the
/// system gives up for it. They are what is cached less what is shared memory: the lists of
/// active and inactive pages miss those that the system holds to look at (tens of MB).
std::int64_t memory_left(const std::string& folder, const std::string& limit_file,
                         const std::string& usage_file, const std::string& cached,
                         const std::string& shared) {
  const auto limit = first_line(folder + limit_file);
  const auto usage = first_line(folder + usage_file);
  if (!limit || !usage || limit->rfind("max", 0) == 0) {
    return std::numeric_limits<std::int64_t>::max();
  }
  const std::string stat = folder + "/memory.stat";
  const std::int64_t pages = std::max<std::int64_t>(0, entry(stat, cached) - entry(stat, shared));
  const std::int64_t held = std::max<std::int64_t>(0, number(*usage) - pages);
  return std::max<std::int64_t>(0, number(*limit) - held);
}

std::int64_t affinity_threads() {
  // One call for up to 8,192 processors; where that fails, the count of cores decides alone.
  constexpr int kProcessors = 8192;
  cpu_set_t* set = CPU_ALLOC(kProcessors);
  const std::size_t bytes = CPU_ALLOC_SIZE(kProcessors);
  const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
  CPU_FREE(set);
  return count > 0 ? count : std::numeric_limits<int>::max();
}

int environment_threads() {
  const char* text = std::getenv("MUNDUR_NUM_THREADS");
  if (!text || !*text) return 0;
  const std::string asked = text;
  int threads = 0;
  const auto [end, error] = std::from_chars(asked.data(), asked.data() + asked.size(), threads);
  if (error != std::errc{} || end != asked.data() + asked.size() || threads < 1 ||
      threads > kMostThreads) {
    throw std::invalid_argument(
        "MUNDUR_NUM_THREADS: expected a whole number from 1 to 4096, got '" + asked + "'");
  }
  return threads;
}

}  // namespace

int available_threads() {
  const auto cores = static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  static const std::int64_t quota = quota_threads();  // files are read once
  return static_cast<int>(std::min({cores, affinity_threads(), quota}));
}

namespace {

int process_threads() {
  if (int threads = chosen_threads.load(std::memory_order_relaxed)) return threads;
  static const int environment = environment_threads();
  if (environment > 0) return environment;
#if defined(_OPENMP)
  return std::max(1, std::min(available_threads(), omp_get_max_threads()));
#else
  return available_threads();
#endif
}

}  // namespace

int num_threads() { return in_forked_child() ? 1 : std::min(process_threads(), most_threads); }

void limit_threads(int most) { most_threads = most > 0 ? most : kMostThreads; }

int chosen_num_threads() { return chosen_threads.load(std::memory_order_relaxed); }

void set_num_threads(int n) {
  if (n < 0 || n > kMostThreads) {
    throw std::invalid_argument(
        "n: expected a whole number of threads from 1 to 4096, or 0 for "
        "the default; got " +
        std::to_string(n));
  }
  chosen_threads.store(n, std::memory_order_relaxed);
}

std::int64_t available_memory() {
  std::int64_t available = std::numeric_limits<std::int64_t>::max();
  const std::int64_t kilobytes = entry("/proc/meminfo", "MemAvailable:");
  if (kilobytes > 0) available = kilobytes * 1024;
  for (const std::string& folder : cgroup_folders()) {
    available =
        std::min(available, memory_left(folder, "/memory.max", "/memory.current", "file", "shmem"));
  }
  for (const std::string& folder : cgroup_folders("memory")) {
    available =
        std::min(available, memory_left(folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes",
                                        "total_cache", "total_shmem"));
  }
  return available;
}

BuildInfo build_info() {
  BuildInfo info;
  info.version = MUNDUR_VERSION;
#if defined(__clang__)
  info.compiler = std::string("clang ") + __clang_version__;
#else
  info.compiler = std::string("gcc ") + __VERSION__;
#endif
#if defined(_OPENMP)
  info.openmp = std::to_string(_OPENMP);
#else
  info.openmp = "none";
#endif
  info.isas_built = {"generic"};
#if defined(MUNDUR_HAS_avx2)
  info.isas_built.push_back("avx2");
#endif
#if defined(MUNDUR_HAS_avx512)
  info.isas_built.push_back("avx512");
#endif
#if defined(MUNDUR_HAS_avx512bf16)
  info.isas_built.push_back("avx512bf16");
#endif
#if defined(MUNDUR_HAS_amx)
  info.isas_built.push_back("amx");
#endif
#if defined(MUNDUR_HAS_neon)
  info.isas_built.push_back("neon");
#endif
  return info;
}

}  // namespace mundur

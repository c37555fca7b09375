#include "cuda/library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "mundur/memory.h"
#include "mundur/runtime.h"

namespace mundur::cuda {
namespace {

std::mutex opening;
std::map<std::pair<std::string, int>, std::weak_ptr<Gpu>> opened;

/// "13.0", as CUDA counts 13000.
std::string version(std::int32_t number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

/// A library stays open: what it started must not outlive its code.
const Functions* functions_of(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* const why = dlerror();
    throw std::runtime_error("device: the CUDA library cannot be opened: " +
                             std::string(why ? why : path));
  }
  const auto entry = reinterpret_cast<Entry>(dlsym(library, kEntry));
  const Functions* const functions = entry ? entry(kAbi) : nullptr;
  const std::string own = build_info().version;
  if (!functions || own != functions->version) {
    throw std::runtime_error("device: the CUDA library " + path + " is " +
                             (functions ? "of version " + std::string(functions->version)
                              : entry   ? "of another version"
                                        : "none of mundur's") +
                             "; install mundur-cuda==" + own);
  }
  return functions;
}

void require_devices(const Functions& functions, int index) {
  const Found found = functions.look();
  const std::string needs =
      "this mundur-cuda was built for CUDA " + version(found.needed) + " and needs a driver for it";
  switch (found.trouble) {
    case Trouble::no_driver:
      throw std::runtime_error("device: there is no NVIDIA driver on this machine; " + needs +
                               ". Without one use device=\"cpu\"");
    case Trouble::old_driver:
      throw std::runtime_error("device: the NVIDIA driver is too old: it is for CUDA " +
                               version(found.driver) + ", but " + needs + "; update the driver");
    case Trouble::no_device:
      throw std::runtime_error(
          "device: the NVIDIA driver, for CUDA " + version(found.driver) +
          ", finds no GPU; is one there, and does CUDA_VISIBLE_DEVICES hide it?");
    case Trouble::other:
      throw std::runtime_error("device: CUDA does not start (driver for CUDA " +
                               version(found.driver) + ", library built for " +
                               version(found.needed) + ")");
    case Trouble::none:
      break;
  }
  if (index >= found.devices) {
    throw std::runtime_error(
        "device: expected one of \"cuda:0\" to \"cuda:" + std::to_string(found.devices - 1) +
        "\", got \"cuda:" + std::to_string(index) + "\"");
  }
}

}  // namespace

std::shared_ptr<Gpu> Gpu::open(const std::string& library, int index) {
  const std::lock_guard lock(opening);
  std::weak_ptr<Gpu>& known = opened[{library, index}];
  if (std::shared_ptr<Gpu> gpu = known.lock()) {
    gpu->require_process();
    return gpu;
  }
  const Functions* const functions = functions_of(library);
  require_devices(*functions, index);
  std::shared_ptr<Gpu> gpu(new Gpu(functions, index));
  known = gpu;
  return gpu;
}

std::shared_ptr<Gpu> Gpu::beside() const {
  require_process();
  return std::shared_ptr<Gpu>(new Gpu(functions_, index_));
}

Gpu::Gpu(const Functions* functions, int index)
    : functions_(functions), index_(index), process_(getpid()) {
  const std::int32_t error = functions_->open(index, &context_);
  if (error != 0) {
    throw std::runtime_error("device: cuda:" + std::to_string(index) +
                             " does not open: " + text(error));
  }
  char text[256] = {};
  functions_->name(context_, text, sizeof text);
  name_ = text;
}

Gpu::~Gpu() {
  if (getpid() == process_) functions_->close(context_);
}

void Gpu::require_process() const {
  if (getpid() == process_) return;
  throw std::runtime_error(
      "device: this process was forked from one that had opened cuda, whose state a fork leaves "
      "behind; start processes with the method \"spawn\" (multiprocessing.get_context(\"spawn\"))");
}

std::shared_ptr<void> Gpu::take(const std::shared_ptr<Gpu>& gpu, std::int64_t bytes,
                                const char* what) {
  constexpr double kMegabyte = 1e6;
  void* memory = nullptr;
  const std::lock_guard lock(gpu->mutex_);
  const std::int32_t error =
      gpu->functions_->take(gpu->context_, std::max<std::int64_t>(bytes, 1), &memory);
  if (error != 0) {
    std::int64_t free_bytes = 0;
    gpu->functions_->room(gpu->context_, &free_bytes);
    const auto megabytes = [](std::int64_t n) {
      return std::to_string(static_cast<std::int64_t>(static_cast<double>(n) / kMegabyte)) + " MB";
    };
    throw OutOfMemory(std::string(what) + " needs " + megabytes(bytes) + " on " + gpu->name() +
                      ", which has " + megabytes(free_bytes) + " free (" + gpu->text(error) + ")");
  }
  return {memory, [gpu](void* held) {
            if (getpid() != gpu->process_) return;
            const std::lock_guard own(gpu->mutex_);
            gpu->functions_->give_back(gpu->context_, held);
          }};
}

std::int32_t Gpu::up(void* to, const void* from, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  return bytes == 0 ? 0 : functions_->up(context_, to, from, bytes);
}
std::int32_t Gpu::down(void* to, const void* from, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  return bytes == 0 ? 0 : functions_->down(context_, to, from, bytes);
}
std::int32_t Gpu::copy(void* to, const void* from, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  return bytes == 0 ? 0 : functions_->copy(context_, to, from, bytes);
}
std::int32_t Gpu::run(const Launch* launches, std::int64_t count, const void* step,
                      std::int64_t step_bytes) {
  const std::lock_guard lock(mutex_);
  return functions_->run(context_, launches, count, step, step_bytes);
}

std::int32_t Gpu::prepare(const std::shared_ptr<Gpu>& gpu, const std::vector<Launch>& launches,
                          Executor executor, std::shared_ptr<Prepared>& prepared) {
  Prepared* made = nullptr;
  const std::lock_guard lock(gpu->mutex_);
  const std::int32_t error = gpu->functions_->prepare(gpu->context_, launches.data(),
                                                      std::ssize(launches), executor, &made);
  prepared = nullptr;
  if (!made) return error;
  prepared = {made, [gpu](Prepared* held) {
                if (getpid() != gpu->process_) return;
                const std::lock_guard own(gpu->mutex_);
                gpu->functions_->forget(gpu->context_, held);
              }};
  return error;
}
std::int32_t Gpu::repeat(Prepared& prepared, const void* steps, std::int64_t step_bytes,
                         std::int64_t count) {
  const std::lock_guard lock(mutex_);
  return functions_->repeat(context_, &prepared, steps, step_bytes, count);
}

std::vector<std::string> open_devices() {
  const std::lock_guard lock(opening);
  std::vector<std::string> names;
  for (const auto& [key, known] : opened) {
    if (const std::shared_ptr<Gpu> gpu = known.lock()) {
      names.push_back("cuda:" + std::to_string(gpu->index()) + " (" + gpu->name() + ")");
    }
  }
  return names;
}

}  // namespace mundur::cuda

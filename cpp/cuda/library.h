#pragma once

// The library that computes on GPUs: opened when somebody asks for a device of its.

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/abi.h"

namespace mundur::cuda {

/// One device of a library, opened; it closes with the last that holds it. Work of several networks
/// on it goes on side by side, each in a Gpu of its own.
class Gpu {
 public:
  /// Throws std::runtime_error where there is no such library, driver or device, and says what
  /// helps.
  static std::shared_ptr<Gpu> open(const std::string& library, int index);
  /// The same device, for work beside this one's.
  std::shared_ptr<Gpu> beside() const;
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  int index() const { return index_; }
  /// "NVIDIA H100 80GB HBM3"; "host emulation" where the library is one.
  const std::string& name() const { return name_; }
  bool is_emulation() const { return functions_->is_emulation != 0; }

  /// Throws std::runtime_error in a process that was forked since it was opened.
  void require_process() const;
  /// Memory on it; freed with its last holder. Throws OutOfMemory.
  static std::shared_ptr<void> take(const std::shared_ptr<Gpu>& gpu, std::int64_t bytes,
                                    const char* what);
  // As Functions has them; several threads may share it.
  std::int32_t up(void* to, const void* from, std::int64_t bytes);
  std::int32_t down(void* to, const void* from, std::int64_t bytes);
  std::int32_t copy(void* to, const void* from, std::int64_t bytes);
  std::int32_t run(const Launch* launches, std::int64_t count, const void* step,
                   std::int64_t step_bytes);
  /// `prepared` as Functions has it; forgotten with its last holder.
  static std::int32_t prepare(const std::shared_ptr<Gpu>& gpu, const std::vector<Launch>& launches,
                              Executor executor, std::shared_ptr<Prepared>& prepared);
  std::int32_t repeat(Prepared& prepared, const void* steps, std::int64_t step_bytes,
                      std::int64_t count);
  std::string text(std::int32_t error) const { return functions_->text(error); }

 private:
  Gpu(const Functions* functions, int index);

  const Functions* functions_;
  Context* context_ = nullptr;
  std::mutex mutex_;
  int index_;
  std::string name_;
  pid_t process_;
};

/// The devices that are open now, as people read them: "cuda:0 (host emulation)".
std::vector<std::string> open_devices();

}  // namespace mundur::cuda

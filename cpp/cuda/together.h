#pragma once

// Many steps of a program by launches alone, the data set being there.

#include "cuda/copies.h"
#include "cuda/resolver.h"
#include "training/device.h"

namespace mundur::cuda {

/// Memory that a program works on, and where it lies.
template <class T>
struct Workspace {
  std::shared_ptr<void> mirror, scratch;
  There<T> there;
};
/// `mirror`, of `bytes`, is made unless it is there. Throws OutOfMemory.
template <class T>
Workspace<T> workspace_of(const Copies<T>& copies, const Program& program,
                          const Placement& placement, std::int64_t batch,
                          std::shared_ptr<void>& mirror, std::int64_t bytes);

/// See Device.
template <class T>
std::shared_ptr<DeviceData> hold_set(const std::shared_ptr<Gpu>& gpu, const DataSet& data,
                                     const std::vector<std::int64_t>& vocabularies);
template <class T>
std::unique_ptr<Together<T>> make_together(Copies<T>& copies, const Workspace<T>& workspace,
                                           const Program& program, const Placement& placement,
                                           const Memory<T>& memory, std::int64_t batch,
                                           const std::vector<Value>& asked,
                                           const std::vector<Value>& losses);

/// How a batch comes from such a set.
template <class T>
void load(Resolver<T>& r, const op::LoadInput& o);
template <class T>
void load(Resolver<T>& r, const op::LoadTargets& o);

/// The arrays of a set there, and the order of an epoch.
class HeldSet final : public DeviceData {
 public:
  HeldSet(std::shared_ptr<Gpu> gpu, std::int64_t samples)
      : gpu_(std::move(gpu)), samples_(samples) {}
  void add(int source, const void* data, std::int64_t bytes, std::int64_t size, ElementType type);
  void add(int source, const ArrayView& x);
  /// Room for sources up to this one, which may be missing.
  void reserve(int count) {
    sources_.resize(static_cast<std::size_t>(count), {nullptr, 0, ElementType::float32});
  }
  void finish();

  const launches::Source* sources() const {
    return static_cast<const launches::Source*>(there_.get());
  }
  /// The order that the batch is of, brought once in a native call, and with each epoch.
  template <class T>
  const std::int64_t* order(Copies<T>& copies, const Batch& batch);

 private:
  void* take(int source, std::int64_t bytes, std::int64_t size, ElementType type);
  void up(void* to, const void* from, std::int64_t bytes);

  std::shared_ptr<Gpu> gpu_;
  std::int64_t samples_;
  std::vector<std::shared_ptr<void>> arrays_;
  std::vector<launches::Source> sources_;
  std::shared_ptr<void> there_, order_;
  const std::int64_t* brought_ = nullptr;
  std::uint64_t call_ = 0;
};

}  // namespace mundur::cuda

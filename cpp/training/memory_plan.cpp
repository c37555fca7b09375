// Where the memory of a step lies: planned once for the largest batch, and used by every step
// after.

#include <algorithm>

#include "kernels/table.h"
#include "mundur/network.h"
#include "mundur/runtime.h"
#include "training/workspace.h"

namespace mundur {

template <class T>
Workspace<T>::Workspace(Workspace&& other) noexcept
    : batch(other.batch),
      workers(other.workers),
      bytes(other.bytes),
      memory(std::move(other.memory)),
      input(other.input),
      saved(std::move(other.saved)),
      output(other.output),
      gradient{other.gradient[0], other.gradient[1]},
      scratch(std::move(other.scratch)),
      mask(other.mask),
      targets(other.targets),
      labels(other.labels),
      predicted(other.predicted),
      expected(other.expected),
      weights(other.weights),
      values(other.values),
      scores(other.scores),
      activity(other.activity) {}

namespace {

/// Walks the same list of blocks twice: once to learn the size, once to place them.
class Planner {
 public:
  template <class U>
  U* take(std::int64_t count) {
    constexpr const char* kWhat = "the workspace of one batch";
    constexpr std::int64_t kLine = 64;
    const std::int64_t wanted = checked_product(count, static_cast<std::int64_t>(sizeof(U)), kWhat);
    const std::int64_t at = total_;
    total_ = checked_sum(total_, checked_sum(wanted, kLine - 1, kWhat) / kLine * kLine, kWhat);
    return base_ ? reinterpret_cast<U*>(base_ + at) : nullptr;
  }
  std::int64_t total() const { return total_; }
  void place(std::byte* base) {
    base_ = base;
    total_ = 0;
  }

 private:
  std::byte* base_ = nullptr;
  std::int64_t total_ = 0;
};

}  // namespace

template <class T>
Workspace<T> Network<T>::plan(std::int64_t batch, bool training, int workers, bool allocate) const {
  Workspace<T> space;
  space.batch = batch;
  space.workers = workers;
  std::int64_t widest = 0;
  for (const Shape& shape : shapes_) widest = std::max(widest, size_of(shape));
  // A workspace outlives a change of the instruction set.
  std::int64_t scratch_size = 0;
  for (Isa isa : available_isas()) scratch_size = std::max(scratch_size, kernels<T>(isa).scratch);
  const auto lay_out = [&](Planner& planner) {
    const auto rows = [&](const Shape& shape) {
      return checked_product(batch, size_of(shape), "the workspace of one batch");
    };
    space.input = planner.take<T>(rows(shapes_.front()));
    // Inference needs one output at a time: two buffers in turn. Training keeps all of them.
    T* turn[2] = {};
    if (!training) {
      turn[0] = planner.take<T>(rows({widest}));
      turn[1] = planner.take<T>(rows({widest}));
    }
    std::uint8_t* const mask =
        mask_size_ > 0 ? planner.take<std::uint8_t>(rows({mask_size_})) : nullptr;
    space.saved.clear();
    const T* x = space.input;
    T* last = space.input;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Saved<T> saved{x, nullptr, nullptr, masked_[i] ? mask : nullptr, training, mask_size_};
      saved.extra = planner.take<std::byte>(layers_[i]->saved_bytes(batch, training));
      if (training) {
        // Dropout passes through in an inference by hand, yet keeps a place for training.
        saved.y = layers_[i]->passes_through(true) ? last : planner.take<T>(rows(shapes_[i + 1]));
      } else {
        T* other = last == turn[0] ? turn[1] : turn[0];
        saved.y = layers_[i]->passes_through(false) ? last : other;
      }
      space.saved.push_back(saved);
      x = last = saved.y;
    }
    space.output = last;
    space.mask = masks_output() ? mask : nullptr;
    if (training) {
      space.gradient[0] = planner.take<T>(rows({widest}));
      space.gradient[1] = planner.take<T>(rows({widest}));
    }
    space.scratch.resize(static_cast<std::size_t>(workers));
    for (T*& scratch : space.scratch) scratch = planner.take<T>(scratch_size);
    space.targets = planner.take<T>(rows(shapes_.back()));
    const std::int64_t row = shapes_.back().empty() ? 1 : shapes_.back().back();
    const std::int64_t output_rows = rows(shapes_.back()) / row;
    space.labels = planner.take<std::int32_t>(output_rows);
    space.predicted = planner.take<std::int32_t>(output_rows);
    space.expected = planner.take<std::int32_t>(output_rows);
    space.weights = planner.take<T>(output_rows);
    space.values = planner.take<double>(output_rows);
    space.scores = planner.take<double>(output_rows);
    space.activity = planner.take<double>(batch);
  };
  Planner planner;
  lay_out(planner);
  space.bytes = planner.total();
  if (allocate) {
    space.memory = Buffer(space.bytes, "the workspace of one batch");
    planner.place(space.memory.template as<std::byte>());
    lay_out(planner);
  }
  return space;
}

template <class T>
std::int64_t Network<T>::workspace_bytes(std::int64_t batch, bool training) const {
  return plan(batch, training, workers_for(batch, training), false).bytes;
}

template <class T>
Workspace<T>& Network<T>::workspace(std::int64_t batch, bool training, int workers) {
  std::unique_ptr<Workspace<T>>& held = training ? training_workspace_ : inference_workspace_;
  if (!held || held->batch < batch || held->workers < workers) {
    if (training) forward_batch_ = 0;  // what forward kept goes with the old workspace
    const std::int64_t most = held ? std::max(batch, held->batch) : batch;
    held.reset();
    held = std::make_unique<Workspace<T>>(plan(most, training, workers, true));
  }
  held->finite.store(true, std::memory_order_relaxed);
  return *held;
}

template <class T>
std::vector<Workspace<T>>& Network<T>::workspaces_apart(std::int64_t batch, int workers) {
  if (apart_.size() < static_cast<std::size_t>(workers) || apart_.front().batch < batch) {
    apart_.clear();
    for (int i = 0; i < workers; ++i) apart_.push_back(plan(batch, false, 1, true));
  }
  for (Workspace<T>& space : apart_) space.finite.store(true, std::memory_order_relaxed);
  return apart_;
}

template struct Workspace<float>;
template struct Workspace<double>;
template Workspace<float> Network<float>::plan(std::int64_t, bool, int, bool) const;
template Workspace<double> Network<double>::plan(std::int64_t, bool, int, bool) const;
template std::int64_t Network<float>::workspace_bytes(std::int64_t, bool) const;
template std::int64_t Network<double>::workspace_bytes(std::int64_t, bool) const;
template Workspace<float>& Network<float>::workspace(std::int64_t, bool, int);
template Workspace<double>& Network<double>::workspace(std::int64_t, bool, int);
template std::vector<Workspace<float>>& Network<float>::workspaces_apart(std::int64_t, int);
template std::vector<Workspace<double>>& Network<double>::workspaces_apart(std::int64_t, int);

}  // namespace mundur

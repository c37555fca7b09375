#pragma once

// A program made ready for so many samples and workers: for each worker a straight list of calls
// with all addresses and sizes in them.

#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "cpu/kernels/table.h"
#include "cpu/parallel/team.h"
#include "mundur/data.h"
#include "mundur/exchange.h"
#include "mundur/memory.h"
#include "mundur/optimizers.h"
#include "program/memory.h"

namespace mundur {

/// What differs from step to step, for all workers of a team.
template <class T>
struct Now {
  const DataSet* data = nullptr;
  Batch batch{};
  std::uint64_t seed = 0;     // of the network
  std::uint64_t forward = 0;  // count of training forwards
  Update<T> update{};         // the optimizer's step
  Gathering gathering{};
  const Augmenting* augmenting = nullptr;
  // Of each output, where KeepOutputs keeps it (null: nowhere) and what LoadGradient loads.
  const std::vector<T*>* outputs = nullptr;
  const std::vector<const T*>* deltas = nullptr;
  std::atomic<bool> finite{true};  // all numbers of the inputs
  std::atomic<bool> known{true};   // all ids, of inputs or not
  Exchange* exchange = nullptr;    // of several ranks, of which each has a part of the batch
  BatchPart part{};

  void begin_checks() {
    finite.store(true, std::memory_order_relaxed);
    known.store(true, std::memory_order_relaxed);
  }
  bool passes(bool checks_finite) const {
    return known.load(std::memory_order_relaxed) &&
           (!checks_finite || finite.load(std::memory_order_relaxed));
  }
  /// The samples of the whole batch.
  std::int64_t samples() const { return exchange ? part.whole : batch.count; }
  /// The sums of all ranks' parts become those of the whole batch.
  template <class U>
  void join(U* sums, std::int64_t n) const {
    exchange->join(sums, n, part.parts);
  }
};

/// The memory that a program works on.
template <class T>
struct Memory {
  std::byte* planned = nullptr;
  T* flat[kRoles] = {};     // of each role but `planned`; sums of gradients come with each step
  std::vector<T*> scratch;  // of each worker
};

std::int64_t bytes_of(const ValueInfo& value, std::int64_t batch, std::int64_t real);
/// Bytes of scratch that each worker needs for a batch of so many samples, with any instruction
/// set.
template <class T>
std::int64_t scratch_bytes(const Program& program, std::int64_t batch);

/// Calls of one worker, one behind the other.
template <class T>
class Calls {
 public:
  template <class Work>
  void add(Work work) {
    static_assert(std::is_trivially_copyable_v<Work> && std::is_trivially_destructible_v<Work>);
    static_assert(alignof(Work) <= alignof(Head));
    constexpr std::size_t kSize =
        sizeof(Head) + (sizeof(Work) + sizeof(Head) - 1) / sizeof(Head) * sizeof(Head);
    const std::size_t at = bytes_.size();
    bytes_.resize(at + kSize / sizeof(Head));
    bytes_[at] = {[](const Head* head, Now<T>& now, Worker& worker) {
                    (*std::launder(reinterpret_cast<const Work*>(head + 1)))(now, worker);
                  },
                  kSize / sizeof(Head)};
    std::memcpy(static_cast<void*>(bytes_.data() + at + 1), &work, sizeof(Work));
  }
  void append(const Calls& more) {
    bytes_.insert(bytes_.end(), more.bytes_.begin(), more.bytes_.end());
  }
  std::size_t size() const { return bytes_.size(); }
  void run(std::size_t begin, std::size_t end, Now<T>& now, Worker& worker) const {
    const Head* const stop = bytes_.data() + end;
    for (const Head* at = bytes_.data() + begin; at != stop; at += at->size) {
      at->run(at, now, worker);
    }
  }

 private:
  struct alignas(16) Head {
    void (*run)(const Head*, Now<T>&, Worker&);
    std::size_t size;
  };
  std::vector<Head> bytes_;
};

template <class T>
class Plan {
 public:
  Plan(const Program& program, const Placement& placement, const Memory<T>& memory,
       std::int64_t batch, int workers, const Kernels<T>& kernels);
  /// Of one worker that calls for whoever computes: one piece for each stretch, with its calls up
  /// to those ends. `owned` lives as long.
  Plan(Calls<T> calls, std::vector<std::size_t> ends, std::shared_ptr<void> owned)
      : calls_{std::move(calls)}, ends_{std::move(ends)}, owned_(std::move(owned)) {
    for (std::size_t i = 1; i <= ends_.front().size(); ++i) pieces_.push_back(i);
  }

  /// All workers of the team run the stretches in [begin, end), and meet between them.
  void run(std::size_t begin, std::size_t end, Now<T>& now, Worker& worker) const {
    std::size_t piece = begin == 0 ? 0 : pieces_until(begin - 1);
    const std::size_t last = pieces_until(end - 1);
    if (worker.count() == 1)
      return calls_[0].run(begin_of(0, piece), ends_[0][last - 1], now, worker);
    run_piece(piece, now, worker);
    while (++piece != last) {
      worker.barrier();
      run_piece(piece, now, worker);
    }
  }
  /// What a worker does without waiting for others: a stretch is pieces with barriers between them.
  void run_piece(std::size_t piece, Now<T>& now, Worker& worker) const {
    const auto own = static_cast<std::size_t>(worker.index());
    calls_[own].run(begin_of(own, piece), ends_[own][piece], now, worker);
  }
  /// Pieces of the stretches up to this one.
  std::size_t pieces_until(std::size_t stretch) const { return pieces_[stretch]; }

 private:
  std::size_t begin_of(std::size_t own, std::size_t piece) const {
    return piece == 0 ? 0 : ends_[own][piece - 1];
  }
  std::vector<Calls<T>> calls_;                 // of each worker
  std::vector<std::vector<std::size_t>> ends_;  // of each worker's calls of each piece
  std::vector<std::size_t> pieces_;             // up to each stretch
  std::shared_ptr<void> owned_;
};

}  // namespace mundur

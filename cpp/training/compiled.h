#pragma once

// Programs of a network, with memory behind them.

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "cpu/plan.h"
#include "mundur/network.h"
#include "mundur/training.h"
#include "training/device.h"

namespace mundur {

/// What a program compares an output with; without a loss: with nothing.
struct Comparison {
  std::optional<LossRule> loss{};
  double weight = 1.0;  // of the loss, in the sum of all
  bool reads_targets = false;
  const OutsideLoss* outside = nullptr;  // who computes the loss, if not the core
  std::uint64_t serial = 0;
  bool weighted = false;  // the set has weights
  std::vector<Metric> metrics{};
  bool operator==(const Comparison&) const = default;

  Comparison(const Objective& objective);
};

/// What a program of a network is for.
struct Purpose {
  bool training = false;  // layers work as in training: dropout, batch statistics
  bool backward = false;
  bool by_hand = false;  // ∂L/∂y comes from outside, ∂L/∂x is wanted, and it may come twice
  bool watched = false;  // values of layers stay, to be read by name
  bool asked_for_outputs = false;
  bool augments = false;
  std::vector<Comparison> compares{};  // each output; or none
  enum class Updates { none, at_once, at_end } updates = Updates::none;
  bool sums = false;         // gradients of several steps, before an update
  bool clips = false;        // by norms of them
  bool whole = false;        // the rule looks at whole parameters
  bool asks_update = false;  // of a rule that the core does not compute
  bool is_part = false;      // samples are a part of each batch
  bool alone = false;        // nothing but the updates, from the gradients as they stand
  bool operator==(const Purpose&) const = default;

  /// Whether the set has weights.
  void weigh(const DataSet& data);
  /// Those that have a loss.
  std::vector<std::size_t> compared() const;
};

/// The values of a program that others look at; any may be missing.
struct Ports {
  struct Output {
    Value p;
    Value y, labels, weights, mask;     // of the rows of p that a loss tells apart
    Value values, predicted, expected;  // losses, weighted, or their mean; where the maxima stand
    Value loss, weight, rows;  // where samples are a part of a batch, its sums of values, weights
                               // and mask
  };
  std::vector<Value> x, dx;  // of each input
  std::vector<Output> outputs;
  Value activity, penalties;  // of each sample; of each piece of the parameters
  Value active;               // of a whole batch: see Output
};

/// Memory that programs share, one after another.
template <class T>
struct Arena {
  Buffer memory;
  std::int64_t planned = 0, scratch = 0;  // bytes of a program's values; of each worker
  int workers = 0;
  std::uint64_t generation = 0;  // grows whenever the memory is another
  std::shared_ptr<void> mirror;  // a device's copy of the values, if there is one

  void reserve(std::int64_t planned_bytes, std::int64_t scratch_bytes, int for_workers);
  Memory<T> at(Network<T>& network);
  std::int64_t bytes() const { return planned + scratch * workers; }
};

/// Samples that an inference takes at once where a worker takes its own.
constexpr std::int64_t kLeastApart = 16, kMostApart = 256;
/// How it takes batches of the caller's.
struct Bundle {
  std::int64_t samples;  // at once, at most; whole batches, where there are several
  bool together;         // by all workers: the weights are more than a cache of one's own holds
};

template <class T>
class Compiled {
 public:
  /// In the network's arena for its purpose, and for that lane.
  Compiled(Network<T>& network, Purpose purpose, std::size_t lane = 0);

  const Program& program() const { return program_; }
  const Ports& ports() const { return ports_; }
  const Purpose& purpose() const { return purpose_; }
  std::size_t lane() const { return lane_; }
  Network<T>& network() { return network_; }
  /// Whether the network is still what it was compiled for.
  bool is_current() const { return version_ == network_.version(); }
  /// Makes room for batches of up to so many samples. Throws OutOfMemory.
  void reserve(std::int64_t batch, int workers);
  std::int64_t bytes(std::int64_t batch, int workers) const;
  /// Batches are bundled so that weights are read once for several: for a lane, where what they
  /// make takes no more memory than the weights, and none lasts long.
  Bundle bundle(std::int64_t batch, std::int64_t left) const;
  /// How many of so many samples a worker takes at once by itself: what they make stays in its
  /// cache from layer to layer, unless the weights, which each time are read again, take more.
  std::int64_t in_cache(std::int64_t most) const;
  /// The plan of so many samples and workers; made unless it is there.
  const Plan<T>& plan(std::int64_t batch, int workers);
  /// The same for a device that has the data set; null where the host has a part in a step.
  Together<T>* together(std::int64_t batch);
  template <class U = T>
  U* at(Value value) const {
    if (!value) return nullptr;
    return reinterpret_cast<U*>(planned_ +
                                placement_.offsets[static_cast<std::size_t>(value.index)]);
  }
  std::uint64_t generation() const { return arena_.generation; }
  std::int64_t capacity() const { return capacity_; }
  /// Whether values lie where another program has them.
  bool lies_as(const Compiled& other) const {
    return placement_.offsets == other.placement_.offsets && planned_ == other.planned_;
  }

 private:
  Placement place(std::int64_t batch) const;
  void forget_plans() {
    plans_.clear();
    together_.clear();
  }

  Network<T>& network_;
  Purpose purpose_;
  std::size_t lane_;
  Ports ports_;
  Program program_;
  std::uint64_t version_;
  Arena<T>& arena_;
  std::int64_t capacity_ = -1, scratch_ = 0;
  Placement placement_;
  std::byte* planned_ = nullptr;
  std::uint64_t generation_ = 0;
  struct Key {
    std::int64_t batch;
    int workers;
    Isa isa;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, Plan<T>> plans_;
  std::map<std::int64_t, std::unique_ptr<Together<T>>> together_;  // of so many samples
};

}  // namespace mundur

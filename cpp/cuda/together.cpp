// Many steps together: one list of launches, repeated by whichever executor is the fastest, for
// constants that differ from step to step.

#include "cuda/together.h"

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace mundur::cuda {
namespace {

constexpr int kExecutorCount = 3;
constexpr const char* kStepsAtWork = "what steps leave until the host looks";

/// Who runs a list: each has a try of a few steps, twice, since the first one makes things ready;
/// then the fastest does. MUNDUR_CUDA_EXECUTOR names one.
class Choice {
 public:
  static constexpr std::int64_t kTried = 2 * kRecorded;  // steps of a try

  Choice() {
    const char* const told = std::getenv("MUNDUR_CUDA_EXECUTOR");
    if (!told || *told == '\0') return;
    for (int i = 0; i < kExecutorCount; ++i) {
      if (std::string_view(told) == kExecutors[i]) told_ = i;
    }
    if (told_ >= 0) return;
    throw std::runtime_error("MUNDUR_CUDA_EXECUTOR: expected launches, graph or persistent, got " +
                             std::string(told));
  }

  bool is_told() const { return told_ >= 0; }
  bool is_trying() const {
    if (is_told()) return false;
    return std::any_of(std::begin(all_), std::end(all_),
                       [](const One& one) { return !one.lacks && one.tries < kTries; });
  }
  Executor now() const {
    if (is_told()) return static_cast<Executor>(told_);
    int best = 0;
    for (int i = 0; i < kExecutorCount; ++i) {
      if (all_[i].lacks) continue;
      if (all_[i].tries < kTries) return static_cast<Executor>(i);
      if (all_[i].seconds < all_[best].seconds) best = i;
    }
    return static_cast<Executor>(best);
  }
  void lacks(Executor executor) { all_[static_cast<int>(executor)].lacks = true; }
  /// So long each of so many steps took.
  void record(Executor executor, double seconds, std::int64_t steps) {
    if (steps < steps_) return;
    if (steps_ < kTried && steps >= 2 * steps_) {  // fewer tell little
      for (One& one : all_) one.tries = 0;
      steps_ = steps;
    }
    One& one = all_[static_cast<int>(executor)];
    one.seconds = one.tries == 0 ? seconds : std::min(one.seconds, seconds);
    ++one.tries;
  }

 private:
  static constexpr int kTries = 2;
  struct One {
    bool lacks = false;
    int tries = 0;
    double seconds = 0.0;
  };
  One all_[kExecutorCount];
  int told_ = -1;
  std::int64_t steps_ = 1;  // of the tries that count
};

/// The launches of a whole step.
template <class T>
class Listing {
 public:
  Listing(const Program& program, const Placement& placement, const There<T>& there,
          std::int64_t batch, List<T>& list)
      : program_(program), list_(list), placement_(placement), there_(there), batch_(batch) {}

  /// `judging` stands behind forward.
  void add(const std::vector<Launch>& judging) {
    bool is_forward = true;
    const auto judge = [&] {
      if (is_forward) {
        list_.launches.insert(list_.launches.end(), judging.begin(), judging.end());
      }
      is_forward = false;
    };
    for (const Stretch& stretch : program_.stretches) {
      if (stretch.stage == Stage::backward || stretch.stage == Stage::update) judge();
      for (std::size_t i = stretch.begin; i < stretch.end; ++i) add(program_.operations[i]);
    }
    judge();
  }

 private:
  void add(const Operation& operation) {
    list_.note(program_, Accesses(operation).all);
    std::visit(
        [&]<class Op>(const Op& one) {
          Resolver<T> r(program_, placement_, there_, batch_, list_.launches);
          if constexpr (is_device<Op>) resolve(r, one);
          if constexpr (std::is_same_v<Op, op::LoadInput> || std::is_same_v<Op, op::LoadTargets>) {
            load(r, one);
          }
        },
        operation);
  }

  const Program& program_;
  List<T>& list_;
  const Placement& placement_;
  const There<T>& there_;
  std::int64_t batch_;
};

/// Of a set that the device has, no number has to be cleared.
bool is_step_of_launches(const Program& program) {
  return std::all_of(
      program.operations.begin(), program.operations.end(), [](const Operation& operation) {
        return std::visit(
            []<class Op>(const Op&) {
              return is_device<Op> || std::is_same_v<Op, op::LoadInput> ||
                     std::is_same_v<Op, op::LoadTargets> || std::is_same_v<Op, op::ClearUnweighted>;
            },
            operation);
      });
}

template <class T>
class Steps final : public Together<T> {
 public:
  Steps(Copies<T>& copies, const Workspace<T>& workspace, const Program& program,
        const Placement& placement, const Memory<T>& memory, std::int64_t batch,
        const std::vector<Value>& asked, const std::vector<Value>& losses)
      : copies_(copies), workspace_(workspace) {
    find_kept(program, placement, memory, batch, asked);
    most_ = std::clamp<std::int64_t>(kMostBytes / std::max<std::int64_t>(1, 8 * each_), 1, kMost);
    there_ = Gpu::take(copies.gpu(), (1 + most_ * each_) * 8, kStepsAtWork);
    kept_.resize(static_cast<std::size_t>(most_ * each_));
    std::vector<Launch> judging = keeping();
    Resolver<T> r(program, placement, workspace_.there, batch, judging);
    for (Value loss : losses) {
      const std::int64_t n = r.size(loss);
      r.each(n, launches::StopUnlessFinite<T>{r.template at<double>(loss), nullptr, n});
    }
    Listing<T>(program, placement, workspace_.there, batch, list_).add(judging);
  }

  std::int64_t most(double seconds) const override {
    if (choice_.is_trying() || seconds_ == 0.0) return std::min(most_, Choice::kTried);
    const double fit = std::min(seconds / seconds_, static_cast<double>(most_));
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(fit));
  }

  void add(const Now<T>& now, DeviceData& data) override {
    auto& set = static_cast<HeldSet&>(data);
    launches::Step<T>& step = steps_.emplace_back(copies_.step_of(list_, now));
    step.sources = set.sources();
    step.order = set.order(copies_, now.batch);
    step.begin = now.batch.begin;
    step.turn = std::ssize(steps_) - 1;
    step.stopped = static_cast<std::int32_t*>(there_.get());
  }

  void run() override {
    const auto count = std::ssize(steps_);
    const Executor executor = ready();
    const auto begin = std::chrono::steady_clock::now();
    const std::int64_t none = 0;
    copies_.up(there_.get(), &none, sizeof none);
    if (!copies_.failed()) {
      copies_.check(copies_.gpu()->repeat(*prepared_[static_cast<int>(executor)], steps_.data(),
                                          sizeof(launches::Step<T>), count));
    }
    copies_.down(kept_.data(), first_kept(), count * each_ * 8);
    steps_.clear();
    copies_.require_success();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    seconds_ = took.count() / static_cast<double>(count);
    choice_.record(executor, seconds_, count);
  }

  void show(std::int64_t step) override {
    const std::uint64_t* from = kept_.data() + step * each_;
    for (const Piece& piece : pieces_) {
      std::memcpy(piece.to, from, static_cast<std::size_t>(piece.bytes));
      from += piece.words();
    }
  }

 private:
  static constexpr std::int64_t kMostBytes = 4 << 20, kMost = 512;
  struct Piece {
    std::byte *to, *from;
    std::int64_t bytes;
    std::int64_t words() const { return (bytes + 7) / 8; }  // memory is planned in whole lines
  };

  void find_kept(const Program& program, const Placement& placement, const Memory<T>& memory,
                 std::int64_t batch, const std::vector<Value>& asked) {
    for (Value value : asked) {
      const std::int64_t offset = placement.offsets[static_cast<std::size_t>(value.index)];
      const std::int64_t bytes = bytes_of(program[value], batch, sizeof(T));
      pieces_.push_back({memory.planned + offset, workspace_.there.planned + offset, bytes});
      each_ += pieces_.back().words();
    }
  }
  /// Behind the word that says whether a step stopped all.
  std::uint64_t* first_kept() const { return static_cast<std::uint64_t*>(there_.get()) + 1; }

  std::vector<Launch> keeping() const {
    std::vector<Launch> launches;
    std::uint64_t* to = first_kept();
    for (std::size_t first = 0; first < pieces_.size(); first += launches::kMostKept) {
      launches::Keep<T> keep{{}, to, each_, 0};
      std::int64_t words = 0;
      for (std::size_t i = first; i < pieces_.size() && keep.count < launches::kMostKept; ++i) {
        const Piece& piece = pieces_[i];
        keep.kept[keep.count++] = {reinterpret_cast<const std::uint64_t*>(piece.from),
                                   piece.words()};
        words += piece.words();
      }
      if (words > 0) launches.push_back(launch_of<T>(keep, words));
      to += words;
    }
    return launches;
  }

  /// Who runs the list now, made ready.
  Executor ready() {
    for (;;) {
      const Executor executor = choice_.now();
      std::shared_ptr<Prepared>& prepared = prepared_[static_cast<int>(executor)];
      if (prepared) return executor;
      copies_.check(Gpu::prepare(copies_.gpu(), list_.launches, executor, prepared));
      copies_.require_success();
      if (prepared) return executor;
      if (choice_.is_told()) {
        throw std::runtime_error(std::string("MUNDUR_CUDA_EXECUTOR: ") +
                                 kExecutors[static_cast<int>(executor)] +
                                 " does not have all that this network needs");
      }
      choice_.lacks(executor);
    }
  }

  Copies<T>& copies_;
  Workspace<T> workspace_;
  List<T> list_;
  std::vector<Piece> pieces_;
  std::int64_t each_ = 0;  // words that a step leaves
  std::int64_t most_ = 1;
  std::shared_ptr<void> there_;
  std::vector<std::uint64_t> kept_;
  std::vector<launches::Step<T>> steps_;
  Choice choice_;
  std::shared_ptr<Prepared> prepared_[kExecutorCount];
  double seconds_ = 0.0;  // that a step took
};

/// The most that one operation of the program needs for itself.
template <class T>
std::int64_t scratch_of(const Program& program, const Placement& placement, std::int64_t batch) {
  std::int64_t most = 0;
  const There<T> nowhere;
  for (const Operation& operation : program.operations) {
    std::visit(
        [&]<class Op>(const Op& one) {
          if constexpr (is_device<Op>) {
            std::vector<Launch> launches;
            Resolver<T> resolver(program, placement, nowhere, batch, launches);
            resolve(resolver, one);
            most = std::max(most, resolver.scratch_bytes());
          }
        },
        operation);
  }
  return most;
}

}  // namespace

template <class T>
Workspace<T> workspace_of(const Copies<T>& copies, const Program& program,
                          const Placement& placement, std::int64_t batch,
                          std::shared_ptr<void>& mirror, std::int64_t bytes) {
  constexpr const char* kWhat = "the workspace of one batch";
  if (!mirror) mirror = Gpu::take(copies.gpu(), bytes, kWhat);
  Workspace<T> made;
  made.mirror = mirror;
  const std::int64_t scratch = scratch_of<T>(program, placement, batch);
  if (scratch > 0) made.scratch = Gpu::take(copies.gpu(), scratch, kWhat);
  made.there.planned = static_cast<std::byte*>(made.mirror.get());
  made.there.scratch = static_cast<std::byte*>(made.scratch.get());
  for (int role = 0; role < kRoles; ++role) made.there.flat[role] = copies.flat(role);
  return made;
}

template <class T>
std::unique_ptr<Together<T>> make_together(Copies<T>& copies, const Workspace<T>& workspace,
                                           const Program& program, const Placement& placement,
                                           const Memory<T>& memory, std::int64_t batch,
                                           const std::vector<Value>& asked,
                                           const std::vector<Value>& losses) {
  if (!is_step_of_launches(program)) return nullptr;
  return std::make_unique<Steps<T>>(copies, workspace, program, placement, memory, batch, asked,
                                    losses);
}

#define MUNDUR_TOGETHER(T)                                                                 \
  template Workspace<T> workspace_of(const Copies<T>&, const Program&, const Placement&,   \
                                     std::int64_t, std::shared_ptr<void>&, std::int64_t);  \
  template std::unique_ptr<Together<T>> make_together(                                     \
      Copies<T>&, const Workspace<T>&, const Program&, const Placement&, const Memory<T>&, \
      std::int64_t, const std::vector<Value>&, const std::vector<Value>&);
MUNDUR_TOGETHER(float)
MUNDUR_TOGETHER(double)
#undef MUNDUR_TOGETHER

}  // namespace mundur::cuda

// A network on a device: what of the host's memory has a copy there, and plans, which are lists of
// launches between the CPU's own calls.

#include "cuda/session.h"

#include <deque>
#include <map>

#include "cpu/resolver.h"
#include "cuda/resolver.h"

namespace mundur::cuda {
namespace {

// ---- what there is ------------------------------------------------------------------------------

template <class Op>
constexpr bool is_host = false;
#define MUNDUR_IS_HOST(Op) \
  template <>              \
  constexpr bool is_host<op::Op> = true;
MUNDUR_HOST_OPERATIONS(MUNDUR_IS_HOST)
#undef MUNDUR_IS_HOST

template <class Op>
constexpr bool is_device = false;
#define MUNDUR_IS_DEVICE(Op) \
  template <>                \
  constexpr bool is_device<op::Op> = true;
MUNDUR_CUDA_OPERATIONS(MUNDUR_IS_DEVICE)
#undef MUNDUR_IS_DEVICE

template <class Op>
const char* name_of_operation(const Op&);
#define MUNDUR_NAMED(Op)                         \
  template <>                                    \
  const char* name_of_operation(const op::Op&) { \
    return #Op;                                  \
  }
MUNDUR_OPERATIONS(MUNDUR_NAMED)
#undef MUNDUR_NAMED

#define MUNDUR_LISTED(Op) ", " #Op
constexpr const char* kThere = (MUNDUR_CUDA_OPERATIONS(MUNDUR_LISTED)) + 2;
#undef MUNDUR_LISTED

bool is_custom(const Operation& operation) {
  const auto* const activate = std::get_if<op::Activate>(&operation);
  return activate && activate->f.custom;
}

void require_operation(const Program& program, const Operation& operation) {
  const std::vector<Access> all = Accesses(operation).all;
  const std::string of = all.empty() ? "" : " (of \"" + program[all.front().value].name + "\")";
  if (is_custom(operation)) {
    throw NotSupported("device: an activation written in Python" + of +
                       " runs on the CPU only; use device=\"cpu\"");
  }
  const bool there =
      std::visit([]<class Op>(const Op&) { return is_host<Op> || is_device<Op>; }, operation);
  if (there) return;
  if (std::holds_alternative<op::AskLoss>(operation)) {
    throw NotSupported(
        "device: a loss written in Python runs on the CPU only; use device=\"cpu\", or a loss of "
        "mundur.losses");
  }
  const bool asks_layer = std::holds_alternative<op::AskLayer>(operation) ||
                          std::holds_alternative<op::AskLayerDx>(operation);
  if (asks_layer || std::holds_alternative<op::AskUpdate>(operation)) {
    throw NotSupported(std::string("device: ") + (asks_layer ? "a layer" : "an optimizer") +
                       " written in Python" + (asks_layer ? of : "") +
                       " runs on the CPU only; use device=\"cpu\"");
  }
  const char* const name =
      std::visit([](const auto& one) { return name_of_operation(one); }, operation);
  throw NotSupported("device: \"cuda\" does not have the operation " + std::string(name) + of +
                     " yet; use device=\"cpu\". It has " + kThere);
}

// ---- copies -------------------------------------------------------------------------------------

/// A vector of the host's and its copy.
template <class T>
struct Mirror {
  T* host = nullptr;
  std::int64_t size = 0;
  std::shared_ptr<void> there;
  bool fresh = false, changed = false;  // within a native call

  std::int64_t bytes() const { return size * static_cast<std::int64_t>(sizeof(T)); }
  T* data() const { return static_cast<T*>(there.get()); }
};

/// Launches between two of the host's own calls.
template <class T>
struct List {
  std::vector<Launch> launches;
  bool uses[kRoles] = {}, changes[kRoles] = {};
  /// Whether the optimizer's step is in it.
  bool updates() const {
    return uses[static_cast<int>(Role::sum)] || changes[static_cast<int>(Role::parameter)];
  }
};

template <class T>
class Session final : public Device<T> {
 public:
  Session(std::shared_ptr<Gpu> gpu, const Flat<T> (&flat)[kRoles]) : gpu_(std::move(gpu)) {
    for (int role = 0; role < kRoles; ++role) {
      flats_[role].host = flat[role].values;
      flats_[role].size = flat[role].size;
      if (flat[role].size > 0) take(flats_[role]);
    }
  }

  void require(const Program& program) const override {
    for (const Operation& operation : program.operations) require_operation(program, operation);
  }
  Plan<T> plan(const Program& program, const Placement& placement, const Memory<T>& memory,
               std::int64_t batch, std::shared_ptr<void>& mirror, std::int64_t bytes) override;
  void begin() override {
    gpu_->require_process();
    failure_.clear();
    for (Mirror<T>& flat : flats_) flat.fresh = flat.changed = false;
    for (auto& [host, slot] : slots_) slot.fresh = slot.changed = false;
  }
  void end() override {
    for (Mirror<T>& flat : flats_) bring_back(flat);
    for (auto& [host, slot] : slots_) bring_back(slot);
    std::erase_if(slots_, [](const auto& one) { return !one.second.fresh; });
    if (failure_.empty()) return;
    throw std::runtime_error("device: cuda:" + std::to_string(gpu_->index()) + " (" + gpu_->name() +
                             ") failed: " + failure_);
  }

  // ---- what plans call; behind a failure none does anything, and the call's end tells
  void up(void* to, const void* from, std::int64_t bytes) {
    if (failure_.empty()) check(gpu_->up(to, from, bytes));
  }
  void down(void* to, const void* from, std::int64_t bytes) {
    if (failure_.empty()) check(gpu_->down(to, from, bytes));
  }
  void run(const List<T>& list, const Now<T>& now);

 private:
  void take(Mirror<T>& mirror) {
    mirror.there = Gpu::take(gpu_, mirror.bytes(), "the model and its optimizer");
  }
  void check(std::int32_t error) {
    if (error != 0) failure_ = gpu_->text(error);
  }
  void bring(Mirror<T>& mirror) {
    if (!mirror.fresh) up(mirror.data(), mirror.host, mirror.bytes());
    mirror.fresh = true;
  }
  void bring_back(Mirror<T>& mirror) {
    if (mirror.changed) down(mirror.host, mirror.data(), mirror.bytes());
    mirror.changed = false;
  }
  /// Of state that an update changes; null: none.
  T* slot(T* host);
  launches::Step<T> step_of(const List<T>& list, const Now<T>& now);

  std::shared_ptr<Gpu> gpu_;
  Mirror<T> flats_[kRoles];  // empty: planned, and sums, which are slots
  std::map<T*, Mirror<T>> slots_;
  std::string failure_;  // what went wrong first within the call
};

template <class T>
T* Session<T>::slot(T* host) {
  if (!host) return nullptr;
  Mirror<T>& mirror = slots_[host];
  if (!mirror.there) {
    mirror.host = host;
    mirror.size = flats_[static_cast<int>(Role::parameter)].size;
    try {
      take(mirror);
    } catch (const OutOfMemory& error) {  // a step must not throw
      failure_ = error.what();
      return nullptr;
    }
  }
  bring(mirror);
  mirror.changed = true;
  return mirror.data();
}

template <class T>
launches::Step<T> Session<T>::step_of(const List<T>& list, const Now<T>& now) {
  launches::Step<T> step;
  step.seed = now.seed;
  step.forward = now.forward;
  step.samples = now.samples();
  if (!list.updates()) return step;
  step.update = now.update;
  step.update.w = flats_[static_cast<int>(Role::parameter)].data();
  for (T*& state : step.update.state) state = slot(state);
  step.update.average = slot(now.update.average);
  step.sum = slot(static_cast<T*>(now.gathering.sum));
  step.clipnorm = now.gathering.clipnorm;
  step.global_clipnorm = now.gathering.global_clipnorm;
  step.updates = now.gathering.updates;
  return step;
}

template <class T>
void Session<T>::run(const List<T>& list, const Now<T>& now) {
  if (!failure_.empty()) return;
  for (int role = 0; role < kRoles; ++role) {
    Mirror<T>& flat = flats_[role];
    if (!flat.there || !list.uses[role]) continue;
    bring(flat);
    flat.changed |= list.changes[role];
  }
  const launches::Step<T> step = step_of(list, now);
  if (!failure_.empty()) return;
  check(gpu_->run(list.launches.data(), std::ssize(list.launches), &step, sizeof step));
}

// ---- plans --------------------------------------------------------------------------------------

/// What calls of a plan point to.
template <class T>
struct Owned {
  std::deque<List<T>> lists;
  std::shared_ptr<void> mirror, scratch;
};

/// Lays out one plan. Where the fresh copy of each value is, is known at each operation.
template <class T>
class Layout {
 public:
  Layout(Session<T>& session, const Program& program, const Placement& placement,
         const Memory<T>& memory, const There<T>& there, std::int64_t batch, Owned<T>& owned)
      : session_(session),
        program_(program),
        placement_(placement),
        memory_(memory),
        there_(there),
        batch_(batch),
        owned_(owned),
        on_host_(program.values.size()),
        on_device_(program.values.size()) {
    kept_.insert(kept_.end(), program.kept.begin(), program.kept.end());
    for (const auto& [name, value] : program.names) kept_.push_back(value);
  }

  Plan<T> plan(std::shared_ptr<void> owned) {
    std::vector<std::size_t> ends;
    for (const Stretch& stretch : program_.stretches) {
      for (std::size_t i = stretch.begin; i < stretch.end; ++i) add(program_.operations[i]);
      for (Value value : kept_) need(value, on_host_, on_device_, true);
      flush();
      ends.push_back(calls_.size());
    }
    return Plan<T>(std::move(calls_), std::move(ends), std::move(owned));
  }

 private:
  using Flags = std::vector<bool>;

  void add(const Operation& operation) {
    std::visit(
        [&]<class Op>(const Op& one) {
          const std::vector<Access> accesses = Accesses(operation).all;
          if constexpr (is_host<Op>) {
            note(accesses, on_host_, on_device_, true);
            flush();
            add_host(one);
          } else if constexpr (is_device<Op>) {
            note(accesses, on_device_, on_host_, false);
            add_device(one, accesses);
          }
        },
        operation);
  }

  std::size_t root(Value value) const {
    return static_cast<std::size_t>(program_.root(value).index);
  }
  bool is_planned(Value value) const {
    return program_[program_.root(value)].role == Role::planned;
  }

  /// The operation reads what is fresh `here`, and leaves what it writes fresh here alone.
  void note(const std::vector<Access>& accesses, Flags& here, Flags& other, bool to_host) {
    for (const Access& access : accesses) {
      if (access.kind != Access::Kind::write) need(access.value, here, other, to_host);
    }
    for (const Access& access : accesses) {
      if (access.kind == Access::Kind::read || !is_planned(access.value)) continue;
      here[root(access.value)] = true;
      other[root(access.value)] = false;
    }
  }
  void need(Value value, Flags& here, Flags& other, bool to_host) {
    if (!is_planned(value)) return;
    const std::size_t at = root(value);
    if (here[at] || !other[at]) return;
    flush();
    const std::int64_t bytes = bytes_of(program_.values[at], batch_, sizeof(T));
    std::byte* const host = memory_.planned + placement_.offsets[at];
    std::byte* const device = there_.planned + placement_.offsets[at];
    calls_.add([=, session = &session_](Now<T>&, Worker&) {
      to_host ? session->down(host, device, bytes) : session->up(device, host, bytes);
    });
    here[at] = true;
  }

  template <class Op>
  void add_host(const Op& one) {
    Touches touches;
    touches.begin_worker();
    mundur::Resolver<T> resolver(program_, placement_, memory_, batch_, kernels<T>(), touches,
                                 Member(0, 1), calls_);
    mundur::resolve(resolver, one);
  }
  template <class Op>
  void add_device(const Op& one, const std::vector<Access>& accesses) {
    if (!open_) open_ = &owned_.lists.emplace_back();
    for (const Access& access : accesses) {
      const auto role = static_cast<std::size_t>(program_[program_.root(access.value)].role);
      open_->uses[role] = true;
      open_->changes[role] |= access.kind != Access::Kind::read;
    }
    Resolver<T> resolver(program_, placement_, there_, batch_, open_->launches);
    resolve(resolver, one);
  }
  void flush() {
    if (!open_) return;
    calls_.add(
        [session = &session_, list = open_](Now<T>& now, Worker&) { session->run(*list, now); });
    open_ = nullptr;
  }

  Session<T>& session_;
  const Program& program_;
  const Placement& placement_;
  const Memory<T>& memory_;
  const There<T>& there_;
  std::int64_t batch_;
  Owned<T>& owned_;
  Flags on_host_, on_device_;
  std::vector<Value> kept_;
  Calls<T> calls_;
  List<T>* open_ = nullptr;
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

template <class T>
Plan<T> Session<T>::plan(const Program& program, const Placement& placement,
                         const Memory<T>& memory, std::int64_t batch, std::shared_ptr<void>& mirror,
                         std::int64_t bytes) {
  constexpr const char* kWhat = "the workspace of one batch";
  if (!mirror) mirror = Gpu::take(gpu_, bytes, kWhat);
  const auto owned = std::make_shared<Owned<T>>();
  owned->mirror = mirror;
  const std::int64_t scratch = scratch_of<T>(program, placement, batch);
  if (scratch > 0) owned->scratch = Gpu::take(gpu_, scratch, kWhat);
  There<T> there;
  there.planned = static_cast<std::byte*>(mirror.get());
  there.scratch = static_cast<std::byte*>(owned->scratch.get());
  for (int role = 0; role < kRoles; ++role) there.flat[role] = flats_[role].data();
  return Layout<T>(*this, program, placement, memory, there, batch, *owned).plan(owned);
}

}  // namespace

template <class T>
std::unique_ptr<Device<T>> make_session(std::shared_ptr<Gpu> gpu, const Flat<T> (&flat)[kRoles]) {
  return std::make_unique<Session<T>>(std::move(gpu), flat);
}
template std::unique_ptr<Device<float>> make_session(std::shared_ptr<Gpu>,
                                                     const Flat<float> (&)[kRoles]);
template std::unique_ptr<Device<double>> make_session(std::shared_ptr<Gpu>,
                                                      const Flat<double> (&)[kRoles]);

}  // namespace mundur::cuda

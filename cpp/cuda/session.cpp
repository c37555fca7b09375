// A network on a device: what runs there, and plans, which are lists of launches between the CPU's
// own calls.

#include "cuda/session.h"

#include <deque>

#include "cpu/resolver.h"
#include "cuda/batch_losses.h"
#include "cuda/together.h"

namespace mundur::cuda {
namespace {

// ---- what there is ------------------------------------------------------------------------------

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

/// The loss, if its formula is known.
const KnownLoss* known_loss(const op::AskLoss& operation) {
  const auto* const loss = dynamic_cast<const KnownLoss*>(operation.loss);
  return loss && loss->formula() ? loss : nullptr;
}

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
  if (const auto* const ask = std::get_if<op::AskLoss>(&operation)) {
    if (known_loss(*ask)) return;
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

// ---- plans --------------------------------------------------------------------------------------

template <class T>
class Session final : public Device<T> {
 public:
  Session(std::shared_ptr<Gpu> gpu, const Flat<T> (&flat)[kRoles])
      : copies_(std::move(gpu), flat) {}

  void require(const Program& program) const override {
    for (const Operation& operation : program.operations) require_operation(program, operation);
  }
  Plan<T> plan(const Program& program, const Placement& placement, const Memory<T>& memory,
               std::int64_t batch, std::shared_ptr<void>& mirror, std::int64_t bytes) override;
  std::shared_ptr<DeviceData> hold(const DataSet& data,
                                   const std::vector<std::int64_t>& vocabularies) override {
    return hold_set<T>(copies_.gpu(), data, vocabularies);
  }
  std::unique_ptr<Together<T>> together(const Program& program, const Placement& placement,
                                        const Memory<T>& memory, std::int64_t batch,
                                        std::shared_ptr<void>& mirror, std::int64_t bytes,
                                        const std::vector<Value>& asked,
                                        const std::vector<Value>& losses) override {
    const Workspace<T> workspace = workspace_of(copies_, program, placement, batch, mirror, bytes);
    return make_together<T>(copies_, workspace, program, placement, memory, batch, asked, losses);
  }
  void keep_start(const std::vector<T*>& slots) override { copies_.keep_start(slots); }
  void restore_start() override { copies_.restore_start(); }
  bool all_finite() override { return copies_.all_finite(); }
  void begin() override { copies_.begin(); }
  void end() override { copies_.end(); }

 private:
  Copies<T> copies_;
};

/// What calls of a plan point to.
template <class T>
struct Owned {
  std::deque<List<T>> lists;
  std::deque<BatchLoss<T>> losses;
  Workspace<T> workspace;
};

/// Lays out one plan. Where the fresh copy of each value is, is known at each operation.
template <class T>
class Layout {
 public:
  Layout(Copies<T>& copies, const Program& program, const Placement& placement,
         const Memory<T>& memory, std::int64_t batch, Owned<T>& owned)
      : copies_(copies),
        program_(program),
        placement_(placement),
        memory_(memory),
        there_(owned.workspace.there),
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
          } else if constexpr (std::is_same_v<Op, op::AskLoss>) {
            add_loss(one);
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
      if (access.kind != Access::Kind::read) change(access.value, here, other);
    }
  }
  void change(Value value, Flags& here, Flags& other) {
    if (!is_planned(value)) return;
    here[root(value)] = true;
    other[root(value)] = false;
  }
  void need(Value value, Flags& here, Flags& other, bool to_host) {
    if (!is_planned(value)) return;
    const std::size_t at = root(value);
    if (here[at] || !other[at]) return;
    flush();
    const std::int64_t bytes = bytes_of(program_.values[at], batch_, sizeof(T));
    std::byte* const host = memory_.planned + placement_.offsets[at];
    std::byte* const device = there_.planned + placement_.offsets[at];
    calls_.add([=, copies = &copies_](Now<T>&, Worker&) {
      to_host ? copies->down(host, device, bytes) : copies->up(device, host, bytes);
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
    open_->note(program_, accesses);
    Resolver<T> resolver(program_, placement_, there_, batch_, open_->launches);
    resolve(resolver, one);
  }
  /// The host has the targets, and the weights.
  void add_loss(const op::AskLoss& one) {
    const auto on_host = [&](Value value) { return memory_.planned + offset(value); };
    const auto on_device = [&](Value value) { return there_.planned + offset(value); };
    need(one.p, on_device_, on_host_, false);
    if (one.weights) need(one.weights, on_host_, on_device_, true);
    flush();
    typename BatchLoss<T>::Places at{};
    at.mean = reinterpret_cast<double*>(on_device(one.mean));
    if (one.dp) at.dp = reinterpret_cast<T*>(on_device(one.dp));
    at.p = reinterpret_cast<const T*>(on_device(one.p));
    if (one.weights) at.weights = reinterpret_cast<const T*>(on_host(one.weights));
    at.samples = batch_;
    at.size = program_[one.p].size();
    BatchLoss<T>* const loss = &owned_.losses.emplace_back(copies_, *known_loss(one), at);
    calls_.add([loss](Now<T>& now, Worker&) { loss->run(now.batch); });
    change(one.mean, on_device_, on_host_);
    if (one.dp) change(one.dp, on_device_, on_host_);
  }
  std::int64_t offset(Value value) const { return placement_.offsets[root(value)]; }
  void flush() {
    if (!open_) return;
    calls_.add(
        [copies = &copies_, list = open_](Now<T>& now, Worker&) { copies->run(*list, now); });
    open_ = nullptr;
  }

  Copies<T>& copies_;
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

template <class T>
Plan<T> Session<T>::plan(const Program& program, const Placement& placement,
                         const Memory<T>& memory, std::int64_t batch, std::shared_ptr<void>& mirror,
                         std::int64_t bytes) {
  const auto owned = std::make_shared<Owned<T>>();
  owned->workspace = workspace_of(copies_, program, placement, batch, mirror, bytes);
  return Layout<T>(copies_, program, placement, memory, batch, *owned).plan(owned);
}

}  // namespace

template <class T>
std::unique_ptr<Device<T>> make_session(const std::shared_ptr<Gpu>& gpu,
                                        const Flat<T> (&flat)[kRoles]) {
  return std::make_unique<Session<T>>(gpu->beside(), flat);
}
template std::unique_ptr<Device<float>> make_session(const std::shared_ptr<Gpu>&,
                                                     const Flat<float> (&)[kRoles]);
template std::unique_ptr<Device<double>> make_session(const std::shared_ptr<Gpu>&,
                                                      const Flat<double> (&)[kRoles]);

}  // namespace mundur::cuda

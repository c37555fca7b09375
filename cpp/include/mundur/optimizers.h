#pragma once

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mundur/lock.h"
#include "mundur/memory.h"
#include "mundur/outside.h"
#include "mundur/types.h"

namespace mundur {

struct RuleConstants;
template <class T>
struct Update;

/// What every rule may have around it; the order of a step is sum, clipping, decay, rule, average.
struct SharedOptions {
  static constexpr double kNone = std::numeric_limits<double>::infinity();

  double learning_rate = 0.0;
  double weight_decay = 0.0;  // decoupled: w ← w − η λ w before the rule's own step
  double clipvalue = kNone;
  double clipnorm = kNone;         // of each parameter's gradient
  double global_clipnorm = kNone;  // of all gradients together
  bool use_ema = false;            // a running mean of the parameters
  double ema_momentum = 0.99;
  std::int64_t ema_overwrite_frequency = 0;  // steps after which w ← the mean; 0: never
  std::int64_t gradient_accumulation_steps = 1;
};

/// What a step does with all gradients together before the update.
struct Gathering {
  void* sum = nullptr;  // of the gradients of several steps; null: each updates by itself
  bool updates = true;  // whether this step is the last of them
  double clipnorm = SharedOptions::kNone;
  double global_clipnorm = SharedOptions::kNone;
  bool whole = false;           // looks at whole parameters, element by element won't do
  OutsideRule* rule = nullptr;  // who updates, if not the core
  bool clips() const {
    return clipnorm != SharedOptions::kNone || global_clipnorm != SharedOptions::kNone;
  }
  /// Whether the update has to wait for the last gradient.
  bool waits() const { return sum || clips() || whole || rule; }
};

/// A rule that turns gradients into a change of the parameters, with its state for one flat vector
/// of parameters.
class Optimizer {
 public:
  struct Slot {
    std::string name;
    Buffer values;  // of the parameters' element type
  };
  struct Scalar {
    std::string name;
    double* value;
  };
  struct Option {
    const char* name;
    std::variant<double*, bool*, std::int64_t*> value;
  };

  virtual ~Optimizer() = default;

  /// Hyper-parameters, the rule's own first.
  std::vector<Option> options();
  /// The one of that name; std::invalid_argument, with the names there are, for another.
  Option option(const std::string& name);
  /// The learning rates of the updates from the one numbered `first` on, for a schedule; past their
  /// end the last one stays.
  void set_learning_rates(std::int64_t first, std::vector<double> rates);
  std::int64_t iterations() const { return static_cast<std::int64_t>(iterations_); }

  /// Held by whoever reads or writes state or options while another thread may train with it.
  /// Recursive: a function of the caller's that training calls may ask for the state.
  Lock& mutex() { return mutex_; }

  /// Takes state for `size` elements at first; std::invalid_argument if it already has state of
  /// another size or type. A mean of the parameters begins as `parameters`, which may be null where
  /// it is there or will be given. `gaps`: pairs of begin and end, elements that are no parameters.
  void bind(std::int64_t size, bool is_double, const void* parameters,
            const std::vector<std::int64_t>& gaps);
  /// Elements that are no parameters, as pairs of begin and end: what a step leaves there in the
  /// state is nobody's.
  const std::vector<std::int64_t>& gaps() const { return gaps_; }
  /// The slot of that name, made if it isn't there yet; null if the rule knows none such.
  Slot* slot(const std::string& name);
  bool bound() const { return size_ >= 0; }
  std::int64_t size() const { return size_; }
  bool is_double() const { return is_double_; }
  /// Parameters that do not decay, as pairs of begin and end, ascending.
  void spare(std::vector<std::int64_t> parameters) { spared_ = std::move(parameters); }
  /// Forgets all state.
  void reset();

  /// One thread, before the update of a step.
  void begin_step();
  /// What the step that begin_step began does with all gradients.
  Gathering gathering() const {
    return {sum_, updates_, shared_.clipnorm, shared_.global_clipnorm, whole(), outside_};
  }
  /// Whether update_of and gathering say the same of each step, until an option is set.
  bool steps_alike() {
    return rates_.empty() && !sum_ && !average_ && products().empty() && !counts();
  }
  /// The update that begin_step began, for the flat vector w.
  template <class T>
  Update<T> update_of(T* w) const;
  /// The mean of the parameters, null where none is kept.
  const void* average() const { return average_; }

  std::vector<Slot>& slots() { return slots_; }
  /// Names of those that the next step needs.
  std::vector<std::string> needed() const;
  /// Iterations and running products: with the slots, all that a resumed run needs.
  std::vector<Scalar> scalars();

 protected:
  /// A vector of state: one that the rule keeps now, or that it doesn't need now and may have.
  struct State {
    std::string name;
    bool needed = true;
    double first = 0.0;  // what its numbers are at first
  };
  virtual std::vector<Option> own_options() = 0;
  /// In the order of Update::state.
  virtual std::vector<State> own_state() const = 0;
  /// Products over the steps, which begin as 1: a power would be libm's.
  virtual std::vector<Scalar> products() { return {}; }
  /// The products of a step that updates.
  virtual void advance() {}
  virtual RuleConstants constants() const = 0;
  /// Whether constants depend on iterations().
  virtual bool counts() const { return false; }
  virtual bool whole() const { return false; }

  OutsideRule* outside_ = nullptr;

 private:
  std::vector<State> states() const;
  Slot& add_slot(const State& state);
  Slot* find(const std::string& name);
  void link();

  Lock mutex_{"the optimizer"};
  SharedOptions shared_;
  std::vector<double> rates_;
  std::int64_t first_rate_ = 0;
  double iterations_ = 0.0;   // updates
  double accumulated_ = 0.0;  // gradients in the sum
  bool updates_ = true;
  std::int64_t size_ = -1;
  bool is_double_ = false;
  std::vector<Slot> slots_;
  std::vector<std::int64_t> gaps_, spared_;
  // Where the slots that are needed now lie; null for the others.
  void* state_[3] = {};
  void* sum_ = nullptr;
  void* average_ = nullptr;
};

/// One whose rule is a function of the caller's.
class OutsideOptimizer final : public Optimizer {
 public:
  explicit OutsideOptimizer(std::unique_ptr<OutsideRule> rule);
  /// Asks for another vector, whose numbers are that at first.
  void add_state(const std::string& name, double first);

 private:
  std::vector<Option> own_options() override { return {}; }
  std::vector<State> own_state() const override { return state_names_; }
  RuleConstants constants() const override;

  std::unique_ptr<OutsideRule> rule_;
  std::vector<State> state_names_;
};

/// The optimizer of a rule, by its class's name in Python, with Keras's numbers but for these; the
/// learning rate is 0. std::invalid_argument, with the names there are, for another rule or number.
std::unique_ptr<Optimizer> make_optimizer(
    const std::string& rule, const std::vector<std::pair<std::string, double>>& numbers = {});

}  // namespace mundur

#pragma once

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "mundur/lock.h"
#include "mundur/memory.h"
#include "mundur/types.h"

namespace mundur {

template <class T>
struct Update;

/// What every rule may have around it; the order of a step is sum, clipping, decay, rule, average.
struct SharedOptions {
  static constexpr double kNone = std::numeric_limits<double>::infinity();

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
  bool clips() const {
    return clipnorm != SharedOptions::kNone || global_clipnorm != SharedOptions::kNone;
  }
  /// Whether the update has to wait for the last gradient.
  bool waits() const { return sum || clips(); }
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

  explicit Optimizer(double learning_rate) : learning_rate_(learning_rate) {}
  virtual ~Optimizer() = default;

  double learning_rate() const { return learning_rate_; }
  void set_learning_rate(double value) { learning_rate_ = value; }
  /// The learning rates of the updates from the one numbered `first` on, for a schedule; past their
  /// end the last one stays.
  void set_learning_rates(std::int64_t first, std::vector<double> rates);
  std::int64_t iterations() const { return static_cast<std::int64_t>(iterations_); }
  SharedOptions& shared() { return shared_; }

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
  /// Forgets all state.
  void reset();

  /// One thread, before the update of a step.
  void begin_step();
  /// What the step that begin_step began does with all gradients.
  Gathering gathering();
  /// The update that begin_step began, for the flat vector w.
  template <class T>
  Update<T> update_of(T* w);
  /// The mean of the parameters, null where none is kept.
  const void* average() const { return average_; }

  std::vector<Slot>& slots() { return slots_; }
  /// Iterations and running products: with the slots, all that a resumed run needs.
  virtual std::vector<Scalar> scalars();

 protected:
  /// Names of the vectors of state that the rule keeps now, in the order of Update::state; "" where
  /// its options need none.
  virtual std::vector<std::string> slot_names() const = 0;
  /// Names of those that it doesn't need now and may have all the same.
  virtual std::vector<std::string> resting_slots() const { return {}; }
  /// What a slot's numbers are at first.
  virtual double first_value(const std::string& /*slot*/) const { return 0.0; }
  /// The running products of a step that updates.
  virtual void advance() {}
  virtual void reset_scalars();
  /// The rule and its constants.
  virtual void describe(Update<float>& update) const = 0;
  virtual void describe(Update<double>& update) const = 0;

 private:
  Slot& add_slot(const std::string& name);
  Slot* find(const std::string& name);
  std::vector<std::string> needed() const;
  void link();

  Lock mutex_{"the optimizer"};
  double learning_rate_;
  std::vector<double> rates_;
  std::int64_t first_rate_ = 0;
  SharedOptions shared_;
  double iterations_ = 0.0;   // updates
  double accumulated_ = 0.0;  // gradients in the sum
  bool updates_ = true;
  std::int64_t size_ = -1;
  bool is_double_ = false;
  std::vector<Slot> slots_;
  std::vector<std::int64_t> gaps_;
  // Where the slots that are needed now lie; null for the others.
  void* state_[3] = {};
  void* sum_ = nullptr;
  void* average_ = nullptr;
};

struct SgdOptions {
  double momentum = 0.0;
  bool nesterov = false;
};
struct AdamOptions {
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
};
struct MomentsOptions {
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-8;
};
struct RmspropOptions {
  double rho = 0.9;
  double momentum = 0.0;
  double epsilon = 1e-7;
  bool centered = false;
};
struct AdagradOptions {
  double initial_accumulator_value = 0.1;
  double epsilon = 1e-7;
};
struct AdadeltaOptions {
  double rho = 0.95;
  double epsilon = 1e-7;
};
struct LionOptions {
  double beta_1 = 0.9;
  double beta_2 = 0.99;
};

/// A rule with its options; each rule's file says what it does.
template <class Options>
class RuleOf : public Optimizer {
 public:
  RuleOf(double learning_rate, const Options& options)
      : Optimizer(learning_rate), options_(options) {}
  Options& options() { return options_; }

 protected:
  Options options_;
};

class Sgd final : public RuleOf<SgdOptions> {
 public:
  using RuleOf::RuleOf;

 protected:
  std::vector<std::string> slot_names() const override;
  std::vector<std::string> resting_slots() const override { return {"velocity"}; }
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;
};

class Adam final : public RuleOf<AdamOptions> {
 public:
  using RuleOf::RuleOf;
  std::vector<Scalar> scalars() override;

 protected:
  std::vector<std::string> slot_names() const override;
  std::vector<std::string> resting_slots() const override { return {"v_max"}; }
  void advance() override;
  void reset_scalars() override;
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;

 private:
  double beta_1_power_ = 1.0;  // β₁^t as a running product: a power would be libm's
  double beta_2_power_ = 1.0;
};

class Nadam final : public RuleOf<MomentsOptions> {
 public:
  using RuleOf::RuleOf;
  std::vector<Scalar> scalars() override;

 protected:
  std::vector<std::string> slot_names() const override { return {"m", "v"}; }
  void advance() override;
  void reset_scalars() override;
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;

 private:
  double momentum_after(double decay) const { return options_.beta_1 * (1.0 - 0.5 * decay); }

  double beta_2_power_ = 1.0;
  double decay_ = 1.0;             // 0.96^(t ψ)
  double momentum_product_ = 1.0;  // Π μ
};

class Adamax final : public RuleOf<MomentsOptions> {
 public:
  using RuleOf::RuleOf;
  std::vector<Scalar> scalars() override;

 protected:
  std::vector<std::string> slot_names() const override { return {"m", "u"}; }
  void advance() override;
  void reset_scalars() override;
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;

 private:
  double beta_1_power_ = 1.0;
};

class Rmsprop final : public RuleOf<RmspropOptions> {
 public:
  using RuleOf::RuleOf;

 protected:
  std::vector<std::string> slot_names() const override;
  std::vector<std::string> resting_slots() const override { return {"velocity"}; }
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;
};

class Adagrad final : public RuleOf<AdagradOptions> {
 public:
  using RuleOf::RuleOf;

 protected:
  std::vector<std::string> slot_names() const override { return {"sum"}; }
  double first_value(const std::string& slot) const override;
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;
};

class Adadelta final : public RuleOf<AdadeltaOptions> {
 public:
  using RuleOf::RuleOf;

 protected:
  std::vector<std::string> slot_names() const override { return {"v", "d"}; }
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;
};

class Lion final : public RuleOf<LionOptions> {
 public:
  using RuleOf::RuleOf;

 protected:
  std::vector<std::string> slot_names() const override { return {"m"}; }
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;
};

}  // namespace mundur

#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mundur/memory.h"
#include "mundur/types.h"

namespace mundur {

template <class T>
struct Update;

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
  std::int64_t iterations() const { return static_cast<std::int64_t>(iterations_); }

  /// Held by whoever reads or writes state or options while another thread may train with it.
  std::mutex& mutex() { return mutex_; }

  /// Takes state for `size` elements at first; std::invalid_argument if it already has state of
  /// another size or type.
  void bind(std::int64_t size, bool is_double);
  /// The slot of that name, made if it isn't there yet; null if the rule knows none such.
  Slot* slot(const std::string& name);
  bool bound() const { return size_ >= 0; }
  std::int64_t size() const { return size_; }
  bool is_double() const { return is_double_; }
  /// Forgets all state.
  void reset();

  /// One thread, before the update of a step.
  virtual void begin_step() { iterations_ += 1.0; }
  /// The step that begin_step began, for the flat vector w.
  template <class T>
  Update<T> update_of(T* w);

  std::vector<Slot>& slots() { return slots_; }
  /// Iterations and running products: with the slots, all that a resumed run needs.
  virtual std::vector<Scalar> scalars() { return {{"iterations", &iterations_}}; }

 protected:
  /// Names of the vectors of state that the rule may keep, and how many of them it needs now.
  virtual std::vector<std::string> slot_names() const = 0;
  virtual std::size_t slots_needed() const { return slot_names().size(); }
  virtual void reset_scalars() { iterations_ = 0.0; }
  /// The rule, its constants, and whether it goes without state that is there.
  virtual void describe(Update<float>& update) const = 0;
  virtual void describe(Update<double>& update) const = 0;

 private:
  void add_slot(const std::string& name);

  std::mutex mutex_;
  double learning_rate_;
  double iterations_ = 0.0;
  std::int64_t size_ = -1;
  bool is_double_ = false;
  std::vector<Slot> slots_;
};

struct SgdOptions {
  double learning_rate = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
};
struct AdamOptions {
  double learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-8;
};

class Sgd final : public Optimizer {
 public:
  explicit Sgd(const SgdOptions& options) : Optimizer(options.learning_rate), options_(options) {}
  SgdOptions& options() { return options_; }

 protected:
  std::vector<std::string> slot_names() const override { return {"velocity"}; }
  std::size_t slots_needed() const override { return options_.momentum == 0.0 ? 0 : 1; }
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;

 private:
  SgdOptions options_;
};

class Adam final : public Optimizer {
 public:
  explicit Adam(const AdamOptions& options) : Optimizer(options.learning_rate), options_(options) {}
  AdamOptions& options() { return options_; }
  void begin_step() override;
  std::vector<Scalar> scalars() override;

 protected:
  std::vector<std::string> slot_names() const override { return {"m", "v"}; }
  void reset_scalars() override;
  void describe(Update<float>& update) const override;
  void describe(Update<double>& update) const override;

 private:
  AdamOptions options_;
  double beta_1_power_ = 1.0;  // β₁^t as a running product: a power would be libm's
  double beta_2_power_ = 1.0;
};

}  // namespace mundur

#pragma once

// A model compiled: operations in order, over values. It knows nothing of batch sizes, workers or
// addresses; a provider gives it these.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "program/operations.h"

namespace mundur {

/// What a stretch of operations is for. Between stretches all workers meet, and whoever runs the
/// program may look at what there is, or stop. `outside`: one operation that calls a function of
/// the caller's, while no team is at work.
enum class Stage { load, forward, outside, backward, update };

struct Stretch {
  Stage stage;
  std::size_t begin, end;  // of the operations
};

struct Program {
  std::vector<ValueInfo> values;
  std::vector<Operation> operations;
  std::vector<Stretch> stretches;
  std::vector<Value> kept;             // what is read from outside, and so lives to the end
  std::map<std::string, Value> names;  // of those of them that people read: "dense/z"
  bool forward_stays = false;  // what forward leaves does, so that backward may follow twice

  const ValueInfo& operator[](Value value) const {
    return values[static_cast<std::size_t>(value.index)];
  }
  /// The value whose memory this one is.
  Value root(Value value) const {
    while ((*this)[value].of) value = (*this)[value].of;
    return value;
  }
  bool calls_outside() const {
    for (const Stretch& stretch : stretches) {
      if (stretch.stage == Stage::outside) return true;
    }
    return false;
  }
};

/// What an operation does to values, one after another: see walk() of each.
struct Access {
  enum class Kind { read, write, change };
  Kind kind;
  Value value;
  Value in_place_of{};  // a write's: where the value may lie as well
  bool is_sum = false;  // a write's: of a sum over samples
};
/// Of the operation at hand; `acts`: something beyond values depends on it.
struct Accesses {
  std::vector<Access> all;
  bool acts_outside = false;

  explicit Accesses(const Operation& operation);
  Accesses& reads(Value value) { return add({Access::Kind::read, value}); }
  Accesses& writes(Value value, Value in_place_of = {}) {
    return add({Access::Kind::write, value, in_place_of});
  }
  Accesses& sums(Value value) { return add({Access::Kind::write, value, {}, true}); }
  Accesses& changes(Value value) { return add({Access::Kind::change, value}); }
  Accesses& then(const After& after) {
    if (after.update) return changes(after.w);
    if (after.penalty.any()) return reads(after.w);
    return *this;
  }
  Accesses& acts() {
    acts_outside = true;
    return *this;
  }

 private:
  Accesses& add(const Access& access) {
    if (access.value) all.push_back(access);
    return *this;
  }
};

/// An array of the network's: a parameter, or state.
struct Array {
  std::string name;
  Shape shape;
  std::int64_t place = 0;  // in its flat vector
  int layer = 0;           // the outermost
  bool trainable = true;
  Penalty penalty{};
  Constraint constraint{};
};

/// What a compilation depends on besides the layers.
struct Compiling {
  bool training = false;  // dropout drops, batch statistics count
  bool backward = false;  // a backward may follow
  bool repeats = false;   // ... and again: it leaves what forward left
  bool watched = false;   // what is shown stays, to be read by its name
  bool updates = false;   // each parameter as soon as its gradient is there
  bool is_part = false;   // samples are a part of a batch
  Compute compute = Compute::own;
  const std::vector<Array>* parameters = nullptr;
  const std::vector<Array>* state = nullptr;
  const std::vector<bool>* learning = nullptr;  // of each layer, in the order of Setup::place
};

/// What layers, losses and optimizers emit operations to.
///
/// A layer says y = f(x), and with backward() what follows once ∂L/∂y is known. Gradients that meet
/// at one value are added, in the order in which they come: from the last use to the first.
class Builder {
 public:
  explicit Builder(const Compiling& how) : how_(how) {}

  bool training() const { return how_.training; }
  /// Whether what backward needs must be kept.
  bool keeps() const { return how_.backward; }
  /// Whether samples are a part of a batch, of which other ranks have the rest.
  bool is_part() const { return how_.is_part; }
  /// Whether backward must leave that as it is.
  bool repeats() const { return how_.repeats; }
  bool learns(int place) const { return (*how_.learning)[static_cast<std::size_t>(place)]; }

  // ---- values
  const ValueInfo& operator[](Value value) const { return program_[value]; }
  /// A new value of such samples, as many for each of the batch as `like` has.
  Value value(const char* name, Shape shape, Value like, Element element = Element::real);
  /// A new value that is there once.
  Value whole(const char* name, Shape shape, Element element = Element::real);
  /// A new value of such samples, one for each of the batch; `wanted`: its gradient is.
  Value input(const char* name, Shape shape, Element element, bool wanted);
  /// A new value as `like`.
  Value like(const char* name, Value like);
  /// The array of that number.
  Value parameter(int number);
  /// What of its parameter stands in another flat vector: its gradient, or the sum of several.
  Value beside(int number, Role role);
  Value state(int number);
  /// The same memory as samples of another shape; gradients pass through.
  Value view(Value x, Shape shape);
  /// ... and as another number of them: each step of a sample becomes one, and back.
  Value regroup(Value x, Shape shape, std::int64_t samples);
  /// None, where the mask tells no rows of x apart.
  void set_mask(Value x, Value mask);
  Value mask(Value x) const { return program_[x].mask; }
  /// The mask of a layer that goes through so many steps; none where it is none of theirs.
  Value mask_of(Value x, std::int64_t steps) const;
  /// Of what is made of several: a step is there where any of them has it, as in Keras; one without
  /// a mask has all.
  Value mask_of(const std::vector<Value>& all);
  void keep(Value x) { program_.kept.push_back(x); }
  /// People who watch read x by this name, and what its gradient has become by the other.
  void show(Value x, const char* name, const char* gradient = nullptr);

  // ---- operations
  void emit(Operation operation);
  /// ... that calls a function of the caller's.
  void emit_outside(Operation operation);
  /// Operations that follow belong to it.
  void begin(Stage stage) { stage_ = stage; }
  /// Names of values begin with it.
  void enter(const std::string& scope);
  void leave();

  /// Products of rows; their operands rounded where the compilation says so.
  Value product(Value x, Value w, Value bias);
  Value product_dx(Value dy, Value w, Value x);
  Value product_dw(Value x, Value dy, Value w);
  /// The same, of some columns of dw: from `column` on those that the first columns of dy make.
  void product_dw(Value x, Value dy, Value dw, std::int64_t column, std::int64_t columns);
  /// What windows see of x, in rows: an operand of products that are rounded.
  Value windows(Value x, const Windows& windows);
  /// What rows are rounded to, where a product reads them: real where they are not.
  Element rounds_to() const {
    return how_.compute == Compute::own        ? Element::real
           : how_.compute == Compute::bfloat16 ? Element::bfloat16
                                               : Element::bfloat16_pairs;
  }
  bool rounds() const { return rounds_to() != Element::real; }
  /// What a product reads for x, as an element of that kind in tiles; `lanes`: x itself.
  Value operand(Value x, bool lanes, Element tiles = Element::bfloat16);
  Value sum_rows(Value dy, Value bias);
  Value copy(Value x);
  /// Functions of values, and back: y = f(z), a + b, a·b, the larger or smaller of them,
  /// sums of products of two, scale·x + offset, parts side by side on
  /// their last axis; x, and `fill` in the steps that the mask lacks.
  Value activate(const ActivationFunction& f, Value z);
  Value add(Value a, Value b);
  Value multiply(Value a, Value b);
  Value larger(Value a, Value b, bool smaller);
  Value contract(Value a, Value b, const Shape& shape, const Contraction& how);
  Value rescale(Value x, double scale, double offset);
  Value concatenate(const std::vector<Value>& parts);
  Value mask_steps(Value x, Value mask, double fill = 0.0);
  /// What a layer's output costs is added to `sums`, of each sample; back, its gradient to ∂L/∂y.
  Value penalise(Value y, const Penalty& penalty, Value sums, bool onto);

  /// The sum of it over the whole batch, if samples are a part of one; else none.
  Value total(Value of);

  // ---- gradients
  /// Whether anybody wants the gradient of it.
  bool wants(Value x) const { return x && program_wants_[static_cast<std::size_t>(x.index)]; }
  /// `from` made y: once ∂L/∂y is known, `pass_on` says what the gradients of these are.
  void backward(Value y, const std::vector<Value>& from, std::function<void(Value dy)> pass_on);
  /// ... made several values: once any has a gradient. One that has none comes as none.
  using Several = std::vector<Value>;
  void backward(const Several& made, const std::vector<Value>& from,
                std::function<void(const Several& gradients)> pass_on);
  /// g is the gradient of x, or a part of it.
  void gradient(Value x, Value g);
  /// The gradient of x so far; none if there is none.
  Value gradient_of(Value x) const;
  /// Where no gradient of x has come, it is 0.
  void start_from_zeros(Value x);
  /// The activation that made y from its z; none where y is no activation's.
  struct Made {
    Value z;
    Activation by = Activation::linear;
  };
  Made made(Value y) const;
  /// Everything that was noted, from the last to the first.
  void run_backward();

  /// The program, without what nobody needs, with the updates where they may be.
  Program finish();

 private:
  struct Emitted {
    Operation operation;
    Stage stage;
  };
  struct Note {
    Several made;
    std::function<void(const Several&)> pass_on;
    std::string scope;
  };
  ValueInfo& info(Value value) { return program_.values[static_cast<std::size_t>(value.index)]; }
  Value add_value(ValueInfo info);
  std::string named(const char* name) const { return scope_.empty() ? name : scope_ + "/" + name; }
  struct Seen {
    Value y, x;
    Windows windows;
  };
  const Seen* seen(Value y) const;  // null: it is no windows'
  void take_relus_at_maxima();
  void drop_dead();
  void fuse_activations();
  void join_sums();
  void place_updates();
  void lay_out_stretches();

  Compiling how_;
  Program program_;
  std::vector<bool> program_wants_;
  std::vector<Value> gradients_;  // of each value
  std::vector<Value> parameters_, states_;
  std::vector<Emitted> steps_;
  std::vector<Note> notes_;
  std::vector<std::pair<Value, Made>> made_;
  std::vector<std::pair<Value, Value>> rounded_;
  std::vector<Seen> seen_;
  std::vector<Value> costs_;  // penalised: their gradients have a part that no other brings
  std::vector<std::pair<std::string, Value>> shown_;  // names of gradients, and of what
  Stage stage_ = Stage::forward;
  std::string scope_;
  std::vector<std::size_t> outer_;  // how long it was outside of each that was entered
};

}  // namespace mundur

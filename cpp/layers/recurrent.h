#pragma once

// What SimpleRNN, LSTM and GRU share: the way through time. A layer says what its gates are; what
// happens at one step between the products is the provider's.
//
//   z_t = x_t·W + h_{t-1}·U + b
//
// Each element of z is one chain that runs over x_t, then over h_{t-1}, and b comes last. A GRU
// keeps its last gate's product with U apart, q_t = h_{t-1}·U_n + b'_n, and has two biases: b ends
// the chain over x_t, from there it goes on over h_{t-1}, and b' comes last. With its reset gate in
// front of the product it has one bias, and the last gate's chain goes on over r·h_{t-1}. Where x·W
// has too few columns it is made of lanes, as a Dense has it, and the chain over h goes on from
// their sum.
//
// Backward, the chain of ∂L/∂h_{t-1} begins with what reaches it past the products, and runs over
// the gates of ∂L/∂z_t. Then ∂W, ∂U and ∂b are products and sums over the rows (sample, t) in this
// order, as a Dense on sequences has them.

#include "layers/layer.h"

namespace mundur {

class Recurrent : public Layer {
 public:
  Shape build(Setup& setup, const Shape& input) override {
    if (input.size() != 2) {
      throw std::invalid_argument("expected samples of shape (steps, inputs), got " +
                                  std::to_string(input.size()) + " axes");
    }
    const std::int64_t O = spec_.units, Z = gates_ * O;
    w_ = setup.parameter("kernel", {input[1], Z});
    u_ = setup.parameter("recurrent_kernel", {O, Z});
    if (spec_.use_bias) b_ = setup.parameter("bias", has_two_biases() ? Shape{2, Z} : Shape{Z});
    setup.work += work_of(static_cast<double>(input[0]), {input[1] + O, Z});
    return spec_.return_sequences ? Shape{input[0], O} : Shape{O};
  }
  /// y, and the last state if it is asked for, from x, and the first state if it is given.
  std::vector<Shape> build_all(Setup& setup, const std::vector<Shape>& inputs) override {
    const Shape state = {spec_.units};
    if (inputs.size() != 1 && inputs.size() != 1 + states()) {
      throw std::invalid_argument("expected a sequence, or one and " + std::to_string(states()) +
                                  " states, got " + std::to_string(inputs.size()) + " inputs");
    }
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      if (inputs[i] == state) continue;
      throw std::invalid_argument("initial_state: expected samples of " + text_of(state) +
                                  ", got " + text_of(inputs[i]));
    }
    std::vector<Shape> made = {build(setup, inputs.front())};
    if (spec_.stateful > 0) {
      setup.batch = spec_.stateful;
      state_h_ = setup.state("state_h", {spec_.stateful, spec_.units});
      if (has_c()) state_c_ = setup.state("state_c", {spec_.stateful, spec_.units});
    }
    if (spec_.return_state) made.resize(1 + states(), state);
    return made;
  }
  bool passes_mask() const override { return spec_.return_sequences; }

  Value forward(Builder& b, Value x) const override { return forward_all(b, {x}).front(); }
  std::vector<Value> forward_all(Builder& b, const std::vector<Value>& from) const override {
    const Value x = from.front();
    const Drop drop = b.training() ? drop_of(spec_.dropout) : Drop{};
    const Value kept = drop.any() ? b.like("dropped_x", x) : x;
    const Value keep = drop.any() ? b.value("keep_x", {b[x].shape[1]}, x, Element::byte) : Value{};
    if (drop.any()) b.emit(op::Dropout{kept, keep, x, {spec_.seed, stream()}, drop});
    const std::vector<Value> left = states_left(b);
    const Recurrence r = through_time(b, x, kept, first_states(b, from, left));
    const std::int64_t T = r.steps, O = r.units;
    const Value y = b.value("y", r.sequences ? Shape{T, O} : Shape{O}, x);
    b.emit(op::RecurPack{r});
    b.emit(op::Recur{y, r});
    for (std::size_t i = 0; i < left.size(); ++i) {
      b.emit(op::Copy{left[i], i == 0 ? r.state_h : r.state_c});
    }
    if (passes_mask()) b.set_mask(y, b.mask(x));  // whatever the states' are
    std::vector<Value> made = {y};
    if (spec_.return_state) made.push_back(r.state_h);
    if (spec_.return_state && has_c()) made.push_back(r.state_c);
    // ∂L/∂z from the last step to the first; then, summed over steps:
    // ∂L/∂x = ∂L/∂z·Wᵀ        ∂L/∂W = xᵀ·∂L/∂z        ∂L/∂U = hᵀ·∂L/∂z        ∂L/∂b = Σ ∂L/∂z
    std::vector<Value> wanted = {x, r.w, r.u, r.bias};
    wanted.insert(wanted.end(), from.begin() + 1, from.end());
    b.backward(made, wanted, [=, this, &b](const std::vector<Value>& dy) {
      const Recurrence back = backwards(b, r, x);
      b.emit(op::RecurDxPack{back});
      b.emit(op::RecurDx{dy[0], dy.size() > 1 ? dy[1] : Value{}, dy.size() > 2 ? dy[2] : Value{},
                         back});
      if (from.size() > 1) b.gradient(r.h0, back.state_h);
      if (from.size() > 2) b.gradient(r.c0, back.state_c);
      Value dx = b.product_dx(back.z, r.w, x);
      if (drop.any()) {
        const Value dropped = b.like("dx", x);
        b.emit(op::DropoutDx{dropped, dx, keep, drop.scale});
        dx = dropped;
      }
      b.gradient(x, dx);
      gradients(b, back, r.drop_h.any() ? r.dropped_h : r.h);
    });
    return made;
  }

 protected:
  Recurrent(const RecurrentSpec& spec, Cell cell, std::int64_t gates, const ActivationFunction& f,
            const ActivationFunction& g)
      : spec_(spec),
        cell_(cell),
        gates_(gates),
        f_(checked(f, "activation")),
        g_(checked(g, "recurrent_activation")) {
    checked_rate(spec.dropout);
    checked_rate(spec.recurrent_dropout);
    if (spec.units >= 1 && spec.units <= (std::int64_t{1} << 28)) return;
    throw std::invalid_argument("units: expected 1 to 268435456, got " +
                                std::to_string(spec.units));
  }

 private:
  static const ActivationFunction& checked(const ActivationFunction& f, const char* argument) {
    if (!f.by_rows() && !f.custom) return f;
    throw std::invalid_argument(std::string(argument) +
                                ": expected a function of one element, got " +
                                std::string(name_of(f.activation)));
  }
  bool has_c() const { return cell_ == Cell::lstm; }
  bool has_q() const { return cell_ == Cell::gru || is_before(); }
  bool has_two_biases() const { return cell_ == Cell::gru; }
  bool is_before() const { return cell_ == Cell::gru_before; }
  std::size_t states() const { return has_c() ? 2 : 1; }
  /// Columns of U that take h; those behind them make q, or take it.
  std::int64_t split() const { return (has_q() ? gates_ - 1 : gates_) * spec_.units; }
  bool is_usual() const {
    if (cell_ == Cell::simple_rnn) return is_function(f_.activation);
    return !is_before() && f_.activation == Activation::tanh &&
           g_.activation == Activation::sigmoid;
  }

  /// Where batches leave their last states for the next; none that begin anew.
  std::vector<Value> states_left(Builder& b) const {
    if (spec_.stateful == 0) return {};
    if (b.is_part()) {
      throw std::invalid_argument(
          "stateful: expected batches that nobody shares, got a part of one");
    }
    std::vector<Value> all = {b.regroup(b.state(state_h_), {spec_.units}, 1)};
    if (has_c()) all.push_back(b.regroup(b.state(state_c_), {spec_.units}, 1));
    return all;
  }
  /// Those that are given, or what the last batch has left, as backward needs it too.
  std::vector<Value> first_states(Builder& b, const std::vector<Value>& from,
                                  const std::vector<Value>& left) const {
    if (from.size() > 1) return {from.begin() + 1, from.end()};
    std::vector<Value> first;
    for (Value state : left) first.push_back(b.copy(state));
    return first;
  }

  /// `kept` is what dropout leaves of x.
  Recurrence through_time(Builder& b, Value x, Value kept, const std::vector<Value>& first) const {
    constexpr std::int64_t kAhead = 8;  // steps whose x·W an inference computes at once
    const std::int64_t T = b[x].shape[0], O = spec_.units, Z = gates_ * O;
    Recurrence r;
    r.cell = cell_;
    r.f = f_;
    r.g = g_;
    r.usual = is_usual();
    r.steps = T;
    r.inputs = b[x].shape[1];
    r.units = O;
    r.gates = gates_;
    r.sequences = spec_.return_sequences;
    r.reversed = spec_.go_backwards;
    r.in_order = spec_.in_order;
    r.zeroes = spec_.zero_output_for_mask;
    r.keeps = b.keeps();
    r.made = b.rounds();
    r.stream = {spec_.seed, stream()};
    r.x = kept;
    r.w = b.parameter(w_);
    r.u = b.parameter(u_);
    if (spec_.use_bias) r.bias = b.parameter(b_);
    r.mask = b.mask_of(x, T);
    if (!first.empty()) r.h0 = first[0];
    if (first.size() > 1) r.c0 = first[1];
    if (r.mask && (r.zeroes || r.h0)) r.heard = b.value("heard", {T}, x, Element::byte);
    const std::int64_t slots = r.keeps || r.made ? T : std::min(T, kAhead);
    // What is rounded is rounded once for all steps.
    const Value of_x = has_two_biases() ? r.bias : Value{};
    r.z = r.made ? b.product(kept, r.w, of_x) : b.value("z", {slots, Z}, x);
    if (has_q()) r.q = b.value("q", {slots, O}, x);
    if (!r.made) r.fresh = b.value("fresh", {Z}, x);
    r.state_h = b.value("state", {O}, x);
    if (has_c()) r.state_c = b.value("memory", {O}, x);
    if (r.keeps) r.h = b.value("h", {T, O}, x);
    if (r.keeps && has_c()) r.c = b.value("c", {T, O}, x);
    if (b.training()) r.drop_h = drop_of(spec_.recurrent_dropout);
    if (r.drop_h.any()) {
      r.dropped_h = b.value("dropped_h", {T, O}, x);
      r.keep_h = b.value("keep_h", {O}, x, Element::byte);
      r.dh = b.value("dropped", {O}, x);
    }
    if (!r.made) r.panels_w = b.whole("panels_w", {r.inputs, Z}, Element::panels);
    r.panels_u = b.whole("panels_u", {O, split()}, Element::panels);
    if (has_q()) r.panels_q = b.whole("panels_q", {O, O}, Element::panels);
    return r;
  }

  /// What backward works on, where it stands apart from forward's.
  Recurrence backwards(Builder& b, const Recurrence& r, Value x) const {
    const std::int64_t O = r.units;
    Recurrence back = r;
    if (b.repeats()) {
      back.z = b.copy(r.z);
      if (has_two_biases()) back.q = b.copy(r.q);
      b.show(back.z, "delta");
    }
    back.state_h = b.value("dh", {O}, x);
    if (has_c()) back.state_c = b.value("dc", {O}, x);
    if (r.drop_h.any()) back.dh = b.value("dropped_dh", {O}, x);
    back.panels_u = b.whole("panels", {split(), O}, Element::panels);
    if (has_q()) back.panels_q = b.whole("panels", {O, O}, Element::panels);
    if (is_before()) back.dq = b.value("dq", {O}, x);
    return back;
  }

  void gradients(Builder& b, const Recurrence& r, Value h) const {
    b.gradient(r.w, b.product_dw(r.x, r.z, r.w));
    const Value du = b.whole("du", b[r.u].shape);
    b.product_dw(h, r.z, du, 0, split());
    if (has_two_biases()) b.product_dw(h, r.q, du, split(), r.units);
    if (is_before()) {
      const Value dn = b.value("dn", {r.steps, r.units}, r.z);
      b.emit(op::TakeColumns{dn, r.z, split()});
      b.product_dw(r.q, dn, du, split(), r.units);
    }
    b.gradient(r.u, du);
    if (!r.bias) return;
    const Value db = b.whole("db", b[r.bias].shape);
    const std::int64_t Z = gates_ * r.units;
    b.emit(op::SumRows{db, r.z, 0, Z});
    if (has_two_biases()) {
      b.emit(op::SumRows{db, r.z, Z, split()});
      b.emit(op::SumRows{db, r.q, Z + split(), r.units});
    }
    b.gradient(r.bias, db);
  }

  RecurrentSpec spec_;
  Cell cell_;
  std::int64_t gates_;
  ActivationFunction f_, g_;
  int w_ = 0, u_ = 0, b_ = 0, state_h_ = 0, state_c_ = 0;
};

}  // namespace mundur

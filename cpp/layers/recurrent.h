#pragma once

// What SimpleRNN, LSTM and GRU share: the way through time. A layer says what its gates are; what
// happens at one step between the products is the provider's.
//
//   z_t = x_t·W + h_{t-1}·U + b
//
// Each element of z is one chain that runs over x_t, then over h_{t-1}, and b comes last. A GRU
// keeps its last gate's product with U apart, q_t = h_{t-1}·U_n + b'_n, and has two biases: b ends
// the chain over x_t, from there it goes on over h_{t-1}, and b' comes last. Where x·W has too few
// columns it is made of lanes, as a Dense has it, and the chain over h goes on from their sum.
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
    if (spec_.use_bias) b_ = setup.parameter("bias", has_q() ? Shape{2, Z} : Shape{Z});
    setup.work += work_of(static_cast<double>(input[0]), {input[1] + O, Z});
    return spec_.return_sequences ? Shape{input[0], O} : Shape{O};
  }
  bool passes_mask() const override { return spec_.return_sequences; }

  Value forward(Builder& b, Value x) const override {
    const Drop drop = b.training() ? drop_of(spec_.dropout) : Drop{};
    const Value kept = drop.any() ? b.like("dropped_x", x) : x;
    const Value keep = drop.any() ? b.value("keep_x", {b[x].shape[1]}, x, Element::byte) : Value{};
    if (drop.any()) b.emit(op::Dropout{kept, keep, x, {spec_.seed, stream()}, drop});
    const Recurrence r = through_time(b, x, kept);
    const std::int64_t T = r.steps, O = r.units;
    const Value y = b.value("y", r.sequences ? Shape{T, O} : Shape{O}, x);
    b.emit(op::RecurPack{r});
    b.emit(op::Recur{y, r});
    // ∂L/∂z from the last step to the first; then, summed over steps:
    // ∂L/∂x = ∂L/∂z·Wᵀ        ∂L/∂W = xᵀ·∂L/∂z        ∂L/∂U = hᵀ·∂L/∂z        ∂L/∂b = Σ ∂L/∂z
    b.backward(y, {x, r.w, r.u, r.bias}, [=, this, &b](Value dy) {
      Recurrence back = r;
      if (b.repeats()) {
        back.z = b.copy(r.z);
        if (has_q()) back.q = b.copy(r.q);
        b.show(back.z, "delta");
      }
      back.state_h = b.value("dh", {O}, x);
      if (has_c()) back.state_c = b.value("dc", {O}, x);
      if (r.drop_h.any()) back.dh = b.value("dropped_dh", {O}, x);
      back.panels_u = b.whole("panels", {split(), O}, Element::panels);
      if (has_q()) back.panels_q = b.whole("panels", {O, O}, Element::panels);
      b.emit(op::RecurDxPack{back});
      b.emit(op::RecurDx{dy, back});
      Value dx = b.product_dx(back.z, r.w, x);
      if (drop.any()) {
        const Value dropped = b.like("dx", x);
        b.emit(op::DropoutDx{dropped, dx, keep, drop.scale});
        dx = dropped;
      }
      b.gradient(x, dx);
      gradients(b, back, r.drop_h.any() ? r.dropped_h : r.h);
    });
    return y;
  }

 protected:
  Recurrent(const RecurrentSpec& spec, Cell cell, std::int64_t gates, Function f = Function::tanh)
      : spec_(spec), cell_(cell), gates_(gates), f_(f) {
    checked_rate(spec.dropout);
    checked_rate(spec.recurrent_dropout);
    if (spec.units >= 1 && spec.units <= (std::int64_t{1} << 28)) return;
    throw std::invalid_argument("units: expected 1 to 268435456, got " +
                                std::to_string(spec.units));
  }

 private:
  bool has_c() const { return cell_ == Cell::lstm; }
  bool has_q() const { return cell_ == Cell::gru; }
  /// Columns of U whose product goes into z; those behind them make q.
  std::int64_t split() const { return (has_q() ? gates_ - 1 : gates_) * spec_.units; }

  /// `kept` is what dropout leaves of x.
  Recurrence through_time(Builder& b, Value x, Value kept) const {
    constexpr std::int64_t kAhead = 8;  // steps whose x·W an inference computes at once
    const std::int64_t T = b[x].shape[0], O = spec_.units, Z = gates_ * O;
    Recurrence r;
    r.cell = cell_;
    r.f = f_;
    r.steps = T;
    r.inputs = b[x].shape[1];
    r.units = O;
    r.gates = gates_;
    r.sequences = spec_.return_sequences;
    r.reversed = spec_.go_backwards;
    r.in_order = spec_.in_order;
    r.keeps = b.keeps();
    r.made = b.rounds();
    r.stream = {spec_.seed, stream()};
    r.x = kept;
    r.w = b.parameter(w_);
    r.u = b.parameter(u_);
    if (spec_.use_bias) r.bias = b.parameter(b_);
    r.mask = b.mask_of(x, T);
    const std::int64_t slots = r.keeps || r.made ? T : std::min(T, kAhead);
    // What is rounded is rounded once for all steps.
    r.z = r.made ? b.product(kept, r.w, has_q() ? r.bias : Value{}) : b.value("z", {slots, Z}, x);
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

  void gradients(Builder& b, const Recurrence& r, Value h) const {
    b.gradient(r.w, b.product_dw(r.x, r.z, r.w));
    const Value du = b.whole("du", b[r.u].shape);
    b.product_dw(h, r.z, du, 0, split());
    if (has_q()) b.product_dw(h, r.q, du, split(), r.units);
    b.gradient(r.u, du);
    if (!r.bias) return;
    const Value db = b.whole("db", b[r.bias].shape);
    const std::int64_t Z = gates_ * r.units;
    b.emit(op::SumRows{db, r.z, 0, Z});
    if (has_q()) {
      b.emit(op::SumRows{db, r.z, Z, split()});
      b.emit(op::SumRows{db, r.q, Z + split(), r.units});
    }
    b.gradient(r.bias, db);
  }

  RecurrentSpec spec_;
  Cell cell_;
  std::int64_t gates_;
  Function f_;
  int w_ = 0, u_ = 0, b_ = 0;
};

}  // namespace mundur

// The way through time. W and U lie in panels of columns (backward Uᵀ), which every step reads. A
// worker takes samples of its own through all steps, and meets nobody.

#include <algorithm>

#include "cpu/resolver.h"

namespace mundur {
namespace {

/// Samples that go through time together: their state stays in the cache.
constexpr std::int64_t kBlock = 64;
/// Fewer samples than this would read W anew for little at each step: their x·W is made for many
/// steps at once.
constexpr std::int64_t kAhead = 8;

template <class T>
struct TimeLoop {
  const Kernels<T>* kernels;
  Cell cell;
  bool usual;
  Gates<T> gates;
  std::int64_t steps, I, O, Z, split, slots, most;
  bool sequences, reversed, in_order, keeps, made, zeroes, ahead, drops_h;
  T scale_h;
  std::uint32_t threshold_h;
  StreamKey key;
  Range samples;
  const T *x, *w, *b, *h0, *c0;
  const std::uint8_t* mask;
  T *z, *q, *h, *c, *fresh, *state_h, *state_c, *dropped_h, *dh, *dq, *y;
  const T *panels_w, *panels_u, *panels_q, *dy, *dh_last, *dc_last;
  std::uint8_t *keep_h, *heard;
  std::int64_t each;  // samples of the layer in one of the batch
  T* scratch;

  TimeLoop(const Resolver<T>& r, const Recurrence& of)
      : kernels(&r.kernels),
        cell(of.cell),
        usual(of.usual),
        gates{gate_of(of.f), gate_of(of.g)},
        steps(of.steps),
        I(of.inputs),
        O(of.units),
        Z(of.gates * of.units),
        split(of.q ? Z - O : Z),
        slots(r[of.z].shape[0]),
        sequences(of.sequences),
        reversed(of.reversed),
        in_order(of.in_order),
        keeps(of.keeps),
        made(of.made),
        zeroes(of.zeroes),
        drops_h(of.drop_h.any()),
        scale_h(static_cast<T>(of.drop_h.scale)),
        threshold_h(of.drop_h.threshold),
        key(of.stream),
        samples(r.share_samples(of.x)),
        x(r.at(of.x)),
        w(r.at(of.w)),
        b(r.at(of.bias)),
        h0(r.at(of.h0)),
        c0(r.at(of.c0)),
        mask(r.template at<std::uint8_t>(of.mask)),
        z(r.at(of.z)),
        q(r.at(of.q)),
        h(r.at(of.h)),
        c(r.at(of.c)),
        fresh(r.at(of.fresh)),
        state_h(r.at(of.state_h)),
        state_c(r.at(of.state_c)),
        dropped_h(r.at(of.dropped_h)),
        dh(r.at(of.dh)),
        dq(r.at(of.dq)),
        panels_w(r.at(of.panels_w)),
        panels_u(r.at(of.panels_u)),
        panels_q(r.at(of.panels_q)),
        keep_h(r.template at<std::uint8_t>(of.keep_h)),
        heard(r.template at<std::uint8_t>(of.heard)),
        each(r[of.x].samples),
        scratch(r.scratch) {
    // The samples of the largest block.
    const std::int64_t B = r.samples(of.x), workers = r.worker.count();
    most = std::clamp<std::int64_t>((B + workers - 1) / workers, 1, kBlock);
    ahead = !made && (most < kAhead || uses_lanes(I, Z));
  }

  static Gate<T> gate_of(const ActivationFunction& f) {
    Gate<T> gate;
    gate.is_curve = !is_function(f.activation);
    if (!gate.is_curve) gate.function = static_cast<Function>(f.activation);
    if (gate.is_curve) gate.curve = curve_of(f.activation);
    std::copy_n(f.parameters, kCurveParameters, gate.parameters);
    return gate;
  }

  template <class Work>
  void each_block(Work work) const {
    for (std::int64_t n = samples.begin; n < samples.end; n += kBlock) {
      work(n, std::min(kBlock, samples.end - n));
    }
  }

  /// Where step s finds its x.
  std::int64_t position(std::int64_t s) const { return reversed ? steps - 1 - s : s; }
  /// Where it puts its y.
  std::int64_t place(std::int64_t s) const { return in_order ? position(s) : s; }
  T* of_step(T* all, std::int64_t n, std::int64_t t) const {
    return all ? all + (n * steps + t) * O : nullptr;
  }
  /// Rows of samples; zeros where they come from nowhere.
  void begin(T* to, const T* from, std::int64_t n, std::int64_t B) const {
    if (from) std::copy_n(from + n * O, B * O, to + n * O);
    if (!from) std::fill_n(to + n * O, B * O, T{0});
  }

  // ---- forward

  /// Samples [n, n + B) from the first step to the last.
  void through(const Now<T>& now, std::int64_t n, std::int64_t B) const {
    begin(state_h, h0, n, B);
    if (state_c) begin(state_c, c0, n, B);
    for (std::int64_t i = n; keeps && i < n + B; ++i) {
      std::copy_n(state_h + i * O, O, of_step(h, i, position(0)));
    }
    if (heard) hear(n, B);
    draw(now, n, B);
    for (std::int64_t s = 0; made && s < steps; ++s) step(n, B, s, position(s), false);
    if (made) return;
    if (!ahead) {
      for (std::int64_t s = 0; s < steps; ++s) {
        kernels->product_panels({fresh + n * Z, Z}, {x + (n * steps + position(s)) * I, steps * I},
                                panels_w, first_bias(), B, Z, I, most, false);
        step(n, B, s, keeps ? position(s) : 0, true);
      }
      return;
    }
    for (std::int64_t begin = 0; begin < steps; begin += slots) {
      const std::int64_t end = std::min(steps, begin + slots);
      const std::int64_t first = reversed ? position(end - 1) : begin;
      inputs(n, B, first, end - begin);
      for (std::int64_t s = begin; s < end; ++s) {
        step(n, B, s, keeps ? position(s) : position(s) - first, false);
      }
    }
  }

  /// What ends the chain over x.
  const T* first_bias() const { return cell == Cell::gru ? b : nullptr; }

  /// At which steps y is the state, as in Keras: not where the mask lacks one, if `zeroes`, nor in
  /// front of the first that it has.
  void hear(std::int64_t n, std::int64_t B) const {
    for (std::int64_t i = n; i < n + B; ++i) {
      bool began = false;
      for (std::int64_t s = 0; s < steps; ++s) {
        const std::int64_t at = i * steps + position(s);
        began |= mask[at] != 0;
        heard[at] = zeroes ? mask[at] : began;
      }
    }
  }

  /// The mask of dropout, one for all steps.
  void draw(const Now<T>& now, std::int64_t n, std::int64_t B) const {
    constexpr std::int64_t kStates = std::int64_t{1} << 40;  // their numbers lie behind those of x
    if (!drops_h) return;
    const std::int64_t before = now.part.samples.begin * each;
    kernels->dropout(dh + n * O, keep_h + n * O, state_h + n * O, kStates + (before + n) * O, B * O,
                     key(now), threshold_h, scale_h);
  }

  /// z = x·W (+ b) of `count` steps from position t on.
  void inputs(std::int64_t n, std::int64_t B, std::int64_t t, std::int64_t count) const {
    const auto product = [&](T* to, const T* rows, std::int64_t number) {
      kernels->product({{to, Z},
                        {rows, I},
                        {w, Z},
                        number,
                        Z,
                        I,
                        scratch,
                        first_bias(),
                        Function::linear,
                        uses_lanes(I, Z),
                        kernels->l2_bytes});
    };
    T* const to = z + n * slots * Z;
    const T* const from = x + (n * steps + t) * I;
    if (count == steps) return product(to, from, B * count);
    for (std::int64_t i = 0; i < B; ++i) {
      product(to + i * slots * Z, from + i * steps * I, count);
    }
  }

  /// Step s of B samples, whose gates belong in this slot. Their x·W lies there, or is fresh.
  void step(std::int64_t n, std::int64_t B, std::int64_t s, std::int64_t slot,
            bool is_fresh) const {
    const std::int64_t t = position(s);
    const bool is_last = s + 1 == steps;
    TimeStep<T> step;
    step.h = state_h + n * O;
    step.c = state_c ? state_c + n * O : nullptr;
    T* const of_slot = z + (n * slots + slot) * Z;
    T* const own_z = is_fresh ? fresh + n * Z : of_slot;
    T* const own_q = q ? q + (n * slots + slot) * O : nullptr;
    step.z = own_z;
    step.ldz = is_fresh ? Z : slots * Z;
    step.q = own_q;
    step.ldq = slots * O;
    step.gates = keeps ? of_slot : nullptr;
    step.ld_gates = slots * Z;
    step.kept_h = is_last ? nullptr : of_step(h, n, position(s + 1));
    step.kept_c = of_step(c, n, t);
    step.ld_kept = steps * O;
    if (sequences) {
      step.y = of_step(y, n, place(s));
      step.ldy = steps * O;
    } else if (is_last) {
      step.y = y + n * O;
      step.ldy = O;
    }
    step.mask = mask ? mask + n * steps + t : nullptr;
    step.heard = heard ? heard + n * steps + t : nullptr;
    step.ld_mask = steps;

    const T* before = step.h;
    std::int64_t ldh = O;
    if (drops_h) {
      ldh = steps * O;
      before = of_step(dropped_h, n, t);
      for (std::int64_t i = 0; i < B; ++i) {
        kernels->dropout_backward(of_step(dropped_h, n + i, t), keep_h + (n + i) * O,
                                  step.h + i * O, O, scale_h);
      }
    }
    const T* const bias = b ? b + (cell == Cell::gru ? Z : 0) : nullptr;
    kernels->product_panels({own_z, step.ldz}, {before, ldh}, panels_u, bias, B, split, O, most,
                            true);
    const T* const last_bias = bias ? bias + split : nullptr;
    if (cell == Cell::gru) {
      kernels->product_panels({own_q, step.ldq}, {before, ldh}, panels_q, last_bias, B, O, O, most,
                              false);
    } else if (cell == Cell::gru_before) {
      kernels->reset({own_q, step.ldq}, {own_z + O, step.ldz}, {before, ldh}, B, O, gates.g);
      kernels->product_panels({own_z + split, step.ldz}, {own_q, step.ldq}, panels_q, last_bias, B,
                              O, O, most, true);
    }
    if (!usual) return kernels->any_cell(step, B, O, cell, gates);
    if (cell == Cell::lstm) return kernels->lstm(step, B, O);
    if (cell == Cell::gru) return kernels->gru(step, B, O);
    kernels->simple_rnn(step, B, O, gates.f.function);
  }

  // ---- backward

  /// From the last step to the first: ∂L/∂z, in the place of the gates.
  void back_through(std::int64_t n, std::int64_t B) const {
    TimeStepBackward<T> step;
    step.dh = state_h + n * O;
    step.dc = state_c ? state_c + n * O : nullptr;
    step.ldz = steps * Z;
    step.ldq = step.ld_kept = step.ld_c_before = steps * O;
    step.ldy = sequences ? steps * O : O;
    step.ld_mask = steps;
    begin(state_h, dh_last, n, B);
    if (step.dc) begin(state_c, dc_last, n, B);
    for (std::int64_t s = steps; s-- > 0;) {
      const std::int64_t t = position(s);
      step.z = z + (n * steps + t) * Z;
      step.q = cell == Cell::gru ? of_step(q, n, t) : nullptr;
      step.dy = gradient_of(s, n);
      step.h_before = of_step(h, n, t);
      step.c = of_step(c, n, t);
      step.c_before = s > 0 ? of_step(c, n, position(s - 1)) : nullptr;
      if (s == 0 && c0) {
        step.c_before = c0 + n * O;
        step.ld_c_before = O;
      }
      step.soon = s > 0 ? z + (n * steps + position(s - 1)) * Z : nullptr;
      step.mask = mask ? mask + n * steps + t : nullptr;
      step.heard = heard ? heard + n * steps + t : nullptr;
      if (!usual) {
        kernels->any_cell_backward(step, B, O, cell, gates);
      } else if (cell == Cell::lstm) {
        kernels->lstm_backward(step, B, O);
      } else if (cell == Cell::gru) {
        kernels->gru_backward(step, B, O);
      } else {
        kernels->simple_rnn_backward(step, B, O, gates.f.function);
      }
      if (cell == Cell::gru_before) reset_gradient(step, n, B, t);
      if (s > 0 || h0) state_gradient(step, n, B);
    }
  }

  /// ∂L/∂y of step s, of samples from n on; null: it has none.
  const T* gradient_of(std::int64_t s, std::int64_t n) const {
    if (!dy) return nullptr;
    if (sequences) return dy + (n * steps + place(s)) * O;
    return s + 1 == steps ? dy + n * O : nullptr;
  }

  /// ∂L/∂(r·h), and what of it reaches z_r, and h beside the product: dq.
  void reset_gradient(const TimeStepBackward<T>& step, std::int64_t n, std::int64_t B,
                      std::int64_t t) const {
    T* const to = dq + n * O;
    kernels->product_panels({to, O}, {step.z + split, step.ldz}, panels_q, nullptr, B, O, O, most,
                            false);
    const T* const before = of_step(drops_h ? dropped_h : h, n, t);
    kernels->reset_backward({to, O}, {step.z + O, step.ldz}, {before, steps * O}, B, O, gates.g);
  }

  /// ∂L/∂h before the step, onto what has reached it past the products.
  void state_gradient(const TimeStepBackward<T>& step, std::int64_t n, std::int64_t B) const {
    T* const to = drops_h ? dh + n * O : step.dh;
    if (drops_h) std::fill_n(to, B * O, T{0});
    if (cell == Cell::gru_before) kernels->add(to, to, dq + n * O, B * O);
    kernels->product_panels({to, O}, {step.z, step.ldz}, panels_u, nullptr, B, O, split, most,
                            true);
    if (cell == Cell::gru) {
      kernels->product_panels({to, O}, {step.q, step.ldq}, panels_q, nullptr, B, O, O, most, true);
    }
    if (!drops_h) return;
    kernels->dropout_backward(to, keep_h + n * O, to, B * O, scale_h);
    kernels->add(step.dh, step.dh, to, B * O);
  }
};

/// Rows [begin, end) of a matrix into panels.
template <class T>
void pack(Resolver<T>& r, Value panels, const T* from, std::int64_t inputs, std::int64_t columns,
          std::int64_t ld, bool transposed, std::int64_t most) {
  const Range rows = share(inputs, transposed ? 16 : 1, r.worker);
  r.call([=, to = r.at(panels), k = r.kernels.pack](Now<T>&, Worker&) {
    k(to, {from, ld}, inputs, columns, transposed, rows.begin, rows.size(), most);
  });
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::RecurPack& o) {
  for (Value value : {o.r.panels_w, o.r.panels_u, o.r.panels_q}) {
    if (value) r.writes(value);
  }
  r.reads(o.r.w);
  r.reads(o.r.u);
  const TimeLoop<T> loop(r, o.r);
  const std::int64_t O = loop.O, Z = loop.Z, split = loop.split;
  if (!loop.ahead && !loop.made) pack(r, o.r.panels_w, loop.w, loop.I, Z, Z, false, loop.most);
  const T* const u = r.at(o.r.u);
  pack(r, o.r.panels_u, u, O, split, Z, false, loop.most);
  if (loop.q) pack(r, o.r.panels_q, u + split, O, O, Z, false, loop.most);
}
MUNDUR_RESOLVED(RecurPack);

template <class T>
void resolve(Resolver<T>& r, const op::Recur& o) {
  const Recurrence& of = o.r;
  TimeLoop<T> loop(r, of);
  for (Value value : {o.y, of.z, of.q, of.h, of.c, of.fresh, of.state_h, of.state_c, of.dropped_h,
                      of.keep_h, of.dh, of.heard}) {
    if (value) r.writes_samples(value, loop.samples);
  }
  r.reads_samples(of.x, loop.samples);
  for (Value value : {of.mask, of.h0, of.c0}) {
    if (value) r.reads_samples(value, loop.samples);
  }
  for (Value value : {of.w, of.bias, of.panels_w, of.panels_u, of.panels_q}) {
    if (value) r.reads(value);
  }
  loop.y = r.at(o.y);
  r.call([loop](Now<T>& now, Worker&) {
    loop.each_block([&](std::int64_t n, std::int64_t B) { loop.through(now, n, B); });
  });
}
MUNDUR_RESOLVED(Recur);

template <class T>
void resolve(Resolver<T>& r, const op::RecurDxPack& o) {
  r.writes(o.r.panels_u);
  if (o.r.panels_q) r.writes(o.r.panels_q);
  r.reads(o.r.u);
  const TimeLoop<T> loop(r, o.r);
  const T* const u = r.at(o.r.u);
  pack(r, o.r.panels_u, u, loop.split, loop.O, loop.Z, true, loop.most);
  if (loop.q) pack(r, o.r.panels_q, u + loop.split, loop.O, loop.O, loop.Z, true, loop.most);
}
MUNDUR_RESOLVED(RecurDxPack);

template <class T>
void resolve(Resolver<T>& r, const op::RecurDx& o) {
  const Recurrence& of = o.r;
  TimeLoop<T> loop(r, of);
  const Value q_kept = o.keeps_q() ? of.q : Value{}, q_changed = o.keeps_q() ? Value{} : of.q;
  for (Value value : {of.z, q_changed, of.state_h, of.state_c, of.dh, of.dq}) {
    if (value) r.writes_samples(value, loop.samples);
  }
  r.stay_with_rows();
  const Value dropped_h = o.keeps_q() ? of.dropped_h : Value{};
  for (Value value : {o.dy, o.dh_last, o.dc_last, of.h, of.c, of.c0, of.keep_h, of.mask, of.heard,
                      q_kept, dropped_h}) {
    if (value) r.reads_samples(value, loop.samples);
  }
  r.reads(of.panels_u);
  if (of.panels_q) r.reads(of.panels_q);
  loop.dy = r.at(o.dy);
  loop.dh_last = r.at(o.dh_last);
  loop.dc_last = r.at(o.dc_last);
  r.call([loop](Now<T>&, Worker&) {
    loop.each_block([&](std::int64_t n, std::int64_t B) { loop.back_through(n, B); });
  });
}
MUNDUR_RESOLVED(RecurDx);

}  // namespace mundur

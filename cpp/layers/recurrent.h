#pragma once

// What SimpleRNN, LSTM and GRU share: the way through time. A layer adds what happens to one sample
// at one step between the products, a kernel.
//
//   z_t = x_t·W + h_{t-1}·U + b
//
// Each element of z is one chain that runs over x_t, then over h_{t-1}, and b comes last. A GRU
// keeps its last gate's product with U apart, q_t = h_{t-1}·U_n + b'_n, and has two biases: b ends
// the chain over x_t, from there it goes on over h_{t-1}, and b' comes last. Where x·W has too few
// columns it is made of lanes, as a Dense has it, and the chain over h goes on from their sum.
//
// Backward, the chain of ∂L/∂h_{t-1} begins with what reaches it past the products, and runs over
// the gates of ∂L/∂z_t.
//
// First the workers pack W and U in panels of columns (backward Uᵀ), which every step reads. A
// worker takes samples of its own through all steps and meets the others at one barrier. Then ∂W,
// ∂U and ∂b are products and sums over the rows (sample, t) in this order, in shards of 256 rows,
// as a Dense on sequences has them; a worker computes and updates a part of the parameters.

#include <algorithm>
#include <stdexcept>
#include <string>

#include "layers/layers.h"
#include "mundur/memory.h"

namespace mundur {

template <class T>
class Recurrent : public Layer<T> {
 public:
  Shape build(const Shape& input, int index) override {
    if (input.size() != 2) {
      throw std::invalid_argument("expected samples of shape (steps, inputs), got " +
                                  std::to_string(input.size()) + " axes");
    }
    steps_ = input[0];
    I_ = input[1];
    masks_.place(index);
    return sequences_ ? Shape{steps_, O_} : Shape{O_};
  }

  std::vector<Parameter<T>> parameters() const override {
    std::vector<Parameter<T>> all = {{"kernel", {I_, Z_}}, {"recurrent_kernel", {O_, Z_}}};
    if (bias_) all.push_back({"bias", has_q_ ? Shape{2, Z_} : Shape{Z_}});
    return all;
  }
  void bind(Parameter<T>* parameters) override {
    w_ = &parameters[0];
    u_ = &parameters[1];
    b_ = bias_ ? &parameters[2] : nullptr;
  }

  MaskFlow mask_flow() const override { return sequences_ ? MaskFlow::passes : MaskFlow::ends; }
  double work(const Shape&) const override {
    return 2.0 * static_cast<double>(steps_) * static_cast<double>(I_ + O_) *
           static_cast<double>(Z_);
  }

  /// In a training, of each step: the gates, the state before it (and a GRU's q, an LSTM's c).
  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    constexpr const char* kWhat = "the workspace of one batch";
    const std::int64_t row =
        checked_product(4, checked_sum(I_, checked_sum(Z_, O_, kWhat), kWhat), kWhat);
    checked_product(checked_product(batch, steps_ + 1, kWhat),
                    checked_product(row, sizeof(T), kWhat), kWhat);
    checked_product(checked_sum(Z_, 64, kWhat),
                    checked_product(checked_sum(I_, O_, kWhat), 4 * sizeof(T), kWhat), kWhat);
    return place(nullptr, batch, training).bytes;
  }

  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Memory memory = place(saved.extra, pass.batch, saved.keeps);
    pack(pass, memory);
    each_block(pass, [&](std::int64_t b, std::int64_t B) { through(pass, saved, memory, b, B); });
  }

  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam&) const override {
    const Memory memory = place(saved.extra, pass.batch, true);
    pack_backward(pass, memory);
    each_block(pass, [&](std::int64_t b, std::int64_t B) {
      back_through(pass, dy, saved, memory, b, B);
      if (dx) input_gradient(pass, dx, memory, b, B);
    });
    pass.worker.barrier();
    gradients(pass, saved, memory);
  }

 protected:
  Recurrent(const RecurrentSpec& spec, int gates, bool has_c, bool has_q)
      : O_(spec.units),
        Z_(gates * O_),
        split_(has_q ? Z_ - O_ : Z_),
        has_c_(has_c),
        has_q_(has_q),
        bias_(spec.use_bias),
        sequences_(spec.return_sequences),
        reversed_(spec.go_backwards),
        inputs_(spec.dropout),
        states_(spec.recurrent_dropout),
        masks_(spec.seed) {
    if (O_ >= 1 && O_ <= (std::int64_t{1} << 28)) return;
    throw std::invalid_argument("units: expected 1 to 268435456, got " + std::to_string(O_));
  }

  std::int64_t units() const { return O_; }

 private:
  /// Gates and state of B samples from z, and back.
  virtual void gates(const Kernels<T>& kernels, const TimeStep<T>& step, std::int64_t B) const = 0;
  virtual void gates_backward(const Kernels<T>& kernels, const TimeStepBackward<T>& step,
                              std::int64_t B) const = 0;

  struct Drop {
    explicit Drop(double rate)
        : threshold(static_cast<std::uint32_t>(checked_rate(rate) * 0x1p32)),
          scale(static_cast<T>(1.0 / (1.0 - rate))) {}
    bool acts(const Pass<T>& pass) const { return pass.training && threshold != 0; }
    std::uint32_t threshold;
    T scale;
  };

  /// Samples that go through time together: their state stays in the cache.
  static constexpr std::int64_t kBlock = 64;
  /// Steps whose x·W an inference computes at once where there are few samples.
  static constexpr std::int64_t kAhead = 8;

  /// The samples of the largest block.
  static std::int64_t most(const Pass<T>& pass) {
    const std::int64_t workers = pass.worker.count();
    return std::min(kBlock, (pass.batch + workers - 1) / workers);
  }
  /// Fewer samples would read W anew for little at each step: their x·W is made for many steps.
  bool reads_ahead(const Pass<T>& pass) const { return most(pass) < kAhead || uses_lanes(I_, Z_); }

  template <class Work>
  void each_block(const Pass<T>& pass, Work work) const {
    const Range own = share(pass.batch, 1, pass.worker);
    for (std::int64_t b = own.begin; b < own.end; b += kBlock) {
      work(b, std::min(kBlock, own.end - b));
    }
  }

  // ---- memory

  struct Memory {
    std::int64_t slots;  // steps whose gates are kept
    T *z, *q;            // [B,slots,gates·O], [B,slots,O]
    T* fresh;            // [B,gates·O]: z of one step
    T *h, *c;            // [B,steps,O]: the state before a step, and c behind it; null: not kept
    T* x;                // [B,steps,I], [B,steps,O]: what dropout left of x and h
    T* dropped;
    T *state_h, *state_c;           // [B,O]: the running state; backward its gradients
    T* dh;                          // [B,O]
    T *w, *u;                       // panels of W; of U (two parts with a q), backward of Uᵀ
    std::uint8_t *keep_x, *keep_h;  // [B,I], [B,O]
    std::int64_t bytes;
  };

  Memory place(std::byte* base, std::int64_t B, bool keeps) const {
    std::int64_t at = 0;
    const auto take = [&](std::int64_t n, bool wanted) {
      constexpr std::int64_t kLine = 64;
      if (!wanted) return static_cast<T*>(nullptr);
      std::byte* found = base ? base + at : nullptr;
      at += (n * std::int64_t{sizeof(T)} + kLine - 1) / kLine * kLine;
      return reinterpret_cast<T*>(found);
    };
    const auto take_bytes = [&](std::int64_t n, bool wanted) {
      return reinterpret_cast<std::uint8_t*>(
          take((n + std::int64_t{sizeof(T)} - 1) / std::int64_t{sizeof(T)}, wanted));
    };
    const bool drops_x = keeps && inputs_.threshold != 0;
    const bool drops_h = keeps && states_.threshold != 0;
    Memory m;
    m.slots = keeps ? steps_ : std::min(steps_, kAhead);
    m.z = take(B * m.slots * Z_, true);
    m.q = take(B * m.slots * O_, has_q_);
    m.fresh = take(B * Z_, true);
    m.h = take(B * steps_ * O_, keeps);
    m.c = take(B * steps_ * O_, keeps && has_c_);
    m.x = take(B * steps_ * I_, drops_x);
    m.dropped = take(B * steps_ * O_, drops_h);
    m.state_h = take(B * O_, true);
    m.state_c = take(B * O_, has_c_);
    m.dh = take(B * O_, drops_h);
    m.w = take(panels_size(I_, Z_), true);
    m.u =
        take(std::max(panels_size(O_, split_) + panels_size(O_, Z_ - split_), panels_size(Z_, O_)),
             true);
    m.keep_x = take_bytes(B * I_, drops_x);
    m.keep_h = take_bytes(B * O_, drops_h);
    m.bytes = at;
    return m;
  }

  /// Where step s finds its x.
  std::int64_t position(std::int64_t s) const { return reversed_ ? steps_ - 1 - s : s; }
  T* of_step(T* all, std::int64_t b, std::int64_t t) const {
    return all ? all + (b * steps_ + t) * O_ : nullptr;
  }

  T* second_u(const Memory& m) const { return m.u + panels_size(O_, split_); }
  T* second_ut(const Memory& m) const { return m.u + panels_size(split_, O_); }

  // ---- forward

  void pack(const Pass<T>& pass, const Memory& m) const {
    const auto part = [&](T* to, const T* from, std::int64_t inputs, std::int64_t columns) {
      const Range rows = share(inputs, 1, pass.worker);
      pass.kernels.pack(to, from, inputs, columns, Z_, false, rows.begin, rows.size(), most(pass));
    };
    if (!reads_ahead(pass)) part(m.w, w_->value, I_, Z_);
    part(m.u, u_->value, O_, split_);
    if (has_q_) part(second_u(m), u_->value + split_, O_, O_);
    pass.worker.barrier();
  }

  /// Samples [b, b + B) from the first step to the last.
  void through(const Pass<T>& pass, const Saved<T>& saved, const Memory& m, std::int64_t b,
               std::int64_t B) const {
    std::fill_n(m.state_h + b * O_, B * O_, T{0});
    if (has_c_) std::fill_n(m.state_c + b * O_, B * O_, T{0});
    for (std::int64_t i = b; saved.keeps && i < b + B; ++i) {
      std::fill_n(of_step(m.h, i, position(0)), O_, T{0});
    }
    draw(pass, saved.x, m, b, B);
    const T* x = inputs_.acts(pass) ? m.x : saved.x;
    if (!reads_ahead(pass)) {
      for (std::int64_t s = 0; s < steps_; ++s) {
        pass.kernels.product_panels(m.fresh + b * Z_, x + (b * steps_ + position(s)) * I_, m.w,
                                    first_bias(), B, Z_, I_, Z_, steps_ * I_, most(pass), false);
        step(pass, saved, m, b, B, s, saved.keeps ? position(s) : 0, true);
      }
      return;
    }
    for (std::int64_t begin = 0; begin < steps_; begin += m.slots) {
      const std::int64_t end = std::min(steps_, begin + m.slots);
      const std::int64_t first = reversed_ ? position(end - 1) : begin;
      inputs(pass, x, m, b, B, first, end - begin);
      for (std::int64_t s = begin; s < end; ++s) {
        step(pass, saved, m, b, B, s, saved.keeps ? position(s) : position(s) - first, false);
      }
    }
  }

  /// What ends the chain over x.
  const T* first_bias() const { return has_q_ && b_ ? b_->value : nullptr; }

  /// The masks of dropout, one for all steps, and what they leave of x.
  void draw(const Pass<T>& pass, const T* x, const Memory& m, std::int64_t b,
            std::int64_t B) const {
    constexpr std::int64_t kStates = std::int64_t{1} << 40;  // their numbers lie behind those of x
    const RandomKey key = masks_.key(pass);
    if (states_.acts(pass)) {
      pass.kernels.dropout(m.dh + b * O_, m.keep_h + b * O_, m.state_h + b * O_, kStates + b * O_,
                           B * O_, key, states_.threshold, states_.scale);
    }
    if (!inputs_.acts(pass)) return;
    for (std::int64_t i = b; i < b + B; ++i) {
      std::uint8_t* keep = m.keep_x + i * I_;
      for (std::int64_t t = 0; t < steps_; ++t) {
        const std::int64_t at = (i * steps_ + t) * I_;
        if (t == 0) {
          pass.kernels.dropout(m.x + at, keep, x + at, i * I_, I_, key, inputs_.threshold,
                               inputs_.scale);
        } else {
          pass.kernels.dropout_backward(m.x + at, keep, x + at, I_, inputs_.scale);
        }
      }
    }
  }

  /// z = x·W (+ b) of n steps from position t on.
  void inputs(const Pass<T>& pass, const T* x, const Memory& m, std::int64_t b, std::int64_t B,
              std::int64_t t, std::int64_t n) const {
    const auto product = [&](T* z, const T* from, std::int64_t rows, std::int64_t ldz,
                             std::int64_t ldx) {
      pass.kernels.product(z, from, w_->value, first_bias(), rows, Z_, I_, ldz, ldx, Z_,
                           Function::linear, uses_lanes(I_, Z_), pass.scratch);
    };
    T* z = m.z + b * m.slots * Z_;
    x += (b * steps_ + t) * I_;
    if (n == steps_) return product(z, x, B * n, Z_, I_);
    for (std::int64_t i = 0; i < B; ++i) {
      product(z + i * m.slots * Z_, x + i * steps_ * I_, n, Z_, I_);
    }
  }

  /// Step s of B samples, whose gates belong in this slot. Their x·W lies there, or is fresh.
  void step(const Pass<T>& pass, const Saved<T>& saved, const Memory& m, std::int64_t b,
            std::int64_t B, std::int64_t s, std::int64_t slot, bool is_fresh) const {
    const std::int64_t t = position(s);
    const bool is_last = s + 1 == steps_;
    TimeStep<T> step;
    step.h = m.state_h + b * O_;
    step.c = has_c_ ? m.state_c + b * O_ : nullptr;
    T* const of_slot = m.z + (b * m.slots + slot) * Z_;
    T* const z = is_fresh ? m.fresh + b * Z_ : of_slot;
    T* const q = has_q_ ? m.q + (b * m.slots + slot) * O_ : nullptr;
    step.z = z;
    step.ldz = is_fresh ? Z_ : m.slots * Z_;
    step.q = q;
    step.ldq = m.slots * O_;
    step.gates = saved.keeps ? of_slot : nullptr;
    step.ld_gates = m.slots * Z_;
    step.kept_h = is_last ? nullptr : of_step(m.h, b, position(s + 1));
    step.kept_c = of_step(m.c, b, t);
    step.ld_kept = steps_ * O_;
    if (sequences_) {
      step.y = of_step(saved.y, b, s);
      step.ldy = steps_ * O_;
    } else if (is_last) {
      step.y = saved.y + b * O_;
      step.ldy = O_;
    }
    const std::uint8_t* const mask = saved.mask_of(steps_);
    step.mask = mask ? mask + b * steps_ + t : nullptr;
    step.ld_mask = steps_;

    const T* h = step.h;
    std::int64_t ldh = O_;
    if (states_.acts(pass)) {
      ldh = steps_ * O_;
      h = of_step(m.dropped, b, t);
      for (std::int64_t i = 0; i < B; ++i) {
        pass.kernels.dropout_backward(of_step(m.dropped, b + i, t), m.keep_h + (b + i) * O_,
                                      step.h + i * O_, O_, states_.scale);
      }
    }
    const T* bias = b_ ? b_->value + (has_q_ ? Z_ : 0) : nullptr;
    pass.kernels.product_panels(z, h, m.u, bias, B, split_, O_, step.ldz, ldh, most(pass), true);
    if (has_q_) {
      pass.kernels.product_panels(q, h, second_u(m), bias ? bias + split_ : nullptr, B, O_, O_,
                                  step.ldq, ldh, most(pass), false);
    }
    gates(pass.kernels, step, B);
  }

  // ---- backward

  void pack_backward(const Pass<T>& pass, const Memory& m) const {
    const auto part = [&](T* to, const T* from, std::int64_t inputs) {
      const Range rows = share(inputs, 16, pass.worker);
      pass.kernels.pack(to, from, inputs, O_, Z_, true, rows.begin, rows.size(), most(pass));
    };
    part(m.u, u_->value, split_);
    if (has_q_) part(second_ut(m), u_->value + split_, O_);
    pass.worker.barrier();
  }

  /// From the last step to the first: ∂L/∂z, in the place of the gates.
  void back_through(const Pass<T>& pass, const T* dy, const Saved<T>& saved, const Memory& m,
                    std::int64_t b, std::int64_t B) const {
    TimeStepBackward<T> step;
    step.dh = m.state_h + b * O_;
    step.dc = has_c_ ? m.state_c + b * O_ : nullptr;
    step.ldz = steps_ * Z_;
    step.ldq = step.ld_kept = steps_ * O_;
    step.ldy = sequences_ ? steps_ * O_ : O_;
    step.ld_mask = steps_;
    std::fill_n(step.dh, B * O_, T{0});
    if (has_c_) std::fill_n(step.dc, B * O_, T{0});
    for (std::int64_t s = steps_; s-- > 0;) {
      const std::int64_t t = position(s);
      step.z = m.z + (b * steps_ + t) * Z_;
      step.q = has_q_ ? of_step(m.q, b, t) : nullptr;
      step.dy = sequences_ ? dy + (b * steps_ + s) * O_ : s + 1 == steps_ ? dy + b * O_ : nullptr;
      step.h_before = of_step(m.h, b, t);
      step.c = of_step(m.c, b, t);
      step.c_before = s > 0 ? of_step(m.c, b, position(s - 1)) : nullptr;
      step.soon = s > 0 ? m.z + (b * steps_ + position(s - 1)) * Z_ : nullptr;
      const std::uint8_t* const mask = saved.mask_of(steps_);
      step.mask = mask ? mask + b * steps_ + t : nullptr;
      gates_backward(pass.kernels, step, B);
      if (s > 0) state_gradient(pass, step, m, b, B);
    }
  }

  /// ∂L/∂h before the step, onto what has reached it past the products.
  void state_gradient(const Pass<T>& pass, const TimeStepBackward<T>& step, const Memory& m,
                      std::int64_t b, std::int64_t B) const {
    const bool drops = states_.acts(pass);
    T* dh = drops ? m.dh + b * O_ : step.dh;
    if (drops) std::fill_n(dh, B * O_, T{0});
    pass.kernels.product_panels(dh, step.z, m.u, nullptr, B, O_, split_, O_, step.ldz, most(pass),
                                true);
    if (has_q_) {
      pass.kernels.product_panels(dh, step.q, second_ut(m), nullptr, B, O_, O_, O_, step.ldq,
                                  most(pass), true);
    }
    if (!drops) return;
    pass.kernels.dropout_backward(dh, m.keep_h + b * O_, dh, B * O_, states_.scale);
    pass.kernels.add(step.dh, step.dh, dh, B * O_);
  }

  void input_gradient(const Pass<T>& pass, T* dx, const Memory& m, std::int64_t b,
                      std::int64_t B) const {
    T* to = dx + b * steps_ * I_;
    pass.kernels.product_dx(to, m.z + b * steps_ * Z_, w_->value, B * steps_, I_, Z_, I_, Z_, Z_,
                            uses_lanes(Z_, I_), pass.scratch);
    if (!inputs_.acts(pass)) return;
    for (std::int64_t row = 0; row < B * steps_; ++row) {
      pass.kernels.dropout_backward(to + row * I_, m.keep_x + (b + row / steps_) * I_,
                                    to + row * I_, I_, inputs_.scale);
    }
  }

  /// ∂L/∂W = Σ xᵀ·∂L/∂z, ∂L/∂U = Σ hᵀ·∂L/∂z, ∂L/∂b = Σ ∂L/∂z.
  void gradients(const Pass<T>& pass, const Saved<T>& saved, const Memory& m) const {
    const std::int64_t N = pass.batch * steps_;
    const T* x = inputs_.acts(pass) ? m.x : saved.x;
    const T* h = states_.acts(pass) ? m.dropped : m.h;
    if (w_->trainable) matrix(pass, *w_, x, I_, m.z, Z_, N, 0, Z_);
    if (u_->trainable) {
      matrix(pass, *u_, h, O_, m.z, Z_, N, 0, split_);
      if (has_q_) matrix(pass, *u_, h, O_, m.q, O_, N, split_, O_);
    }
    if (!b_ || !b_->trainable) return;
    sum(pass, m.z, Z_, N, 0, Z_);
    if (!has_q_) return;
    sum(pass, m.z, Z_, N, Z_, split_);
    sum(pass, m.q, O_, N, Z_ + split_, O_);
  }

  /// Columns [first, first + columns) of a kernel's gradient.
  void matrix(const Pass<T>& pass, const Parameter<T>& parameter, const T* x, std::int64_t inputs,
              const T* dz, std::int64_t lddz, std::int64_t N, std::int64_t first,
              std::int64_t columns) const {
    constexpr std::int64_t kStrip = 256;  // an update finds its gradients in the cache
    const Block part = own(inputs, kParameterRows, columns, pass.kernels.column_grain, pass.worker);
    if (part.empty()) return;
    for (std::int64_t row = part.rows.begin; row < part.rows.end; row += kStrip) {
      const std::int64_t rows = std::min(kStrip, part.rows.end - row);
      const std::int64_t at = row * Z_ + first + part.columns.begin;
      pass.kernels.product_dw(parameter.gradient + at, x + row, dz + part.columns.begin, rows,
                              part.columns.size(), N, Z_, inputs, lddz, pass.scratch);
      update_block(pass, parameter, at, rows, part.columns.size(), Z_);
    }
  }

  void sum(const Pass<T>& pass, const T* dz, std::int64_t lddz, std::int64_t N, std::int64_t first,
           std::int64_t columns) const {
    const Block part = own(1, kParameterRows, columns, pass.kernels.column_grain, pass.worker);
    if (part.empty()) return;
    const std::int64_t at = first + part.columns.begin;
    pass.kernels.sum_rows(b_->gradient + at, dz + part.columns.begin, part.columns.size(), N, lddz);
    update_block(pass, *b_, at, 1, part.columns.size(), part.columns.size());
  }

  std::int64_t O_;      // units
  std::int64_t Z_;      // of all gates
  std::int64_t split_;  // columns of U whose product goes into z; those behind it make q
  bool has_c_, has_q_, bias_, sequences_, reversed_;
  Drop inputs_, states_;
  Masks masks_;
  std::int64_t steps_ = 0;
  std::int64_t I_ = 0;
  const Parameter<T>* w_ = nullptr;
  const Parameter<T>* u_ = nullptr;
  const Parameter<T>* b_ = nullptr;
};

}  // namespace mundur

// One time step of the recurrent layers between their products: gates and state.

#include "cpu/kernels/formulas/gates.h"
#include "cpu/kernels/isa/tile.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
MUNDUR_INLINE void copy_up_to(T* y, i64 i, Vec<T> value, int n) {
  if (y) store_up_to(y + i, value, n);
}

/// A step's pointers at one sample.
template <class T>
MUNDUR_INLINE TimeStep<T> sample_of(const TimeStep<T>& step, i64 b, i64 O) {
  TimeStep<T> at = step;
  at.h += b * O;
  if (at.c) at.c += b * O;
  at.z += b * step.ldz;
  if (at.q) at.q += b * step.ldq;
  if (at.gates) at.gates += b * step.ld_gates;
  if (at.kept_h) at.kept_h += b * step.ld_kept;
  if (at.kept_c) at.kept_c += b * step.ld_kept;
  if (at.y) at.y += b * step.ldy;
  return at;
}
template <class T>
MUNDUR_INLINE TimeStepBackward<T> sample_of(const TimeStepBackward<T>& step, i64 b, i64 O) {
  TimeStepBackward<T> at = step;
  at.dh += b * O;
  if (at.dc) at.dc += b * O;
  at.z += b * step.ldz;
  if (at.q) at.q += b * step.ldq;
  if (at.dy) at.dy += b * step.ldy;
  if (at.h_before) at.h_before += b * step.ld_kept;
  if (at.c) at.c += b * step.ld_kept;
  if (at.c_before) at.c_before += b * step.ld_c_before;
  if (at.soon) at.soon += b * step.ldz;
  return at;
}

template <class T>
MUNDUR_INLINE void leave_h(const TimeStep<T>& at, i64 i, Vec<T> h, int n) {
  store_up_to(at.h + i, h, n);
  copy_up_to(at.kept_h, i, h, n);
  copy_up_to(at.y, i, h, n);
}
template <class T>
MUNDUR_INLINE void leave_c(const TimeStep<T>& at, i64 i, Vec<T> c, int n) {
  store_up_to(at.c + i, c, n);
  copy_up_to(at.kept_c, i, c, n);
}

/// live(at, i, n) for the samples that are there; the others keep their state.
template <class T, class Live>
MUNDUR_INLINE void for_each_sample(const TimeStep<T>& step, i64 B, i64 O, Live live) {
  for (i64 b = 0; b < B; ++b) {
    const TimeStep<T> at = sample_of(step, b, O);
    if (step.mask && !step.mask[b * step.ld_mask]) {
      const bool is_heard = !step.heard || step.heard[b * step.ld_mask];
      for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
        leave_h(at, i, load_up_to(at.h + i, n), n);
        if (!is_heard) copy_up_to(at.y, i, zero<T>(), n);
        if (at.c) leave_c(at, i, load_up_to(at.c + i, n), n);
      });
    } else {
      for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY { live(at, i, n); });
    }
  }
}

/// live(at, i, n, dh) likewise; for the others, `gates` parts of z and, if there is one, q become
/// 0.
template <class T, class Live>
MUNDUR_INLINE void for_each_sample_backward(const TimeStepBackward<T>& step, i64 B, i64 O,
                                            int gates, Live live) {
  for (i64 b = 0; b < B; ++b) {
    TimeStepBackward<T> at = sample_of(step, b, O);
    const bool masked = step.mask && !step.mask[b * step.ld_mask];
    if (masked && step.heard && !step.heard[b * step.ld_mask]) at.dy = nullptr;
    // Samples lie a whole sequence apart, too far for what the processor foresees.
    for (i64 i = 0; at.soon && i < gates * O; i += Scratch<T>::kLine) {
      __builtin_prefetch(at.soon + i, 1, 2);
    }
    for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
      Vec<T> dh = load_up_to(at.dh + i, n);
      if (at.dy) dh = dh + load_up_to(at.dy + i, n);
      if (!masked) return live(at, i, n, dh);
      store_up_to(at.dh + i, dh, n);
      for (int gate = 0; gate < gates; ++gate) store_up_to(at.z + gate * O + i, zero<T>(), n);
      copy_up_to(at.q, i, zero<T>(), n);
    });
  }
}

/// The gates of some units, which lie O apart; null: they are not kept.
template <class T, int kGates>
MUNDUR_INLINE void load_gates(Vec<T> (&z)[kGates], const T* from, i64 O, int n) {
  for (int gate = 0; gate < kGates; ++gate) z[gate] = load_up_to(from + gate * O, n);
}
template <class T, int kGates>
MUNDUR_INLINE void store_gates(T* to, i64 k, i64 O, const Vec<T> (&z)[kGates], int n) {
  if (!to) return;
  for (int gate = 0; gate < kGates; ++gate) store_up_to(to + k + gate * O, z[gate], n);
}

template <class T>
void lstm(const TimeStep<T>& step, i64 B, i64 O) {
  for_each_sample(step, B, O, [O](const TimeStep<T>& at, i64 k, int n) MUNDUR_BODY {
    Vec<T> z[4], c = load_up_to(at.c + k, n);
    load_gates(z, at.z + k, O, n);
    const Vec<T> h = lstm_forward(z, c);
    store_gates(at.gates, k, O, z, n);
    leave_c(at, k, c, n);
    leave_h(at, k, h, n);
  });
}

template <class T>
void lstm_backward(const TimeStepBackward<T>& step, i64 B, i64 O) {
  for_each_sample_backward(
      step, B, O, 4, [O](const TimeStepBackward<T>& at, i64 k, int n, Vec<T> dh) MUNDUR_BODY {
        Vec<T> z[4], dc = load_up_to(at.dc + k, n);
        load_gates(z, at.z + k, O, n);
        const Vec<T> before = at.c_before ? load_up_to(at.c_before + k, n) : T(0);
        lstm_back(z, dc, dh, load_up_to(at.c + k, n), before);
        store_gates(at.z, k, O, z, n);
        store_up_to(at.dc + k, dc, n);
        store_up_to(at.dh + k, zero<T>(), n);
      });
}

template <class T>
void gru(const TimeStep<T>& step, i64 B, i64 O) {
  for_each_sample(step, B, O, [O](const TimeStep<T>& at, i64 k, int n) MUNDUR_BODY {
    Vec<T> z[3];
    load_gates(z, at.z + k, O, n);
    const Vec<T> h = gru_forward(z, load_up_to(at.q + k, n), load_up_to(at.h + k, n));
    store_gates(at.gates, k, O, z, n);
    leave_h(at, k, h, n);
  });
}

template <class T>
void gru_backward(const TimeStepBackward<T>& step, i64 B, i64 O) {
  for_each_sample_backward(step, B, O, 3,
                           [O](const TimeStepBackward<T>& at, i64 k, int n, Vec<T> dh) MUNDUR_BODY {
                             Vec<T> z[3], q = load_up_to(at.q + k, n);
                             load_gates(z, at.z + k, O, n);
                             gru_back(z, q, dh, load_up_to(at.h_before + k, n));
                             store_gates(at.z, k, O, z, n);
                             store_up_to(at.q + k, q, n);
                             store_up_to(at.dh + k, dh, n);
                           });
}

template <class T>
void simple_rnn(const TimeStep<T>& step, i64 B, i64 O, Function f) {
  with_function<T>(f, [&](auto one) {
    for_each_sample(step, B, O, [](const TimeStep<T>& at, i64 k, int n) MUNDUR_BODY {
      const Vec<T> h = decltype(one)::value(load_up_to(at.z + k, n));
      copy_up_to(at.gates, k, h, n);
      leave_h(at, k, h, n);
    });
  });
}

template <class T>
void simple_rnn_backward(const TimeStepBackward<T>& step, i64 B, i64 O, Function f) {
  with_function<T>(f, [&](auto one) {
    for_each_sample_backward(
        step, B, O, 1, [](const TimeStepBackward<T>& at, i64 k, int n, Vec<T> dh) MUNDUR_BODY {
          store_up_to(at.z + k, decltype(one)::gradient(load_up_to(at.z + k, n), dh), n);
          store_up_to(at.dh + k, zero<T>(), n);
        });
  });
}

/// use(the struct of a cell with any functions).
template <class T, class Use>
MUNDUR_INLINE void with_cell(Cell cell, Use use) {
  switch (cell) {
    case Cell::simple_rnn:
      return use(AnySimpleRnn<T>{});
    case Cell::lstm:
      return use(AnyLstm<T>{});
    case Cell::gru:
      return use(AnyGru<T>{});
    case Cell::gru_before:
      return use(AnyGruBefore<T>{});
  }
}

template <class T>
Vec<T> load_or_zero(const T* from, i64 i, int n) {
  return from ? load_up_to(from + i, n) : zero<T>();
}

template <class T>
void any_cell(const TimeStep<T>& step, i64 B, i64 O, Cell cell, const Gates<T>& gates) {
  with_cell<T>(cell, [&](auto one) {
    using Any = decltype(one);
    for_each_sample(step, B, O, [&](const TimeStep<T>& at, i64 k, int n) MUNDUR_BODY {
      Vec<T> z[Any::kGates], c = load_or_zero(at.c, k, n);
      load_gates(z, at.z + k, O, n);
      const Vec<T> q = load_or_zero(at.q, k, n), before = load_up_to(at.h + k, n);
      const Vec<T> h = Any::forward(gates, z, q, c, before);
      if (at.gates != at.z) store_gates(at.gates, k, O, z, n);
      if (at.c) leave_c(at, k, c, n);
      leave_h(at, k, h, n);
    });
  });
}

template <class T>
void any_cell_backward(const TimeStepBackward<T>& step, i64 B, i64 O, Cell cell,
                       const Gates<T>& gates) {
  with_cell<T>(cell, [&](auto one) {
    using Any = decltype(one);
    for_each_sample_backward(
        step, B, O, Any::kGates,
        [&](const TimeStepBackward<T>& at, i64 k, int n, Vec<T> dh) MUNDUR_BODY {
          Vec<T> z[Any::kGates], q = load_or_zero(at.q, k, n), dc = load_or_zero(at.dc, k, n);
          load_gates(z, at.z + k, O, n);
          Any::backward(gates, z, q, dc, dh, load_or_zero(at.c, k, n),
                        load_or_zero(at.c_before, k, n), load_or_zero(at.h_before, k, n));
          store_gates(at.z, k, O, z, n);
          copy_up_to(at.q, k, q, n);
          copy_up_to(at.dc, k, dc, n);
          store_up_to(at.dh + k, dh, n);
        });
  });
}

template <class T>
void reset(Matrix<T> y, Matrix<const T> z, Matrix<const T> h, i64 B, i64 O, const Gate<T>& g) {
  for (i64 b = 0; b < B; ++b) {
    for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
      const Vec<T> r = gate(g, load_up_to(z.p + b * z.ld + i, n));
      store_up_to(y.p + b * y.ld + i, r * load_up_to(h.p + b * h.ld + i, n), n);
    });
  }
}

template <class T>
void reset_backward(Matrix<T> dy, Matrix<T> z, Matrix<const T> h, i64 B, i64 O, const Gate<T>& g) {
  for (i64 b = 0; b < B; ++b) {
    T *const of_dy = dy.p + b * dy.ld, *const of_z = z.p + b * z.ld;
    for_each_vec<T>(O, [&](i64 i, int n) MUNDUR_BODY {
      const Vec<T> raw = load_up_to(of_z + i, n), d = load_up_to(of_dy + i, n);
      const Vec<T> r = gate(g, raw), before = load_up_to(h.p + b * h.ld + i, n);
      store_up_to(of_z + i, gate_back(g, raw, r, d * before), n);
      store_up_to(of_dy + i, d * r, n);
    });
  }
}

template <class T>
void fill_recurrent_rows(Kernels<T>& table) {
  table.simple_rnn = simple_rnn<T>;
  table.simple_rnn_backward = simple_rnn_backward<T>;
  table.lstm = lstm<T>;
  table.lstm_backward = lstm_backward<T>;
  table.gru = gru<T>;
  table.gru_backward = gru_backward<T>;
  table.any_cell = any_cell<T>;
  table.any_cell_backward = any_cell_backward<T>;
  table.reset = reset<T>;
  table.reset_backward = reset_backward<T>;
}

}  // namespace

void fill_recurrent(Kernels<float>& table) { fill_recurrent_rows(table); }
void fill_recurrent(Kernels<double>& table) { fill_recurrent_rows(table); }

}  // namespace mundur::MUNDUR_ISA

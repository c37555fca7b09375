// The way through time: a block takes some samples through all steps, and waits for no other. Its
// threads share out the columns of a step's products, then the units.

#include "cpu/kernels/formulas/gates.h"
#include "cuda/library/words.h"

namespace mundur::MUNDUR_ISA {
namespace {

// ---- cells: the usual ones, in the form that those of any functions have ------------------------

template <class T>
struct UsualSimpleRnn {
  static constexpr int kGates = 1;
  static MUNDUR_INLINE Vec<T> forward(const Gates<T>& by, Vec<T> (&z)[1], Vec<T>, Vec<T>&, Vec<T>) {
    with_function<T>(by.f.function, [&](auto one) { z[0] = decltype(one)::value(z[0]); });
    return z[0];
  }
  static MUNDUR_INLINE void backward(const Gates<T>& by, Vec<T> (&z)[1], Vec<T>&, Vec<T>&,
                                     Vec<T>& dh, Vec<T>, Vec<T>, Vec<T>) {
    with_function<T>(by.f.function, [&](auto one) { z[0] = decltype(one)::gradient(z[0], dh); });
    dh = T(0);
  }
};
template <class T>
struct UsualLstm {
  static constexpr int kGates = 4;
  static MUNDUR_INLINE Vec<T> forward(const Gates<T>&, Vec<T> (&z)[4], Vec<T>, Vec<T>& c, Vec<T>) {
    return lstm_forward(z, c);
  }
  static MUNDUR_INLINE void backward(const Gates<T>&, Vec<T> (&z)[4], Vec<T>&, Vec<T>& dc,
                                     Vec<T>& dh, Vec<T> c, Vec<T> c_before, Vec<T>) {
    lstm_back(z, dc, dh, c, c_before);
    dh = T(0);
  }
};
template <class T>
struct UsualGru {
  static constexpr int kGates = 3;
  static MUNDUR_INLINE Vec<T> forward(const Gates<T>&, Vec<T> (&z)[3], Vec<T> q, Vec<T>&,
                                      Vec<T> h) {
    return gru_forward(z, q, h);
  }
  static MUNDUR_INLINE void backward(const Gates<T>&, Vec<T> (&z)[3], Vec<T>& q, Vec<T>&,
                                     Vec<T>& dh, Vec<T>, Vec<T>, Vec<T> h) {
    gru_back(z, q, dh, h);
  }
};

/// use(the struct of a cell).
template <class T, bool kUsual, class Use>
MUNDUR_INLINE void with_cell(Cell cell, Use use) {
  if constexpr (kUsual) {
    if (cell == Cell::lstm) return use(UsualLstm<T>{});
    if (cell == Cell::gru) return use(UsualGru<T>{});
    use(UsualSimpleRnn<T>{});
  } else {
    if (cell == Cell::lstm) return use(AnyLstm<T>{});
    if (cell == Cell::gru) return use(AnyGru<T>{});
    if (cell == Cell::gru_before) return use(AnyGruBefore<T>{});
    use(AnySimpleRnn<T>{});
  }
}

// ---- what both ways share -----------------------------------------------------------------------

/// Each sum goes on over `depth` numbers, of one of the rows and of a column of w.
template <int kRows, class T>
MUNDUR_INLINE void go_on(T (&sums)[kRows], const T* rows, const T* w, i64 ld, int depth) {
  constexpr int kSoon = 8;  // numbers of w that are on their way at once
  int k = 0;
  for (; k + kSoon <= depth; k += kSoon) {
    T soon[kSoon];
    MUNDUR_UNROLL
    for (int j = 0; j < kSoon; ++j) soon[j] = w[(k + j) * ld];
    MUNDUR_UNROLL
    for (int j = 0; j < kSoon; ++j) {
      MUNDUR_UNROLL
      for (int i = 0; i < kRows; ++i) sums[i] = fused(rows[i * depth + k + j], soon[j], sums[i]);
    }
  }
  MUNDUR_ROLLED
  for (; k < depth; ++k) {
    const T last = w[k * ld];
    MUNDUR_UNROLL
    for (int i = 0; i < kRows; ++i) sums[i] = fused(rows[i * depth + k], last, sums[i]);
  }
}

/// A block's samples, of which there are `count`.
template <class T, class Block>
class Together {
 public:
  MUNDUR_DEVICE Together(Block& block, const launches::TimeLoop<T>& of, const Gates<T>& by)
      : block_(block),
        loop(of),
        functions(by),
        O(of.units),
        Z(of.columns),
        first(block.index() * of.together) {
    count = static_cast<int>(loop.samples - first < loop.together ? loop.samples - first
                                                                  : loop.together);
  }

 protected:
  /// Where step s finds its x, and where it puts its y.
  MUNDUR_INLINE i64 position(i64 s) const { return loop.reversed ? loop.steps - 1 - s : s; }
  MUNDUR_INLINE i64 place(i64 s) const { return loop.in_order ? position(s) : s; }
  /// Of unit k of sample i: in a matrix of states; in one of steps.
  MUNDUR_INLINE i64 unit(i64 i, i64 k) const { return (first + i) * O + k; }
  MUNDUR_INLINE i64 unit(i64 i, i64 t, i64 k) const {
    return ((first + i) * loop.steps + t) * O + k;
  }
  MUNDUR_INLINE i64 gates(i64 i, i64 t, i64 k) const {
    return ((first + i) * loop.steps + t) * Z + k;
  }
  MUNDUR_INLINE i64 of_q(i64 i, i64 t, i64 k) const {
    return ((first + i) * loop.q_steps + (loop.q_steps == loop.steps ? t : 0)) * O + k;
  }
  MUNDUR_INLINE bool is_masked(i64 i, i64 t) const {
    return loop.mask && !loop.mask[(first + i) * loop.steps + t];
  }
  MUNDUR_INLINE bool is_heard(i64 i, i64 t) const {
    return !loop.heard || loop.heard[(first + i) * loop.steps + t];
  }

  /// f(i, k) for those units k of the samples that are a thread's, in each phase the same ones.
  template <class F>
  MUNDUR_INLINE void units(int thread, F f) const {
    const auto width = static_cast<unsigned>(O), all = static_cast<unsigned>(count) * width;
    MUNDUR_ROLLED
    for (auto e = static_cast<unsigned>(thread); e < all;
         e += static_cast<unsigned>(block_.threads())) {
      f(static_cast<i64>(e / width), static_cast<i64>(e % width));
    }
  }

  /// Chains over rows from[depth] of the samples and columns [begin, end) of w[depth, ld]: from
  /// start(i, c), or where the last piece of the rows has left them, to finish(i, c, sum, whether
  /// it is the last).
  template <class Start, class Finish>
  MUNDUR_DEVICE void multiply(const T* from, i64 ld_from, const T* w, i64 ld, i64 depth, i64 begin,
                              i64 end, Start start, Finish finish) const {
    T* const rows = block_.template shared<T>(0);
    MUNDUR_ROLLED
    for (i64 k = 0; k < depth; k += launches::kTimeDepth) {
      const int n =
          depth - k < launches::kTimeDepth ? static_cast<int>(depth - k) : launches::kTimeDepth;
      block_.phase([&](int thread) {
        MUNDUR_ROLLED
        for (int e = thread; e < loop.together * n; e += block_.threads()) {
          const int i = e / n;
          rows[e] = i < count ? from[i * ld_from + k + (e - i * n)] : T(0);
        }
      });
      block_.phase([&](int thread) {
        const bool is_first = k == 0, is_last = k + n == depth;
        MUNDUR_ROLLED
        for (i64 c = begin + thread; c < end; c += block_.threads()) {
          const auto chains = [&](auto& sums) {
            constexpr int kRows = sizeof(sums) / sizeof(T);
            MUNDUR_UNROLL
            for (int i = 0; i < kRows; ++i) sums[i] = i < count ? start(i, c, is_first) : T(0);
            go_on(sums, rows, w + k * ld + c, ld, n);
            MUNDUR_UNROLL
            for (int i = 0; i < kRows; ++i) {
              if (i < count) finish(i, c, sums[i], is_last);
            }
          };
          T one[1], several[launches::kMostTogether];
          loop.together == 1 ? chains(one) : chains(several);
        }
      });
    }
  }

  template <int kGates>
  MUNDUR_INLINE void load_gates(Vec<T> (&z)[kGates], const T* from) const {
    MUNDUR_UNROLL
    for (int gate = 0; gate < kGates; ++gate) z[gate] = from[gate * O];
  }
  template <int kGates>
  MUNDUR_INLINE void store_gates(T* to, const Vec<T> (&z)[kGates]) const {
    MUNDUR_UNROLL
    for (int gate = 0; gate < kGates; ++gate) to[gate * O] = first_lane(z[gate]);
  }
  static MUNDUR_INLINE T at_or_zero(const T* p, i64 at) { return p ? p[at] : T(0); }

  Block& block_;
  const launches::TimeLoop<T>& loop;
  const Gates<T>& functions;
  const i64 O, Z, first;
  int count;
};

// ---- forward ------------------------------------------------------------------------------------

template <class T, bool kUsual, class Block>
class Ahead : Together<T, Block> {
  using Base = Together<T, Block>;
  using Base::O, Base::Z, Base::loop, Base::functions, Base::first, Base::count, Base::block_;

 public:
  MUNDUR_DEVICE Ahead(Block& block, const launches::RecurSteps<T>& arguments, const Gates<T>& by)
      : Base(block, arguments, by), a(arguments) {}

  MUNDUR_DEVICE void run(RandomKey key) const {
    const bool resets = !kUsual && loop.cell == Cell::gru_before;
    block_.phase([&](int thread) { begin(key, thread); });
    for (i64 s = 0; s < loop.steps; ++s) {
      const i64 t = this->position(s);
      multiply(
          t,
          loop.dropped_h ? loop.dropped_h + this->unit(0, t, 0) : loop.state_h + this->unit(0, 0),
          loop.dropped_h ? loop.steps * O : O, 0, resets ? loop.split : Z);
      if (resets) {
        block_.phase([&](int thread) {
          this->units(thread, [&](i64 i, i64 k) {
            const Vec<T> r = gate(functions.g, Vec<T>(loop.z[this->gates(i, t, O + k)]));
            const T h = loop.dropped_h ? loop.dropped_h[this->unit(i, t, k)]
                                       : loop.state_h[this->unit(i, k)];
            loop.q[this->of_q(i, t, k)] = first_lane(r * Vec<T>(h));
          });
        });
        multiply(t, loop.q + this->of_q(0, t, 0), loop.q_steps * O, loop.split, Z);
      }
      block_.phase([&](int thread) {
        with_cell<T, kUsual>(loop.cell, [&](auto one) {
          this->units(thread, [&](i64 i, i64 k) { step<decltype(one)>(s, i, k); });
        });
      });
    }
  }

 private:
  MUNDUR_DEVICE void begin(RandomKey key, int thread) const {
    // Their numbers lie behind those of x.
    constexpr std::uint64_t kStates = std::uint64_t{1} << 40;
    this->units(thread, [&](i64 i, i64 k) {
      const i64 at = this->unit(i, k);
      const T h = this->at_or_zero(a.h0, at);
      loop.state_h[at] = h;
      if (loop.state_c) loop.state_c[at] = this->at_or_zero(loop.c0, at);
      if (loop.dropped_h) {
        loop.keep_h[at] = word_of(key, kStates + static_cast<std::uint64_t>(at)) >= a.threshold;
      }
      leave(i, 0, k, h);
    });
    for (int i = thread; loop.heard && i < count; i += block_.threads()) hear(i);
  }
  /// At which steps y is the state, as on the CPU.
  MUNDUR_DEVICE void hear(int i) const {
    bool began = false;
    for (i64 s = 0; s < loop.steps; ++s) {
      const i64 at = (first + i) * loop.steps + this->position(s);
      began |= loop.mask[at] != 0;
      loop.heard[at] = a.zeroes ? loop.mask[at] != 0 : began;
    }
  }
  /// The state, for step s and its backward.
  MUNDUR_INLINE void leave(i64 i, i64 s, i64 k, T h) const {
    if (s == loop.steps) return;
    const i64 at = this->unit(i, this->position(s), k);
    if (loop.h) loop.h[at] = h;
    if (loop.dropped_h) loop.dropped_h[at] = loop.keep_h[this->unit(i, k)] ? h * loop.scale : T(0);
  }

  /// The chains of columns [begin, end) of z, and of q, over rows of h.
  MUNDUR_DEVICE void multiply(i64 t, const T* h, i64 ld, i64 begin, i64 end) const {
    const bool has_q = loop.cell == Cell::gru;
    const auto at = [&](int i, i64 c) -> T& {
      return has_q && c >= loop.split ? loop.q[this->of_q(i, t, c - loop.split)]
                                      : loop.z[this->gates(i, t, c)];
    };
    Base::multiply(
        h, ld, a.u, Z, O, begin, end,
        [&](int i, i64 c, bool is_first) {
          return is_first && has_q && c >= loop.split ? T(0) : at(i, c);
        },
        [&](int i, i64 c, T sum, bool is_last) {
          at(i, c) = is_last && a.bias ? sum + a.bias[c] : sum;
        });
  }

  /// What happens to a unit behind the products.
  template <class Kind>
  MUNDUR_INLINE void step(i64 s, i64 i, i64 k) const {
    const i64 t = this->position(s), at = this->unit(i, k);
    T h = loop.state_h[at];
    const bool is_masked = this->is_masked(i, t);
    if (!is_masked) {
      T* const of_z = loop.z + this->gates(i, t, k);
      Vec<T> z[Kind::kGates], c = this->at_or_zero(loop.state_c, at);
      this->load_gates(z, of_z);
      const T q = loop.q ? loop.q[this->of_q(i, t, k)] : T(0);
      h = first_lane(Kind::forward(functions, z, Vec<T>(q), c, Vec<T>(h)));
      if (kUsual && loop.h) this->store_gates(of_z, z);
      if (loop.state_c) loop.state_c[at] = first_lane(c);
      loop.state_h[at] = h;
    }
    if (loop.c) loop.c[this->unit(i, t, k)] = loop.state_c[at];
    if (loop.sequences || s + 1 == loop.steps) {
      a.y[loop.sequences ? this->unit(i, this->place(s), k) : at] =
          is_masked && !this->is_heard(i, t) ? T(0) : h;
    }
    leave(i, s + 1, k, h);
  }

  const launches::RecurSteps<T>& a;
};

template <class T>
struct Code<launches::Recur<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Recur<T>& a,
                                const launches::Step<T>& step) {
    Ahead<T, true, Block>(block, a, a.gates).run(key_of(a.key, step));
  }
};
template <class T>
struct Code<launches::RecurAny<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::RecurAny<T>& a,
                                const launches::Step<T>& step) {
    const Gates<T> gates = a.gates;  // only these are taken by address
    Ahead<T, false, Block>(block, a, gates).run(key_of(a.key, step));
  }
};

// ---- backward -----------------------------------------------------------------------------------

/// From the last step to the first: ∂L/∂z, in the place of the gates.
template <class T, bool kUsual, class Block>
class Back : Together<T, Block> {
  using Base = Together<T, Block>;
  using Base::O, Base::Z, Base::loop, Base::functions, Base::block_;

 public:
  MUNDUR_DEVICE Back(Block& block, const launches::RecurStepsDx<T>& arguments, const Gates<T>& by)
      : Base(block, arguments, by), a(arguments) {}

  MUNDUR_DEVICE void run() const {
    block_.alone([&](int thread) {
      this->units(thread, [&](i64 i, i64 k) {
        const i64 at = this->unit(i, k);
        loop.state_h[at] = this->at_or_zero(a.dh_last, at);
        if (loop.state_c) loop.state_c[at] = this->at_or_zero(a.dc_last, at);
      });
    });
    for (i64 s = loop.steps; s-- > 0;) {
      const i64 t = this->position(s);
      block_.phase([&](int thread) {
        with_cell<T, kUsual>(loop.cell, [&](auto one) {
          this->units(thread, [&](i64 i, i64 k) { step<decltype(one)>(s, i, k); });
        });
      });
      if (!kUsual && loop.cell == Cell::gru_before) reset_gradient(t);
      if (s > 0 || a.begins) state_gradient(t);
    }
  }

 private:
  template <class Kind>
  MUNDUR_INLINE void step(i64 s, i64 i, i64 k) const {
    const i64 t = this->position(s), at = this->unit(i, k), in_steps = this->unit(i, t, k);
    T* const of_z = loop.z + this->gates(i, t, k);
    T* const of_q = loop.cell == Cell::gru ? loop.q + in_steps : nullptr;
    const bool is_masked = this->is_masked(i, t);
    T dh = loop.state_h[at];
    if (a.dy && (loop.sequences || s + 1 == loop.steps) && !(is_masked && !this->is_heard(i, t))) {
      dh = dh + a.dy[loop.sequences ? this->unit(i, this->place(s), k) : at];
    }
    if (is_masked) {
      loop.state_h[at] = dh;
      for (int gate = 0; gate < Kind::kGates; ++gate) of_z[gate * O] = T(0);
      if (of_q) *of_q = T(0);
      return;
    }
    Vec<T> z[Kind::kGates], d = dh, q = of_q ? *of_q : T(0),
                            dc = this->at_or_zero(loop.state_c, at);
    this->load_gates(z, of_z);
    const T before = s > 0 ? this->at_or_zero(loop.c, this->unit(i, this->position(s - 1), k))
                           : this->at_or_zero(loop.c0, at);
    Kind::backward(functions, z, q, dc, d, Vec<T>(this->at_or_zero(loop.c, in_steps)),
                   Vec<T>(before), Vec<T>(loop.h[in_steps]));
    this->store_gates(of_z, z);
    if (of_q) *of_q = first_lane(q);
    if (loop.state_c) loop.state_c[at] = first_lane(dc);
    loop.state_h[at] = first_lane(d);
  }

  /// ∂L/∂(r·h), and what of it reaches z_r, and h beside the product: dq.
  MUNDUR_DEVICE void reset_gradient(i64 t) const {
    Base::multiply(
        loop.z + this->gates(0, t, loop.split), loop.steps * Z, a.u_q, O, O, 0, O,
        [&](int i, i64 k, bool is_first) { return is_first ? T(0) : a.dq[this->unit(i, k)]; },
        [&](int i, i64 k, T sum, bool) { a.dq[this->unit(i, k)] = sum; });
    block_.phase([&](int thread) {
      this->units(thread, [&](i64 i, i64 k) {
        T *const of_z = loop.z + this->gates(i, t, O + k), *const of_dq = a.dq + this->unit(i, k);
        const i64 at = this->unit(i, t, k);
        const Vec<T> raw = *of_z, d = *of_dq, r = gate(functions.g, raw);
        const Vec<T> h = loop.dropped_h ? loop.dropped_h[at] : loop.h[at];
        *of_z = first_lane(gate_back(functions.g, raw, r, d * h));
        *of_dq = first_lane(d * r);
      });
    });
  }

  /// ∂L/∂h before the step, onto what has reached it past the products.
  MUNDUR_DEVICE void state_gradient(i64 t) const {
    const bool has_q = loop.cell == Cell::gru;
    T* const to = loop.dropped_h ? a.dh : loop.state_h;
    const auto sum_so_far = [&](int i, i64 k) { return to[this->unit(i, k)]; };
    const auto finish = [&](int i, i64 k, T sum, bool is_last) {
      const i64 at = this->unit(i, k);
      if (!loop.dropped_h || !is_last) {
        to[at] = sum;
        return;
      }
      loop.state_h[at] = loop.state_h[at] + (loop.keep_h[at] ? sum * loop.scale : T(0));
    };
    Base::multiply(
        loop.z + this->gates(0, t, 0), loop.steps * Z, a.u_z, O, loop.split, 0, O,
        [&](int i, i64 k, bool is_first) {
          if (!is_first) return sum_so_far(i, k);
          const T around = loop.dropped_h ? T(0) : loop.state_h[this->unit(i, k)];
          return a.dq ? around + a.dq[this->unit(i, k)] : around;
        },
        [&](int i, i64 k, T sum, bool is_last) { finish(i, k, sum, is_last && !has_q); });
    if (!has_q) return;
    Base::multiply(
        loop.q + this->unit(0, t, 0), loop.steps * O, a.u_q, O, O, 0, O,
        [&](int i, i64 k, bool) { return sum_so_far(i, k); }, finish);
  }

  const launches::RecurStepsDx<T>& a;
};

template <class T>
struct Code<launches::RecurDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::RecurDx<T>& a,
                                const launches::Step<T>&) {
    Back<T, true, Block>(block, a, a.gates).run();
  }
};
template <class T>
struct Code<launches::RecurDxAny<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::RecurDxAny<T>& a,
                                const launches::Step<T>&) {
    const Gates<T> gates = a.gates;
    Back<T, false, Block>(block, a, gates).run();
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(Recur)
MUNDUR_STARTED(RecurAny)
MUNDUR_STARTED(RecurDx)
MUNDUR_STARTED(RecurDxAny)
}  // namespace mundur

// Adafactor: a thread has a row, a column, a piece or an element of a parameter.

#include "cpu/kernels/isa/factored.h"

#include "cpu/kernels/isa/rows.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// The step's constants and addresses of one parameter.
template <class T>
MUNDUR_INLINE mundur::Update<T> update_of(const launches::Factored<T>& a,
                                          const launches::Step<T>& step) {
  mundur::Update<T> u = step.update.at(a.first);
  if (a.scale) u.scale = static_cast<T>(*a.scale);
  return u;
}
template <class T>
MUNDUR_INLINE T* gradient_of(const launches::Factored<T>& a, const launches::Step<T>& step) {
  return a.g ? a.g : step.sum + a.first;
}

template <class T>
MUNDUR_INLINE T blended(const mundur::Update<T>& u, T old, T mean) {
  return u.beta2 * old + u.one_minus_beta2 * (mean + u.epsilon);
}

template <class T>
struct Code<launches::FactorMeans<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::FactorMeans<T>& a,
                                const launches::Step<T>& step) {
    if (!step.updates) return;
    const mundur::Update<T> u = update_of(a, step);
    const T* const g = gradient_of(a, step);
    const i64 rows = a.size / a.width, columns = a.size / a.height;
    block.each(rows + columns, [&](i64 i) {
      T* const state = u.state[0] + i;  // of all rows, then of all columns
      if (i < rows) {
        const T sum = squares_of_row(u, g + i * a.width, a.width);
        a.rows[i] = *state = blended(u, *state, sum / static_cast<T>(a.width));
        return;
      }
      const i64 at = i - rows, matrix = at / a.width, c = at % a.width;
      T sum;
      squares_of_columns(&sum, u, g + matrix * a.height * a.width + c, a.height, 1, a.width);
      a.columns[at] = *state = blended(u, *state, sum / static_cast<T>(a.height));
    });
  }
};

template <class T>
struct Code<launches::FactorShares<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::FactorShares<T>& a,
                                const launches::Step<T>& step) {
    if (!step.updates) return;
    double* const mean = block.template shared<double>(0);
    const T* const rows = a.rows + block.index() * a.height;
    T* const shares = a.shares + block.index() * a.height;
    block.phase([&](int thread) {
      if (thread != 0) return;
      double sum = 0.0;
      for (i64 r = 0; r < a.height; ++r) sum += static_cast<double>(rows[r]);
      *mean = sum / static_cast<double>(a.height);
    });
    block.alone([&](int thread) {
      for (i64 r = thread; r < a.height; r += block.threads()) {
        shares[r] = static_cast<T>(1.0 / root(static_cast<double>(rows[r]) / *mean));
      }
    });
  }
};

template <class T>
struct Code<launches::FactorSizes<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::FactorSizes<T>& a,
                                const launches::Step<T>& step) {
    if (!step.updates) return;
    const mundur::Update<T> u = update_of(a, step);
    const T* const all = gradient_of(a, step);
    block.each((a.size + a.width - 1) / a.width, [&](i64 strip) {
      const i64 first = strip * a.width;
      const i64 n = a.size - first < a.width ? a.size - first : a.width;
      const T* const g = all + first;
      T* const v = a.height ? a.columns + strip / a.height * a.width : u.state[0] + first;
      if (!a.height) blend_squares(v, u, g, n);
      const T row = a.height ? a.shares[strip] : T(1);
      a.sizes[2 * strip] = static_cast<double>(squares_of_steps(u, g, v, row, n));
      a.sizes[2 * strip + 1] = sum_squares(u.w + first, n);
    });
  }
};

template <class T>
struct Code<launches::FactorRate<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::FactorRate<T>& a,
                                const launches::Step<T>& step) {
    if (!step.updates) return;
    const mundur::Update<T> u = step.update.at(a.first);
    block.each(1, [&](i64) {
      double steps = 0.0, weights = 0.0;
      for (i64 strip = 0; strip < a.strips; ++strip) {
        steps += a.sizes[2 * strip];
        weights += a.sizes[2 * strip + 1];
      }
      const auto size = static_cast<double>(a.size), keep = static_cast<double>(u.keep);
      const double rms = root(steps / size);
      const double length = (keep < 0.0 ? -keep : keep) * root(weights / size);
      const double least = static_cast<double>(u.least), over = rms / static_cast<double>(u.most);
      const double rate = static_cast<double>(u.lr) * (least < length ? length : least);
      *a.rate = static_cast<T>(over > 1.0 ? rate / over : rate);
    });
  }
};

template <class T>
struct Code<launches::FactorUpdate<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::FactorUpdate<T>& a,
                                const launches::Step<T>& step) {
    if (!step.updates) return;
    mundur::Update<T> u = update_of(a, step);
    u.lr = *a.rate;
    T* const g = gradient_of(a, step);
    block.each(a.size, [&](i64 i) {
      const i64 strip = i / a.width;
      const T* const v =
          a.height ? a.columns + strip / a.height * a.width + i % a.width : u.state[0] + i;
      const T row = a.height ? a.shares[strip] : T(1);
      update_factored_some(u, i, Vec<T>(g[i]), Vec<T>(*v), row, 1);
      if (a.clears) g[i] = T(0);
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(FactorMeans)
MUNDUR_STARTED(FactorShares)
MUNDUR_STARTED(FactorSizes)
MUNDUR_STARTED(FactorRate)
MUNDUR_STARTED(FactorUpdate)
}  // namespace mundur

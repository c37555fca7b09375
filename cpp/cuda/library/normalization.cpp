// Normalisations: a thread has a column, or a row.

#include "cpu/kernels/isa/normalization.cpp"

#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE Counted counted_of(const launches::CountedRows& a) {
  return {a.mask, a.each, a.count ? static_cast<i64>(*a.count) : a.all};
}

template <class T>
struct Code<launches::CountRows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::CountRows<T>& a,
                                const launches::Step<T>&) {
    block.each(1, [&](i64) {
      i64 count = 0;
      for (i64 i = 0; i < a.n && a.mask; ++i) count += a.mask[i] == 1 ? 1 : 0;
      *a.rows = static_cast<double>(a.mask ? a.each * count : a.all);
    });
  }
};

template <class T>
struct Code<launches::ColumnSums<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ColumnSums<T>& a,
                                const launches::Step<T>&) {
    const Counted counted = counted_of(a.counted);
    block.each(a.columns, [&](i64 o) {
      column_sums(a.sum + o, a.x + o, 1, a.rows, a.each, a.columns, counted);
    });
  }
};

template <class T>
struct Code<launches::ColumnDeviations<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ColumnDeviations<T>& a,
                                const launches::Step<T>&) {
    const Counted counted = counted_of(a.counted);
    block.each(a.columns, [&](i64 o) {
      column_deviations(a.off + o, a.squares + o, a.x + o, a.sum + o, 1, a.rows, a.each, a.columns,
                        counted);
    });
  }
};

template <class T>
struct Code<launches::ColumnMoments<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ColumnMoments<T>& a,
                                const launches::Step<T>&) {
    const i64 rows = counted_of(a.counted).rows;
    block.each(a.columns, [&](i64 o) {
      if (rows == 0) {
        a.mean[o] = a.moving_mean[o];
        a.variance[o] = a.moving_variance[o];
        return;
      }
      column_moments(a.mean + o, a.variance + o, a.sum + o, a.off + o, a.squares + o, 1, rows);
      moving_average(a.moving_mean + o, a.mean + o, 1, a.momentum, a.rest);
      moving_average(a.moving_variance + o, a.variance + o, 1, a.momentum, a.rest);
    });
  }
};

template <class T>
struct Code<launches::NormalizationScale<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::NormalizationScale<T>& a,
                                const launches::Step<T>&) {
    block.each(a.n, [&](i64 i) {
      normalization_scale(a.inverse + i, a.scale + i, a.variance + i,
                          a.gamma ? a.gamma + i : nullptr, 1, a.epsilon);
    });
  }
};

template <class T>
struct Code<launches::NormalizeColumns<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::NormalizeColumns<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows * a.columns, [&](i64 i) {
      const i64 o = i % a.columns;
      normalize_columns(a.y + i, a.x + i, a.mean + o, a.scale + o, a.beta ? a.beta + o : nullptr, 1,
                        1);
    });
  }
};

template <class T>
struct Code<launches::NormalizeSums<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::NormalizeSums<T>& a,
                                const launches::Step<T>&) {
    block.each(a.columns, [&](i64 o) {
      if (a.by_rows) {
        return normalized_sums<T, true>(a.dbeta + o, a.dgamma + o, a.dy + o, a.x + o, a.mean,
                                        a.inverse, 1, a.rows, a.each, a.columns);
      }
      normalized_sums<T, false>(a.dbeta + o, a.dgamma + o, a.dy + o, a.x + o, a.mean + o,
                                a.inverse + o, 1, a.rows, a.each, a.columns);
    });
  }
};

template <class T>
struct Code<launches::NormalizeColumnsDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::NormalizeColumnsDx<T>& a,
                                const launches::Step<T>&) {
    const Counted counted = a.dbeta ? counted_of(a.counted) : Counted{};
    const bool depends = counted.rows > 0;
    block.each(a.rows * a.columns, [&](i64 i) {
      const i64 b = i / a.columns, o = i % a.columns;
      const std::uint8_t* const keep = counted.keep ? counted.keep + b / counted.each : nullptr;
      normalize_columns_backward(a.dx + i, a.dy + i, a.x + i, a.mean + o, a.inverse + o,
                                 a.scale + o, depends ? a.dbeta + o : nullptr,
                                 depends ? a.dgamma + o : nullptr, 1, 1, {keep, 1, counted.rows});
    });
  }
};

template <class T>
struct Code<launches::NormalizeRows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::NormalizeRows<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows, [&](i64 b) {
      const i64 at = b * a.columns;
      normalize_rows(a.y + at, a.mean + b, a.inverse + b, a.x + at, a.gamma, a.beta, 1, a.columns,
                     a.epsilon);
    });
  }
};

template <class T>
struct Code<launches::NormalizeRowsDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::NormalizeRowsDx<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows, [&](i64 b) {
      const i64 at = b * a.columns;
      normalize_rows_backward(a.dx + at, a.dy + at, a.x + at, a.mean + b, a.inverse + b, a.gamma, 1,
                              a.columns);
    });
  }
};

template <class T>
struct Code<launches::UnitRows<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::UnitRows<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows, [&](i64 b) {
      const i64 at = b * a.columns;
      unit_rows(a.y + at, a.inverse + b, a.x + at, 1, a.columns, a.most);
    });
  }
};

template <class T>
struct Code<launches::UnitRowsDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::UnitRowsDx<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows, [&](i64 b) {
      const i64 at = b * a.columns;
      unit_rows_backward(a.dx + at, a.dy + at, a.y + at, a.inverse + b, 1, a.columns, a.most);
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(CountRows)
MUNDUR_STARTED(ColumnSums)
MUNDUR_STARTED(ColumnDeviations)
MUNDUR_STARTED(ColumnMoments)
MUNDUR_STARTED(NormalizationScale)
MUNDUR_STARTED(NormalizeColumns)
MUNDUR_STARTED(NormalizeSums)
MUNDUR_STARTED(NormalizeColumnsDx)
MUNDUR_STARTED(NormalizeRows)
MUNDUR_STARTED(NormalizeRowsDx)
MUNDUR_STARTED(UnitRows)
MUNDUR_STARTED(UnitRowsDx)
}  // namespace mundur

// Adafactor's step, parameter by parameter.

#include "cuda/resolver.h"

namespace mundur::cuda {
namespace {

/// Calls use(strips, what is known of it, its sizes) for each.
template <class T, class Use>
void each_parameter(Resolver<T>& r, const Factors& o, Use use) {
  T *rows = r.at(o.rows), *columns = r.at(o.columns);
  auto* sizes = r.template at<double>(o.sizes);
  const auto* const squares = r.template at<double>(o.squares);
  std::int64_t all = 0;
  for (Value g : o.gradients) all += pieces_of(r.size(g));
  const double* own = squares;
  for (std::size_t i = 0; i < o.parameters.size(); ++i) {
    const Strips strips(r[o.parameters[i]].shape);
    double* scale = nullptr;
    if (squares) {
      scale = r.template scratch<double>(1);
      const std::int64_t pieces = pieces_of(strips.size);
      r.one_block(launches::ClippedScale<T>{scale, squares, own, all, pieces});
      own += pieces;
    }
    const launches::Factored<T> one{
        r.at(o.gradients[i]),     scale,       rows,        columns,
        r[o.parameters[i]].place, strips.size, strips.rows, strips.columns};
    use(strips, one, sizes);
    rows += strips.rows ? strips.count() : 0;
    columns += strips.matrices() * strips.columns;
    sizes += 2 * strips.count();
  }
}

/// What is due to the rows of a parameter's matrices; null: it has none.
template <class T>
const T* shares_of(Resolver<T>& r, const Strips& strips, const T* rows) {
  if (!strips.rows) return nullptr;
  T* const shares = r.template scratch<T>(strips.count());
  r.launch(launches::FactorShares<T>{shares, rows, strips.rows}, strips.matrices(), 128,
           sizeof(double));
  return shares;
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::FactorMeans& o) {
  each_parameter(r, o.of, [&](const Strips& strips, const auto& one, double*) {
    if (!strips.rows) return;
    r.each(strips.count() + strips.matrices() * strips.columns, launches::FactorMeans<T>{one});
  });
}
MUNDUR_CUDA_RESOLVED(FactorMeans);

template <class T>
void resolve(Resolver<T>& r, const op::FactorSizes& o) {
  each_parameter(r, o.of, [&](const Strips& strips, const auto& one, double* sizes) {
    r.each(strips.count(), launches::FactorSizes<T>{one, sizes, shares_of(r, strips, one.rows)});
  });
}
MUNDUR_CUDA_RESOLVED(FactorSizes);

template <class T>
void resolve(Resolver<T>& r, const op::FactorUpdate& o) {
  each_parameter(r, o.of, [&](const Strips& strips, const auto& one, double* sizes) {
    T* const rate = r.template scratch<T>(1);
    r.one_block(launches::FactorRate<T>{rate, sizes, one.first, strips.size, strips.count()});
    r.each(strips.size,
           launches::FactorUpdate<T>{one, rate, shares_of(r, strips, one.rows), o.of.sums});
  });
}
MUNDUR_CUDA_RESOLVED(FactorUpdate);

}  // namespace mundur::cuda

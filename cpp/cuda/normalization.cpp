// Normalisations.

#include "cuda/resolver.h"

namespace mundur::cuda {
namespace {

template <class T>
launches::CountedRows counted(const Resolver<T>& r, Value x, Value mask, Value rows) {
  const std::int64_t each = mask ? r.rows_of_sample(x) / (r[mask].samples * r[mask].size()) : 1;
  return {r.template at<std::uint8_t>(mask), each, r.rows(x), r.template at<double>(rows)};
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::CountRows& o) {
  const std::int64_t N = r.rows(o.x), steps = o.mask ? r.size(o.mask) : N;
  r.one_block(launches::CountRows<T>{r.template at<double>(o.rows),
                                     r.template at<std::uint8_t>(o.mask), steps,
                                     N / std::max<std::int64_t>(steps, 1), N});
}
MUNDUR_CUDA_RESOLVED(CountRows);

template <class T>
void resolve(Resolver<T>& r, const op::ColumnSums& o) {
  r.each(r.columns(o.x),
         launches::ColumnSums<T>{r.at(o.sum), r.at(o.x), r.columns(o.x), r.rows(o.x),
                                 r.rows_of_sample(o.x), counted(r, o.x, o.mask, {})});
}
MUNDUR_CUDA_RESOLVED(ColumnSums);

template <class T>
void resolve(Resolver<T>& r, const op::ColumnDeviations& o) {
  r.each(r.columns(o.x), launches::ColumnDeviations<T>{
                             r.at(o.off), r.at(o.squares), r.at(o.x), r.at(o.sum), r.columns(o.x),
                             r.rows(o.x), r.rows_of_sample(o.x), counted(r, o.x, o.mask, o.rows)});
}
MUNDUR_CUDA_RESOLVED(ColumnDeviations);

template <class T>
void resolve(Resolver<T>& r, const op::ColumnMoments& o) {
  r.each(r.columns(o.mean),
         launches::ColumnMoments<T>{r.at(o.mean), r.at(o.variance), r.at(o.moving_mean),
                                    r.at(o.moving_variance), r.at(o.sum), r.at(o.off),
                                    r.at(o.squares), r.columns(o.mean), counted(r, o.x, {}, o.rows),
                                    static_cast<T>(o.momentum), static_cast<T>(1.0 - o.momentum)});
}
MUNDUR_CUDA_RESOLVED(ColumnMoments);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizationScale& o) {
  r.each(r.columns(o.variance), launches::NormalizationScale<T>{
                                    r.at(o.inverse), r.at(o.scale), r.at(o.variance), r.at(o.gamma),
                                    r.columns(o.variance), static_cast<T>(o.epsilon)});
}
MUNDUR_CUDA_RESOLVED(NormalizationScale);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeColumns& o) {
  r.each(r.size(o.x),
         launches::NormalizeColumns<T>{r.at(o.y), r.at(o.x), r.at(o.mean), r.at(o.scale),
                                       r.at(o.beta), r.rows(o.x), r.columns(o.x)});
  r.activate(o.y, o.f);
}
MUNDUR_CUDA_RESOLVED(NormalizeColumns);

namespace {

template <class T, class O>
void resolve_sums(Resolver<T>& r, const O& o, bool by_rows) {
  r.each(r.columns(o.x),
         launches::NormalizeSums<T>{r.at(o.dbeta), r.at(o.dgamma), r.at(o.dy), r.at(o.x),
                                    r.at(o.mean), r.at(o.inverse), r.columns(o.x), r.rows(o.x),
                                    r.rows_of_sample(o.x), by_rows});
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeColumnsSums& o) {
  resolve_sums(r, o, false);
}
MUNDUR_CUDA_RESOLVED(NormalizeColumnsSums);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeColumnsDx& o) {
  r.each(r.size(o.x), launches::NormalizeColumnsDx<T>{
                          r.at(o.dx), r.at(o.dy), r.at(o.x), r.at(o.mean), r.at(o.inverse),
                          r.at(o.scale), r.at(o.dbeta), r.at(o.dgamma), r.rows(o.x), r.columns(o.x),
                          counted(r, o.x, o.mask, o.rows)});
}
MUNDUR_CUDA_RESOLVED(NormalizeColumnsDx);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeRows& o) {
  r.each(r.rows(o.x), launches::NormalizeRows<T>{
                          r.at(o.y), r.at(o.mean), r.at(o.inverse), r.at(o.x), r.at(o.gamma),
                          r.at(o.beta), r.rows(o.x), r.columns(o.x), static_cast<T>(o.epsilon)});
}
MUNDUR_CUDA_RESOLVED(NormalizeRows);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeRowsSums& o) {
  resolve_sums(r, o, true);
}
MUNDUR_CUDA_RESOLVED(NormalizeRowsSums);

template <class T>
void resolve(Resolver<T>& r, const op::NormalizeRowsDx& o) {
  r.each(r.rows(o.x),
         launches::NormalizeRowsDx<T>{r.at(o.dx), r.at(o.dy), r.at(o.x), r.at(o.mean),
                                      r.at(o.inverse), r.at(o.gamma), r.rows(o.x), r.columns(o.x)});
}
MUNDUR_CUDA_RESOLVED(NormalizeRowsDx);

template <class T>
void resolve(Resolver<T>& r, const op::UnitRows& o) {
  r.each(r.rows(o.x), launches::UnitRows<T>{r.at(o.y), r.at(o.inverse), r.at(o.x), r.rows(o.x),
                                            r.columns(o.x), static_cast<T>(o.most)});
}
MUNDUR_CUDA_RESOLVED(UnitRows);

template <class T>
void resolve(Resolver<T>& r, const op::UnitRowsDx& o) {
  r.each(r.rows(o.dy),
         launches::UnitRowsDx<T>{r.at(o.dx), r.at(o.dy), r.at(o.y), r.at(o.inverse), r.rows(o.dy),
                                 r.columns(o.dy), static_cast<T>(o.most)});
}
MUNDUR_CUDA_RESOLVED(UnitRowsDx);

}  // namespace mundur::cuda

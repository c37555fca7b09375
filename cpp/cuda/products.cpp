// Products of rows, and sums over samples.

#include "cpu/kernels/shards.h"
#include "cuda/resolver.h"

namespace mundur::cuda {
namespace {

template <class Shape, class T>
std::int64_t tiles_of(const launches::Tiles<T>& a) {
  constexpr std::int64_t kSide = Shape::kSide;
  return ((a.rows + kSide - 1) / kSide) * ((a.columns + kSide - 1) / kSide);
}

template <class Shape, class T>
void multiply_in(Resolver<T>& r, const launches::Tiles<T>& a) {
  constexpr int kAcross = Shape::kSide / Shape::kOwn;
  r.launch(Shape{a}, tiles_of<Shape>(a), kAcross * kAcross,
           static_cast<std::int64_t>(2 * launches::kTileSteps * Shape::kSide * sizeof(T)));
}

/// Tiles are small where large ones would leave most of a GPU idle.
template <class T>
void multiply(Resolver<T>& r, const launches::Tiles<T>& a) {
  constexpr std::int64_t kEnough = 96;
  if (tiles_of<launches::LargeTiles<T>>(a) >= kEnough) {
    return multiply_in<launches::LargeTiles<T>>(r, a);
  }
  multiply_in<launches::SmallTiles<T>>(r, a);
}

template <class T>
void multiply_lanes(Resolver<T>& r, const launches::Lanes<T>& a) {
  constexpr int kThreads = 128, kElements = kThreads / 16;
  r.launch(a, (a.rows * a.columns + kElements - 1) / kElements, kThreads,
           kThreads * static_cast<std::int64_t>(sizeof(T)));
}

}  // namespace

template <class T>
void multiply(Resolver<T>& r, T* to, const T* a, const T* b, const T* bias, std::int64_t rows,
              std::int64_t columns, std::int64_t depth, std::int64_t b_step, std::int64_t b_column,
              Function f) {
  if (uses_lanes(depth, columns)) {
    return multiply_lanes<T>(
        r, {to, a, b, bias, columns, depth, b_step, b_column, rows, columns, depth, f});
  }
  multiply<T>(r, {to, a, b, bias, nullptr, columns, depth, 1, b_step, b_column, rows, columns,
                  depth, 0, f});
}
template void multiply(Resolver<float>&, float*, const float*, const float*, const float*,
                       std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                       Function);
template void multiply(Resolver<double>&, double*, const double*, const double*, const double*,
                       std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                       Function);

template <class T>
void resolve(Resolver<T>& r, const op::Product& o) {
  const std::int64_t B = r.rows(o.y), O = r.columns(o.y), I = r.columns(o.x);
  multiply<T>(r, r.at(o.y), r.at(o.x), r.at(o.w), r.at(o.bias), B, O, I, O, 1, o.f);
}
MUNDUR_CUDA_RESOLVED(Product);

template <class T>
void resolve(Resolver<T>& r, const op::ProductDx& o) {
  const std::int64_t B = r.rows(o.dx), I = r.columns(o.dx), O = r.columns(o.dy);
  multiply<T>(r, r.at(o.dx), r.at(o.dy), r.at(o.w), nullptr, B, I, O, 1, O, Function::linear);
}
MUNDUR_CUDA_RESOLVED(ProductDx);

template <class T>
void resolve(Resolver<T>& r, const op::ProductDw& o) {
  const std::int64_t I = r.columns(o.x), O = r.columns(o.dy), ld = r.columns(o.dw);
  const std::int64_t rows = r.rows(o.dy), each = r.rows_of_sample(o.dy);
  const std::int64_t width = o.columns < 0 ? O : o.columns;
  const ShardTree tree(rows, each);
  T* const waiting = tree.slots() ? r.template scratch<T>(tree.slots() * I * width) : nullptr;
  multiply<T>(r, {r.at(o.dw) + o.column, r.at(o.x), r.at(o.dy), nullptr, waiting, ld, 1, I, O, 1, I,
                  width, rows, each, Function::linear});
  r.then(o.after, r.at(o.dw), o.column, I, width);
}
MUNDUR_CUDA_RESOLVED(ProductDw);

template <class T>
void resolve(Resolver<T>& r, const op::SumRows& o) {
  const std::int64_t rows = r.rows(o.dy), O = r.columns(o.dy);
  const std::int64_t width = o.columns < 0 ? O : o.columns;
  r.each(width, launches::SumRows<T>{r.at(o.db) + o.column, r.at(o.dy), width, rows,
                                     r.rows_of_sample(o.dy), O});
  r.then(o.after, r.at(o.db), o.column, 1, width);
}
MUNDUR_CUDA_RESOLVED(SumRows);

}  // namespace mundur::cuda

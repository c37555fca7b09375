// Functions of elements and rows, copies, random numbers.

#include <limits>
#include <stdexcept>

#include "cuda/resolver.h"

namespace mundur::cuda {
namespace {

template <class T>
void take_parameters(T (&p)[kCurveParameters], const ActivationFunction& f) {
  for (int i = 0; i < kCurveParameters; ++i) p[i] = static_cast<T>(f.parameters[i]);
}

template <class T>
void copy(Resolver<T>& r, T* y, const T* x, std::int64_t n) {
  r.each(n, launches::CopyRows<T>{y, x, 1, n, n, n, 1});
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Activate& o) {
  if (o.f.by_rows()) {
    return r.each(r.rows(o.x), launches::ActivateRows<T>{r.at(o.y), r.at(o.x), r.rows(o.x),
                                                         r.columns(o.x), o.f.activation});
  }
  launches::Activate<T> a{r.at(o.y), r.at(o.x), r.size(o.x), o.f.activation, {}};
  take_parameters(a.p, o.f);
  r.each(a.n, a);
}
MUNDUR_CUDA_RESOLVED(Activate);

template <class T>
void resolve(Resolver<T>& r, const op::ActivateDx& o) {
  if (o.f.by_rows()) {
    return r.each(r.rows(o.dy),
                  launches::ActivateRowsDx<T>{r.at(o.dx), r.at(o.dy), r.at(o.of), r.rows(o.dy),
                                              r.columns(o.dy), o.f.activation});
  }
  launches::ActivateDx<T> a{r.at(o.dx), r.at(o.dy), r.at(o.of), r.size(o.dy), o.f.activation, {}};
  take_parameters(a.p, o.f);
  r.each(a.n, a);
}
MUNDUR_CUDA_RESOLVED(ActivateDx);

template <class T>
void resolve(Resolver<T>& r, const op::Rescale& o) {
  r.each(r.size(o.x), launches::Rescale<T>{r.at(o.y), r.at(o.x), r.size(o.x),
                                           static_cast<T>(o.scale), static_cast<T>(o.offset)});
}
MUNDUR_CUDA_RESOLVED(Rescale);

template <class T>
void resolve(Resolver<T>& r, const op::Add& o) {
  r.each(r.size(o.y), launches::Add<T>{r.at(o.y), r.at(o.a), r.at(o.b), r.size(o.y)});
  r.activate(o.y, o.f);
  r.then(o.after, r.at(o.y), 0, r.rows(o.y), r.columns(o.y));
}
MUNDUR_CUDA_RESOLVED(Add);

template <class T>
void resolve(Resolver<T>& r, const op::Multiply& o) {
  r.each(r.size(o.y), launches::Multiply<T>{r.at(o.y), r.at(o.a), r.at(o.b), r.size(o.y)});
}
MUNDUR_CUDA_RESOLVED(Multiply);

template <class T>
void resolve(Resolver<T>& r, const op::Copy& o) {
  copy(r, r.at(o.y), r.at(o.x), r.size(o.y));
  r.then(o.after, r.at(o.y), 0, r.rows(o.y), r.columns(o.y));
}
MUNDUR_CUDA_RESOLVED(Copy);

template <class T>
void resolve(Resolver<T>& r, const op::Zero& o) {
  r.each(r.size(o.y), launches::Fill<T>{r.at(o.y), r.size(o.y), T{0}});
  r.then(o.after, r.at(o.y), 0, r.rows(o.y), r.columns(o.y));
}
MUNDUR_CUDA_RESOLVED(Zero);

template <class T>
void resolve(Resolver<T>& r, const op::Concatenate& o) {
  const std::int64_t rows = r.rows(o.y), O = r.columns(o.y);
  std::int64_t column = 0;
  for (Value part : o.parts) {
    const std::int64_t width = r.columns(part);
    r.each(rows * width,
           launches::CopyRows<T>{r.at(o.y) + column, r.at(part), rows, width, O, width, 1});
    column += width;
  }
}
MUNDUR_CUDA_RESOLVED(Concatenate);

template <class T>
void resolve(Resolver<T>& r, const op::TakeColumns& o) {
  const std::int64_t rows = r.rows(o.y), width = r.columns(o.y), O = r.columns(o.x);
  r.each(rows * width,
         launches::CopyRows<T>{r.at(o.y), r.at(o.x) + o.column, rows, width, width, O, 1});
}
MUNDUR_CUDA_RESOLVED(TakeColumns);

template <class T>
void resolve(Resolver<T>& r, const op::MaskSteps& o) {
  const std::int64_t rows = r.size(o.mask), width = r.size(o.x) / rows;
  r.each(rows * width,
         launches::MaskSteps<T>{r.at(o.y), r.at(o.x), r.template at<std::uint8_t>(o.mask), rows,
                                width, static_cast<T>(o.fill)});
}
MUNDUR_CUDA_RESOLVED(MaskSteps);

template <class T>
void resolve(Resolver<T>& r, const op::EitherMask& o) {
  const auto mask = [&](Value value) { return r.template at<std::uint8_t>(value); };
  r.each(r.size(o.y), launches::EitherMask<T>{mask(o.y), mask(o.a), mask(o.b), r.size(o.y)});
}
MUNDUR_CUDA_RESOLVED(EitherMask);

template <class T>
void resolve(Resolver<T>& r, const op::Repeat& o) {
  const std::int64_t C = r[o.x].size(), rows = r.size(o.y) / C;
  const std::int64_t steps = r[o.x].samples == 0 ? rows : r[o.y].size() / C;
  r.each(rows * C, launches::CopyRows<T>{r.at(o.y), r.at(o.x), rows, C, C, C, steps});
}
MUNDUR_CUDA_RESOLVED(Repeat);

template <class T>
void resolve(Resolver<T>& r, const op::FindMask& o) {
  const std::int64_t C = r.columns(o.x), rows = r.size(o.mask);
  r.each(rows, launches::FindMask<T>{r.template at<std::uint8_t>(o.mask), r.at(o.x), rows, C,
                                     static_cast<T>(o.value)});
}
MUNDUR_CUDA_RESOLVED(FindMask);

template <class T>
void resolve(Resolver<T>& r, const op::SumSteps& o) {
  const std::int64_t steps = r[o.x].shape.front(), C = r[o.y].size(), rows = r.samples(o.x);
  r.each(rows * C, launches::SumSteps<T>{r.at(o.y), r.at(o.x), rows, steps, C});
}
MUNDUR_CUDA_RESOLVED(SumSteps);

template <class T>
void resolve(Resolver<T>& r, const op::Shift& o) {
  const Image to = image_of(r[o.y].shape), from = image_of(r[o.x].shape);
  r.each(r.size(o.y), launches::Shift<T>{r.at(o.y), r.at(o.x), r.samples(o.x), to.channels, to.rows,
                                         to.columns, from.rows, from.columns, o.rows, o.columns});
}
MUNDUR_CUDA_RESOLVED(Shift);

template <class T>
void resolve(Resolver<T>& r, const op::Permute& o) {
  const Shape& shape = r[o.back ? o.y : o.x].shape;
  if (o.axes.size() > launches::kMostAxes) {
    throw std::invalid_argument("axes: expected at most 16");
  }
  launches::Permute<T> a{r.at(o.y), r.at(o.x), r.samples(o.x), r[o.x].size(), {}, {}, 0, o.back};
  for (std::int64_t axis : o.axes) {
    const auto at = static_cast<std::size_t>(axis);
    a.extents[a.axes] = shape[at];
    a.strides[a.axes] = 1;
    for (std::size_t i = at + 1; i < shape.size(); ++i) a.strides[a.axes] *= shape[i];
    ++a.axes;
  }
  r.each(a.rows * a.size, a);
}
MUNDUR_CUDA_RESOLVED(Permute);

// ---- embedding ----------------------------------------------------------------------------------

template <class T>
void resolve(Resolver<T>& r, const op::Lookup& o) {
  const std::int64_t places = r.rows(o.y), O = r.columns(o.y);
  if (places > std::numeric_limits<std::int32_t>::max()) {
    throw OutOfMemory("a batch holds at most 2147483647 ids; choose a smaller batch_size");
  }
  r.each(places * O, launches::Lookup<T>{r.at(o.y), r.template at<std::uint8_t>(o.mask),
                                         r.template at<std::int32_t>(o.ids), r.at(o.w), places, O});
}
MUNDUR_CUDA_RESOLVED(Lookup);

template <class T>
void resolve(Resolver<T>& r, const op::ListPlaces& o) {
  const auto at = [&](Value value) { return r.template at<std::int32_t>(value); };
  const std::int64_t places = r.size(o.ids);
  r.each(r.size(o.first), launches::FillIds<T>{at(o.first), r.size(o.first), -1});
  r.each(places, launches::ListPlaces<T>{at(o.first), at(o.next), at(o.ids), places});
}
MUNDUR_CUDA_RESOLVED(ListPlaces);

template <class T>
void resolve(Resolver<T>& r, const op::LookupDw& o) {
  const std::int64_t V = r.rows(o.dw), O = r.columns(o.dw);
  r.each(V * O, launches::LookupDw<T>{r.at(o.dw), r.at(o.dy), r.template at<std::int32_t>(o.first),
                                      r.template at<std::int32_t>(o.next), V, O, r.samples(o.next),
                                      r[o.next].size()});
  r.then(o.after, r.at(o.dw), 0, V, O);
}
MUNDUR_CUDA_RESOLVED(LookupDw);

// ---- pooling ------------------------------------------------------------------------------------

namespace {

launches::WindowAxis axis_of(const Windows& by) {
  return {by.in, by.out, by.taps, by.stride, by.before};
}
template <class T>
launches::Pooled pooled(const Resolver<T>& r, const Windows2D& by, Value x) {
  return {r.samples(x), r.columns(x), axis_of(by.rows), axis_of(by.columns)};
}

template <class T>
bool tells_pixels(const Resolver<T>& r, Value at) {
  return at && r[at].element == Element::int32;
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::MaxWindows& o) {
  const bool is_wide = tells_pixels(r, o.at);
  r.each(r.size(o.y),
         launches::MaxWindows<T>{r.at(o.y), r.template at<std::int32_t>(is_wide ? o.at : Value{}),
                                 r.template at<std::uint8_t>(is_wide ? Value{} : o.at), r.at(o.x),
                                 pooled(r, o.windows, o.x)});
}
MUNDUR_CUDA_RESOLVED(MaxWindows);

template <class T>
void resolve(Resolver<T>& r, const op::MaxWindowsDx& o) {
  const bool is_wide = tells_pixels(r, o.at);
  r.each(r.samples(o.dx) * r.columns(o.dx),
         launches::MaxWindowsDx<T>{
             r.at(o.dx), r.at(o.dy), r.template at<std::int32_t>(is_wide ? o.at : Value{}),
             r.template at<std::uint8_t>(is_wide ? Value{} : o.at), pooled(r, o.windows, o.dx)});
}
MUNDUR_CUDA_RESOLVED(MaxWindowsDx);

template <class T>
void resolve(Resolver<T>& r, const op::MeanWindows& o) {
  r.each(r.size(o.y),
         launches::MeanWindows<T>{r.at(o.y), r.at(o.x), r.template at<std::uint8_t>(o.mask),
                                  pooled(r, o.windows, o.x)});
}
MUNDUR_CUDA_RESOLVED(MeanWindows);

template <class T>
void resolve(Resolver<T>& r, const op::MeanWindowsDx& o) {
  r.each(r.samples(o.dx) * r.columns(o.dx),
         launches::MeanWindowsDx<T>{r.at(o.dx), r.at(o.dy), r.template at<std::uint8_t>(o.mask),
                                    pooled(r, o.windows, o.dx)});
}
MUNDUR_CUDA_RESOLVED(MeanWindowsDx);

// ---- random numbers -----------------------------------------------------------------------------

template <class T>
void resolve(Resolver<T>& r, const op::Dropout& o) {
  const std::int64_t C = r[o.keep].size(), rows = r.samples(o.x), steps = r[o.x].size() / C;
  r.each(rows * C, launches::Dropout<T>{r.at(o.y), r.template at<std::uint8_t>(o.keep), r.at(o.x),
                                        rows, C, steps, key_of(o.stream), o.drop.threshold,
                                        o.affine, static_cast<T>(o.drop.scale),
                                        static_cast<T>(o.offset), static_cast<T>(o.dropped)});
}
MUNDUR_CUDA_RESOLVED(Dropout);

template <class T>
void resolve(Resolver<T>& r, const op::DropoutDx& o) {
  const std::int64_t C = r[o.keep].size(), rows = r.samples(o.dy), steps = r[o.dy].size() / C;
  r.each(rows * steps * C,
         launches::DropoutDx<T>{r.at(o.dx), r.at(o.dy), r.template at<std::uint8_t>(o.keep), rows,
                                C, steps, static_cast<T>(o.scale)});
}
MUNDUR_CUDA_RESOLVED(DropoutDx);

template <class T>
void resolve(Resolver<T>& r, const op::Normal& o) {
  r.each(r.size(o.y),
         launches::Normal<T>{r.at(o.y), r.size(o.y), key_of(o.stream), o.mean, o.deviation});
}
MUNDUR_CUDA_RESOLVED(Normal);

template <class T>
void resolve(Resolver<T>& r, const op::DrawMaps& o) {
  r.each(r.samples(o.map), launches::DrawMaps<T>{r.template at<double>(o.map), r.samples(o.map),
                                                 key_of(o.stream), o.how, o.from, o.to});
}
MUNDUR_CUDA_RESOLVED(DrawMaps);

}  // namespace mundur::cuda

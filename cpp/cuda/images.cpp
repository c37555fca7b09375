// Images seen in other places.

#include "cuda/resolver.h"

namespace mundur::cuda {
namespace {

/// Images y of images x; `samples`: how many.
template <class T, class Op>
launches::Warped warped_by(const Resolver<T>& r, const Op& o, Value y, Value x) {
  launches::Warped by{};
  by.samples = r.samples(x);
  by.to = image_of(r[y].shape);
  by.from = image_of(r[x].shape);
  by.map = r.template at<double>(o.map);
  std::copy_n(o.fixed, 6, by.fixed);
  by.how = o.how;
  by.box = o.box;
  return by;
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Warp& o) {
  const std::int64_t C = r.columns(o.y);
  r.each(r.size(o.y) / C, launches::Warp<T>{r.at(o.y), r.at(o.x), warped_by(r, o, o.y, o.x)});
}
MUNDUR_CUDA_RESOLVED(Warp);

template <class T>
void resolve(Resolver<T>& r, const op::WarpDx& o) {
  const launches::Warped by = warped_by(r, o, o.dy, o.dx);
  r.each(by.samples * by.from.channels, launches::WarpDx<T>{r.at(o.dx), r.at(o.dy), by});
}
MUNDUR_CUDA_RESOLVED(WarpDx);

template <class T>
void resolve(Resolver<T>& r, const op::Contrast& o) {
  const Image image = image_of(r[o.x].shape);
  r.each(r.samples(o.x) * image.channels,
         launches::Contrast<T>{r.at(o.y), r.at(o.x), r.template at<double>(o.map), r.samples(o.x),
                               image, o.least, o.most});
}
MUNDUR_CUDA_RESOLVED(Contrast);

template <class T>
void resolve(Resolver<T>& r, const op::ContrastDx& o) {
  const Image image = image_of(r[o.x].shape);
  r.each(r.samples(o.x) * image.channels,
         launches::ContrastDx<T>{r.at(o.dx), r.at(o.dy), r.at(o.x), r.template at<double>(o.map),
                                 r.samples(o.x), image, o.least, o.most});
}
MUNDUR_CUDA_RESOLVED(ContrastDx);

}  // namespace mundur::cuda

// Images seen in other places: a thread has a pixel; or, where pixels meet or are summed, a channel
// of an image.

#include "cpu/images.h"

#include "cpu/kernels/isa/vec.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE Seeing seeing_of(const launches::Warped& by, i64 n) {
  return {by.from, by.map ? by.map + 6 * n : by.fixed, by.how, by.box};
}
MUNDUR_INLINE i64 size_of(const Image& image) {
  return image.rows * image.columns * image.channels;
}

template <class T>
struct Code<launches::Warp<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Warp<T>& a,
                                const launches::Step<T>&) {
    const Image& to = a.by.to;
    block.each(a.by.samples * to.rows * to.columns, [&](i64 i) {
      const i64 j = i % to.columns, line = i / to.columns, n = line / to.rows;
      seeing_of(a.by, n).see(a.y + i * to.channels, a.x + n * size_of(a.by.from), line % to.rows,
                             j);
    });
  }
};

template <class T>
struct Code<launches::WarpDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::WarpDx<T>& a,
                                const launches::Step<T>&) {
    const Image &to = a.by.to, &from = a.by.from;
    block.each(a.by.samples * from.channels, [&](i64 i) {
      const i64 n = i / from.channels, c = i % from.channels;
      seeing_of(a.by, n).see_backward(a.dx + n * size_of(from) + c, a.dy + n * size_of(to) + c, to,
                                      1);
    });
  }
};

template <class T>
struct Code<launches::Contrast<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Contrast<T>& a,
                                const launches::Step<T>&) {
    block.each(a.samples * a.image.channels, [&](i64 i) {
      const i64 n = i / a.image.channels, at = n * size_of(a.image) + i % a.image.channels;
      const ContrastOf<T> contrast(a.image, a.map[6 * n + 1], a.least, a.most);
      contrast.change(a.y + at, a.x + at);
    });
  }
};

template <class T>
struct Code<launches::ContrastDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::ContrastDx<T>& a,
                                const launches::Step<T>&) {
    block.each(a.samples * a.image.channels, [&](i64 i) {
      const i64 n = i / a.image.channels, at = n * size_of(a.image) + i % a.image.channels;
      const ContrastOf<T> contrast(a.image, a.map[6 * n + 1], a.least, a.most);
      contrast.change_backward(a.dx + at, a.dy + at, a.x + at);
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(Warp)
MUNDUR_STARTED(WarpDx)
MUNDUR_STARTED(Contrast)
MUNDUR_STARTED(ContrastDx)
}  // namespace mundur

// Random numbers: a thread draws an element's own, by its place in the stream; see
// cpu/kernels/isa/random.cpp for which words are whose.

#include "cpu/kernels/formulas/normal.h"
#include "cuda/library/words.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
struct Code<launches::Dropout<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Dropout<T>& a,
                                const launches::Step<T>& step) {
    const RandomKey key = key_of(a.key, step);
    block.each(a.rows * a.columns, [&](i64 i) {
      const auto e = static_cast<std::uint64_t>(i);
      const bool keep = word_of(key, e) >= a.threshold;
      a.keep[i] = keep;
      const i64 first = i / a.columns * a.steps * a.columns + i % a.columns;
      for (i64 t = 0; t < a.steps; ++t) {
        const i64 at = first + t * a.columns;
        const T live = a.affine ? a.x[at] * a.scale + a.offset : a.x[at] * a.scale;
        a.y[at] = keep ? live : a.affine ? a.dropped : T(0);
      }
    });
  }
};

template <class T>
struct Code<launches::DropoutDx<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::DropoutDx<T>& a,
                                const launches::Step<T>&) {
    block.each(a.rows * a.steps * a.columns, [&](i64 i) {
      const i64 row = i / (a.steps * a.columns);
      a.dx[i] = a.keep[row * a.columns + i % a.columns] ? a.dy[i] * a.scale : T(0);
    });
  }
};

template <class T>
struct Code<launches::Normal<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Normal<T>& a,
                                const launches::Step<T>& step) {
    const RandomKey key = key_of(a.key, step);
    block.each(a.n, [&](i64 i) {
      const auto e = static_cast<std::uint64_t>(i);
      const PhiloxBlock words = philox_of(e / 32 * 16 + e % 16, key);
      const int half = e % 32 < 16 ? 0 : 2;
      const std::uint64_t bits = std::uint64_t{words.word[half + 1]} << 32 | words.word[half];
      const double u = (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
      a.y[i] = static_cast<T>(first_lane(fma(VecD(a.deviation), normal_quantile(u), VecD(a.mean))));
    });
  }
};

template <class T>
struct Code<launches::DrawMaps<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::DrawMaps<T>& a,
                                const launches::Step<T>& step) {
    const RandomKey key = key_of(a.key, step);
    block.each(a.samples, [&](i64 n) {
      draw_map(a.map + 6 * n, a.how, a.from, a.to, philox_of(static_cast<std::uint64_t>(n), key));
    });
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(Dropout)
MUNDUR_STARTED(DropoutDx)
MUNDUR_STARTED(Normal)
MUNDUR_STARTED(DrawMaps)
}  // namespace mundur

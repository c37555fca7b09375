// Batches from a data set that the device has, and what is kept of steps until the host looks: a
// thread has a number.

#include "cpu/kernels/isa/vec.h"
#include "cuda/library/block.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T, class Element>
MUNDUR_INLINE T number(Element element) {
  return static_cast<T>(element);
}
template <class T>
MUNDUR_INLINE T number(Boolean boolean) {
  return boolean.byte ? T(1) : T(0);
}
template <class T>
MUNDUR_INLINE T number(Half half) {
  return static_cast<T>(half_to_float(half.bits));
}

/// Number i of an array, whatever it holds.
template <class T>
MUNDUR_DEVICE T number_of(const launches::Source& source, i64 i) {
#define MUNDUR_CASE(name, Type) \
  case ElementType::name:       \
    return number<T>(static_cast<const Type*>(source.data)[i]);
  switch (source.type) { MUNDUR_ELEMENTS(MUNDUR_CASE) }
#undef MUNDUR_CASE
  return T(0);
}

template <class T>
MUNDUR_INLINE i64 sample_of(const launches::Step<T>& step, i64 row) {
  return step.order ? step.order[step.begin + row] : step.begin + row;
}

template <class T>
struct Code<launches::Gather<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Gather<T>& a,
                                const launches::Step<T>& step) {
    const launches::Source source = step.sources[a.source];
    block.each(a.samples * a.size, [&](i64 i) {
      a.y[i] = number_of<T>(source, sample_of(step, i / a.size) * a.size + i % a.size);
    });
  }
};

template <class T>
struct Code<launches::GatherIds<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::GatherIds<T>& a,
                                const launches::Step<T>& step) {
    const launches::Source source = step.sources[a.source];
    block.each(a.samples * a.size, [&](i64 i) {
      const i64 at = sample_of(step, i / a.size) * a.size + i % a.size;
      a.y[i] = static_cast<std::int32_t>(number_of<double>(source, at));
    });
  }
};

template <class T>
struct Code<launches::GatherWeights<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::GatherWeights<T>& a,
                                const launches::Step<T>& step) {
    const launches::Source source = step.sources[a.source];
    block.each(a.samples * a.rows, [&](i64 i) {
      const i64 row = source.size == 1 ? 0 : i % a.rows;
      const i64 at = sample_of(step, i / a.rows) * source.size + row;
      const T weight = source.data ? number_of<T>(source, at) : T(1);
      a.weights[i] = a.labels && a.labels[i] < 0 ? T(0) : weight;
    });
  }
};

template <class T>
struct Code<launches::StopUnlessFinite<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::StopUnlessFinite<T>& a,
                                const launches::Step<T>& step) {
    block.each(a.n, [&](i64 i) {
      const double x = a.doubles ? a.doubles[i] : static_cast<double>(a.values[i]);
      if (!(x - x == 0.0)) *step.stopped = 1;
    });
  }
};

template <class T>
struct Code<launches::Keep<T>> {
  template <class Block>
  static MUNDUR_DEVICE void run(Block& block, const launches::Keep<T>& a,
                                const launches::Step<T>& step) {
    std::uint64_t* to = a.to + step.turn * a.each;
    for (int k = 0; k < a.count; ++k) {
      const std::uint64_t* const from = a.kept[k].from;
      block.each(a.kept[k].words, [&](i64 i) { to[i] = from[i]; });
      to += a.kept[k].words;
    }
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA

namespace mundur {
MUNDUR_STARTED(Gather)
MUNDUR_STARTED(GatherIds)
MUNDUR_STARTED(GatherWeights)
MUNDUR_STARTED(StopUnlessFinite)
MUNDUR_STARTED(Keep)
}  // namespace mundur

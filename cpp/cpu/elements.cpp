// Functions of elements and rows. Each keeps to the parts of whoever wrote what it reads, where it
// can, so that nobody has to wait.

#include <algorithm>
#include <cstring>

#include "cpu/activate.h"
#include "cpu/resolver.h"

namespace mundur {
namespace {

/// y[part] = work(y, x, count) for the runs of a part of like's elements, in which x is too.
template <class T, class Work>
void resolve_elements(Resolver<T>& r, Value y, Value x, Value like, Work work) {
  const auto part = r.share_elements(like);
  T* const to = r.writes(y, part);
  const T* const from = r.reads(x, part);
  r.call([=, k = &r.kernels](Now<T>&, Worker&) {
    part.each(
        [&](std::int64_t first, std::int64_t n) { work(*k, to + first, from + first, n, first); });
  });
}

/// An activation, as a call wants it.
template <class T>
struct Activating {
  Activation f;
  T p[kCurveParameters];
  explicit Activating(const ActivationFunction& function) : f(function.activation) {
    for (int i = 0; i < kCurveParameters; ++i) p[i] = static_cast<T>(function.parameters[i]);
  }
  void rows(const Kernels<T>& k, T* y, const T* x, std::int64_t B, std::int64_t O) const {
    (f == Activation::softmax ? k.softmax : k.log_softmax)(y, x, B, O);
  }
  void elements(const Kernels<T>& k, T* y, const T* x, std::int64_t n) const {
    if (is_function(f)) return k.activation(y, x, n, static_cast<Function>(f));
    k.curve(y, x, n, curve_of(f), p);
  }
};

}  // namespace

template <class T>
void apply_activation(const ActivationFunction& f, T* y, const T* x, std::int64_t B,
                      std::int64_t O) {
  if (f.custom) return f.custom->value(y, x, B, O);
  const Activating<T> activating(f);
  if (f.by_rows()) return activating.rows(kernels<T>(), y, x, B, O);
  activating.elements(kernels<T>(), y, x, B * O);
}
template void apply_activation<float>(const ActivationFunction&, float*, const float*, std::int64_t,
                                      std::int64_t);
template void apply_activation<double>(const ActivationFunction&, double*, const double*,
                                       std::int64_t, std::int64_t);

template <class T>
void resolve(Resolver<T>& r, const op::Activate& o) {
  const std::int64_t O = r.columns(o.x);
  if (o.f.custom) {
    const std::int64_t B = r.rows(o.x);
    T* const y = r.writes(o.y);
    const T* const x = r.reads(o.x);
    return r.call([=, f = o.f.custom.get()](Now<T>&, Worker&) { f->value(y, x, B, O); });
  }
  const Activating<T> f(o.f);
  if (o.f.by_rows()) {
    const Range rows = r.share_rows_as(o.x);
    T* const y = r.writes(o.y, rows) + rows.begin * O;
    const T* const x = r.reads(o.x, rows) + rows.begin * O;
    return r.call(
        [=, n = rows.size(), k = &r.kernels](Now<T>&, Worker&) { f.rows(*k, y, x, n, O); });
  }
  resolve_elements(r, o.y, o.x, o.x,
                   [=](const Kernels<T>& k, T* y, const T* x, std::int64_t n, std::int64_t) {
                     f.elements(k, y, x, n);
                   });
}
MUNDUR_RESOLVED(Activate);

template <class T>
void resolve(Resolver<T>& r, const op::ActivateDx& o) {
  const std::int64_t O = r.columns(o.dy);
  if (o.f.custom) {
    const std::int64_t B = r.rows(o.dy);
    T* const dx = r.writes(o.dx);
    const T* const dy = r.reads(o.dy);
    const T* const of = r.reads(o.of);
    return r.call([=, f = o.f.custom.get()](Now<T>&, Worker&) { f->backward(dx, of, dy, B, O); });
  }
  const Activating<T> f(o.f);
  if (o.f.by_rows()) {
    const Range rows = r.share_rows_as(o.dy);
    T* const dx = r.writes(o.dx, rows) + rows.begin * O;
    const T* const dy = r.reads(o.dy, rows) + rows.begin * O;
    const T* const of = r.reads(o.of, rows) + rows.begin * O;
    const auto k =
        f.f == Activation::softmax ? r.kernels.softmax_backward : r.kernels.log_softmax_backward;
    return r.call([=, n = rows.size()](Now<T>&, Worker&) { k(dx, of, dy, n, O); });
  }
  const T* const of = r.at(o.of);
  resolve_elements(
      r, o.dx, o.dy, o.dy,
      [=](const Kernels<T>& k, T* dx, const T* dy, std::int64_t n, std::int64_t first) {
        if (is_function(f.f)) {
          return k.activation_backward(dx, of + first, dy, n, static_cast<Function>(f.f));
        }
        k.curve_backward(dx, of + first, dy, n, curve_of(f.f), f.p);
      });
  r.reads(o.of, r.share_elements(o.dy));
}
MUNDUR_RESOLVED(ActivateDx);

template <class T>
void resolve(Resolver<T>& r, const op::Rescale& o) {
  resolve_elements(r, o.y, o.x, o.x,
                   [scale = static_cast<T>(o.scale), offset = static_cast<T>(o.offset)](
                       const Kernels<T>& k, T* y, const T* x, std::int64_t n, std::int64_t) {
                     k.rescale(y, x, n, scale, offset);
                   });
}
MUNDUR_RESOLVED(Rescale);

namespace {

/// y = a ∘ b, elements or a parameter's gradients.
template <class T, class Work>
void resolve_pair(Resolver<T>& r, Value y, Value a, Value b, Work work) {
  const T* const other = r.at(b);
  resolve_elements(r, y, a, a,
                   [=](const Kernels<T>& k, T* to, const T* from, std::int64_t n,
                       std::int64_t first) { work(k, to, from, other + first, n); });
  r.reads(b, r.share_elements(a));
}

/// A block of a parameter's gradient made of others, and what follows.
template <class T, class Work>
void resolve_gradient(Resolver<T>& r, Value y, std::initializer_list<Value> from,
                      const After& after, Work work) {
  const Block part = r.own(y);
  r.writes(y, part);
  for (Value one : from) r.reads(one, part);
  const Following<T> then = following(r, after, part);
  const std::int64_t ld = r.columns(y);
  T* const to = r.at(y);
  r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
    if (part.empty()) return;
    for (std::int64_t row = part.rows.begin; row < part.rows.end; ++row) {
      work(*k, row * ld + part.columns.begin, part.columns.size());
    }
    const std::int64_t first = part.rows.begin * ld + part.columns.begin;
    then(*k, now, to + first, first, part.rows.size(), part.columns.size(), ld);
  });
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Add& o) {
  if (r[o.y].samples == 0) {
    T* const y = r.at(o.y);
    const T *const a = r.at(o.a), *const b = r.at(o.b);
    return resolve_gradient(r, o.y, {o.a, o.b}, o.after,
                            [=](const Kernels<T>& k, std::int64_t first, std::int64_t n) {
                              k.add(y + first, a + first, b + first, n);
                            });
  }
  resolve_pair(r, o.y, o.a, o.b,
               [f = o.f](const Kernels<T>& k, T* y, const T* a, const T* b, std::int64_t n) {
                 in_chunks(n, 1, [&](std::int64_t i, std::int64_t some) {
                   k.add(y + i, a + i, b + i, some);
                   k.activation(y + i, y + i, some, f);
                 });
               });
}
MUNDUR_RESOLVED(Add);

template <class T>
void resolve(Resolver<T>& r, const op::Multiply& o) {
  resolve_pair(r, o.y, o.a, o.b,
               [](const Kernels<T>& k, T* y, const T* a, const T* b, std::int64_t n) {
                 k.multiply(y, a, b, n);
               });
}
MUNDUR_RESOLVED(Multiply);

template <class T>
void resolve(Resolver<T>& r, const op::Larger& o) {
  resolve_pair(r, o.y, o.a, o.b,
               [smaller = o.smaller](const Kernels<T>& k, T* y, const T* a, const T* b,
                                     std::int64_t n) { k.larger(y, a, b, n, smaller); });
}
MUNDUR_RESOLVED(Larger);

template <class T>
void resolve(Resolver<T>& r, const op::LargerDx& o) {
  const T *const a = r.at(o.a), *const b = r.at(o.b);
  resolve_elements(r, o.dx, o.dy, o.dy,
                   [=, smaller = o.smaller, taken = o.first](
                       const Kernels<T>& k, T* dx, const T* dy, std::int64_t n, std::int64_t at) {
                     k.larger_backward(dx, dy, a + at, b + at, n, smaller, taken);
                   });
  for (Value x : {o.a, o.b}) r.reads(x, r.share_elements(o.dy));
}
MUNDUR_RESOLVED(LargerDx);

template <class T>
void resolve(Resolver<T>& r, const op::Contract& o) {
  const Range samples = r.share_samples(o.y);
  T* const y = r.writes_samples(o.y, samples);
  const T* const a = r.reads_samples(o.a, samples);
  const T* const b = r.reads_samples(o.b, samples);
  const std::int64_t of_y = r[o.y].size(), of_a = r[o.a].size(), of_b = r[o.b].size();
  r.call([=, how = o.how, k = r.kernels.contract](Now<T>&, Worker&) {
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      k(y + n * of_y, a + n * of_a, b + n * of_b, how);
    }
  });
}
MUNDUR_RESOLVED(Contract);

template <class T>
void resolve(Resolver<T>& r, const op::Copy& o) {
  T* const y = r.at(o.y);
  const T* const x = r.at(o.x);
  const auto copy = [=](const Kernels<T>&, std::int64_t first, std::int64_t n) {
    std::copy_n(x + first, n, y + first);
  };
  if (r[o.y].samples == 0) return resolve_gradient(r, o.y, {o.x}, o.after, copy);
  resolve_elements(r, o.y, o.x, o.x,
                   [](const Kernels<T>&, T* to, const T* from, std::int64_t n, std::int64_t) {
                     std::copy_n(from, n, to);
                   });
}
MUNDUR_RESOLVED(Copy);

template <class T>
void resolve(Resolver<T>& r, const op::Zero& o) {
  if (r[o.y].role == Role::gradient) {
    T* const g = r.at(o.y);
    return resolve_gradient(r, o.y, {}, o.after,
                            [=](const Kernels<T>&, std::int64_t first, std::int64_t n) {
                              std::fill_n(g + first, n, T{0});
                            });
  }
  const Range part = r.share_flat(o.y);
  T* const y = r.writes_flat(o.y, part);
  r.call([=](Now<T>&, Worker&) { std::fill(y + part.begin, y + part.end, T{0}); });
}
MUNDUR_RESOLVED(Zero);

// ---- axes ---------------------------------------------------------------------------------------

namespace {

constexpr std::size_t kMostAxes = 16;

struct Axes {
  std::size_t count = 0;
  std::int64_t extents[kMostAxes] = {}, strides[kMostAxes] = {};
  /// Calls move(place in the permuted, place in the other) for the numbers behind `axis`.
  template <class Move>
  void along(std::size_t axis, std::int64_t& to, std::int64_t from, Move move) const {
    for (std::int64_t j = 0; j < extents[axis]; ++j, from += strides[axis]) {
      if (axis + 1 == count) {
        move(to++, from);
      } else {
        along(axis + 1, to, from, move);
      }
    }
  }
};

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::Permute& o) {
  const Shape& shape = r[o.back ? o.y : o.x].shape;
  if (o.axes.size() > kMostAxes) throw std::invalid_argument("axes: expected at most 16");
  Axes axes;
  for (std::int64_t axis : o.axes) {
    const auto at = static_cast<std::size_t>(axis);
    axes.extents[axes.count] = shape[at];
    axes.strides[axes.count] = 1;
    for (std::size_t i = at + 1; i < shape.size(); ++i) axes.strides[axes.count] *= shape[i];
    ++axes.count;
  }
  const Range samples = r.share_samples(o.x);
  T* const y = r.writes_samples(o.y, samples);
  const T* const x = r.reads_samples(o.x, samples);
  r.call([=, size = r[o.x].size(), back = o.back](Now<T>&, Worker&) {
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      T* const to = y + n * size;
      const T* const from = x + n * size;
      std::int64_t place = 0;
      axes.along(0, place, 0, [&](std::int64_t permuted, std::int64_t other) {
        back ? to[other] = from[permuted] : to[permuted] = from[other];
      });
    }
  });
}
MUNDUR_RESOLVED(Permute);

template <class T>
void resolve(Resolver<T>& r, const op::Shift& o) {
  const Range samples = r.share_samples(o.x);
  T* const y = r.writes_samples(o.y, samples);
  const T* const x = r.reads_samples(o.x, samples);
  const Image to = image_of(r[o.y].shape), from = image_of(r[o.x].shape);
  const std::int64_t begin = std::max<std::int64_t>(o.columns, 0);  // of what a row of y gets
  const std::int64_t count = std::min(from.columns + o.columns, to.columns) - begin;
  r.call([=, rows = o.rows, first = begin - o.columns](Now<T>&, Worker&) {
    const std::int64_t C = to.channels, width = to.columns * C;
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      T* line = y + n * to.rows * width;
      for (std::int64_t row = -rows; row < to.rows - rows; ++row, line += width) {
        if (row < 0 || row >= from.rows) {
          std::fill_n(line, width, T{0});
          continue;
        }
        const std::int64_t pixel = (n * from.rows + row) * from.columns + first;
        std::fill_n(line, begin * C, T{0});
        std::copy_n(x + pixel * C, count * C, line + begin * C);
        std::fill(line + (begin + count) * C, line + width, T{0});
      }
    }
  });
}
MUNDUR_RESOLVED(Shift);

template <class T>
void resolve(Resolver<T>& r, const op::Concatenate& o) {
  const Range rows = r.share_rows(o.y);
  r.writes(o.y, rows);
  for (Value part : o.parts) r.reads(part, rows);
  const std::int64_t O = r.columns(o.y);
  std::int64_t column = 0;
  for (Value part : o.parts) {
    const std::int64_t width = r.columns(part);
    T* const y = r.at(o.y) + column;
    const T* const x = r.at(part);
    r.call([=](Now<T>&, Worker&) {
      for (std::int64_t row = rows.begin; row < rows.end; ++row) {
        std::copy_n(x + row * width, width, y + row * O);
      }
    });
    column += width;
  }
}
MUNDUR_RESOLVED(Concatenate);

template <class T>
void resolve(Resolver<T>& r, const op::TakeColumns& o) {
  const Range rows = r.share_rows(o.y);
  T* const y = r.writes(o.y, rows);
  const T* const x = r.reads(o.x, rows) + o.column;
  const std::int64_t width = r.columns(o.y), O = r.columns(o.x);
  r.call([=](Now<T>&, Worker&) {
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      std::copy_n(x + row * O, width, y + row * width);
    }
  });
}
MUNDUR_RESOLVED(TakeColumns);

template <class T>
void resolve(Resolver<T>& r, const op::MaskSteps& o) {
  const Range samples = r.share_samples(o.x);
  T* const y = r.writes_samples(o.y, samples);
  const T* const x = r.reads_samples(o.x, samples);
  const auto* const mask = r.template reads_samples<std::uint8_t>(o.mask, samples);
  const std::int64_t steps = r[o.mask].size(), width = r[o.x].size() / steps;
  r.call([=, fill = static_cast<T>(o.fill)](Now<T>&, Worker&) {
    for (std::int64_t row = samples.begin * steps; row < samples.end * steps; ++row) {
      if (!mask[row]) {
        std::fill_n(y + row * width, width, fill);
      } else if (y != x) {
        std::copy_n(x + row * width, width, y + row * width);
      }
    }
  });
}
MUNDUR_RESOLVED(MaskSteps);

template <class T>
void resolve(Resolver<T>& r, const op::EitherMask& o) {
  const Range part = r.share_flat(o.y);
  auto* const y = r.template writes_flat<std::uint8_t>(o.y, part);
  const auto* const a = r.template reads_flat<std::uint8_t>(o.a, part);
  const auto* const b = r.template reads_flat<std::uint8_t>(o.b, part);
  r.call([=](Now<T>&, Worker&) {
    for (std::int64_t n = part.begin; n < part.end; ++n) y[n] = a[n] | b[n];
  });
}
MUNDUR_RESOLVED(EitherMask);

// ---- random numbers -----------------------------------------------------------------------------

template <class T>
void resolve(Resolver<T>& r, const op::Dropout& o) {
  const StreamKey key(o.stream);
  const std::uint32_t threshold = o.drop.threshold;
  const T scale = static_cast<T>(o.drop.scale);
  const T offset = static_cast<T>(o.offset), dropped = static_cast<T>(o.dropped);
  const std::int64_t C = r[o.keep].size(), size = r[o.x].size(), each = r[o.x].samples;
  if (C != size) {  // of a channel in all its steps
    const Range samples = r.share_samples(o.x);
    T* const y = r.writes_samples(o.y, samples);
    auto* const keep = r.template writes_samples<std::uint8_t>(o.keep, samples);
    const T* const x = r.reads_samples(o.x, samples);
    return r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
      const std::int64_t first = now.part.samples.begin * each;
      for (std::int64_t n = samples.begin; n < samples.end; ++n) {
        std::uint8_t* const own = keep + n * C;
        k->dropout(y + n * size, own, x + n * size, (first + n) * C, C, key(now), threshold, scale);
        for (std::int64_t at = n * size + C; at < (n + 1) * size; at += C) {
          k->dropout_backward(y + at, own, x + at, C, scale);
        }
      }
    });
  }
  const auto part = r.share_elements(o.x);
  T* const y = r.writes(o.y, part);
  auto* const keep = r.template writes<std::uint8_t>(o.keep, part);
  const T* const x = r.reads(o.x, part);
  r.call([=, k = &r.kernels, affine = o.affine](Now<T>& now, Worker&) {
    const std::int64_t first = now.part.samples.begin * each * size;
    part.each([&](std::int64_t at, std::int64_t n) {
      if (affine) {
        k->alpha_dropout(y + at, keep + at, x + at, first + at, n, key(now), threshold, scale,
                         offset, dropped);
      } else {
        k->dropout(y + at, keep + at, x + at, first + at, n, key(now), threshold, scale);
      }
    });
  });
}
MUNDUR_RESOLVED(Dropout);

template <class T>
void resolve(Resolver<T>& r, const op::DropoutDx& o) {
  const auto* const keep = r.template at<std::uint8_t>(o.keep);
  const T scale = static_cast<T>(o.scale);
  const std::int64_t C = r[o.keep].size(), size = r[o.dy].size();
  if (C != size) {
    const Range samples = r.share_samples(o.dy);
    T* const dx = r.writes_samples(o.dx, samples);
    const T* const dy = r.reads_samples(o.dy, samples);
    r.reads_samples(o.keep, samples);
    return r.call([=, k = r.kernels.dropout_backward](Now<T>&, Worker&) {
      for (std::int64_t n = samples.begin; n < samples.end; ++n) {
        for (std::int64_t at = n * size; at < (n + 1) * size; at += C) {
          k(dx + at, keep + n * C, dy + at, C, scale);
        }
      }
    });
  }
  resolve_elements(r, o.dx, o.dy, o.dy,
                   [=](const Kernels<T>& k, T* dx, const T* dy, std::int64_t n,
                       std::int64_t first) { k.dropout_backward(dx, keep + first, dy, n, scale); });
  r.reads(o.keep, r.share_elements(o.dy));
}
MUNDUR_RESOLVED(DropoutDx);

template <class T>
void resolve(Resolver<T>& r, const op::Normal& o) {
  const Range part = r.share_flat(o.y);
  T* const y = r.writes_flat(o.y, part) + part.begin;
  const StreamKey key(o.stream);
  const std::int64_t of_sample = r[o.y].samples * r[o.y].size();
  r.call([=, k = r.kernels.normal_noise, mean = o.mean, deviation = o.deviation](Now<T>& now,
                                                                                 Worker&) {
    const std::int64_t first = now.part.samples.begin * of_sample + part.begin;
    k(y, first, part.size(), key(now), mean, deviation);
  });
}
MUNDUR_RESOLVED(Normal);

}  // namespace mundur

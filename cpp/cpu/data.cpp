// How a batch comes in and its outputs go out: each worker takes samples of its own.

#include <algorithm>

#include "cpu/augment.h"
#include "cpu/gather.h"
#include "cpu/resolver.h"

namespace mundur {
namespace {

/// Samples `rows` of a batch of one input, as numbers or as ids; false where a number is not finite
/// or an id is none.
template <class T>
bool take(const Kernels<T>& kernels, void* to, const Now<T>& now, int input, Range rows,
          std::int64_t vocabulary) {
  const ArrayView& x = now.data->x[static_cast<std::size_t>(input)];
  if (vocabulary == 0) {
    return gather(kernels, static_cast<T*>(to), x, now.batch.order, now.batch.begin, rows);
  }
  return gather_ids(static_cast<std::int32_t*>(to), x, now.batch.order, now.batch.begin, rows,
                    vocabulary);
}

template <class T>
std::int64_t sample_of(const Now<T>& now, std::int64_t row) {
  const std::int64_t place = now.batch.begin + row;
  return now.batch.order ? now.batch.order[place] : place;
}

/// The weights of a sample's rows.
template <class T>
void weigh(const TargetSet& targets, std::int64_t sample, std::int64_t rows, T* weights) {
  const std::int64_t each = targets.weights_each;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t place = sample * each + (each == 1 ? 0 : i);
    weights[i] = targets.weights ? static_cast<T>(targets.weights[place]) : T{1};
  }
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::LoadInput& o) {
  const Range samples = r.share_samples(o.x);
  void* const x = r.template writes_samples<void>(o.x, samples);
  r.call([=, k = &r.kernels, input = o.input, vocabulary = o.vocabulary](Now<T>& now, Worker&) {
    if (take(*k, x, now, input, samples, vocabulary)) return;
    (vocabulary > 0 ? now.known : now.finite).store(false, std::memory_order_relaxed);
  });
}
MUNDUR_RESOLVED(LoadInput);

template <class T>
void resolve(Resolver<T>& r, const op::LoadTargets& o) {
  const Range samples = share(r.batch, 1, r.worker);
  T* const y = r.writes_samples(o.y, samples);
  auto* const labels = r.template writes_samples<std::int32_t>(o.labels, samples);
  T* const weights = r.writes_samples(o.weights, samples);
  const auto output = static_cast<std::size_t>(o.output);
  const std::int64_t each = o.labels ? r[o.labels].size() : 0;
  const std::int64_t rows = o.weights ? r[o.weights].size() : 0;
  r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
    const TargetSet& targets = now.data->y[output];
    if (y) gather(*k, y, targets.y, now.batch.order, now.batch.begin, samples);
    for (std::int64_t row = samples.begin; row < samples.end && (labels || weights); ++row) {
      const std::int64_t sample = sample_of(now, row);
      if (labels) {
        std::copy_n(targets.labels.begin() + sample * each, each, labels + row * each);
      }
      if (weights) {
        weigh(targets, sample, rows, weights + row * rows);
        for (std::int64_t i = 0; targets.ignores && i < each; ++i) {
          if (labels[row * each + i] < 0) weights[row * rows + i] = T{0};
        }
      }
    }
  });
}
MUNDUR_RESOLVED(LoadTargets);

template <class T>
void resolve(Resolver<T>& r, const op::ClearUnweighted& o) {
  const Range samples = r.share_samples(o.x);
  auto* const x = r.template writes_samples<std::byte>(o.x, samples);
  struct {
    const T* of[op::kMostOutputs];
    std::int64_t rows[op::kMostOutputs];
    std::size_t count;
  } weights{};
  for (Value one : o.weights) {
    weights.of[weights.count] = r.reads_samples(one, samples);
    weights.rows[weights.count++] = r[one].size();
  }
  const std::int64_t size = r[o.x].size();
  const std::int64_t bytes =
      size * static_cast<std::int64_t>(o.vocabulary > 0 ? sizeof(std::int32_t) : sizeof(T));
  r.call([=, k = &r.kernels, input = o.input, vocabulary = o.vocabulary](Now<T>& now, Worker&) {
    if ((vocabulary > 0 ? now.known : now.finite).load(std::memory_order_relaxed)) return;
    for (std::int64_t row = samples.begin; row < samples.end; ++row) {
      bool weighs = false;
      for (std::size_t i = 0; i < weights.count; ++i) {
        const T* const own = weights.of[i] + row * weights.rows[i];
        weighs |= std::any_of(own, own + weights.rows[i], [](T w) { return w != T{0}; });
      }
      // Each is asked for itself: what else the worker has must not matter.
      if (weighs) continue;
      if (!take(*k, x, now, input, {row, row + 1}, vocabulary)) {
        std::memset(x + row * bytes, 0, static_cast<std::size_t>(bytes));
      }
    }
  });
}
MUNDUR_RESOLVED(ClearUnweighted);

template <class T>
void resolve(Resolver<T>& r, const op::Augment& o) {
  const Range samples = r.share_samples(o.x);
  T* const x = r.writes_samples(o.x, samples);
  const std::int64_t size = r[o.x].size();
  r.call([=, k = &r.kernels](Now<T>& now, Worker&) {
    if (!now.augmenting) return;
    const Augmenting& with = *now.augmenting;
    augment(*k, x, size, with, samples, with.place + now.part.samples.begin);
  });
}
MUNDUR_RESOLVED(Augment);

template <class T>
void resolve(Resolver<T>& r, const op::LoadGradient& o) {
  const Range samples = r.share_samples(o.dy);
  T* const dy = r.writes_samples(o.dy, samples);
  const std::int64_t size = r[o.dy].size();
  r.call([=, output = static_cast<std::size_t>(o.output)](Now<T>& now, Worker&) {
    const T* const delta = (*now.deltas)[output];
    std::copy_n(delta + samples.begin * size, samples.size() * size, dy + samples.begin * size);
  });
}
MUNDUR_RESOLVED(LoadGradient);

template <class T>
void resolve(Resolver<T>& r, const op::KeepOutputs& o) {
  const Range samples = r.share_samples(o.y);
  const T* const y = r.reads_samples(o.y, samples);
  const std::int64_t size = r[o.y].size();
  r.call([=, output = static_cast<std::size_t>(o.output)](Now<T>& now, Worker&) {
    T* const to = (*now.outputs)[output];
    for (std::int64_t row = samples.begin; to && row < samples.end; ++row) {
      std::copy_n(y + row * size, size, to + sample_of(now, row) * size);
    }
  });
}
MUNDUR_RESOLVED(KeepOutputs);

}  // namespace mundur

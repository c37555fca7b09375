// Time steps: which are there, one of each, all added up. A worker takes whole samples.

#include <algorithm>

#include "cpu/resolver.h"

namespace mundur {
namespace {

/// Calls work(a sample of `to`, the same of `from`) for each; `from` may be there once.
template <class To, class T, class Work>
void resolve_samples(Resolver<T>& r, Value to, Value from, Work work) {
  const Range samples = r.share_samples(to);
  const bool once = r[from].samples == 0;
  r.writes_samples(to, samples);
  once ? r.reads(from) : r.reads_samples(from, samples);
  const std::int64_t to_size = r[to].size(), from_size = once ? 0 : r[from].size();
  To* const y = r.template at<To>(to);
  const T* const x = r.at(from);
  r.call([=, k = &r.kernels](Now<T>&, Worker&) {
    for (std::int64_t n = samples.begin; n < samples.end; ++n) {
      work(*k, y + n * to_size, x + n * from_size);
    }
  });
}

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::FindMask& o) {
  const std::int64_t steps = r[o.mask].size(), C = r.columns(o.x);
  resolve_samples<std::uint8_t>(
      r, o.mask, o.x,
      [=, value = static_cast<T>(o.value)](const Kernels<T>&, std::uint8_t* mask, const T* x) {
        for (std::int64_t t = 0; t < steps; ++t, x += C) {
          mask[t] = std::any_of(x, x + C, [=](T x_tc) { return x_tc != value; });
        }
      });
}
MUNDUR_RESOLVED(FindMask);

template <class T>
void resolve(Resolver<T>& r, const op::Repeat& o) {
  const std::int64_t C = r[o.x].size(), steps = r[o.y].size() / C;
  resolve_samples<T>(r, o.y, o.x, [=](const Kernels<T>&, T* y, const T* x) {
    for (std::int64_t t = 0; t < steps; ++t) std::copy_n(x, C, y + t * C);
  });
}
MUNDUR_RESOLVED(Repeat);

template <class T>
void resolve(Resolver<T>& r, const op::SumSteps& o) {
  const std::int64_t steps = r[o.x].shape.front(), C = r[o.y].size();
  resolve_samples<T>(r, o.y, o.x, [=](const Kernels<T>& k, T* y, const T* x) {
    std::copy_n(x, C, y);
    for (std::int64_t t = 1; t < steps; ++t) k.accumulate(y, x + t * C, C);
  });
}
MUNDUR_RESOLVED(SumSteps);

}  // namespace mundur

// Where ranks meet. One worker of each speaks for its team; it hands over whole arrays.

#include "mundur/exchange.h"

#include <algorithm>

#include "cpu/kernels/shards.h"
#include "cpu/resolver.h"

namespace mundur {

BatchPart part_of_batch(std::int64_t samples, int rank, int ranks) {
  std::int64_t each = kShard;
  while (each * ranks < samples) each *= 2;
  const std::int64_t begin = std::min(samples, each * rank);
  return {{begin, std::min(samples, begin + each)},
          samples,
          static_cast<int>((samples + each - 1) / each)};
}

template <class T>
void join_parts(T* to, const T* const* parts, int count, std::int64_t n) {
  const ShardTree tree(count * kShard, 1);
  for (std::int64_t i = 0; i < n; ++i) {
    T waiting[kMaxSlots];
    T sum{};
    for (int part = 0, slot = 0; slot >= 0; ++part) {
      sum = parts[part][i];
      slot = tree.after(part, [&](int earlier) { sum = waiting[earlier] + sum; });
      if (slot >= 0) waiting[slot] = sum;
    }
    to[i] = sum;
  }
}
template void join_parts<float>(float*, const float* const*, int, std::int64_t);
template void join_parts<double>(double*, const double* const*, int, std::int64_t);

template <class T>
void resolve(Resolver<T>& r, const op::JoinSums& o) {
  std::vector<Following<T>> then;
  for (std::size_t i = 0; i < o.sums.size(); ++i) {
    r.writes(o.sums[i]);
    then.push_back(following_flat(r, o.after[i], {0, r.size(o.sums[i])}));
  }
  for (std::size_t i = 0; i < o.sums.size() && r.worker.first(); ++i) {
    const std::int64_t size = r.size(o.sums[i]);
    if (r[o.sums[i]].element == Element::float64) {
      r.call([=, sums = r.template at<double>(o.sums[i])](Now<T>& now, Worker&) {
        now.join(sums, size);
      });
    } else {
      r.call([=, sums = r.at(o.sums[i]), k = &r.kernels, next = then[i]](Now<T>& now, Worker&) {
        now.join(sums, size);
        next(*k, now, sums, 0, 1, size, size);
      });
    }
  }
}
MUNDUR_RESOLVED(JoinSums);

template <class T>
void resolve(Resolver<T>& r, const op::Agree& o) {
  for (Value one : o.on) r.writes(one);
  if (!r.worker.first()) return;
  r.call([](Now<T>& now, Worker&) {
    std::atomic<bool>* const flags[] = {&now.finite, &now.known};
    double wrong[2];
    for (int i = 0; i < 2; ++i) wrong[i] = flags[i]->load(std::memory_order_relaxed) ? 0.0 : 1.0;
    now.join(wrong, 2);
    for (int i = 0; i < 2; ++i) {
      if (wrong[i] > 0.0) flags[i]->store(false, std::memory_order_relaxed);
    }
  });
}
MUNDUR_RESOLVED(Agree);

template <class T>
void resolve(Resolver<T>& r, const op::SumValues& o) {
  r.writes(o.sum);
  r.reads(o.of);
  if (!r.worker.first()) return;
  auto* const sum = r.template at<double>(o.sum);
  const std::int64_t n = r.size(o.of), each = r[o.of].samples * r[o.of].size();
  switch (r[o.of].element) {
    case Element::byte:
      return r.call([=, of = r.template at<std::uint8_t>(o.of)](Now<T>&, Worker&) {
        *sum = static_cast<double>(std::count(of, of + n, 1));
      });
    case Element::float64:
      return r.call([=, of = r.template at<double>(o.of)](Now<T>&, Worker&) {
        *sum = sum_over_samples(of, n, each);
      });
    default:
      return r.call([=, of = r.at(o.of)](Now<T>&, Worker&) { *sum = total_weight(of, n, each); });
  }
}
MUNDUR_RESOLVED(SumValues);

}  // namespace mundur

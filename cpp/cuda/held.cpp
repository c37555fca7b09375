// A data set on a device, its arrays as they are: samples one behind the other.

#include <stdexcept>

#include "cpu/gather.h"
#include "cuda/together.h"
#include "mundur/runtime.h"

namespace mundur::cuda {
namespace {

constexpr const char* kSet = "the data set";

/// Whether the device may take the samples as they come: all finite, or ids of the vocabulary.
template <class T>
bool is_plain(const ArrayView& x, std::int64_t vocabulary) {
  constexpr std::int64_t kElements = 1 << 14;  // at a time
  const bool is_whole = x.type != ElementType::float16 && x.type != ElementType::float32 &&
                        x.type != ElementType::float64;
  if (vocabulary == 0 && is_whole) return true;
  const std::int64_t size = std::max<std::int64_t>(1, x.sample_size());
  const std::int64_t most = std::max<std::int64_t>(1, kElements / size);
  std::vector<T> numbers(static_cast<std::size_t>(vocabulary > 0 ? 0 : most * size));
  std::vector<std::int32_t> ids(static_cast<std::size_t>(vocabulary > 0 ? most * size : 0));
  for (std::int64_t i = 0; i < x.n; i += most) {
    const Range rows{0, std::min(most, x.n - i)};
    const bool plain = vocabulary > 0 ? gather_ids(ids.data(), x, nullptr, i, rows, vocabulary)
                                      : gather(kernels<T>(), numbers.data(), x, nullptr, i, rows);
    if (!plain) return false;
  }
  return true;
}

}  // namespace

void* HeldSet::take(int source, std::int64_t bytes, std::int64_t size, ElementType type) {
  arrays_.push_back(Gpu::take(gpu_, bytes, kSet));
  const auto at = static_cast<std::size_t>(source);
  sources_[at] = {arrays_.back().get(), size, type};
  return arrays_.back().get();
}

void HeldSet::up(void* to, const void* from, std::int64_t bytes) {
  const std::int32_t error = gpu_->up(to, from, bytes);
  if (error != 0) throw std::runtime_error("device: " + gpu_->name() + ": " + gpu_->text(error));
}

void HeldSet::add(int source, const void* data, std::int64_t bytes, std::int64_t size,
                  ElementType type) {
  up(take(source, bytes, size, type), data, bytes);
}

void HeldSet::add(int source, const ArrayView& x) {
  constexpr std::int64_t kPiece = 4 << 20;  // bytes at a time
  const std::int64_t size = x.sample_size(), sample = size * bytes_of(x.type);
  const std::int64_t bytes = checked_product(x.n, sample, kSet);
  if (x.contiguous && x.stride == sample) return add(source, x.data, bytes, size, x.type);
  auto* const to = static_cast<std::byte*>(take(source, bytes, size, x.type));
  const std::int64_t most = std::max<std::int64_t>(1, kPiece / std::max<std::int64_t>(1, sample));
  std::vector<std::byte> piece(static_cast<std::size_t>(most * sample));
  for (std::int64_t i = 0; i < x.n; i += most) {
    const std::int64_t count = std::min(most, x.n - i);
    pack(piece.data(), x, {i, i + count});
    up(to + i * sample, piece.data(), count * sample);
  }
}

void HeldSet::finish() {
  const auto bytes = static_cast<std::int64_t>(sources_.size() * sizeof(launches::Source));
  there_ = Gpu::take(gpu_, bytes, kSet);
  up(there_.get(), sources_.data(), bytes);
}

template <class T>
const std::int64_t* HeldSet::order(Copies<T>& copies, const Batch& batch) {
  if (!batch.order) return nullptr;
  const std::int64_t bytes = samples_ * static_cast<std::int64_t>(sizeof(std::int64_t));
  if (!order_) order_ = Gpu::take(gpu_, bytes, "the order of the samples");
  if (call_ != copies.calls() || brought_ != batch.order || batch.begin == 0) {
    copies.up(order_.get(), batch.order, bytes);
    call_ = copies.calls();
    brought_ = batch.order;
  }
  return static_cast<const std::int64_t*>(order_.get());
}
template const std::int64_t* HeldSet::order(Copies<float>&, const Batch&);
template const std::int64_t* HeldSet::order(Copies<double>&, const Batch&);

template <class T>
std::shared_ptr<DeviceData> hold_set(const std::shared_ptr<Gpu>& gpu, const DataSet& data,
                                     const std::vector<std::int64_t>& vocabularies) {
  using launches::Part, launches::source_of;
  for (std::size_t i = 0; i < data.x.size(); ++i) {
    if (!is_plain<T>(data.x[i], vocabularies[i])) return nullptr;
  }
  const auto set = std::make_shared<HeldSet>(gpu, data.samples());
  set->reserve(source_of(static_cast<int>(std::max(data.x.size(), data.y.size())), Part::x));
  const std::int64_t n = std::max<std::int64_t>(1, data.in_arrays());
  for (std::size_t i = 0; i < data.x.size(); ++i) {
    set->add(source_of(static_cast<int>(i), Part::x), data.x[i]);
  }
  for (std::size_t i = 0; i < data.y.size(); ++i) {
    const TargetSet& targets = data.y[i];
    const int output = static_cast<int>(i);
    const std::int64_t labels = std::ssize(targets.labels), each = targets.weights_each;
    if (targets.y.data) set->add(source_of(output, Part::y), targets.y);
    if (labels > 0) {
      set->add(source_of(output, Part::labels), targets.labels.data(),
               labels * static_cast<std::int64_t>(sizeof(std::int32_t)), labels / n,
               ElementType::int32);
    }
    if (targets.weights) {
      set->add(source_of(output, Part::weights), targets.weights,
               n * each * static_cast<std::int64_t>(sizeof(double)), each, ElementType::float64);
    }
  }
  set->finish();
  return set;
}
template std::shared_ptr<DeviceData> hold_set<float>(const std::shared_ptr<Gpu>&, const DataSet&,
                                                     const std::vector<std::int64_t>&);
template std::shared_ptr<DeviceData> hold_set<double>(const std::shared_ptr<Gpu>&, const DataSet&,
                                                      const std::vector<std::int64_t>&);

// ---- a batch from there -------------------------------------------------------------------------

template <class T>
void load(Resolver<T>& r, const op::LoadInput& o) {
  const std::int64_t size = r[o.x].size();
  const int source = launches::source_of(o.input, launches::Part::x);
  if (o.vocabulary > 0) {
    return r.each(r.batch * size,
                  launches::GatherIds<T>{r.template at<std::int32_t>(o.x), r.batch, size, source});
  }
  r.each(r.batch * size, launches::Gather<T>{r.at(o.x), r.batch, size, source});
}

template <class T>
void load(Resolver<T>& r, const op::LoadTargets& o) {
  using launches::Part, launches::source_of;
  auto* const labels = r.template at<std::int32_t>(o.labels);
  if (o.y) {
    const std::int64_t size = r[o.y].size();
    r.each(r.batch * size,
           launches::Gather<T>{r.at(o.y), r.batch, size, source_of(o.output, Part::y)});
  }
  if (o.labels) {
    const std::int64_t size = r[o.labels].size();
    r.each(r.batch * size,
           launches::GatherIds<T>{labels, r.batch, size, source_of(o.output, Part::labels)});
  }
  if (o.weights) {
    const std::int64_t rows = r[o.weights].size();
    r.each(r.batch * rows, launches::GatherWeights<T>{r.at(o.weights), labels, r.batch, rows,
                                                      source_of(o.output, Part::weights)});
  }
}
template void load(Resolver<float>&, const op::LoadInput&);
template void load(Resolver<double>&, const op::LoadInput&);
template void load(Resolver<float>&, const op::LoadTargets&);
template void load(Resolver<double>&, const op::LoadTargets&);

}  // namespace mundur::cuda

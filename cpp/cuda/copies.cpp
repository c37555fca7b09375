#include "cuda/copies.h"

#include <stdexcept>

namespace mundur::cuda {

template <class T>
Copies<T>::Copies(std::shared_ptr<Gpu> gpu, const Flat<T> (&flat)[kRoles]) : gpu_(std::move(gpu)) {
  for (int role = 0; role < kRoles; ++role) {
    flats_[role].host = flat[role].values;
    flats_[role].size = flat[role].size;
    if (flat[role].size > 0) take(flats_[role]);
  }
}

template <class T>
void Copies<T>::begin() {
  gpu_->require_process();
  ++calls_;
  failure_.clear();
  for (Mirror<T>& flat : flats_) flat.fresh = flat.changed = false;
  for (auto& [host, slot] : slots_) slot.fresh = slot.changed = false;
  spared_is_fresh_ = false;
}

template <class T>
void Copies<T>::end() {
  for (Mirror<T>& flat : flats_) bring_back(flat);
  for (auto& [host, slot] : slots_) bring_back(slot);
  std::erase_if(slots_, [](const auto& one) { return !one.second.fresh; });
  require_success();
}

template <class T>
void Copies<T>::require_success() const {
  if (failure_.empty()) return;
  throw std::runtime_error("device: cuda:" + std::to_string(gpu_->index()) + " (" + gpu_->name() +
                           ") failed: " + failure_);
}

template <class T>
Mirror<T>& Copies<T>::slot_at(T* host) {
  Mirror<T>& mirror = slots_[host];
  if (!mirror.there) {
    mirror.host = host;
    mirror.size = flats_[static_cast<int>(Role::parameter)].size;
    take(mirror);
  }
  bring(mirror);
  return mirror;
}

template <class T>
T* Copies<T>::slot(T* host) {
  if (!host) return nullptr;
  Mirror<T>& mirror = slot_at(host);
  mirror.changed = true;
  return mirror.data();
}

template <class T>
const std::int64_t* Copies<T>::spared(const Update<T>& update) {
  if (update.spares == 0) return nullptr;
  const std::int64_t bytes = 2 * update.spares * static_cast<std::int64_t>(sizeof(std::int64_t));
  if (spares_ < update.spares) {
    spared_ = Gpu::take(gpu_, bytes, "the model and its optimizer");
    spares_ = update.spares;
    spared_is_fresh_ = false;
  }
  if (!spared_is_fresh_) up(spared_.get(), update.spared, bytes);
  spared_is_fresh_ = true;
  return static_cast<const std::int64_t*>(spared_.get());
}

template <class T>
launches::Step<T> Copies<T>::step_of(const List<T>& list, const Now<T>& now) {
  for (int role = 0; role < kRoles; ++role) {
    Mirror<T>& flat = flats_[role];
    if (!flat.there || !list.uses[role]) continue;
    bring(flat);
    flat.changed |= list.changes[role];
  }
  launches::Step<T> step;
  step.seed = now.seed;
  step.forward = now.forward;
  step.samples = now.samples();
  if (!list.updates()) return step;
  step.update = now.update;
  step.update.w = flats_[static_cast<int>(Role::parameter)].data();
  for (T*& state : step.update.state) state = slot(state);
  step.update.average = slot(now.update.average);
  step.update.spared = spared(now.update);
  step.sum = slot(static_cast<T*>(now.gathering.sum));
  step.clipnorm = now.gathering.clipnorm;
  step.global_clipnorm = now.gathering.global_clipnorm;
  step.updates = now.gathering.updates;
  return step;
}

template <class T>
void Copies<T>::run(const List<T>& list, const Now<T>& now) {
  if (failed()) return;
  try {
    const launches::Step<T> step = step_of(list, now);
    if (failed()) return;
    check(gpu_->run(list.launches.data(), std::ssize(list.launches), &step, sizeof step));
  } catch (const OutOfMemory& error) {  // a step of several workers must not throw
    failure_ = error.what();
  }
}

template <class T>
void Copies<T>::keep_start(const std::vector<T*>& slots) {
  const auto keep = [&](Mirror<T>& mirror) {
    if (mirror.size == 0) return;
    bring(mirror);
    Mirror<T>& start = start_[mirror.host];
    if (!start.there) {
      start.host = mirror.host;
      start.size = mirror.size;
      take(start);
    }
    start.fresh = true;
    if (!failed()) check(gpu_->copy(start.data(), mirror.data(), mirror.bytes()));
  };
  for (auto& [host, start] : start_) start.fresh = false;
  for (const Role role : {Role::parameter, Role::state}) keep(flats_[static_cast<int>(role)]);
  for (T* const host : slots) keep(slot_at(host));
  std::erase_if(start_, [](const auto& one) { return !one.second.fresh; });
}

template <class T>
void Copies<T>::restore_start() {
  failure_.clear();
  for (auto& [host, start] : start_) down(host, start.data(), start.bytes());
  require_success();
}

template <class T>
bool Copies<T>::all_finite() {
  Mirror<T>& flat = flats_[static_cast<int>(Role::parameter)];
  if (flat.size == 0) return true;
  bring(flat);
  if (!flag_) flag_ = Gpu::take(gpu_, sizeof(std::int32_t), "the model and its optimizer");
  std::int32_t stopped = 0;
  up(flag_.get(), &stopped, sizeof stopped);
  launches::Step<T> step;
  step.stopped = static_cast<std::int32_t*>(flag_.get());
  const launches::StopUnlessFinite<T> arguments{nullptr, flat.data(), flat.size};
  const Launch launch = launch_of<T>(arguments, flat.size);
  if (!failed()) check(gpu_->run(&launch, 1, &step, sizeof step));
  down(&stopped, flag_.get(), sizeof stopped);
  return stopped == 0;
}

template class Copies<float>;
template class Copies<double>;

}  // namespace mundur::cuda

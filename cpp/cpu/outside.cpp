// Functions of the caller's: they get where the arrays lie, one call for each, and then are called.

#include <algorithm>

#include "cpu/resolver.h"

namespace mundur {
namespace {

/// What a call is told of a value.
template <class T>
OutsideArray array_of(const Resolver<T>& r, Value value) {
  if (!value) return {};
  return {r.at(value), r.batch * r[value].samples, &r[value].shape};
}

template <class T>
void give(Resolver<T>& r, OutsideCall* call, Value value) {
  r.call([=, one = array_of(r, value)](Now<T>&, Worker&) { call->give(one); });
}

template <class T>
constexpr bool is_double = sizeof(T) == sizeof(double);

}  // namespace

template <class T>
void resolve(Resolver<T>& r, const op::AskLayer& o) {
  OutsideCall* const call = o.call.get();
  r.writes(o.y);
  r.call([=](Now<T>&, Worker&) { call->begin(); });
  give(r, call, o.y);
  for (const auto* all : {&o.x, &o.parameters}) {
    for (Value one : *all) {
      r.reads(one);
      give(r, call, one);
    }
  }
  for (Value one : o.states) {
    r.writes(one);
    give(r, call, one);
  }
  r.call([=, task = o.task](Now<T>& now, Worker&) {
    OutsideTask one = task;
    one.is_double = is_double<T>;
    one.seed = now.seed;
    one.forward = now.forward;
    call->forward(one);
  });
}
MUNDUR_RESOLVED(AskLayer);

template <class T>
void resolve(Resolver<T>& r, const op::AskLayerDx& o) {
  OutsideCall* const call = o.call.get();
  r.call([=](Now<T>&, Worker&) { call->begin(); });
  for (const auto* all : {&o.dx, &o.dw}) {
    for (Value one : *all) {
      r.writes(one);
      give(r, call, one);
    }
  }
  r.reads(o.dy);
  give(r, call, o.dy);
  r.call([=](Now<T>&, Worker&) { call->backward(is_double<T>); });
}
MUNDUR_RESOLVED(AskLayerDx);

template <class T>
void resolve(Resolver<T>& r, const op::AskUpdate& o) {
  r.call([](Now<T>& now, Worker&) { now.gathering.rule->begin(); });
  for (std::size_t i = 0; i < o.parameters.size(); ++i) {
    r.writes(o.parameters[i]);
    o.sums ? r.writes(o.gradients[i]) : r.reads(o.gradients[i]);
    const ValueInfo& info = r[o.gradients[i]];
    const OutsideArray w = array_of(r, o.parameters[i]), g = array_of(r, o.gradients[i]);
    const bool is_sum = info.role == Role::sum;
    r.call([=, number = o.numbers[i], place = info.place](Now<T>& now, Worker&) {
      OutsideArray of = g;
      if (is_sum) of.data = static_cast<T*>(now.gathering.sum) + place;
      now.gathering.rule->give({number, w, of, place});
    });
  }
  r.call([](Now<T>& now, Worker&) {
    if (now.gathering.updates) now.gathering.rule->step();
  });
  for (Value g : o.gradients) {
    if (!o.sums) break;
    r.call([place = r[g].place, size = r.size(g)](Now<T>& now, Worker&) {
      T* const sum = static_cast<T*>(now.gathering.sum) + place;
      if (now.gathering.updates) std::fill_n(sum, size, T{0});
    });
  }
}
MUNDUR_RESOLVED(AskUpdate);

}  // namespace mundur

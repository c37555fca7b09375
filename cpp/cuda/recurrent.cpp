// The way through time: one launch ahead and one back, beside the products of all steps.

#include "cuda/resolver.h"

namespace mundur::cuda {
namespace {

template <class T>
Gate<T> gate_of(const ActivationFunction& f) {
  Gate<T> gate;
  gate.is_curve = !is_function(f.activation);
  if (!gate.is_curve) gate.function = static_cast<Function>(f.activation);
  if (gate.is_curve) gate.curve = curve_of(f.activation);
  for (int i = 0; i < kCurveParameters; ++i) gate.parameters[i] = static_cast<T>(f.parameters[i]);
  return gate;
}

/// Columns of U that take h.
std::int64_t split_of(const Recurrence& of) { return (of.q ? of.gates - 1 : of.gates) * of.units; }

template <class T>
launches::TimeLoop<T> loop_of(const Resolver<T>& r, const Recurrence& of) {
  launches::TimeLoop<T> loop{};
  loop.z = r.at(of.z);
  loop.q = r.at(of.q);
  loop.state_h = r.at(of.state_h);
  loop.state_c = r.at(of.state_c);
  loop.h = r.at(of.h);
  loop.c = r.at(of.c);
  loop.dropped_h = r.at(of.dropped_h);
  loop.keep_h = r.template at<std::uint8_t>(of.keep_h);
  loop.heard = r.template at<std::uint8_t>(of.heard);
  loop.mask = r.template at<std::uint8_t>(of.mask);
  loop.c0 = r.at(of.c0);
  loop.samples = r.samples(of.x);
  loop.steps = of.steps;
  loop.units = of.units;
  loop.columns = of.gates * of.units;
  loop.split = split_of(of);
  loop.q_steps = of.q ? r[of.q].shape[0] : 0;
  loop.gates = {gate_of<T>(of.f), gate_of<T>(of.g)};
  loop.scale = static_cast<T>(of.drop_h.scale);
  loop.cell = of.cell;
  loop.sequences = of.sequences;
  loop.reversed = of.reversed;
  loop.in_order = of.in_order;
  // Samples that share a block read U once: where there are many, or where it is large.
  constexpr std::int64_t kMany = 256, kLarge = 1 << 17;
  const auto bytes = loop.units * loop.columns * static_cast<std::int64_t>(sizeof(T));
  const bool shares = loop.samples >= kMany || bytes > kLarge;
  loop.together = shares ? launches::kMostTogether : 1;
  return loop;
}

/// Threads for `items` of the samples that share a block, whose rows hold at most `depth` numbers.
template <class T, class Arguments>
void launch_steps(Resolver<T>& r, const Arguments& a, std::int64_t items, std::int64_t depth) {
  constexpr std::int64_t kWarp = 32, kMost = kMostThreads, kDepth = launches::kTimeDepth;
  const std::int64_t threads = std::min(kMost, (items + kWarp - 1) / kWarp * kWarp);
  r.launch(a, (a.samples + a.together - 1) / a.together, static_cast<int>(threads),
           a.together * std::min(depth, kDepth) * static_cast<std::int64_t>(sizeof(T)));
}

/// Columns [column, column + columns) of U, transposed.
template <class T>
void transpose_columns(Resolver<T>& r, Value to, const Recurrence& of, std::int64_t column,
                       std::int64_t columns) {
  launches::Permute<T> a{r.at(to), r.at(of.u) + column, 1, columns * of.units, {}, {}, 2, false};
  a.extents[0] = columns;
  a.extents[1] = of.units;
  a.strides[0] = 1;
  a.strides[1] = of.gates * of.units;
  r.each(a.size, a);
}

}  // namespace

/// W and U are read as they lie.
template <class T>
void resolve(Resolver<T>&, const op::RecurPack&) {}
MUNDUR_CUDA_RESOLVED(RecurPack);

template <class T>
void resolve(Resolver<T>& r, const op::Recur& o) {
  const Recurrence& of = o.r;
  launches::RecurSteps<T> a{};
  static_cast<launches::TimeLoop<T>&>(a) = loop_of(r, of);
  const T* const bias = r.at(of.bias);
  const bool has_two = of.cell == Cell::gru;  // the first ends the chains over x
  const std::int64_t rows = a.samples * a.steps;
  if (!of.keeps) a.z = r.template scratch<T>(rows * a.columns);
  multiply<T>(r, a.z, r.at(of.x), r.at(of.w), has_two ? bias : nullptr, rows, a.columns, of.inputs,
              a.columns, 1, Function::linear);
  a.y = r.at(o.y);
  a.u = r.at(of.u);
  a.bias = bias && has_two ? bias + a.columns : bias;
  a.h0 = r.at(of.h0);
  a.key = key_of(of.stream);
  a.threshold = of.drop_h.threshold;
  a.zeroes = of.zeroes;
  if (of.usual) return launch_steps(r, launches::Recur<T>{a}, a.columns, a.units);
  launch_steps(r, launches::RecurAny<T>{a}, a.columns, a.units);
}
MUNDUR_CUDA_RESOLVED(Recur);

template <class T>
void resolve(Resolver<T>& r, const op::RecurDxPack& o) {
  const std::int64_t split = split_of(o.r);
  transpose_columns(r, o.r.panels_u, o.r, 0, split);
  if (o.r.q) transpose_columns(r, o.r.panels_q, o.r, split, o.r.units);
}
MUNDUR_CUDA_RESOLVED(RecurDxPack);

template <class T>
void resolve(Resolver<T>& r, const op::RecurDx& o) {
  const Recurrence& of = o.r;
  launches::RecurStepsDx<T> a{};
  static_cast<launches::TimeLoop<T>&>(a) = loop_of(r, of);
  a.dh = r.at(of.dh);
  a.dq = r.at(of.dq);
  a.u_z = r.at(of.panels_u);
  a.u_q = r.at(of.panels_q);
  a.dy = r.at(o.dy);
  a.dh_last = r.at(o.dh_last);
  a.dc_last = r.at(o.dc_last);
  a.begins = static_cast<bool>(of.h0);
  const std::int64_t items = a.together * a.units;
  if (of.usual) return launch_steps(r, launches::RecurDx<T>{a}, items, a.split);
  launch_steps(r, launches::RecurDxAny<T>{a}, items, a.split);
}
MUNDUR_CUDA_RESOLVED(RecurDx);

}  // namespace mundur::cuda

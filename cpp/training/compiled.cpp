#include "training/compiled.h"

#include <algorithm>

#include "layers/permuted.h"
#include "mundur/runtime.h"

namespace mundur {
namespace {

void emit_factored(Builder& b, Factors of) {
  std::int64_t rows = 0, columns = 0, strips = 0;
  for (Value w : of.parameters) {
    const Strips one(b[w].shape);
    if (one.rows) rows += one.count();
    columns += one.matrices() * one.columns;
    strips += one.count();
  }
  of.rows = b.whole("rows", {rows});
  of.columns = b.whole("columns", {columns});
  of.sizes = b.whole("sizes", {2 * strips}, Element::float64);
  b.emit(op::FactorMeans{of});
  b.emit(op::FactorSizes{of});
  b.emit(op::FactorUpdate{of});
}

/// Where a network's gradients go, and what follows.
void emit_updates(Builder& b, const std::vector<Array>& parameters, const Purpose& purpose) {
  b.begin(Stage::update);
  std::vector<Value> trained, gradients, sums;
  std::vector<int> numbers;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].trainable) continue;
    const int number = static_cast<int>(i);
    numbers.push_back(number);
    trained.push_back(b.parameter(number));
    gradients.push_back(b.beside(number, Role::gradient));
    if (purpose.sums) sums.push_back(b.beside(number, Role::sum));
  }
  if (purpose.updates == Purpose::Updates::at_end && !trained.empty()) {
    if (purpose.sums) b.emit(op::Accumulate{sums, gradients});
    const std::vector<Value>& taken = purpose.sums ? sums : gradients;
    Value squares;
    if (purpose.clips && !purpose.asks_update) {
      std::int64_t pieces = 0;
      for (Value g : taken) pieces += pieces_of(b[g].size());
      squares = b.whole("squares", {pieces}, Element::float64);
      b.emit(op::SumSquares{squares, taken});
    }
    if (purpose.asks_update) {
      b.emit_outside(op::AskUpdate{numbers, trained, taken, purpose.sums});
    } else if (purpose.whole) {
      emit_factored(b, {trained, taken, squares, {}, {}, {}, purpose.sums});
    } else {
      b.emit(op::Update{trained, taken, squares, purpose.sums});
    }
  }
  for (const Array& array : parameters) {
    if (!array.trainable || array.constraint.kind == Constraint::Kind::none) continue;
    b.emit(
        op::Constrain{b.parameter(static_cast<int>(&array - parameters.data())), array.constraint});
  }
}

/// A parameter that no loss reaches has a gradient, too: of 0, and of its penalty.
void emit_zeros(Builder& b, const std::vector<Array>& parameters) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].trainable) b.start_from_zeros(b.parameter(static_cast<int>(i)));
  }
}

/// What the weights cost.
Value emit_penalties(Builder& b, const std::vector<Array>& parameters) {
  op::WeightPenalties penalties;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Array& array = parameters[i];
    if (!array.penalty.any()) continue;
    const std::int64_t size = size_of(array.shape);
    for (std::int64_t at = 0; at < size; at += kPiece) {
      penalties.pieces.push_back(
          {b.parameter(static_cast<int>(i)), at, std::min(kPiece, size - at), array.penalty});
    }
  }
  if (penalties.pieces.empty()) return {};
  const auto pieces = static_cast<std::int64_t>(penalties.pieces.size());
  penalties.values = b.whole("penalties", {pieces}, Element::float64);
  b.keep(penalties.values);
  const Value values = penalties.values;
  b.emit(std::move(penalties));
  return values;
}

/// Targets and weights come in with the samples.
void emit_targets(Builder& b, const Shape& output, bool masked, const Comparison& with, int number,
                  Ports::Output& port) {
  const Shape rows = {rows_of(output)};
  if (!with.loss->sparse() && with.reads_targets) {
    port.y = b.input("y_true", output, Element::real, false);
  }
  if (with.loss->sparse()) port.labels = b.input("labels", rows, Element::int32, false);
  if (with.weighted || (masked && !with.outside)) {
    port.weights = b.input("weights", rows, Element::real, false);
  }
  b.emit(op::LoadTargets{port.y, port.labels, port.weights, number});
  for (Value value : {port.y, port.labels, port.weights}) {
    if (value) b.keep(value);
  }
}

/// Where each output that has a loss has weights, samples may weigh nothing at all.
void emit_clearing(Builder& b, const Graph& graph, const Purpose& purpose, const Ports& ports) {
  std::vector<Value> weights;
  for (std::size_t i : purpose.compared()) {
    if (!purpose.compares[i].weighted) return;
    weights.push_back(ports.outputs[i].weights);
  }
  for (std::size_t i = 0; i < ports.x.size() && !weights.empty(); ++i) {
    b.emit(op::ClearUnweighted{ports.x[i], weights, static_cast<int>(i), graph.vocabulary(i)});
  }
}

/// By hand: ∂L/∂y of each output comes from outside.
void emit_deltas(Builder& b, const Ports& ports) {
  for (std::size_t i = 0; i < ports.outputs.size(); ++i) {
    const Value p = ports.outputs[i].p, delta = b.like("delta", p);
    b.emit(op::LoadGradient{delta, static_cast<int>(i)});
    b.gradient(p, delta);
  }
}

/// ... and ∂L/∂x of each input goes there: 0 where it has none.
void keep_dx(Builder& b, Ports& ports) {
  for (Value x : ports.x) {
    Value dx = b.gradient_of(x);
    if (!dx) {
      dx = b.input("dx", b[x].shape, Element::real, false);
      b.emit(op::Zero{dx});
    }
    b.keep(dx);
    ports.dx.push_back(dx);
  }
}

/// The loss of an output and what is told of it; its gradient, if a backward follows.
void emit_loss(Builder& b, const Shape& output, Activation head, bool backward,
               const Comparison& with, Ports::Output& port) {
  const LossRule& loss = *with.loss;
  const auto keep_rows = [&](const char* name, Element element) {
    const Value made = b.input(name, {rows_of(output)}, element, false);
    b.keep(made);
    return made;
  };
  const Value p =
      loss.axis() == -1 ? port.p : permuted(b, port.p, loss.order(std::ssize(b[port.p].shape)));
  bool categorical = false;
  for (Metric metric : with.metrics) categorical |= metric != Metric::binary_accuracy;
  if (categorical) {
    port.predicted = keep_rows("predicted", Element::int32);
    b.emit(op::ArgMax{port.predicted, b.view(p, output)});
    if (!loss.sparse()) {
      port.expected = keep_rows("expected", Element::int32);
      b.emit(op::ArgMax{port.expected, port.y});
    }
  }
  const Value dp = backward ? b.like("dp", p) : Value{};
  if (with.outside) {
    port.values = b.whole("loss", {1}, Element::float64);
    b.keep(port.values);
    b.emit_outside(op::AskLoss{dp, port.values, p, port.weights, with.outside});
    if (dp) b.gradient(p, with.weight == 1.0 ? dp : b.rescale(dp, with.weight, -0.0));
    return;
  }
  const Value mask = b.mask(p);
  if (mask && b[mask].size() == rows_of(output)) {
    port.mask = mask;
    b.keep(mask);
    b.emit(op::MaskWeights{port.weights, mask});
    port.rows = b.total(mask);
  }
  const Compared of{p, port.y, port.labels, port.weights, loss};
  port.values = keep_rows("losses", Element::float64);
  b.emit(op::LossValues{port.values, of});
  port.loss = b.total(port.values);
  port.weight = b.total(port.weights);
  if (!dp) return;
  const Builder::Made made = b.made(p);
  const bool fused = loss.fuses_with() != Activation::linear && head == loss.fuses_with() &&
                     made.by == head && !loss.from_logits();
  b.emit(op::LossGradient{dp, of, port.weight, fused, with.weight});
  b.gradient(fused ? made.z : p, dp);
}

}  // namespace

Comparison::Comparison(const Objective& objective)
    : weight(objective.weight), metrics(objective.metrics) {
  if (!objective.loss) return;
  loss = *objective.loss;
  reads_targets = objective.loss->reads_targets();
  outside = objective.loss->outside();
  serial = outside ? outside->serial() : 0;
}

void Purpose::weigh(const DataSet& data) {
  for (std::size_t i = 0; i < compares.size(); ++i) {
    compares[i].weighted = compares[i].loss && data.y[i].weighs();
  }
}

std::vector<std::size_t> Purpose::compared() const {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < compares.size(); ++i) {
    if (compares[i].loss) all.push_back(i);
  }
  return all;
}

template <class T>
Program Network<T>::compile(const Purpose& purpose, Ports& ports) const {
  Compiling how;
  how.training = purpose.training;
  how.backward = purpose.backward;
  how.repeats = purpose.by_hand;
  how.watched = purpose.watched;
  how.updates = purpose.updates == Purpose::Updates::at_once;
  how.is_part = purpose.is_part;
  how.compute = compute_;
  // By hand, what is kept for backward must not depend on what is frozen by then.
  std::vector<Array> arrays = parameters_;
  for (Array& array : arrays) array.trainable |= purpose.by_hand;
  how.parameters = &arrays;
  how.state = &states_;
  how.learning = &learning_;
  Builder b(how);
  if (purpose.alone) {
    emit_updates(b, parameters_, purpose);
    return b.finish();
  }
  b.begin(Stage::load);
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
    const std::int64_t vocabulary = graph_.vocabulary(i);
    const Element element = vocabulary > 0 ? Element::int32 : Element::real;
    const bool wanted = purpose.by_hand && vocabulary == 0;
    ports.x.push_back(b.input("x", input_shape(i), element, wanted));
    b.emit(op::LoadInput{ports.x[i], static_cast<int>(i), vocabulary});
  }
  ports.outputs.resize(graph_.outputs.size());
  // A loss from outside sees each sample as one row.
  const auto compared = [&](std::size_t output) {
    const Comparison& with = purpose.compares[output];
    const Shape& shape = output_shape(output);
    return with.outside ? Shape{size_of(shape)} : with.loss->along(shape);
  };
  for (std::size_t i : purpose.compared()) {
    emit_targets(b, compared(i), masks_output_[i], purpose.compares[i], static_cast<int>(i),
                 ports.outputs[i]);
  }
  emit_clearing(b, graph_, purpose, ports);
  if (purpose.augments) b.emit(op::Augment{ports.x.front()});
  if (purpose.is_part) b.emit(op::Agree{ports.x});

  b.begin(Stage::forward);
  emit_calls(b, purpose, ports);
  for (std::size_t i : purpose.compared()) {
    emit_loss(b, compared(i), head(i), purpose.backward, purpose.compares[i], ports.outputs[i]);
  }
  if (!purpose.compares.empty() && purpose.backward) {
    ports.penalties = emit_penalties(b, parameters_);
  }
  for (std::size_t i = 0; i < ports.outputs.size() && purpose.asked_for_outputs; ++i) {
    b.emit(op::KeepOutputs{ports.outputs[i].p, static_cast<int>(i)});
  }
  if (!purpose.backward) return b.finish();

  b.begin(Stage::backward);
  if (purpose.by_hand) emit_deltas(b, ports);
  b.run_backward();
  emit_zeros(b, arrays);
  if (purpose.by_hand) keep_dx(b, ports);
  if (purpose.updates != Purpose::Updates::none) emit_updates(b, parameters_, purpose);
  Program program = b.finish();
  program.forward_stays = purpose.by_hand;
  return program;
}

/// Call by call; what the outputs are.
template <class T>
void Network<T>::emit_calls(Builder& b, const Purpose& purpose, Ports& ports) const {
  std::vector<Value> values = ports.x;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const Graph::Call& call = graph_.calls[i];
    std::vector<Value> from;
    for (std::size_t value : call.from) from.push_back(values[value]);
    b.enter(scopes_[i]);
    for (Value y : calls_[i]->apply(b, from)) {
      if (const Penalty& penalty = activity_[call.layer]; penalty.any()) {
        const bool onto = static_cast<bool>(ports.activity);
        if (!onto) {
          ports.activity = b.input("activity", {1}, Element::float64, false);
          if (!purpose.compares.empty() || purpose.by_hand) b.keep(ports.activity);
        }
        y = b.penalise(y, penalty, ports.activity, onto);
      }
      values.push_back(y);
    }
    b.leave();
  }
  ports.active = b.total(ports.activity);
  for (std::size_t i = 0; i < ports.outputs.size(); ++i) {
    ports.outputs[i].p = values[graph_.outputs[i]];
    b.keep(ports.outputs[i].p);
  }
}

template Program Network<float>::compile(const Purpose&, Ports&) const;
template Program Network<double>::compile(const Purpose&, Ports&) const;

// ---- memory -------------------------------------------------------------------------------------

template <class T>
void Arena<T>::reserve(std::int64_t planned_bytes, std::int64_t scratch_bytes, int for_workers) {
  if (planned_bytes <= planned && scratch_bytes <= scratch && for_workers <= workers) return;
  planned = std::max(planned, planned_bytes);
  scratch = std::max(scratch, scratch_bytes);
  workers = std::max(workers, for_workers);
  memory = Buffer();  // what there was makes room
  mirror.reset();
  memory = Buffer(checked_sum(planned, checked_product(scratch, workers, "the workspace"),
                              "the workspace of one batch"),
                  "the workspace of one batch");
  ++generation;
}

template <class T>
Memory<T> Arena<T>::at(Network<T>& network) {
  Memory<T> found;
  auto* const base = memory.template as<std::byte>();
  found.planned = base + scratch * workers;
  found.flat[static_cast<int>(Role::parameter)] = network.flat_values();
  found.flat[static_cast<int>(Role::gradient)] = network.flat_gradients();
  found.flat[static_cast<int>(Role::state)] = network.state_values();
  for (int i = 0; i < workers; ++i)
    found.scratch.push_back(reinterpret_cast<T*>(base + i * scratch));
  return found;
}

template <class T>
Compiled<T>::Compiled(Network<T>& network, Purpose purpose, std::size_t lane)
    : network_(network),
      purpose_(std::move(purpose)),
      lane_(lane),
      program_(network.compile(purpose_, ports_)),
      version_(network.version()),
      arena_(purpose_.backward ? network.training_arena() : network.inference_arena(lane)) {
  if (network.device()) network.device()->require(program_);
}

template <class T>
Placement Compiled<T>::place(std::int64_t batch) const {
  return mundur::place(program_, [&](const ValueInfo& value) {
    return bytes_of(value, batch, static_cast<std::int64_t>(sizeof(T)));
  });
}

template <class T>
std::int64_t Compiled<T>::bytes(std::int64_t batch, int workers) const {
  return place(batch).bytes + scratch_bytes<T>(program_, batch) * workers;
}

template <class T>
Bundle Compiled<T>::bundle(std::int64_t batch, std::int64_t left) const {
  constexpr std::int64_t kMostTogether = 2048;
  constexpr double kMostWork = 3e10;  // so many operations between two looks at a signal
  std::int64_t weights = 0;
  for (const Operation& operation : program_.operations) {
    const auto* product = std::get_if<op::Product>(&operation);
    if (product && left > 1) weights += program_[product->w].size();
  }
  const std::int64_t bytes_of_weights = weights * static_cast<std::int64_t>(sizeof(T));
  const bool together = bytes_of_weights > 4 * kernels<T>(current_isa()).l2_bytes;
  const std::int64_t most = together ? kMostTogether : kMostApart;
  if (weights == 0 || batch >= std::min(left, most)) return {batch, together};
  const double room = static_cast<double>(bytes_of_weights) / static_cast<double>(bytes(most, 1));
  const double by_work = kMostWork / network_.forward_work();
  const double fits = std::min(static_cast<double>(most) * std::min(room, 1.0), by_work);
  const std::int64_t batches =
      std::min(static_cast<std::int64_t>(fits) / batch, (left + batch - 1) / batch);
  const std::int64_t samples = batches * batch;
  // Memory that is short is the caller's, who chose small batches.
  constexpr std::int64_t kSmall = 16 << 20;  // to ask the system takes longer than to predict
  const bool is_short = bytes_of_weights > kSmall && bytes_of_weights > available_memory() / 4;
  return {samples > batch && !is_short ? samples : batch, together};
}

template <class T>
std::int64_t Compiled<T>::in_cache(std::int64_t most) const {
  if (most <= 1) return most;
  std::int64_t weights = 0;
  for (const ValueInfo& value : program_.values) {
    if (value.role == Role::parameter) weights += value.size();
  }
  const std::int64_t room =
      std::max(kernels<T>(current_isa()).l2_bytes, weights * static_cast<std::int64_t>(sizeof(T)));
  const std::int64_t each = std::max<std::int64_t>(place(most).bytes / most, 1);
  const std::int64_t fit = std::clamp<std::int64_t>(room / each, 1, most);
  const std::int64_t times = (most + fit - 1) / fit;
  return (most + times - 1) / times;
}

template <class T>
void Compiled<T>::reserve(std::int64_t batch, int workers) {
  if (batch > capacity_) {
    placement_ = place(batch);
    scratch_ = scratch_bytes<T>(program_, batch);
    capacity_ = batch;
    forget_plans();
  }
  arena_.reserve(placement_.bytes, scratch_, workers);
  if (generation_ == arena_.generation) return;
  forget_plans();
  generation_ = arena_.generation;
  planned_ = arena_.at(network_).planned;
}

template <class T>
const Plan<T>& Compiled<T>::plan(std::int64_t batch, int workers) {
  constexpr std::size_t kMost = 32;
  reserve(batch, workers);
  const Kernels<T>& table = kernels<T>();
  const Key key{batch, workers, table.isa};
  const auto found = plans_.find(key);
  if (found != plans_.end()) return found->second;
  if (plans_.size() >= kMost) plans_.clear();
  const Memory<T> memory = arena_.at(network_);
  if (Device<T>* const device = network_.device()) {
    return plans_
        .emplace(key,
                 device->plan(program_, placement_, memory, batch, arena_.mirror, arena_.planned))
        .first->second;
  }
  return plans_.emplace(key, Plan<T>(program_, placement_, memory, batch, workers, table))
      .first->second;
}

namespace {

/// What is told of a step: see Judge.
std::vector<Value> told_of(const Purpose& purpose, const Ports& ports) {
  std::vector<Value> told = {ports.activity, ports.penalties, ports.active};
  for (std::size_t i : purpose.compared()) {
    const Ports::Output& port = ports.outputs[i];
    told.insert(told.end(),
                {port.values, port.weights, port.mask, port.loss, port.weight, port.rows});
    const std::vector<Metric>& metrics = purpose.compares[i].metrics;
    if (std::find(metrics.begin(), metrics.end(), Metric::binary_accuracy) != metrics.end()) {
      told.insert(told.end(), {port.p, port.y});
    }
    if (port.predicted) told.insert(told.end(), {port.labels, port.predicted, port.expected});
  }
  std::erase_if(told, [](Value value) { return !value; });
  return told;
}

}  // namespace

template <class T>
Together<T>* Compiled<T>::together(std::int64_t batch) {
  constexpr std::size_t kMost = 8;
  Device<T>* const device = network_.device();
  if (!device) return nullptr;
  reserve(batch, 1);
  const auto found = together_.find(batch);
  if (found != together_.end()) return found->second.get();
  if (together_.size() >= kMost) together_.clear();
  std::vector<Value> losses;
  for (std::size_t i : purpose_.compared()) losses.push_back(ports_.outputs[i].values);
  return together_
      .emplace(batch,
               device->together(program_, placement_, arena_.at(network_), batch, arena_.mirror,
                                arena_.planned, told_of(purpose_, ports_), losses))
      .first->second.get();
}

template struct Arena<float>;
template struct Arena<double>;
template class Compiled<float>;
template class Compiled<double>;

}  // namespace mundur

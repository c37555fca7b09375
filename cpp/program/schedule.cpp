// What a program is made of what was emitted: without what nobody needs, activations within the
// products that made their z, each update with the operation that finished the gradient.

#include <algorithm>
#include <type_traits>
#include <utility>

#include "program/program.h"

namespace mundur {
namespace {

constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

/// What follows the operation's gradient; null: it makes none of a parameter.
After* after_of(Operation& operation, Value gradient) {
  if (auto* join = std::get_if<op::JoinSums>(&operation)) {
    const auto found = std::find(join->sums.begin(), join->sums.end(), gradient);
    return &join->after[static_cast<std::size_t>(found - join->sums.begin())];
  }
  return std::visit(
      [](auto& one) -> After* {
        if constexpr (requires { one.after.update; }) return &one.after;
        return nullptr;
      },
      operation);
}

}  // namespace

/// What goes back through relu, of which only maxima were taken: all but these is 0, and whether
/// one of them was above 0 tells the maximum. So nobody needs what relu made.
void Builder::take_relus_at_maxima() {
  const auto find = [&](auto is_it) {
    return std::find_if(steps_.begin(), steps_.end(),
                        [&](const Emitted& step) { return is_it(step.operation); });
  };
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto* const relu = std::get_if<op::ActivateDx>(&steps_[i].operation);
    if (!relu || relu->f.activation != Activation::relu) continue;
    const auto back = find([&](const Operation& one) {
      const auto* const pool = std::get_if<op::MaxWindowsDx>(&one);
      return pool && pool->dx == relu->dy;
    });
    if (back == steps_.end()) continue;
    op::MaxWindowsDx pool = std::get<op::MaxWindowsDx>(back->operation);
    const auto ahead = find([&](const Operation& one) {
      const auto* const taken = std::get_if<op::MaxWindows>(&one);
      return taken && taken->at == pool.at && taken->x == relu->of;
    });
    if (ahead == steps_.end()) continue;
    const Value maximum = std::get<op::MaxWindows>(ahead->operation).y;
    op::ActivateDx first = *relu;
    first.dx = like("delta", maximum);
    first.dy = pool.dy;
    first.of = maximum;
    pool.dx = relu->dx;
    pool.dy = first.dx;
    const Stage stage = steps_[i].stage;
    steps_[i].operation = first;
    steps_.insert(steps_.begin() + static_cast<std::ptrdiff_t>(++i), {pool, stage});
  }
}

void Builder::drop_dead() {
  std::vector<bool> needed(program_.values.size(), false);
  const auto need = [&](Value value) {
    needed[static_cast<std::size_t>(program_.root(value).index)] = true;
  };
  for (Value value : program_.kept) need(value);
  std::vector<Emitted> live;
  for (std::size_t i = steps_.size(); i-- > 0;) {
    const Accesses accesses(steps_[i].operation);
    const bool is_live =
        accesses.acts_outside ||
        std::any_of(accesses.all.begin(), accesses.all.end(), [&](const Access& access) {
          const Value root = program_.root(access.value);
          return access.kind != Access::Kind::read &&
                 (program_[root].role != Role::planned ||
                  needed[static_cast<std::size_t>(root.index)]);
        });
    if (!is_live) continue;
    for (const Access& access : accesses.all) {
      if (access.kind != Access::Kind::write) need(access.value);
    }
    live.push_back(std::move(steps_[i]));
  }
  std::reverse(live.begin(), live.end());
  steps_ = std::move(live);
}

/// Where only an activation reads what a product made, a sum or a normalisation, that applies it,
/// or learns that rows are needed whole.
void Builder::fuse_activations() {
  std::vector<int> readers(program_.values.size(), 0), writers = readers;
  const auto count = [&](Value value) {
    ++readers[static_cast<std::size_t>(program_.root(value).index)];
  };
  for (const Emitted& step : steps_) {
    for (const Access& access : Accesses(step.operation).all) {
      if (access.kind != Access::Kind::write) count(access.value);
      if (access.kind != Access::Kind::read) {
        ++writers[static_cast<std::size_t>(program_.root(access.value).index)];
      }
    }
  }
  for (Value value : program_.kept) count(value);
  for (std::size_t i = 0; i + 1 < steps_.size();) {
    const auto* next = std::get_if<op::Activate>(&steps_[i + 1].operation);
    const bool is_fused =
        next &&
        std::visit(
            [&](auto& one) {
              if constexpr (requires { requires std::is_same_v<decltype(one.f), Function>; }) {
                if (one.y != next->x) return false;
                if constexpr (requires { one.whole_rows; }) {
                  one.whole_rows = next->f.by_rows();
                }
                const auto at = static_cast<std::size_t>(one.y.index);
                // Of several that make z, each has but a part.
                if (one.f != Function::linear || readers[at] > 1 || writers[at] > 1 ||
                    !is_function(next->f.activation)) {
                  return false;
                }
                one.f = static_cast<Function>(next->f.activation);
                one.y = next->y;
                return true;
              } else {
                return false;
              }
            },
            steps_[i].operation);
    if (is_fused) steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    if (!is_fused) ++i;
  }
}

/// Sums over a part of the batch become those of all of it: in front of whatever reads one of them,
/// or where their stage ends.
void Builder::join_sums() {
  if (!how_.is_part) return;
  std::vector<std::size_t> made(program_.values.size(), kNowhere);  // a sum, by this step
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    for (const Access& access : Accesses(steps_[i].operation).all) {
      if (access.is_sum) made[static_cast<std::size_t>(access.value.index)] = i;
    }
  }
  std::vector<Emitted> all;
  op::JoinSums waiting;
  const auto join = [&] {
    if (waiting.sums.empty()) return;
    waiting.after.resize(waiting.sums.size());
    all.push_back({std::exchange(waiting, {}), all.back().stage});
  };
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Accesses accesses(steps_[i].operation);
    if (i > 0 && steps_[i].stage != steps_[i - 1].stage) join();
    for (const Access& access : accesses.all) {
      const bool waits =
          std::find(waiting.sums.begin(), waiting.sums.end(), access.value) != waiting.sums.end();
      if (waits && access.kind != Access::Kind::write) join();
    }
    for (const Access& access : accesses.all) {
      if (access.is_sum && made[static_cast<std::size_t>(access.value.index)] == i) {
        waiting.sums.push_back(access.value);
      }
    }
    all.push_back(std::move(steps_[i]));
  }
  join();
  steps_ = std::move(all);
}

/// A parameter's gradient goes on to its penalty and, if each is updated by itself, to its update:
/// with the operation that finished it, unless a later one still reads the parameter.
void Builder::place_updates() {
  // What holds behind an update comes behind all of them.
  const auto behind = std::find_if(steps_.begin(), steps_.end(),
                                   [](const Emitted& step) { return step.stage == Stage::update; });
  const auto end = static_cast<std::size_t>(behind - steps_.begin());
  // Of each value, the operation that makes it, or several that each make columns of it; and the
  // last one that touches it.
  std::vector<std::vector<std::size_t>> made_by(program_.values.size());
  std::vector<std::size_t> last(program_.values.size(), kNowhere);
  for (std::size_t i = 0; i < end; ++i) {
    for (const Access& access : Accesses(steps_[i].operation).all) {
      const auto at = static_cast<std::size_t>(access.value.index);
      if (access.kind == Access::Kind::write) made_by[at].push_back(i);
      if (access.kind == Access::Kind::change) made_by[at] = {i};
      last[at] = i;
    }
  }
  std::vector<Value> late, late_gradients;
  for (std::size_t number = 0; number < parameters_.size(); ++number) {
    const Value w = parameters_[number];
    const Value g = w ? gradient_of(w) : Value{};
    if (!g) continue;
    const std::vector<std::size_t>& makers = made_by[static_cast<std::size_t>(g.index)];
    const std::size_t reads = last[static_cast<std::size_t>(w.index)];
    if (makers.empty()) continue;
    const bool is_last = reads == kNowhere || reads < makers.front();
    const Array& array = (*how_.parameters)[number];
    for (std::size_t maker : makers) {
      *after_of(steps_[maker].operation, g) = {w, array.penalty, how_.updates && is_last};
    }
    if (!how_.updates || is_last) continue;
    late.push_back(w);
    late_gradients.push_back(g);
  }
  if (!late.empty()) {
    steps_.insert(
        behind, {op::Update{std::move(late), std::move(late_gradients), {}, false}, Stage::update});
  }
}

void Builder::lay_out_stretches() {
  for (Emitted& step : steps_) {
    std::vector<Stretch>& stretches = program_.stretches;
    const std::size_t at = program_.operations.size();
    const bool goes_on =
        !stretches.empty() && stretches.back().stage == step.stage && step.stage != Stage::outside;
    if (!goes_on) stretches.push_back({step.stage, at, at});
    stretches.back().end = at + 1;
    program_.operations.push_back(std::move(step.operation));
  }
}

Program Builder::finish() {
  take_relus_at_maxima();
  drop_dead();
  fuse_activations();
  join_sums();
  place_updates();
  lay_out_stretches();
  return std::move(program_);
}

}  // namespace mundur

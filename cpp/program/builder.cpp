#include <algorithm>
#include <stdexcept>

#include "program/program.h"

namespace mundur {

// ---- values -------------------------------------------------------------------------------------

Value Builder::add_value(ValueInfo info) {
  program_.values.push_back(std::move(info));
  program_wants_.push_back(false);
  gradients_.emplace_back();
  return {static_cast<std::int32_t>(program_.values.size()) - 1};
}

Value Builder::value(const char* name, Shape shape, Value like, Element element) {
  ValueInfo made;
  made.name = named(name);
  made.shape = std::move(shape);
  made.samples = program_[like].samples;
  made.element = element;
  return add_value(std::move(made));
}

Value Builder::whole(const char* name, Shape shape, Element element) {
  ValueInfo made;
  made.name = named(name);
  made.shape = std::move(shape);
  made.samples = 0;
  made.element = element;
  return add_value(std::move(made));
}

Value Builder::input(const char* name, Shape shape, Element element, bool wanted) {
  ValueInfo made;
  made.name = named(name);
  made.shape = std::move(shape);
  made.element = element;
  const Value x = add_value(std::move(made));
  program_wants_.back() = wanted;
  return x;
}

Value Builder::like(const char* name, Value like) {
  return value(name, program_[like].shape, like, program_[like].element);
}

Value Builder::parameter(int number) {
  const auto at = static_cast<std::size_t>(number);
  parameters_.resize(how_.parameters->size());
  if (!parameters_[at]) {
    const Array& array = (*how_.parameters)[at];
    ValueInfo made{array.name, array.shape, 0, Element::real, Role::parameter, array.place, {}, {}};
    parameters_[at] = add_value(std::move(made));
    program_wants_.back() = array.trainable;
  }
  return parameters_[at];
}

Value Builder::beside(int number, Role role) {
  const Array& array = (*how_.parameters)[static_cast<std::size_t>(number)];
  return add_value({array.name, array.shape, 0, Element::real, role, array.place, {}, {}});
}

Value Builder::state(int number) {
  const auto at = static_cast<std::size_t>(number);
  states_.resize(how_.state->size());
  if (!states_[at]) {
    const Array& array = (*how_.state)[at];
    states_[at] =
        add_value({array.name, array.shape, 0, Element::real, Role::state, array.place, {}, {}});
  }
  return states_[at];
}

Value Builder::regroup(Value x, Shape shape, std::int64_t samples) {
  ValueInfo seen = program_[x];
  seen.shape = std::move(shape);
  seen.samples = samples;
  seen.mask = {};
  seen.of = x;
  const Value y = add_value(std::move(seen));
  backward(y, {x}, [this, x](Value dy) {
    gradient(x, regroup(dy, program_[x].shape, program_[x].samples));
  });
  return y;
}

Value Builder::view(Value x, Shape shape) {
  return regroup(x, std::move(shape), program_[x].samples);
}

void Builder::set_mask(Value x, Value mask) {
  const bool fits = mask && rows_of(program_[x].shape) % program_[mask].size() == 0;
  info(x).mask = fits ? mask : Value{};
}

Value Builder::mask_of(Value x, std::int64_t steps) const {
  const Value found = mask(x);
  return found && program_[found].size() == steps ? found : Value{};
}

Value Builder::mask_of(const std::vector<Value>& all) {
  Value found = mask(all.front());
  for (Value x : all) {
    const Value other = mask(x);
    if (!found || !other || program_[found].size() != program_[other].size()) return {};
    if (found == other) continue;
    const Value either = like("mask", found);
    emit(op::EitherMask{either, found, other});
    found = either;
  }
  return found;
}

void Builder::emit(Operation operation) { steps_.push_back({std::move(operation), stage_}); }

void Builder::emit_outside(Operation operation) {
  steps_.push_back({std::move(operation), Stage::outside});
}

void Builder::enter(const std::string& scope) {
  outer_.push_back(scope_.size());
  scope_ = scope_.empty() ? scope : scope_ + "/" + scope;
}

void Builder::leave() {
  scope_.resize(outer_.back());
  outer_.pop_back();
}

void Builder::show(Value x, const char* name, const char* gradient) {
  if (!how_.watched || program_[x].element != Element::real) return;
  keep(x);
  program_.names.insert_or_assign(named(name), x);
  if (gradient) shown_.emplace_back(named(gradient), x);
}

// ---- operations ---------------------------------------------------------------------------------

Value Builder::windows(Value x, const Windows& windows) {
  const Value seen = value("seen", {windows.out, windows.taps * program_[x].shape.back()}, x);
  seen_.push_back({seen, x, windows});
  return seen;
}

const Builder::Seen* Builder::seen(Value y) const {
  const auto found =
      std::find_if(seen_.begin(), seen_.end(), [y](const Seen& seen) { return seen.y == y; });
  return found == seen_.end() ? nullptr : &*found;
}

Value Builder::operand(Value x, bool lanes, Element tiles) {
  if (!rounds() || lanes) return x;
  const Element element = rounds_to() == Element::bfloat16 ? tiles : rounds_to();
  for (const auto& [of, rounded] : rounded_) {
    if (of == x && program_[rounded].element == element) return rounded;
  }
  const Value y = value("bfloat16", program_[x].shape, x, element);
  if (const Seen* through = seen(x)) {
    emit(op::RoundWindows{y, through->x, through->windows});
  } else {
    emit(op::ToBfloat16{y, x});
  }
  rounded_.emplace_back(x, y);
  return y;
}

Value Builder::product(Value x, Value w, Value bias) {
  Shape shape = program_[x].shape;
  const std::int64_t I = shape.back(), O = program_[w].shape.back();
  shape.back() = O;
  const Value y = value("z", std::move(shape), x);
  emit(op::Product{y, operand(x, uses_lanes(I, O)), w, bias});
  return y;
}

Value Builder::product_dx(Value dy, Value w, Value x) {
  const std::int64_t I = program_[x].shape.back(), O = program_[w].shape.back();
  if (const Seen* through = seen(x)) {
    const Value dx = like("dx", through->x);
    emit(op::WindowsDx{dx, operand(dy, false), w, {Windows{1, 1}, through->windows}});
    return dx;
  }
  const Value dx = value("dx", program_[x].shape, x);
  emit(op::ProductDx{dx, operand(dy, uses_lanes(O, I)), w});
  return dx;
}

Value Builder::product_dw(Value x, Value dy, Value w) {
  const Value dw = whole("dw", program_[w].shape);
  product_dw(x, dy, dw, 0, -1);
  return dw;
}

void Builder::product_dw(Value x, Value dy, Value dw, std::int64_t column, std::int64_t columns) {
  emit(op::ProductDw{dw, operand(x, false, Element::bfloat16_left),
                     operand(dy, false, Element::bfloat16_right), column, columns});
}

Value Builder::sum_rows(Value dy, Value bias) {
  const Value db = whole("db", program_[bias].shape);
  emit(op::SumRows{db, dy});
  return db;
}

Value Builder::activate(const ActivationFunction& f, Value z) {
  if (f.activation == Activation::linear) {
    show(z, "z", "delta");
    return z;
  }
  show(z, "z");
  const Value y = like("a", z);
  const op::Activate activate{y, z, f};
  f.custom ? emit_outside(activate) : emit(activate);
  made_.emplace_back(y, Made{z, f.activation});
  // δ_j = f'(z_j) ∂L/∂y_j        softmax: δ_j = y_j (∂L/∂y_j − Σ_k y_k ∂L/∂y_k)
  backward(y, {z}, [this, f, z, y](Value dy) {
    const auto pass_on = [&](const char* name, Value from) {
      const Value to = like(name, z);
      const op::ActivateDx back{to, from, f.keeps_z() ? z : y, f};
      f.custom ? emit_outside(back) : emit(back);
      show(to, name);
      return to;
    };
    gradient(z, pass_on("delta", dy));
    if (!how_.watched || f.by_rows()) return;
    // f'(z_j) is what comes back for ones.
    const Value zeros = like("zeros", z);
    emit(op::Zero{zeros});
    pass_on("slope", rescale(zeros, 1.0, 1.0));
  });
  return y;
}

Value Builder::copy(Value x) {
  const Value y = like("copy", x);
  emit(op::Copy{y, x});
  return y;
}

Value Builder::add(Value a, Value b) {
  const Value y = like("sum", a);
  emit(op::Add{y, a, b});
  // ∂L/∂a_j = ∂L/∂b_j = ∂L/∂y_j
  backward(y, {a, b}, [this, a, b](Value dy) {
    gradient(a, dy);
    gradient(b, dy);
  });
  return y;
}

Value Builder::multiply(Value a, Value b) {
  const Value y = like("product", a);
  emit(op::Multiply{y, a, b});
  // ∂L/∂a_j = ∂L/∂y_j b_j        ∂L/∂b_j = ∂L/∂y_j a_j
  backward(y, {a, b}, [this, a, b](Value dy) {
    gradient(a, multiply(dy, b));
    gradient(b, multiply(dy, a));
  });
  return y;
}

Value Builder::larger(Value a, Value b, bool smaller) {
  const Value y = like("y", a);
  emit(op::Larger{y, a, b, smaller});
  // ∂L/∂a_j = ∂L/∂y_j where y_j is a_j, ∂L/∂b_j where it is b_j
  backward(y, {a, b}, [this, a, b, smaller](Value dy) {
    for (const bool first : {true, false}) {
      const Value x = first ? a : b, dx = like("dx", x);
      emit(op::LargerDx{dx, dy, a, b, smaller, first});
      gradient(x, dx);
    }
  });
  return y;
}

Value Builder::contract(Value a, Value b, const Shape& shape, const Contraction& how) {
  const Value y = value("y", shape, a);
  emit(op::Contract{y, a, b, how});
  // ∂L/∂a_ik = Σ_j ∂L/∂y_ij b_jk        ∂L/∂b_jk = Σ_i ∂L/∂y_ij a_ik
  backward(y, {a, b}, [this, a, b, how](Value dy) {
    const Value da = like("dx", a), db = like("dx", b);
    emit(op::Contract{da, dy, b, {how.a, how.y, how.b.turned()}});
    gradient(a, da);
    emit(op::Contract{db, dy, a, {how.b, how.y.turned(), how.a.turned()}});
    gradient(b, db);
  });
  return y;
}

Value Builder::rescale(Value x, double scale, double offset) {
  const Value y = like("y", x);
  emit(op::Rescale{y, x, scale, offset});
  // ∂L/∂x_j = scale ∂L/∂y_j
  backward(y, {x}, [this, x, scale](Value dy) { gradient(x, rescale(dy, scale, -0.0)); });
  return y;
}

Value Builder::concatenate(const std::vector<Value>& parts) {
  Shape shape = program_[parts.front()].shape;
  shape.back() = 0;
  for (Value part : parts) shape.back() += program_[part].shape.back();
  const Value y = value("y", std::move(shape), parts.front());
  emit(op::Concatenate{y, parts});
  // each ∂L/∂part is a part of ∂L/∂y
  backward(y, parts, [this, parts](Value dy) {
    std::int64_t column = 0;
    for (Value part : parts) {
      const Value taken = like("dy", part);
      emit(op::TakeColumns{taken, dy, column});
      column += program_[part].shape.back();
      gradient(part, taken);
    }
  });
  return y;
}

Value Builder::mask_steps(Value x, Value mask, double fill) {
  const Value y = like("y", x);
  emit(op::MaskSteps{y, x, mask, fill});
  // ∂L/∂x_t = ∂L/∂y_t, or 0
  backward(y, {x}, [this, x, mask](Value dy) { gradient(x, mask_steps(dy, mask)); });
  return y;
}

Value Builder::penalise(Value y, const Penalty& penalty, Value sums, bool onto) {
  emit(op::ActivityPenalty{sums, y, penalty.l1, penalty.l2, onto});
  ValueInfo seen = program_[y];
  seen.of = y;
  const Value penalised = add_value(std::move(seen));
  show(penalised, "a", "da");
  backward(penalised, {y}, [this, y, penalty](Value dy) {
    const Value to = like("dy", y);
    emit(op::ActivityPenaltyDx{to, dy, y, penalty.l1, penalty.l2});
    gradient(y, to);
  });
  costs_.push_back(penalised);
  return penalised;
}

Value Builder::total(Value of) {
  if (!how_.is_part || !of) return {};
  const Value sum = whole("total", {1}, Element::float64);
  emit(op::SumValues{sum, of});
  keep(sum);
  return sum;
}

// ---- gradients ----------------------------------------------------------------------------------

void Builder::backward(Value y, const std::vector<Value>& from,
                       std::function<void(Value dy)> pass_on) {
  backward(Several{y}, from,
           [pass_on = std::move(pass_on)](const Several& dy) { pass_on(dy.front()); });
}

void Builder::backward(const Several& made, const std::vector<Value>& from,
                       std::function<void(const Several& gradients)> pass_on) {
  const bool wanted = std::any_of(from.begin(), from.end(), [&](Value x) { return wants(x); });
  if (!wanted) return;
  for (Value y : made) program_wants_[static_cast<std::size_t>(y.index)] = true;
  if (how_.backward) notes_.push_back({made, std::move(pass_on), scope_});
}

void Builder::gradient(Value x, Value g) {
  if (!wants(x)) return;
  // A parameter's gradient has a place of its own, where its parts are added up.
  const auto place = [&](Value made) {
    if (program_[x].role == Role::parameter) {
      info(made).role = Role::gradient;
      info(made).place = program_[x].place;
    }
    gradients_[static_cast<std::size_t>(x.index)] = made;
  };
  const Value before = gradient_of(x);
  if (!before) return place(g);
  const Value sum = like("sum", x);
  emit(op::Add{sum, before, g});
  place(sum);
}

Value Builder::gradient_of(Value x) const { return gradients_[static_cast<std::size_t>(x.index)]; }

void Builder::start_from_zeros(Value x) {
  if (gradient_of(x)) return;
  const Value g = like("zeros", x);
  emit(op::Zero{g});
  gradient(x, g);
}

Builder::Made Builder::made(Value y) const {
  for (const auto& [of, by] : made_) {
    if (of == y) return by;
  }
  return {y};
}

void Builder::run_backward() {
  // Notes of backward itself (views of gradients) come behind those that are worked on.
  for (std::size_t i = notes_.size(); i-- > 0;) {
    const Note note = notes_[i];
    scope_ = note.scope;
    Several gradients;
    bool any = false;
    for (Value y : note.made) {
      if (std::find(costs_.begin(), costs_.end(), y) != costs_.end()) start_from_zeros(y);
      gradients.push_back(gradient_of(y));
      any |= static_cast<bool>(gradients.back());
    }
    if (any) note.pass_on(gradients);
  }
  scope_.clear();
  for (const auto& [name, of] : shown_) {
    const Value g = gradient_of(of);
    if (!g) continue;
    keep(g);
    program_.names.insert_or_assign(name, g);
  }
}

}  // namespace mundur

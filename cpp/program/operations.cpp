#include "program/program.h"

namespace mundur {

using Alternatives = OneOf<void MUNDUR_OPERATIONS(MUNDUR_ALTERNATIVE)>;

#define MUNDUR_MADE_OF(Op) \
  Operation::Operation(op::Op one) : Alternatives(std::in_place_type<op::Op>, std::move(one)) {}
MUNDUR_OPERATIONS(MUNDUR_MADE_OF)
#undef MUNDUR_MADE_OF

Operation::Operation(Operation&&) noexcept = default;
Operation& Operation::operator=(Operation&&) noexcept = default;
Operation::~Operation() = default;

Accesses::Accesses(const Operation& operation) {
  std::visit([&](const auto& one) { one.walk(*this); }, operation);
}

}  // namespace mundur

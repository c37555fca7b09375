#pragma once

#include "layers/layer.h"

namespace mundur {

/// y from several values, of which there is at least one; and back.
Value merge(Builder& b, Merge how, const std::vector<Value>& x);

}  // namespace mundur

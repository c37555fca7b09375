// LogCosh: L = 1/(B·O) Σ_b Σ_o log cosh(p − y)        ∂L/∂p = tanh(p − y) / (B·O)

#include "losses/losses.h"

namespace mundur {
namespace {

class LogCosh final : public Loss {
 public:
  std::string name() const override { return "log_cosh"; }
  LossKind kind() const override { return LossKind::log_cosh; }
  bool elementwise() const override { return true; }
  bool from_logits() const override { return false; }
};

}  // namespace

std::unique_ptr<Loss> make_log_cosh() { return std::make_unique<LogCosh>(); }

}  // namespace mundur

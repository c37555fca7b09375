#pragma once

// What an optimizer's file needs: each says which numbers its rule takes, what it keeps, and how
// both become the constants of a step.

#include "cpu/kernels/table.h"
#include "mundur/optimizers.h"

namespace mundur {

/// In double; Update has them rounded once to the parameters' type.
struct RuleConstants {
  Rule rule;
  double momentum = 0.0, beta_1 = 0.0, beta_2 = 0.0, epsilon = 0.0;
  double correction_1 = 0.0, correction_2 = 0.0, share = 0.0;
  double power = 0.0, beta = 0.0, l1 = 0.0, two_l2 = 0.0, two_shrinkage = 0.0;
  double least = 0.0, most = 0.0;
  double most_rate = std::numeric_limits<double>::infinity();  // of learning
};

std::unique_ptr<Optimizer> make_sgd();
std::unique_ptr<Optimizer> make_adam();
std::unique_ptr<Optimizer> make_nadam();
std::unique_ptr<Optimizer> make_adamax();
std::unique_ptr<Optimizer> make_rmsprop();
std::unique_ptr<Optimizer> make_adagrad();
std::unique_ptr<Optimizer> make_adadelta();
std::unique_ptr<Optimizer> make_lion();
std::unique_ptr<Optimizer> make_ftrl();
std::unique_ptr<Optimizer> make_adafactor();

}  // namespace mundur

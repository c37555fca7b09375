#pragma once

#include "kernels/table.h"
#include "mundur/losses.h"

namespace mundur {

std::unique_ptr<Loss> make_mean_squared_error();
std::unique_ptr<Loss> make_mean_absolute_error();
std::unique_ptr<Loss> make_mean_absolute_percentage_error();
std::unique_ptr<Loss> make_mean_squared_logarithmic_error();
std::unique_ptr<Loss> make_huber(const LossNumbers& numbers);
std::unique_ptr<Loss> make_log_cosh();
std::unique_ptr<Loss> make_poisson();
std::unique_ptr<Loss> make_kl_divergence();
std::unique_ptr<Loss> make_hinge();
std::unique_ptr<Loss> make_squared_hinge();
std::unique_ptr<Loss> make_binary_crossentropy(bool from_logits, const LossNumbers& numbers);
std::unique_ptr<Loss> make_categorical_crossentropy(bool from_logits, const LossNumbers& numbers);
std::unique_ptr<Loss> make_binary_focal_crossentropy(bool from_logits, const LossNumbers& numbers);
std::unique_ptr<Loss> make_categorical_focal_crossentropy(bool from_logits,
                                                          const LossNumbers& numbers);
std::unique_ptr<Loss> make_sparse_categorical_crossentropy(bool from_logits);

/// Σ values (weighted), as every sum over samples: chains of kShard joined by a binary tree, in
/// double.
double sum_over_samples(const double* values, std::int64_t n);

/// Σ weight[b], or B without weights.
template <class T>
double total_weight(const T* weight, std::int64_t B);

/// The factor of every row's gradient, of O outputs and `rows` of them in a sample: 1 / (Σ weights
/// · outputs in the mean); 0 where the weights sum to nothing. A sum adds up samples, whose own
/// loss is a mean over their rows where it is one over outputs.
inline double mean_factor(const Loss& loss, double weight, std::int64_t O, std::int64_t rows) {
  if (loss.sums()) return loss.elementwise() ? 1.0 / static_cast<double>(O * rows) : 1.0;
  const double terms = loss.elementwise() ? weight * static_cast<double>(O) : weight;
  return terms > 0.0 ? 1.0 / terms : 0.0;
}

}  // namespace mundur

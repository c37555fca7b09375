#include "losses/losses.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "mundur/runtime.h"

namespace mundur {

std::unique_ptr<Loss> make_loss(const std::string& name, bool from_logits,
                                const LossNumbers& numbers) {
  if (name == "mean_squared_error") return make_mean_squared_error();
  if (name == "mean_absolute_error") return make_mean_absolute_error();
  if (name == "mean_absolute_percentage_error") return make_mean_absolute_percentage_error();
  if (name == "mean_squared_logarithmic_error") return make_mean_squared_logarithmic_error();
  if (name == "huber") return make_huber(numbers);
  if (name == "log_cosh") return make_log_cosh();
  if (name == "poisson") return make_poisson();
  if (name == "kl_divergence") return make_kl_divergence();
  if (name == "hinge") return make_hinge();
  if (name == "squared_hinge") return make_squared_hinge();
  if (name == "binary_crossentropy") return make_binary_crossentropy(from_logits, numbers);
  if (name == "categorical_crossentropy") {
    return make_categorical_crossentropy(from_logits, numbers);
  }
  if (name == "binary_focal_crossentropy") {
    return make_binary_focal_crossentropy(from_logits, numbers);
  }
  if (name == "categorical_focal_crossentropy") {
    return make_categorical_focal_crossentropy(from_logits, numbers);
  }
  if (name == "sparse_categorical_crossentropy") {
    return make_sparse_categorical_crossentropy(from_logits);
  }
  throw std::invalid_argument(
      "loss: expected mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, "
      "mean_squared_logarithmic_error, huber, log_cosh, poisson, kl_divergence, hinge, "
      "squared_hinge, binary_crossentropy, categorical_crossentropy, binary_focal_crossentropy, "
      "categorical_focal_crossentropy or sparse_categorical_crossentropy, got '" +
      name + "'");
}

namespace {

/// Joins shards as they come: equal ranks first, so that only the count of shards decides the tree.
class ShardTree {
 public:
  void push(double shard) {
    std::uint64_t rank = count_++;
    int level = 0;
    for (; rank & 1; rank >>= 1) shard = partial_[level++] + shard;
    partial_[level] = shard;
  }
  double total() const {
    double sum = 0.0;
    bool any = false;
    for (int level = 0; count_ >> level; ++level) {
      if (!((count_ >> level) & 1)) continue;
      sum = any ? partial_[level] + sum : partial_[level];
      any = true;
    }
    return sum;
  }

 private:
  double partial_[64] = {};
  std::uint64_t count_ = 0;
};

template <class Term>
double shard_sum(std::int64_t n, Term term) {
  const auto chain = [&](std::int64_t begin, std::int64_t end) {
    double shard = 0.0;
    for (std::int64_t i = begin; i < end; ++i) shard += term(i);
    return shard;
  };
  if (n <= kShard) return chain(0, n);
  ShardTree tree;
  for (std::int64_t begin = 0; begin < n; begin += kShard) {
    tree.push(chain(begin, std::min(n, begin + kShard)));
  }
  return tree.total();
}

}  // namespace

double sum_over_samples(const double* values, std::int64_t n) {
  return shard_sum(n, [&](std::int64_t i) { return values[i]; });
}

template <class T>
double total_weight(const T* weight, std::int64_t B) {
  if (!weight) return static_cast<double>(B);
  return shard_sum(B, [&](std::int64_t i) { return static_cast<double>(weight[i]); });
}

LossKind OutsideLoss::kind() const { throw std::logic_error("loss: no kernel computes " + name()); }

namespace {

template <class T>
void weighted_losses(const Loss& loss, double* values, const T* p, const Targets<T>& targets,
                     std::int64_t B, std::int64_t O) {
  kernels<T>().loss_value(values, p, targets.y, targets.labels, B, O, loss.kind(), loss.numbers());
  if (!targets.weight) return;
  for (std::int64_t b = 0; b < B; ++b) {
    // A sample of weight zero is not there, whatever its value.
    values[b] =
        targets.weight[b] == T{0} ? 0.0 : values[b] * static_cast<double>(targets.weight[b]);
  }
}

}  // namespace

template <class T>
double loss_value(const Loss& loss, const T* p, const Targets<T>& targets, std::int64_t B,
                  std::int64_t O, std::int64_t rows) {
  std::vector<double> values(static_cast<std::size_t>(B));
  weighted_losses(loss, values.data(), p, targets, B, O);
  return sum_over_samples(values.data(), B) *
         mean_factor(loss, total_weight(targets.weight, B), O, rows);
}

template <class T>
void sample_losses(const Loss& loss, double* values, const T* p, const Targets<T>& targets,
                   std::int64_t B, std::int64_t O, std::int64_t rows) {
  std::vector<double> each(static_cast<std::size_t>(B));
  weighted_losses(loss, each.data(), p, targets, B, O);
  const double terms = loss.elementwise() ? static_cast<double>(O * rows) : 1.0;
  for (std::int64_t n = 0; n < B / rows; ++n) {
    values[n] = sum_over_samples(each.data() + n * rows, rows) / terms;
  }
}

template <class T>
void loss_gradient(const Loss& loss, T* dp, const T* p, const Targets<T>& targets, std::int64_t B,
                   std::int64_t O, std::int64_t rows) {
  const double scale = mean_factor(loss, total_weight(targets.weight, B), O, rows);
  kernels<T>().loss_gradient(dp, p, targets.y, targets.labels, targets.weight, B, O,
                             static_cast<T>(scale), loss.kind(), loss.numbers(), false);
}

#define MUNDUR_LOSSES(T)                                                                          \
  template double total_weight<T>(const T*, std::int64_t);                                        \
  template double loss_value<T>(const Loss&, const T*, const Targets<T>&, std::int64_t,           \
                                std::int64_t, std::int64_t);                                      \
  template void sample_losses<T>(const Loss&, double*, const T*, const Targets<T>&, std::int64_t, \
                                 std::int64_t, std::int64_t);                                     \
  template void loss_gradient<T>(const Loss&, T*, const T*, const Targets<T>&, std::int64_t,      \
                                 std::int64_t, std::int64_t)
MUNDUR_LOSSES(float);
MUNDUR_LOSSES(double);

}  // namespace mundur

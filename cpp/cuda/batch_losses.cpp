#include "cuda/batch_losses.h"

#include <stdexcept>

namespace mundur::cuda {
namespace {

/// Launches for numbers in double, and the memory that they need.
class Sheet {
 public:
  /// Places of so many numbers, counted from null: they are known when all have been asked for.
  double* take(std::int64_t n) {
    const std::int64_t begin = used_;
    used_ += n;
    return base_ + begin;
  }
  explicit Sheet(double* base) : base_(base) {}
  std::int64_t used() const { return used_; }
  template <class Arguments>
  void each(std::int64_t n, const Arguments& arguments) {
    launches_.push_back(launch_of<double>(arguments, n));
  }
  /// The sums of rows.
  void sum(double* to, const double* x, std::int64_t rows, std::int64_t n, double factor,
           double by) {
    std::int32_t turns = 0;
    for (std::int64_t left = n; left > 128; ++turns) left -= left / 2 - left / 2 % 8;
    double* const sums = take(rows << turns);
    each(rows << turns, launches::SumPieces<double>{sums, x, rows, n, turns});
    const launches::JoinPieces<double> join{to, sums, n, factor, by, turns};
    launches_.push_back(launch_of<double>(join, rows, 128, 0));
  }
  const std::vector<Launch>& launches() const { return launches_; }

 private:
  double* base_;
  std::int64_t used_ = 0;
  std::vector<Launch> launches_;
};

/// Axes of a batch in another order.
launches::Permute<double> permuted(double* y, const double* x, const BatchTerms& terms, bool back) {
  launches::Permute<double> how{y, x, 1, size_of(terms.shape), {}, {}, 0, back};
  for (std::int64_t axis : terms.order) {
    const auto at = static_cast<std::size_t>(axis);
    how.extents[how.axes] = terms.shape[at];
    how.strides[how.axes] = 1;
    for (std::size_t i = at + 1; i < terms.shape.size(); ++i) {
      how.strides[how.axes] *= terms.shape[i];
    }
    ++how.axes;
  }
  return how;
}

/// What a computation takes and leaves: numbers of the host's, predictions, mean and slopes.
struct Numbers {
  double *p, *y, *weights, *there, *slopes;  // null: there are none, or none are wanted
};

void overlap(Sheet& sheet, const BatchFormula& f, const BatchTerms& terms, const Numbers& at,
             double* mean) {
  const std::int64_t N = size_of(terms.shape), G = terms.groups, n = N / G;
  double* const p = sheet.take(N);
  sheet.each(N, permuted(p, at.p, terms, false));
  double* const products = sheet.take(3 * N);
  sheet.each(N, launches::OverlapTerms<double>{products, p, at.y, at.weights, N});
  double* const sums = sheet.take(3 * G);
  sheet.sum(sums, products, 3 * G, n, 1.0, 1.0);
  double *const losses = sheet.take(G), *const whole = sheet.take(G);
  sheet.each(G, launches::OverlapLosses<double>{losses, whole, sums, G, f.c, f.d, f.alpha, f.beta});
  const double by = f.sums ? 1.0 : static_cast<double>(G);
  sheet.sum(mean, losses, 1, G, 1.0, by);
  if (!at.slopes) return;
  double* const slopes = sheet.take(N);
  sheet.each(N, launches::OverlapSlopes<double>{slopes, at.y, at.weights, sums, whole, G, n, f.c,
                                                f.d, f.beta, by});
  sheet.each(N, permuted(at.slopes, slopes, terms, true));
}

void circle(Sheet& sheet, const BatchFormula& f, const BatchTerms& terms, const Numbers& at,
            std::int64_t size, double* mean) {
  const std::int64_t B = std::ssize(terms.y), n = B * B;
  double *const near = sheet.take(n), *const far = sheet.take(n), *const distance = sheet.take(n);
  sheet.each(n, launches::CirclePairs<double>{near, far, distance, at.p, at.y, B, size, f.gamma,
                                              f.margin, f.itself});
  double *const of_near = sheet.take(n), *const of_far = sheet.take(n);
  const auto by_rows = [&](Activation activation) {
    sheet.each(B, launches::ActivateRows<double>{of_near, near, B, B, activation});
    sheet.each(B, launches::ActivateRows<double>{of_far, far, B, B, activation});
  };
  double *const sums = sheet.take(B), *const losses = sheet.take(B);
  by_rows(Activation::log_softmax);
  sheet.each(B, launches::CircleSums<double>{sums, near, of_near, far, of_far, B});
  sheet.each(B, launches::Activate<double>{losses, sums, B, Activation::softplus, {}});
  sheet.each(B, launches::CircleLosses<double>{losses, at.there, at.weights, B});
  sheet.sum(mean, losses, 1, B, terms.share, 1.0);
  if (!at.slopes) return;
  by_rows(Activation::softmax);
  sheet.each(B, launches::Activate<double>{sums, sums, B, Activation::sigmoid, {}});
  double* const slopes = sheet.take(n);
  sheet.each(n, launches::CircleSlopes<double>{slopes, of_near, of_far, distance, sums, at.there,
                                               at.weights, B, f.gamma, f.margin, terms.share});
  sheet.each(B * size, launches::CircleDx<double>{at.slopes, slopes, at.p, B, size});
}

}  // namespace

template <class T>
void BatchLoss<T>::run(const Batch& batch) {
  const std::int64_t B = at_.samples, N = B * at_.size;
  if (total_weight(at_.weights, B, 1) <= 0.0) {  // nobody is asked
    const double none = 0.0;
    copies_.up(at_.mean, &none, sizeof none);
    const std::vector<T> zeros(static_cast<std::size_t>(at_.dp ? N : 0));
    if (at_.dp) copies_.up(at_.dp, zeros.data(), N * static_cast<std::int64_t>(sizeof(T)));
    return;
  }
  const BatchTerms terms = loss_.terms(batch);
  const BatchFormula& formula = *loss_.formula();
  if (terms.order.size() > launches::kMostAxes) {
    throw NotSupported("device: \"cuda\" has losses of at most 16 axes; use device=\"cpu\"");
  }
  const std::vector<double>* const told[] = {&terms.y, &terms.weights, &terms.there};
  const auto lay_out = [&](double* base, Numbers& at) {
    Sheet sheet(base);
    double** const places[] = {&at.y, &at.weights, &at.there};
    for (std::size_t i = 0; i < std::size(told); ++i) {
      *places[i] = told[i]->empty() ? nullptr : sheet.take(std::ssize(*told[i]));
    }
    at.p = sheet.take(N);
    at.slopes = at_.dp ? sheet.take(N) : nullptr;
    if (formula.kind == BatchFormula::Kind::circle) {
      circle(sheet, formula, terms, at, at_.size, at_.mean);
    } else {
      overlap(sheet, formula, terms, at, at_.mean);
    }
    return sheet;
  };
  Numbers at;
  const std::int64_t needed = lay_out(nullptr, at).used();
  if (room_ < needed) {
    there_.reset();
    room_ = 0;
    there_ = Gpu::take(copies_.gpu(), needed * 8, "the loss of a batch");
    room_ = needed;
  }
  const Sheet sheet = lay_out(static_cast<double*>(there_.get()), at);
  double* const places[] = {at.y, at.weights, at.there};
  for (std::size_t i = 0; i < std::size(told); ++i) {
    if (places[i]) copies_.up(places[i], told[i]->data(), std::ssize(*told[i]) * 8);
  }
  copies_.run({launch_of<T>(launches::ToDoubles<T>{at.p, at_.p, N}, N)}, launches::Step<T>{});
  copies_.run(sheet.launches(), launches::Step<double>{});
  if (!at_.dp) return;
  copies_.run({launch_of<T>(launches::FromDoubles<T>{at_.dp, at.slopes, N}, N)},
              launches::Step<T>{});
}

template class BatchLoss<float>;
template class BatchLoss<double>;

}  // namespace mundur::cuda

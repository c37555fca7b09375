// SGD and Adam: steps against plain formulas, subnormal state set to zero, and equal bits.

#include "check.h"

namespace {

using check::Numbers;
using check::Output;
using mundur::Kernels;
using mundur::Rule;

template <class T>
struct State {
  std::vector<T> w, m, v, g;
  explicit State(std::int64_t n) {
    Numbers numbers(static_cast<std::uint64_t>(n) + 3);
    w = numbers.vector<T>(n, -1, 1);
    m = numbers.vector<T>(n, -1, 1);
    v = numbers.vector<T>(n, 0, 1);
    g = numbers.vector<T>(n, -1, 1);
  }
  std::int64_t size() const { return static_cast<std::int64_t>(w.size()); }
};

template <class T>
std::vector<T> joined(Output<T>& a, Output<T>& b, Output<T>& c) {
  std::vector<T> all = a.take();
  for (Output<T>* more : {&b, &c}) {
    const auto taken = more->take();
    all.insert(all.end(), taken.begin(), taken.end());
  }
  return all;
}

template <class T>
mundur::Update<T> adam(T* w, T* m, T* v, T lr, double b1, double b2, T c1, T c2) {
  mundur::Update<T> update;
  update.rule = Rule::adam;
  update.w = w;
  update.state[0] = m;
  update.state[1] = v;
  update.lr = lr;
  update.beta1 = T(b1);
  update.beta2 = T(b2);
  update.one_minus_beta1 = T(1 - b1);
  update.one_minus_beta2 = T(1 - b2);
  update.epsilon = T(1e-8);
  update.correction1 = c1;
  update.correction2 = c2;
  return update;
}

template <class T>
void test_sgd(std::int64_t n, bool momentum, bool nesterov) {
  const State<T> s(n);
  const auto found = check::same_everywhere<T>("sgd", [&](const Kernels<T>& k) {
    Output<T> w(s.w), v(s.m), none(0);
    mundur::Update<T> update;
    update.rule = !momentum ? Rule::sgd : nesterov ? Rule::nesterov : Rule::momentum;
    update.w = w.data();
    update.state[0] = momentum ? v.data() : nullptr;
    update.lr = T(0.25);
    update.momentum = T(0.875);
    k.update(update, s.g.data(), 1, n, n, n);
    return joined(w, v, none);
  });
  std::vector<double> w, v;
  for (std::size_t i = 0; i < s.w.size(); ++i) {
    const auto g = static_cast<double>(s.g[i]), old = static_cast<double>(s.m[i]);
    v.push_back(momentum ? 0.875 * old + g : old);
    const double step = !momentum ? g : nesterov ? g + 0.875 * v.back() : v.back();
    w.push_back(static_cast<double>(s.w[i]) - 0.25 * step);
  }
  w.insert(w.end(), v.begin(), v.end());
  CHECK(check::distance(found, w) <= check::kTolerance<T>);
}

template <class T>
void test_adam(std::int64_t n) {
  const State<T> s(n);
  // 1 / (1 - β^3), as numbers: pow may differ between machines.
  const double b1 = 0.9, b2 = 0.999, c1 = 3.690036900369004, c2 = 333.66700033366650;
  const auto found = check::same_everywhere<T>("adam", [&](const Kernels<T>& k) {
    Output<T> w(s.w), m(s.m), v(s.v);
    k.update(adam(w.data(), m.data(), v.data(), T(0.01), b1, b2, T(c1), T(c2)), s.g.data(), 1, n, n,
             n);
    return joined(w, m, v);
  });
  std::vector<double> w, m, v;
  for (std::size_t i = 0; i < s.w.size(); ++i) {
    const auto g = static_cast<double>(s.g[i]);
    m.push_back(b1 * static_cast<double>(s.m[i]) + (1 - b1) * g);
    v.push_back(b2 * static_cast<double>(s.v[i]) + (1 - b2) * g * g);
    const double step = m.back() * c1 / (std::sqrt(v.back() * c2) + 1e-8);
    w.push_back(static_cast<double>(s.w[i]) - 0.01 * step);
  }
  w.insert(w.end(), m.begin(), m.end());
  w.insert(w.end(), v.begin(), v.end());
  CHECK(check::distance(found, w) <= check::kTolerance<T>);
}

/// State decays to +0, never through the subnormals; a NaN stays one.
template <class T>
void test_flush() {
  const T tiny = std::numeric_limits<T>::min();
  for (mundur::Isa isa : mundur::available_isas()) {
    const Kernels<T>& k = mundur::kernels<T>(isa);
    std::vector<T> w(3, T(1)), m = {tiny, -tiny, std::numeric_limits<T>::quiet_NaN()}, v = m;
    const std::vector<T> g(3, T(0));
    k.update(adam(w.data(), m.data(), v.data(), T(0.1), 0.5, 0.5, T(1), T(1)), g.data(), 1, 3, 3,
             3);
    for (const auto& state : {m, v}) {
      CHECK(check::same_bits(state[0], T(0)) && check::same_bits(state[1], T(0)));
      CHECK(std::isnan(state[2]));
    }
    CHECK(w[0] == T(1) && w[1] == T(1) && std::isnan(w[2]));
    std::vector<T> velocity = {tiny, -tiny, T(2) * tiny};
    mundur::Update<T> momentum;
    momentum.rule = Rule::momentum;
    momentum.w = w.data();
    momentum.state[0] = velocity.data();
    momentum.lr = T(0.1);
    momentum.momentum = T(0.5);
    k.update(momentum, g.data(), 1, 3, 3, 3);
    CHECK(check::same_bits(velocity, {T(0), T(0), tiny}));
  }
}

template <class T>
void test_all() {
  for (std::int64_t n : check::kSizes) {
    test_sgd<T>(n, false, false);
    test_sgd<T>(n, true, false);
    test_sgd<T>(n, true, true);
    test_adam<T>(n);
  }
  test_flush<T>();
}

}  // namespace

int main() {
  test_all<float>();
  test_all<double>();
  return check::result(0xEBCC0BC21E5646EEu);
}

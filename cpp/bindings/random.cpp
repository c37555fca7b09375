#include <array>

#include "bindings/bindings.h"
#include "cpu/kernels/orthogonal.h"
#include "cpu/kernels/philox.h"
#include "cpu/kernels/table.h"

namespace mundur {
namespace {

/// A function of Python's that fills an array with draws of one kind.
template <class Draw>
auto drawing(Draw draw) {
  return [draw](py::array out, std::uint64_t key, std::uint64_t stream, double a, double b) {
    const auto fill = [&]<class T>(T) {
      const FloatEnvironment environment;
      draw(kernels<T>())(writable_data_of<T>(out, "out", -1), out.size(), {key, stream}, a, b);
    };
    holds<float>(out) ? fill(float{}) : fill(double{});
  };
}

template <class T>
void orthogonal(py::array& out, RandomKey key, double gain) {
  T* q = writable_data_of<T>(out, "out", 2);
  WithoutGil release;
  const FloatEnvironment environment;
  random_orthogonal(q, out.shape(0), out.shape(1), key, gain);
}

py::array_t<std::int64_t> new_order(std::int64_t n) {
  constexpr const char* kOrder = "the order of the samples";
  if (n < 0) throw py::value_error("n: expected at least 0, got " + std::to_string(n));
  require_memory(checked_product(n, sizeof(std::int64_t), kOrder), kOrder);
  return py::array_t<std::int64_t>(n);
}

}  // namespace

void bind_random(py::module_& m) {
  m.def(
      "philox",
      [](const std::array<std::uint32_t, 4>& counter, const std::array<std::uint32_t, 2>& key) {
        const PhiloxBlock block =
            philox4x32_10({{counter[0], counter[1], counter[2], counter[3]}}, key[0], key[1]);
        return std::vector<std::uint32_t>(block.word, block.word + 4);
      },
      py::arg("counter"), py::arg("key"));
  m.def("random_uniform", drawing([](const auto& k) { return k.random_uniform; }), py::arg("out"),
        py::arg("key"), py::arg("stream"), py::arg("low"), py::arg("high"));
  m.def("random_normal", drawing([](const auto& k) { return k.random_normal; }), py::arg("out"),
        py::arg("key"), py::arg("stream"), py::arg("mean"), py::arg("deviation"));
  m.def("random_truncated", drawing([](const auto& k) { return k.random_truncated; }),
        py::arg("out"), py::arg("key"), py::arg("stream"), py::arg("mean"), py::arg("deviation"));
  m.def(
      "random_orthogonal",
      [](py::array out, std::uint64_t key, std::uint64_t stream, double gain) {
        holds<float>(out) ? orthogonal<float>(out, {key, stream}, gain)
                          : orthogonal<double>(out, {key, stream}, gain);
      },
      py::arg("out"), py::arg("key"), py::arg("stream"), py::arg("gain"));
  m.def(
      "permutation",
      [](std::int64_t n, std::uint64_t seed, std::uint64_t epoch) {
        py::array_t<std::int64_t> order = new_order(n);
        permutation(order.mutable_data(), n, seed, epoch);
        return order;
      },
      py::arg("n"), py::arg("seed"), py::arg("epoch"));
  m.def(
      "block_permutation",
      [](std::int64_t n, std::int64_t block, std::uint64_t seed, std::uint64_t epoch) {
        py::array_t<std::int64_t> order = new_order(n);
        if (block < 1) throw py::value_error("block: expected at least 1");
        block_permutation(order.mutable_data(), n, block, seed, epoch);
        return order;
      },
      py::arg("n"), py::arg("block"), py::arg("seed"), py::arg("epoch"));
}

}  // namespace mundur

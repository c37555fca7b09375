#include <array>

#include "bindings/bindings.h"
#include "cpu/kernels/orthogonal.h"
#include "cpu/kernels/philox.h"
#include "cpu/kernels/table.h"

namespace mundur {
namespace {

constexpr const char* kOrder = "the order of the samples";

template <class T>
void uniform(py::array& out, RandomKey key, double low, double high) {
  const FloatEnvironment environment;
  kernels<T>().random_uniform(writable_data_of<T>(out, "out", -1), out.size(), key, low, high);
}

template <class T>
void normal(py::array& out, RandomKey key, double mean, double deviation) {
  const FloatEnvironment environment;
  kernels<T>().random_normal(writable_data_of<T>(out, "out", -1), out.size(), key, mean, deviation);
}

template <class T>
void truncated(py::array& out, RandomKey key, double mean, double deviation) {
  const FloatEnvironment environment;
  kernels<T>().random_truncated(writable_data_of<T>(out, "out", -1), out.size(), key, mean,
                                deviation);
}

template <class T>
void orthogonal(py::array& out, RandomKey key, double gain) {
  T* q = writable_data_of<T>(out, "out", 2);
  WithoutGil release;
  const FloatEnvironment environment;
  random_orthogonal(q, out.shape(0), out.shape(1), key, gain);
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
  m.def(
      "random_uniform",
      [](py::array out, std::uint64_t key, std::uint64_t stream, double low, double high) {
        holds<float>(out) ? uniform<float>(out, {key, stream}, low, high)
                          : uniform<double>(out, {key, stream}, low, high);
      },
      py::arg("out"), py::arg("key"), py::arg("stream"), py::arg("low"), py::arg("high"));
  m.def(
      "random_normal",
      [](py::array out, std::uint64_t key, std::uint64_t stream, double mean, double deviation) {
        holds<float>(out) ? normal<float>(out, {key, stream}, mean, deviation)
                          : normal<double>(out, {key, stream}, mean, deviation);
      },
      py::arg("out"), py::arg("key"), py::arg("stream"), py::arg("mean"), py::arg("deviation"));
  m.def(
      "random_truncated",
      [](py::array out, std::uint64_t key, std::uint64_t stream, double mean, double deviation) {
        holds<float>(out) ? truncated<float>(out, {key, stream}, mean, deviation)
                          : truncated<double>(out, {key, stream}, mean, deviation);
      },
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
        if (n < 0) throw py::value_error("n: expected at least 0, got " + std::to_string(n));
        require_memory(checked_product(n, sizeof(std::int64_t), kOrder), kOrder);
        py::array_t<std::int64_t> order(n);
        permutation(order.mutable_data(), n, seed, epoch);
        return order;
      },
      py::arg("n"), py::arg("seed"), py::arg("epoch"));
  m.def(
      "block_permutation",
      [](std::int64_t n, std::int64_t block, std::uint64_t seed, std::uint64_t epoch) {
        if (n < 0) throw py::value_error("n: expected at least 0, got " + std::to_string(n));
        if (block < 1) throw py::value_error("block: expected at least 1");
        require_memory(checked_product(n, sizeof(std::int64_t), kOrder), kOrder);
        py::array_t<std::int64_t> order(n);
        block_permutation(order.mutable_data(), n, block, seed, epoch);
        return order;
      },
      py::arg("n"), py::arg("block"), py::arg("seed"), py::arg("epoch"));
}

}  // namespace mundur

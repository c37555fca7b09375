#pragma once

// What the sources in this folder share. Each is compiled once per instruction set into the
// namespace mundur::MUNDUR_ISA. Its helpers live in an anonymous namespace and use no templates of
// the standard library: their weak symbols could be taken by the linker from a wider build into the
// baseline path.

#include "cpu/kernels/table.h"

namespace mundur::MUNDUR_ISA {

using i64 = std::int64_t;

namespace {

template <int... I>
struct Indices {};
template <int kCount, int... I>
struct CountingTo : CountingTo<kCount - 1, kCount - 1, I...> {};
template <int... I>
struct CountingTo<0, I...> {
  using Type = Indices<I...>;
};
/// 0, 1, ..., kCount - 1.
template <int kCount>
using Counting = typename CountingTo<kCount>::Type;

}  // namespace

// Each file fills its rows of the table, for both element types.
void fill_products(Kernels<float>& table);
void fill_products(Kernels<double>& table);
void fill_products_pairs(Kernels<float>& table);
void fill_products_tiles(Kernels<float>& table);
void fill_rounding(Kernels<float>& table);
void fill_sums(Kernels<float>& table);
void fill_sums(Kernels<double>& table);
void fill_activations(Kernels<float>& table);
void fill_activations(Kernels<double>& table);
void fill_normalization(Kernels<float>& table);
void fill_normalization(Kernels<double>& table);
void fill_losses(Kernels<float>& table);
void fill_losses(Kernels<double>& table);
void fill_updates(Kernels<float>& table);
void fill_updates(Kernels<double>& table);
void fill_penalties(Kernels<float>& table);
void fill_penalties(Kernels<double>& table);
void fill_random(Kernels<float>& table);
void fill_random(Kernels<double>& table);
void fill_recurrent(Kernels<float>& table);
void fill_recurrent(Kernels<double>& table);
void fill_data(Kernels<float>& table);
void fill_data(Kernels<double>& table);
void fill_windows(Kernels<float>& table);
void fill_windows(Kernels<double>& table);

void fill(Kernels<float>& table);
void fill(Kernels<double>& table);

}  // namespace mundur::MUNDUR_ISA

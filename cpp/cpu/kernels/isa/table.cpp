#include "cpu/kernels/isa/isa.h"

namespace mundur::MUNDUR_ISA {
namespace {

template <class T>
void fill_all(Kernels<T>& table) {
  table.isa = Isa::MUNDUR_ISA;
  fill_products(table);
  fill_sums(table);
  fill_activations(table);
  fill_normalization(table);
  fill_losses(table);
  fill_updates(table);
  fill_penalties(table);
  fill_random(table);
  fill_data(table);
  fill_windows(table);
  fill_recurrent(table);
}

}  // namespace

void fill(Kernels<float>& table) {
  fill_all(table);
  fill_rounding(table);
  fill_products_pairs(table);
  fill_products_tiles(table);
}
void fill(Kernels<double>& table) { fill_all(table); }

}  // namespace mundur::MUNDUR_ISA

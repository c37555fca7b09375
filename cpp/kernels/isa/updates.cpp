// Updates of parameters whose gradients are known.

#include "kernels/isa/updates.h"

namespace mundur::MUNDUR_ISA {

void fill_updates(Kernels<float>& table) { table.update = update<float>; }
void fill_updates(Kernels<double>& table) { table.update = update<double>; }

}  // namespace mundur::MUNDUR_ISA

#include "bindings/bindings.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core of mundur. Private: mundur's classes are its face.";
  mundur::bind_runtime(m);
  mundur::bind_random(m);
  mundur::bind_penalties(m);
  mundur::bind_layers(m);
  mundur::bind_losses(m);
  mundur::bind_devices(m);
  mundur::bind_network(m);
  mundur::bind_optimizers(m);
  mundur::bind_training(m);
}

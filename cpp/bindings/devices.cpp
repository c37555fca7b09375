#include "bindings/bindings.h"
#include "cuda/library.h"
#include "training/device.h"

namespace mundur {

void bind_devices(py::module_& m) {
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const NotSupported& error) {
      PyErr_SetString(PyExc_NotImplementedError, error.what());
    }
  });
  py::class_<cuda::Gpu, std::shared_ptr<cuda::Gpu>>(m, "Gpu")
      .def_property_readonly("index", &cuda::Gpu::index)
      .def_property_readonly("name", &cuda::Gpu::name)
      .def_property_readonly("is_emulation", &cuda::Gpu::is_emulation);
  m.def(
      "open_cuda",
      [](const std::string& library, int index) { return cuda::Gpu::open(library, index); },
      py::arg("library"), py::arg("index"));
  m.def("open_devices", &cuda::open_devices);
}

}  // namespace mundur

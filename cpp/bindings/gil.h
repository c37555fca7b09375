#pragma once

// Who holds the GIL: the only place that gives it back or asks for it.

#include <cxxabi.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include "cpu/parallel/float_environment.h"

namespace mundur {

namespace py = pybind11;

/// Work that may wait for the GIL. While the interpreter goes down, Python before 3.14 ends a
/// daemon thread that does by unwinding it; it would pass parallel regions and destructors that
/// nothing may leave, and Python objects that it must not touch any more. It stays here instead, as
/// it does from 3.14 on, until the process has ended. What is caught has no object behind the
/// reference, which the sanitizer of null pointers needn't tell.
template <class Work>
__attribute__((no_sanitize("null"), noinline)) auto or_stay(Work&& work) {
  try {
    return work();
  } catch (abi::__forced_unwind&) {
    for (;;) pause();
  }
}

/// The GIL, given back for as long as it lives.
class WithoutGil {
 public:
  WithoutGil() : outer_(kept_) { kept_ = PyEval_SaveThread(); }
  ~WithoutGil() {
    or_stay([] { PyEval_RestoreThread(kept_); });
    kept_ = outer_;
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  friend class WithGil;
  PyThreadState* outer_;
  // Of this thread. PyGILState_Ensure would make a new one where the interpreter is gone already.
  static inline thread_local PyThreadState* kept_ = nullptr;
};

/// The GIL, for as long as it lives, on a thread that gave it back.
class WithGil {
 public:
  WithGil() {
    or_stay([] { PyEval_RestoreThread(WithoutGil::kept_); });
  }
  ~WithGil() { PyEval_SaveThread(); }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;
};

/// Work with Python's objects, on a thread that gave the GIL back. Whatever it calls may give the
/// GIL up for a while and have to ask for it again.
template <class Work>
auto with_gil(Work&& work) {
  const WithGil held;
  return or_stay(work);
}

/// A Python object, none at first, that may go while the GIL is held or given back.
class AnytimeObject {
 public:
  AnytimeObject() = default;
  ~AnytimeObject() {
    if (!object || PyGILState_Check()) return;
    with_gil([this] { object = py::object(); });
  }
  AnytimeObject(const AnytimeObject&) = delete;
  AnytimeObject& operator=(const AnytimeObject&) = delete;
  py::object object;
};

/// f(*arguments), a function of the user's; the thread stays where no object of ours is in its way.
inline py::object call(const py::object& f, const py::tuple& arguments) {
  const FloatEnvironment ours;  // whatever the function leaves of it
  PyObject* found = or_stay([&] { return PyObject_CallObject(f.ptr(), arguments.ptr()); });
  if (!found) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(found);
}

}  // namespace mundur

"""Tile registers beside what else happens in a process: signals, forks, other libraries.

Everything here holds on any CPU; what only a CPU with tiles can show is skipped elsewhere.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

needs_tiles = pytest.mark.skipif(
    "amx" not in md.build_info()["isas_available"], reason="this CPU, or its system, has no tiles"
)

START = """
import ctypes, os, platform
import numpy as np

def may_use_tiles():
    "Whether the system has given this process tile data, component 18 of the CPU's state."
    permitted = ctypes.c_uint64()
    status = ctypes.CDLL(None).syscall(158, 0x1022, ctypes.byref(permitted))
    return status == 0 and permitted.value >> 18 & 1 == 1

def trained():
    import mundur as md
    model = md.Model(
        [md.layers.Dense(70, "relu"), md.layers.Dense(7, "softmax")], input_shape=(40,), seed=0,
        compute_dtype="bfloat16",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 40)), rng.integers(0, 7, 300)
    model.fit(x, y, epochs=2, verbose=0)
    return model.predict(x, verbose=0).tobytes().hex()
"""


def run(code: str, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START + code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def trained() -> npt.NDArray[Any]:
    """Weights after a training in bfloat16 of some hundred milliseconds."""
    layers = [md.layers.Dense(300, "relu"), md.layers.Dense(7, "softmax")]
    model = md.Model(layers, input_shape=(200,), seed=0, compute_dtype="bfloat16")
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4000, 200)), rng.integers(0, 7, 4000)
    model.fit(x, y, epochs=3, verbose=0)
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def test_signals_do_not_touch_tiles() -> None:
    """Each signal saves the tiles and brings them back, in whatever thread it arrives."""
    expected = trained()
    seen = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    try:
        got = trained()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen
    np.testing.assert_array_equal(got, expected)


def test_a_forked_child_computes_in_tiles_while_its_parent_does() -> None:
    code = """
import threading

expected = trained()
results = []
thread = threading.Thread(target=lambda: results.extend(trained() for _ in range(10)))
thread.start()
child = os.fork()
if child == 0:
    os._exit(0 if trained() == expected else 2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
thread.join()
assert results == [expected] * 10
"""
    run(code)


@needs_tiles
def test_the_system_is_asked_once_and_only_where_tiles_may_be_used() -> None:
    code = "before = may_use_tiles(); bits = trained(); print(before, may_use_tiles(), bits)"
    with_tiles = run(code, MUNDUR_ISA="").split()
    without = run(code, MUNDUR_ISA="avx512").split()
    assert with_tiles[:2] == ["False", "True"]
    assert without[:2] == ["False", "False"]
    assert with_tiles[2] == without[2]


@needs_tiles
def test_where_the_system_refuses_tiles_the_others_compute() -> None:
    """It does where a thread's stack for signals is too small for them."""
    code = """
class Stack(ctypes.Structure):
    _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

memory = ctypes.create_string_buffer(4096)
stack = Stack(ctypes.addressof(memory), 0, 4096)
assert ctypes.CDLL(None).sigaltstack(ctypes.byref(stack), None) == 0
import mundur as md
print("amx" in md.build_info()["isas_available"], may_use_tiles(), trained())
"""
    refused = run(code, MUNDUR_ISA="").split()
    assert refused[:2] == ["False", "False"]
    assert refused[2] == run("print(trained())", MUNDUR_ISA="").strip()


@pytest.mark.witness
@pytest.mark.parametrize("first", ["torch", "mundur"])
def test_beside_pytorch_that_uses_tiles_too(first: str) -> None:
    """Whoever asks for permission first; each in threads of its own, at the same time."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    code = f"""
import threading
first = {first!r}
if first == "mundur":
    expected = trained()
import torch

def products():
    a = torch.ones(512, 512)
    with torch.autocast("cpu", torch.bfloat16):
        for _ in range(100):
            assert float((a @ a)[3, 5]) == 512.0

products()
if first == "torch":
    expected = trained()
thread = threading.Thread(target=products)
thread.start()
assert all(trained() == expected for _ in range(10))
thread.join()
products()
print(expected)
"""
    assert run(code).strip() == run("print(trained())").strip()

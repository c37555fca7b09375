"""exp, log, tanh, sigmoid and erf are as accurate as the docstring of `layers.Activation` says.

tests/cpp/test_functions.cpp goes through every float32; here a sample must stay below the figures,
against NumPy and math in a wider type.
"""

from __future__ import annotations

import inspect
import math
import re
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import _core

Array = npt.NDArray[Any]
NAMES = ["exp", "log", "tanh", "sigmoid", "erf"]
CONTRACT = {"float32": 2.0, "float64": 4.0}
HEADER = Path(__file__).resolve().parents[1] / "cpp" / "kernels" / "isa" / "functions.h"


def figures(text: str) -> dict[str, dict[str, float]]:
    """Error by function and dtype, from a table in prose."""
    rows = re.findall(rf"^\W*({'|'.join(NAMES)}) +([\d.]+) +([\d.]+)$", text, re.M)
    return {name: {"float32": float(a), "float64": float(b)} for name, a, b in rows}


TOLD = figures(inspect.getdoc(md.layers.Activation) or "")


def erf(x: Array) -> Array:
    """The series without cancellation, erf x = 2/√π e^(-x²) Σ 2ⁿ x^(2n+1) / (2n + 1)!!."""
    a = np.minimum(np.abs(x), np.asarray(7, x.dtype))
    term = total = a
    for n in range(1, 250):
        term = term * (2 * a * a / (2 * n + 1))
        total = total + term
    pi = 4 * np.arctan(np.ones((), x.dtype))
    return np.copysign(2 / np.sqrt(pi) * np.exp(-a * a) * total, x)


def exact(name: str, x: Array) -> Array:
    with np.errstate(all="ignore"):
        if name == "sigmoid":
            return np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x)))
        return erf(x) if name == "erf" else getattr(np, name)(x)


def worst_ulp(found: Array, truth: Array) -> float:
    kind = np.finfo(found.dtype)
    with np.errstate(over="ignore", under="ignore"):
        nearest = truth.astype(found.dtype)
    finite = np.isfinite(nearest)
    np.testing.assert_array_equal(found[~finite], nearest[~finite])
    assert np.isfinite(found[finite]).all()
    _, exponent = np.frexp(truth[finite])
    lowest = kind.minexp - kind.nmant
    ulp = np.ldexp(np.ones((), truth.dtype), np.maximum(exponent - kind.nmant - 1, lowest))
    return float(np.max(np.abs(found[finite] - truth[finite]) / ulp))


def sample(dtype: str, name: str) -> Array:
    if dtype == "float32":  # one pattern of bits in 10,007
        patterns = np.arange(0, 2**32, 10007, dtype=np.uint64).astype(np.uint32)
        return patterns.view(np.float32)
    rng = np.random.default_rng(5)
    near = np.abs(rng.normal(1, 0.3, 60_000)) if name == "log" else rng.normal(0, 2, 60_000)
    far = rng.uniform(-750, 712, 20_000)
    return np.concatenate([near, far, [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_as_accurate_as_told(name: str, dtype: str) -> None:
    wide = np.float64 if dtype == "float32" else np.longdouble
    if np.finfo(wide).nmant <= np.finfo(dtype).nmant:
        pytest.skip("long double is no wider than double here")
    x = sample(dtype, name)
    with np.errstate(invalid="ignore"):  # signalling NaNs are among the patterns
        widened = x.astype(wide)
    worst = worst_ulp(_core.elementary(name, x), exact(name, widened))
    told = TOLD[name][dtype]
    assert told / 2 < worst <= told <= CONTRACT[dtype]


def test_the_yardstick_is_right() -> None:
    x = np.linspace(-7, 7, 501)
    expected = [math.erf(value) for value in x]
    np.testing.assert_allclose(erf(x.astype(np.longdouble)).astype(float), expected, rtol=4e-16)
    one = np.ones(1, np.float32)
    assert worst_ulp(one, np.asarray([1 + 2.0**-24])) == 0.5
    assert worst_ulp(np.nextafter(one, one + 1), np.ones(1)) == 1.0


def test_the_header_tells_the_same() -> None:
    if not HEADER.exists():
        pytest.skip("not in the source tree")
    source = figures(HEADER.read_text(encoding="utf-8"))
    assert set(source) == set(NAMES)
    for name in NAMES:
        for dtype, told in TOLD[name].items():
            assert 0 <= told - source[name][dtype] <= 0.0101

"""What all initializers share, those made of given values and functions among them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import extents, fresh_seed
from .._support.config import Configurable
from .._support.dtypes import dtype_name

_LONGEST = 10**8  # of a range, which would first become a list


class Initializer(Configurable):
    """Base of the initializers; call one with a shape for an array.

    Examples
    --------
    >>> import mundur as md
    >>> md.initializers.GlorotUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> npt.NDArray[Any]:
        """An array of this shape and dtype: "float32" (None is that, too) or "float64"."""
        out = np.empty(extents(shape, "shape"), dtype_name("float32" if dtype is None else dtype))
        seed: int | None = getattr(self, "seed", None)
        self.start(out, fresh_seed() if seed is None else seed, 0)
        return out

    def start(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """As `fill`; a ValueError where a value is beyond the range of `out`."""
        with _core.to_nearest, np.errstate(over="ignore"):
            self.fill(out, seed, stream)
        bad = out[~np.isfinite(out)]
        if bad.size:
            raise ValueError(f"initial values must be finite in {out.dtype}; got {bad[0]}")

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`, a parameter's live view."""
        raise NotImplementedError(f"{type(self).__name__}.fill is not written")


class Random(Initializer):
    """Base of those that draw: the key is their seed, else the model's."""

    seed: int | None

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        self._draw(out, seed if self.seed is None else self.seed, stream)

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        raise NotImplementedError


class ArrayInitializer(Initializer):
    """Values given outright, as an array or nested lists of the parameter's shape."""

    def __init__(self, values: Any) -> None:
        if isinstance(values, range) and len(values) > _LONGEST:
            raise ValueError(f"initial values must be at most {_LONGEST}; got {len(values)}")
        try:
            array = np.array(values)
        except ValueError as error:
            raise ValueError(f"initial values must form an array; {error}") from None
        if array.size == 0:
            raise ValueError(f"initial values must not be empty; got the shape {array.shape}")
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"initial values must be real numbers; got dtype {array.dtype}, shape {array.shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError("initial values must be finite; got NaN or infinity")
        small = array.dtype.itemsize < 4 or array.dtype == np.float32  # float32 holds all of them
        array = array.astype(np.float32 if small else np.float64, copy=False)
        array.flags.writeable = False
        self.values = array

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        if self.values.shape != out.shape:
            raise ValueError(
                f"initial values must have the parameter's shape {out.shape}; "
                f"got {self.values.shape}"
            )
        out[...] = self.values

    def __repr__(self) -> str:
        return repr(self.values.tolist())


class FunctionInitializer(Initializer):
    """Values that a Python function makes, called once with (shape, dtype=...).

    Files keep its name alone: a model read from one has its numbers, and needs the function no
    more, but for building anew.
    """

    def __init__(self, function: Callable[..., Any] | str) -> None:
        if not callable(function) and not isinstance(function, str):
            raise TypeError(f"function must be callable; got {function!r}")
        self.function = function

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        if isinstance(self.function, str):
            raise ValueError(
                f"the initializer {self.function} was written in Python; the file holds its name "
                "only"
            )
        values = self.function(out.shape, dtype=out.dtype.name)
        ArrayInitializer(values).fill(out, seed, stream)

    def get_config(self) -> dict[str, Any]:
        """The function's name."""
        return {"function": repr(self)}

    def __repr__(self) -> str:
        if isinstance(self.function, str):
            return self.function
        return getattr(self.function, "__name__", type(self.function).__name__)


def stream_of(layer: int, parameter: int) -> int:
    """The random stream of a parameter.

    "init" in the upper 32 bits, then 24 bits of the layer's index in the model, then 8 bits of the
    parameter's index in its layer.
    """
    return 0x696E6974 << 32 | layer << 8 | parameter


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """(fan_in, fan_out) of a parameter: its last two extents, times those before them."""
    if len(shape) == 1:
        return shape[0], shape[0]
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]

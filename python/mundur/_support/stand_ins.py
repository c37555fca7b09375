"""What stands for an array that is another one from time to time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from .views import copy_into

__all__ = ["Standing"]

Array = npt.NDArray[Any]


class Standing(NDArrayOperatorsMixin):
    """Arithmetic, indices and NumPy's functions take it for the array that it stands for.

    Attributes
    ----------
    name : str
    shape : tuple of int
    """

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.name = name
        self.shape = shape
        self._at_work: Array | None = None

    @property
    def value(self) -> Array:
        """The array."""
        return self._elsewhere() if self._at_work is None else self._at_work

    def _elsewhere(self) -> Array:
        """The array, while nobody works with a copy."""
        raise RuntimeError(f"{self.name} has numbers only while it is worked with")

    def numpy(self) -> Array:
        """A copy of the array."""
        return np.array(self.value)

    def assign(self, value: npt.ArrayLike) -> None:
        """Copies numbers into it."""
        copy_into(self.value, np.asarray(value), self.name)

    def assign_add(self, value: npt.ArrayLike) -> None:
        """Adds numbers to it."""
        self.assign(self.value + np.asarray(value))

    def assign_sub(self, value: npt.ArrayLike) -> None:
        """Subtracts numbers from it."""
        self.assign(self.value - np.asarray(value))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.value if dtype is None else self.value.astype(dtype, copy=False)
        return array.copy() if copy else array

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **options: Any) -> Any:
        out = options.pop("out", None)
        if out is not None:
            options["out"] = tuple(map(_array_of, out))
        result = getattr(ufunc, method)(*map(_array_of, given), **options)
        return result if out is None else out[0]

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.value[key] = value

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.value, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, shape {self.shape}>"


def _array_of(given: Any) -> Any:
    return given.value if isinstance(given, Standing) else given

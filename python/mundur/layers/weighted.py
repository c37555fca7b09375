"""What layers with weights share: each has an initializer, a regularizer and a constraint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from .. import constraints, initializers, regularizers
from .base import Layer

__all__ = ["Weighted"]

_GET: dict[str, Callable[[Any, str], Any]] = {
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
}


class Weighted(Layer):
    """Layers whose arguments ``kernel_initializer``, ``bias_regularizer``, ... say how to begin."""

    use_bias: bool

    def _take(self, arguments: dict[str, Any]) -> None:
        """Keeps those of the constructor's arguments, its `locals()`, checked."""
        for name, value in arguments.items():
            if get := _GET.get(name.rpartition("_")[2]):
                setattr(self, name, get(value, name))

    def _prefixes(self) -> dict[str, str]:
        """With what the arguments of each parameter begin, in order."""
        return {"kernel": "kernel"} | ({"bias": "bias"} if self.use_bias else {})

    def _of_parameters(self, kind: str) -> dict[str, Any]:
        return {name: getattr(self, f"{start}_{kind}") for name, start in self._prefixes().items()}

    @property
    def parameter_initializers(self) -> dict[str, initializers.Initializer]:
        """The initializer of each parameter, in order."""
        return self._of_parameters("initializer")

    @property
    def parameter_regularizers(self) -> dict[str, regularizers.Regularizer | None]:
        """The regularizer of each parameter."""
        return self._of_parameters("regularizer")

    @property
    def parameter_constraints(self) -> dict[str, constraints.Constraint | None]:
        """The constraint of each parameter."""
        return self._of_parameters("constraint")

    @property
    def kernel(self) -> npt.NDArray[Any]:
        """Live view of W, of the shape under Shapes."""
        return self._view("kernel")

    @property
    def bias(self) -> npt.NDArray[Any]:
        """Live view of b, of the shape under Shapes."""
        return self._view("bias")

"""What `Layer.add_weight` makes: an array whose numbers are those of the model at work."""

from __future__ import annotations

import weakref
from typing import Any

import numpy.typing as npt

from .._support.stand_ins import Standing
from ..constraints import Constraint
from ..initializers import Initializer
from ..regularizers import Regularizer
from .input import is_symbolic

__all__ = ["Weight"]

Array = npt.NDArray[Any]


class Weight(Standing):
    """An array that `Layer.add_weight` made: NumPy takes it for the numbers of the model at work.

    Within `forward` and `backward` that is a copy; what forward leaves in one that is not trainable
    stays. Elsewhere it is a live view, once the layer is part of a built model.
    """

    def __init__(
        self,
        layer: Any,
        name: str,
        shape: tuple[int, ...],
        initializer: Initializer,
        regularizer: Regularizer | None,
        constraint: Constraint | None,
        learns: bool,
    ) -> None:
        super().__init__(name, shape)
        self._layer = weakref.ref(layer)
        self.initializer = initializer
        self.regularizer = regularizer
        self.constraint = constraint
        self.learns = learns

    def _elsewhere(self) -> Array:
        view: Array = self._layer()._view(self.name)  # type: ignore[union-attr]
        return view

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **options: Any) -> Any:
        if any(is_symbolic(one) for one in given):
            raise TypeError(
                f"{self.name!r} is an array of add_weight, and call works on values that are not "
                "there yet: write forward(x) and backward(dy) in NumPy, or give call a layer that "
                "has the weight, such as Dense"
            )
        return super().__array_ufunc__(ufunc, method, *given, **options)

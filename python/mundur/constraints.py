"""Constraints: what a parameter is made to hold to after every update.

They follow each step of `fit` and `train_on_batch`, and ``optimizer.step(model)``; frozen
parameters and first values are left alone. An optimizer written in Python applies them by itself:
``w[...] = constraint(w)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._support.checks import WrongType, axes_among, axes_of_array, came, number
from ._support.config import Configurable
from ._support.names import checked_keywords, lookup, unknown_attribute
from .data.arrays import real_array

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "get",
]


class Constraint(Configurable):
    """Base of the constraints; call one with an array for a copy that holds to it.

    Where a norm ‖w‖ lies outside of its limits, w is multiplied by n / (‖w‖ + 1e-7), n the limit;
    Keras multiplies the others too, by ‖w‖ / (‖w‖ + 1e-7).

    Examples
    --------
    >>> import mundur as md
    >>> md.constraints.NonNeg()([-1.0, 2.0])
    array([0., 2.])
    """

    def native(self, ndim: int) -> _core.Constraint:
        """The native description, for parameters of so many axes."""
        raise NotImplementedError(
            f"{type(self).__name__} is written in Python; training knows MaxNorm, MinMaxNorm, "
            "NonNeg and UnitNorm only"
        )

    def __call__(self, w: Any) -> npt.NDArray[Any]:
        """A copy of w that holds to the constraint."""
        array: npt.NDArray[Any] = real_array(w, "w")
        if array.ndim == 0:
            raise ValueError("w must have at least one axis; got a single number")
        dtype = array.dtype if array.dtype in (np.float32, np.float64) else np.float64
        copy = np.array(array, dtype, order="C")
        self.native(copy.ndim).apply(copy)
        return copy


class NonNeg(Constraint):
    """w ← max(w, 0).

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Dense(3, kernel_constraint="non_neg")
    Dense(3, kernel_constraint=NonNeg())
    """

    def native(self, ndim: int) -> _core.Constraint:
        """The native description."""
        return _core.Constraint()


class _Norm(Constraint):
    """Limits of norms along some axes."""

    axis: int | tuple[int, ...]

    def _limits(self) -> tuple[float, float, float]:
        """The least norm, the greatest, and the share of the way there."""
        raise NotImplementedError

    def native(self, ndim: int) -> _core.Constraint:
        """The native description, for parameters of so many axes."""
        return _core.Constraint(axes_among(self.axis, ndim, repr(self)), *self._limits())


class MaxNorm(_Norm):
    """No norm greater than `max_value`: w ← w·max_value / ‖w‖ where ‖w‖ > max_value.

    With axis 0, the norm of what leads into each unit (Srivastava et al., 2014, section 5.1).

    Parameters
    ----------
    max_value : float, default 2
        Not negative.
    axis : int or sequence of int, default 0
        The axes that norms are taken along: 0 of a kernel (inputs, units) for one norm per unit,
        (0, 1, 2) of a `Conv2D`'s for one per filter.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; for an axis that a parameter lacks, or that is named twice,
        when a model is built.

    Examples
    --------
    >>> import mundur as md
    >>> md.constraints.MaxNorm(1.0)([[3.0, 0.1], [4.0, 0.2]]).round(6)
    array([[0.6, 0.1],
           [0.8, 0.2]])
    """

    @checked_keywords()
    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value = number(max_value, "max_value", at_least=0)
        self.axis = axes_of_array(axis)

    def _limits(self) -> tuple[float, float, float]:
        return 0.0, self.max_value, 1.0


class UnitNorm(_Norm):
    """Every norm is 1: w ← w / ‖w‖; zeros stay zeros.

    Parameters
    ----------
    axis : int or sequence of int, default 0
        See `MaxNorm`.

    Raises
    ------
    TypeError, ValueError
        For an axis that is no integer; for one that a parameter lacks, or that is named twice,
        when a model is built.

    Examples
    --------
    >>> import mundur as md
    >>> md.constraints.UnitNorm()([3.0, 4.0]).round(6)
    array([0.6, 0.8])
    """

    @checked_keywords()
    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        self.axis = axes_of_array(axis)

    def _limits(self) -> tuple[float, float, float]:
        return 1.0, 1.0, 1.0


class MinMaxNorm(_Norm):
    """Norms within [min_value, max_value], or closer to it with every step.

    w ← w·(rate·n + (1 - rate)·‖w‖) / ‖w‖ where ‖w‖ lies outside, n the nearer limit.

    Parameters
    ----------
    min_value, max_value : float, default 0.0 and 1.0
        ``0 <= min_value <= max_value``.
    rate : float, default 1.0
        In [0, 1]: 1 goes the whole way in each step.
    axis : int or sequence of int, default 0
        See `MaxNorm`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; for an axis that a parameter lacks, or that is named twice,
        when a model is built.

    Examples
    --------
    >>> import mundur as md
    >>> md.constraints.MinMaxNorm(0.5, 1.0, rate=0.5)([0.0, 0.1]).round(6)
    array([0. , 0.3])
    """

    @checked_keywords()
    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ) -> None:
        self.min_value = number(min_value, "min_value", at_least=0)
        self.max_value = number(max_value, "max_value", at_least=self.min_value)
        self.rate = number(rate, "rate", at_least=0, at_most=1)
        self.axis = axes_of_array(axis)

    def _limits(self) -> tuple[float, float, float]:
        return self.min_value, self.max_value, self.rate


# Keras's other names of them.
max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

KNOWN: dict[str, type[Constraint]] = {
    "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
}
CLASS_NAMES = {cls.__name__: cls for cls in KNOWN.values()}


def get(identifier: Any, argument: str = "constraint") -> Constraint | None:
    """The constraint of a name or an instance; None stays None.

    Parameters
    ----------
    identifier : {"max_norm", "min_max_norm", "non_neg", "unit_norm"}, Constraint or None
    argument : str, optional
        The name that an error mentions.

    Raises
    ------
    ValueError
        For an unknown name; it lists the known ones.
    TypeError
        For anything else, such as a function: training is native, and would have to call it for
        every step.

    Examples
    --------
    >>> import mundur as md
    >>> md.constraints.get("unit_norm")
    UnitNorm()
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, argument, CLASS_NAMES)()
    if isinstance(identifier, type) and issubclass(identifier, Constraint):
        identifier = identifier()
    if type(identifier) in CLASS_NAMES.values():
        found: Constraint = identifier
        return found
    raise WrongType(
        f"{argument} must be None, a name or an instance of {', '.join(CLASS_NAMES)} (those "
        f"written in Python are not supported); {came(identifier)}"
    )


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.constraints", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)

"""Constraints: what a parameter is made to hold to after every update."""

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeAlias

from .._support.checks import axes_among, axes_of_array, number
from .._support.names import lookup
from .lists import Tensor, Vector, flatten, map_elements, nest, shape

# Keeps quotients by a norm of 0 finite; Keras's value.
EPSILON = 1e-7


class Constraint:
    """Gives the nearest values that hold to it: `constraint(w)`."""

    def __call__(self, w: Tensor) -> Tensor:
        """Return w, made to hold."""
        raise NotImplementedError

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({options})"


class NonNeg(Constraint):
    """Nothing below zero.

    Examples
    --------
    >>> NonNeg()([-1.0, 2.0])
    [0.0, 2.0]
    """

    def __call__(self, w: Tensor) -> Tensor:
        """Return max(w, 0)."""
        # w ← max(w, 0)
        return map_elements(lambda w_i: max(w_i, 0.0), w)


class MinMaxNorm(Constraint):
    """Norms of at least `min_value` and at most `max_value`.

    Parameters
    ----------
    min_value, max_value : float, default 0.0 and 1.0
    rate : float, default 1.0
        How much of the way there is gone in each step.
    axis : int or sequence of int, default 0
        Along which the norms are taken: 0 of a kernel (inputs, units) for one norm per unit.

    Examples
    --------
    >>> [round(w, 6) for w in MinMaxNorm(max_value=5.0, rate=0.5)([6.0, 8.0])]
    [4.5, 6.0]
    """

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

    def __call__(self, w: Tensor) -> Tensor:
        """Return w with each vector along the axes scaled."""
        extents, values = shape(w), flatten(w)
        along = axes_among(self.axis, len(extents), repr(self))
        # numbers whose places differ along the axes alone make up a vector
        vectors: dict[tuple[int, ...], list[int]] = {}
        for n, place in enumerate(product(*map(range, extents))):
            rest = tuple(i for axis, i in enumerate(place) if axis not in along)
            vectors.setdefault(rest, []).append(n)
        for vector in vectors.values():
            scaled = self.scaled([values[n] for n in vector])
            for n, w_n in zip(vector, scaled, strict=True):
                values[n] = w_n
        return nest(values, extents)

    def scaled(self, w: Sequence[float]) -> Vector:
        """Return a vector whose norm is within the limits, or nearer to them."""
        # ‖w‖ = √Σ w_i²
        norm = math.sqrt(sum(w_i * w_i for w_i in w))
        # n = the limit nearest to ‖w‖
        n = min(max(norm, self.min_value), self.max_value)
        if n == norm:
            return list(w)
        # w ← w (rate n + (1 − rate) ‖w‖) / ‖w‖
        factor = (self.rate * n + (1 - self.rate) * norm) / (norm + EPSILON)
        return [w_i * factor for w_i in w]


class MaxNorm(MinMaxNorm):
    """Norms of at most `max_value`.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting" (2014), section 5.1.

    Examples
    --------
    >>> [round(w, 6) for w in MaxNorm(1.0)([3.0, 4.0])]
    [0.6, 0.8]
    """

    def __init__(self, max_value: float = 2.0, axis: int | Sequence[int] = 0) -> None:
        super().__init__(0.0, number(max_value, "max_value", at_least=0), 1.0, axis)


class UnitNorm(MinMaxNorm):
    """Norms of 1.

    Examples
    --------
    >>> [round(w, 6) for w in UnitNorm()([0.3, 0.4])]
    [0.6, 0.8]
    """

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        super().__init__(1.0, 1.0, 1.0, axis)


KNOWN: dict[str, Callable[[], Constraint]] = {
    "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
}

Identifier: TypeAlias = str | Constraint | None


def get(identifier: Identifier, argument: str = "constraint") -> Constraint | None:
    """Find the constraint behind a name; None stays None.

    Examples
    --------
    >>> get("non_neg")
    NonNeg()
    """
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, argument)()
    return identifier

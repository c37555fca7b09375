"""Regularizers: penalties R(w), added to the loss to keep weights, or activities, small.

    L = data's loss + Σ_w R(w) + Σ_a R(a) / B

over the weights w and the activities a that have one, B the samples of the batch.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

from .._support.checks import number
from .._support.names import lookup
from .lists import Tensor, flatten, map_elements


class Regularizer:
    """R(w) = l1 Σ|w| + l2 Σw².

    Parameters
    ----------
    l1, l2 : float, default 0.0
        Not negative.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = number(l1, "l1", at_least=0)
        self.l2 = number(l2, "l2", at_least=0)

    def __call__(self, w: Tensor) -> float:
        """Return R(w)."""
        # R(w) = l1 Σ|w| + l2 Σw²
        numbers = flatten(w)
        return self.l1 * sum(map(abs, numbers)) + self.l2 * sum(w_i * w_i for w_i in numbers)

    def gradient(self, w: Tensor) -> Tensor:
        """Return ∂R/∂w, of the shape of w."""
        # ∂R/∂w = l1 sign(w) + 2 l2 w
        return map_elements(lambda w_i: self.l1 * sign(w_i) + 2 * self.l2 * w_i, w)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(l1={self.l1!r}, l2={self.l2!r})"


def sign(w: float) -> float:
    """Return 1, -1, NaN, or 0 for 0: |w| has a kink there, and its middle slope is taken."""
    return w if math.isnan(w) else (w > 0) - (w < 0)


class L1(Regularizer):
    """R(w) = l1 Σ|w|: pulls all weights alike, and small ones to 0.

    Source: Tibshirani, "Regression shrinkage and selection via the lasso" (1996).

    Examples
    --------
    >>> L1(0.5)([1.0, -2.0]), L1(0.5).gradient([1.0, -2.0])
    (1.5, [0.5, -0.5])
    """

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(Regularizer):
    """R(w) = l2 Σw²: pulls large weights most.

    Source: Hoerl and Kennard, "Ridge regression" (1970).

    Examples
    --------
    >>> L2(0.5)([1.0, -2.0]), L2(0.5).gradient([1.0, -2.0])
    (2.5, [1.0, -2.0])
    """

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


class L1L2(Regularizer):
    """Both. Source: Zou and Hastie, "Regularization and variable selection via the elastic net"."""


CLASS_NAMES: dict[str, type[Regularizer]] = {cls.__name__: cls for cls in (L1, L2, L1L2)}
KNOWN: dict[str, Callable[[], Regularizer]] = {
    "l1": L1,
    "l2": L2,
    "l1_l2": lambda: L1L2(0.01, 0.01),
}

Identifier: TypeAlias = str | Regularizer | None


def get(identifier: Identifier, argument: str = "regularizer") -> Regularizer | None:
    """Find the regularizer behind a name; None stays None.

    Examples
    --------
    >>> get("l2")
    L2(l1=0.0, l2=0.01)
    """
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, argument)()
    return identifier

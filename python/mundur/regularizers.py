"""Penalties: what keeps weights and activities small by adding to the loss.

`fit`, `train_on_batch` and `evaluate` report the loss with its penalties, ``model.backward`` leaves
them in the gradients, ``model.penalty()`` tells their value by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._support.checks import WrongType, came, number
from ._support.config import Configurable
from ._support.names import checked_keywords, lookup, unknown_attribute
from .data.arrays import real_array

__all__ = ["L1", "L1L2", "L2", "Regularizer", "get"]


class Regularizer(Configurable):
    """Base of the regularizers: each is l1·Σ|w| + l2·Σw²; call one with an array for its value.

    Those of `kernel_regularizer` and `bias_regularizer` add this to the loss, that of
    `activity_regularizer` adds it for the layer's outputs, divided by the batch's samples.

    Examples
    --------
    >>> import mundur as md
    >>> md.regularizers.L2(0.5)([1.0, -2.0])
    2.5
    """

    def penalty(self) -> tuple[float, float]:
        """(l1, l2): the factors of Σ|w| and Σw²."""
        raise NotImplementedError(
            f"{type(self).__name__} is written in Python; training knows L1, L2 and L1L2 only"
        )

    def __call__(self, x: Any) -> float:
        """l1·Σ|x| + l2·Σx²; in float64, but for float32 arrays, whose sums are float32."""
        array: npt.NDArray[Any] = real_array(x, "x")
        dtype = array.dtype if array.dtype in (np.float32, np.float64) else np.float64
        return _core.penalty(np.ascontiguousarray(array, dtype), *self.penalty())


class L1(Regularizer):
    """l1·Σ|w| (Tibshirani, 1996); its gradient is l1·sign(w), with sign(0) = 0.

    Parameters
    ----------
    l1 : float, default 0.01
        Not negative.

    Raises
    ------
    TypeError, ValueError
        For a factor that is not a finite number of at least 0.

    Examples
    --------
    >>> import mundur as md
    >>> md.regularizers.L1(0.5)([1.0, -2.0])
    1.5
    """

    @checked_keywords()
    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = number(l1, "l1", at_least=0)

    def penalty(self) -> tuple[float, float]:
        """(l1, 0)."""
        return self.l1, 0.0


class L2(Regularizer):
    """l2·Σw² (Hoerl and Kennard, 1970); its gradient is 2·l2·w.

    With plain SGD it is weight decay with the rate 2·l2; with Adam it is not, since Adam scales
    the penalty's gradient like the rest (Loshchilov and Hutter, 2019).

    Parameters
    ----------
    l2 : float, default 0.01
        Not negative.

    Raises
    ------
    TypeError, ValueError
        For a factor that is not a finite number of at least 0.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.Dense(10, kernel_regularizer=md.regularizers.L2(1e-4))
    Dense(10, kernel_regularizer=L2(l2=0.0001))
    """

    @checked_keywords()
    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = number(l2, "l2", at_least=0)

    def penalty(self) -> tuple[float, float]:
        """(0, l2)."""
        return 0.0, self.l2


class L1L2(Regularizer):
    """l1·Σ|w| + l2·Σw² (Zou and Hastie, 2005: the elastic net).

    Parameters
    ----------
    l1, l2 : float, default 0.0
        Not negative. The name "l1_l2" stands for ``L1L2(0.01, 0.01)``.

    Raises
    ------
    TypeError, ValueError
        For a factor that is not a finite number of at least 0.

    Examples
    --------
    >>> import mundur as md
    >>> md.regularizers.L1L2(l1=0.5, l2=0.5)([1.0, -2.0])
    4.0
    """

    @checked_keywords()
    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = number(l1, "l1", at_least=0)
        self.l2 = number(l2, "l2", at_least=0)

    def penalty(self) -> tuple[float, float]:
        """(l1, l2)."""
        return self.l1, self.l2


l1, l2, l1_l2 = L1, L2, L1L2  # Keras's other names of them

CLASS_NAMES: dict[str, type[Regularizer]] = {cls.__name__: cls for cls in (L1, L2, L1L2)}
KNOWN: dict[str, Regularizer] = {"l1": L1(), "l2": L2(), "l1_l2": L1L2(0.01, 0.01)}
_KERAS_NAMES = {
    "L1": KNOWN["l1"],
    "L2": KNOWN["l2"],
    "L1L2": KNOWN["l1_l2"],
    "l1l2": KNOWN["l1_l2"],
}


def get(identifier: Any, argument: str = "regularizer") -> Regularizer | None:
    """The regularizer of a name or an instance; None stays None.

    Parameters
    ----------
    identifier : {"l1", "l2", "l1_l2"}, Regularizer or None
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
    >>> md.regularizers.get("l2")
    L2()
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, argument, _KERAS_NAMES)
    if isinstance(identifier, type) and issubclass(identifier, Regularizer):
        identifier = identifier()
    if type(identifier) in CLASS_NAMES.values():
        found: Regularizer = identifier
        return found
    raise WrongType(
        f"{argument} must be None, 'l1', 'l2', 'l1_l2' or an instance of L1, L2 or L1L2 (those "
        f"written in Python are not supported); {came(identifier)}"
    )


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.regularizers", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)

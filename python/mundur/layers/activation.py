"""Activations with parameters, as layers: ReLU, LeakyReLU, ELU, Softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._support.checks import number
from .._support.names import checked_keywords
from ..activations.functions import NATIVE, exponential_unit, rectifier
from .base import Layer

__all__ = ["ELU", "LeakyReLU", "ReLU", "Softmax"]

_KERAS: dict[str, Any] = {"dtype": None, "activity_regularizer": None}


class ReLU(Layer):
    """y = min(x, max_value) where x > threshold, else negative_slope·(x - threshold).

    By default y = max(x, 0). x and y have the same shape. At a bend f′ is that of the left side of
    `threshold`, and 0 at `max_value` (Nair and Hinton, 2010).

    Parameters
    ----------
    max_value : float, optional
        At least 0; without it y does not end.
    negative_slope : float, default 0.0
        At least 0.
    threshold : float, default 0.0
        At least 0.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a parameter that is no number, or negative.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.ReLU(max_value=6)], seed=0).predict([[-1.0, 3.0, 9.0]]).tolist()
    [[0.0, 3.0, 6.0]]
    """

    _kind = "re_lu"

    @checked_keywords(ignored=_KERAS)
    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.max_value = None if max_value is None else number(max_value, "max_value", at_least=0)
        self.negative_slope = number(negative_slope, "negative_slope", at_least=0)
        self.threshold = number(threshold, "threshold", at_least=0)
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(rectifier(self.negative_slope, self.max_value, self.threshold))


class LeakyReLU(Layer):
    """y = x where x > 0, else negative_slope·x.

    x and y have the same shape (Maas, Hannun and Ng, 2013).

    Parameters
    ----------
    negative_slope : float, default 0.3
        At least 0. By name, as ``Activation("leaky_relu")``, it is 0.2; both are Keras's.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a slope that is no number, or negative.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.LeakyReLU(0.5)], seed=0).predict([[-1.0, 3.0]]).tolist()
    [[-0.5, 3.0]]
    """

    _kind = "leaky_re_lu"

    @checked_keywords(ignored=_KERAS)
    def __init__(
        self,
        negative_slope: float = 0.3,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.negative_slope = number(negative_slope, "negative_slope", at_least=0)
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(rectifier(self.negative_slope, None, 0.0))


class ELU(Layer):
    """y = x where x >= 0, else alpha·(eˣ - 1).

    x and y have the same shape (Clevert, Unterthiner and Hochreiter, 2016).

    Parameters
    ----------
    alpha : float, default 1.0
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For an alpha that is no finite number.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.ELU(0.5)
    ELU(alpha=0.5)
    """

    _kind = "elu"

    @checked_keywords(ignored=_KERAS)
    def __init__(
        self,
        alpha: float = 1.0,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.alpha = number(alpha, "alpha")
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(exponential_unit(self.alpha))


class Softmax(Layer):
    """yᵢ = eˣⁱ / Σⱼ eˣʲ along the last axis; what ``Activation("softmax")`` computes.

    Parameters
    ----------
    name, trainable, input_shape
        See `Layer`.

    Examples
    --------
    >>> import mundur as md
    >>> md.Model([md.layers.Softmax()], seed=0).predict([[7.0, 7.0]]).tolist()
    [[0.5, 0.5]]
    """

    _kind = "softmax"

    @checked_keywords(ignored=_KERAS | {"axis": -1})
    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(NATIVE["softmax"])

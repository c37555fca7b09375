"""Activations with parameters, as layers."""

import math

from . import activations
from ._lookup import check_number
from .layers import Activation


class ReLU(Activation):
    """y = min(x, max_value) where x > threshold, else negative_slope (x − threshold).

    Parameters
    ----------
    max_value : float or None
        Where y ends; None is nowhere.
    negative_slope : float, default 0.0
        The slope on the left.
    threshold : float, default 0.0
        Where the left side ends.

    Examples
    --------
    >>> layer = ReLU(max_value=6.0)
    >>> layer.build((3,))
    (3,)
    >>> layer.forward([[-1.0, 3.0, 9.0]]), layer.backward([[1.0, 1.0, 1.0]])
    ([[0.0, 3.0, 6.0]], [[0.0, 1.0, 0.0]])
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        *,
        name: str | None = None,
    ) -> None:
        end = math.inf if max_value is None else max_value
        for argument, value in (
            ("max_value", end),
            ("negative_slope", negative_slope),
            ("threshold", threshold),
        ):
            check_number(argument, value)
        super().__init__(activations.rectifier(negative_slope, end, threshold), name=name)


class LeakyReLU(Activation):
    """y = x where x > 0, else negative_slope x.

    Parameters
    ----------
    negative_slope : float, default 0.3
        The slope on the left.

    Examples
    --------
    >>> layer = LeakyReLU(0.5)
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[-1.0, 3.0]])
    [[-0.5, 3.0]]
    """

    def __init__(self, negative_slope: float = 0.3, *, name: str | None = None) -> None:
        check_number("negative_slope", negative_slope)
        super().__init__(activations.rectifier(negative_slope), name=name)


class ELU(Activation):
    """y = x where x ≥ 0, else alpha (e^x − 1).

    Parameters
    ----------
    alpha : float, default 1.0
        −alpha is the limit on the left.

    Examples
    --------
    >>> layer = ELU(0.5)
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[-50.0, 3.0]])
    [[-0.5, 3.0]]
    """

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        check_number("alpha", alpha)
        super().__init__(activations.exponential_unit(alpha), name=name)


class Softmax(Activation):
    """y_i = e^(x_i) / Σ_j e^(x_j) along the last axis.

    Examples
    --------
    >>> layer = Softmax()
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[7.0, 7.0]])
    [[0.5, 0.5]]
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__("softmax", name=name)

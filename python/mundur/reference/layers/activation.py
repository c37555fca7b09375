"""Activations as layers, those with bends of one's own too."""

import math
from random import Random

from ..._support.checks import number
from .. import activations, regularizers
from ..lists import Shape, Tensor, map_rows
from .base import Layer


class Activation(Layer):
    """An activation as a layer of its own: a = f(x).

    Parameters
    ----------
    activation : str, pair (f, f′)
        "linear", "relu", "sigmoid", "tanh", ... (see `activations`); softmax and log_softmax go
        over the last axis.
    activity_regularizer : str, Regularizer or None
        What a adds to the loss.

    Notes
    -----
    x and a have shape (batch, ...), the same.

    Examples
    --------
    >>> layer = Activation("relu")
    >>> layer.build((2,))
    (2,)
    >>> layer.forward([[-1.0, 3.0]]), layer.backward([[5.0, 5.0]])
    ([[0.0, 3.0]], [[0.0, 5.0]])
    """

    def __init__(
        self,
        activation: activations.Identifier,
        *,
        activity_regularizer: regularizers.Identifier = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.activation = activations.get(activation)
        self.activity_regularizer = regularizers.get(activity_regularizer, "activity_regularizer")

    def build_for(self, input_shape: Shape, rng: Random) -> Shape:
        """Keep the shape, which needs an axis for the activation."""
        self.check_samples("(..., inputs)", input_shape, len(input_shape) > 0)
        return input_shape

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Activate."""
        self.check_input(x)
        self.x = x
        # a_j = f(x_j)
        self.a = map_rows(self.activation, x)
        return self.a

    def backward(self, gradient: Tensor) -> Tensor:
        """Multiply by the slopes."""
        self.check_gradient(gradient)
        # ∂L/∂x_j = f′(x_j) ∂L/∂a_j
        return map_rows(self.activation.backward, gradient, self.x)

    def __repr__(self) -> str:
        return f"Activation({self.activation})"


class ActivityRegularization(Activation):
    """a = x; l1 Σ|x| + l2 Σx², divided by the samples of the batch, is added to the loss.

    Parameters
    ----------
    l1, l2 : float, default 0.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, *, name: str | None = None) -> None:
        penalty = regularizers.L1L2(l1, l2)
        super().__init__("linear", activity_regularizer=penalty, name=name)

    def __repr__(self) -> str:
        return f"ActivityRegularization({self.activity_regularizer})"


class ReLU(Activation):
    """a = min(x, max_value) where x > threshold, else negative_slope (x − threshold).

    Parameters
    ----------
    max_value : float or None
        Where a ends; None is nowhere.
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
        end = math.inf if max_value is None else number(max_value, "max_value", at_least=0)
        slope = number(negative_slope, "negative_slope", at_least=0)
        start = number(threshold, "threshold", at_least=0)
        super().__init__(activations.rectifier(slope, end, start), name=name)


class LeakyReLU(Activation):
    """a = x where x > 0, else negative_slope x.

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
        slope = number(negative_slope, "negative_slope", at_least=0)
        super().__init__(activations.rectifier(slope), name=name)


class ELU(Activation):
    """a = x where x ≥ 0, else alpha (e^x − 1).

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
        lowest = number(alpha, "alpha", at_least=0)
        super().__init__(activations.exponential_unit(lowest), name=name)


class Softmax(Activation):
    """a_i = e^(x_i) / Σ_j e^(x_j) along the last axis.

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

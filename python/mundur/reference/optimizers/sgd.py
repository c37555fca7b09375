"""Gradient descent: one step against the gradient, with momentum if wanted."""

from typing import Any

from ..._support.checks import boolean, number
from .base import Optimizer


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted: v ← μ v + g, w ← w − η v.

    Sources: momentum, Polyak (1964); Nesterov's as in Sutskever, Martens, Dahl and Hinton, "On the
    importance of initialization and momentum in deep learning" (2013), in PyTorch's form. With a
    constant η, v is PyTorch's buffer; Keras's velocity is −η v.

    Parameters
    ----------
    learning_rate : float, default 0.01
        η.
    momentum : float, default 0.0
        μ of [0, 1]: how much of the last direction is kept.
    nesterov : bool, default False
        Look ahead: step along g + μ v in place of v.

    Examples
    --------
    >>> SGD(learning_rate=0.5).update(1.0, 0.25, 0.0)
    (0.875, 0.25)
    """

    slots = ("velocity",)
    arguments = ("learning_rate", "momentum", "nesterov")

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.momentum = number(momentum, "momentum", at_least=0, at_most=1)
        self.nesterov = boolean(nesterov, "nesterov")

    def update(self, w: float, g: float, *slots: float) -> tuple[float, ...]:
        """Return w and v after the step."""
        (v,) = slots
        # v ← μ v + g
        v = self.momentum * v + g
        # w ← w − η v,  or with Nesterov  w ← w − η (g + μ v)
        direction = g + self.momentum * v if self.nesterov else v
        return w - self.learning_rate * direction, v

"""A layer that only adds to the loss."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _core
from .._support.checks import number
from .._support.names import checked_keywords
from ..activations.functions import native
from ..regularizers import L1L2
from .base import Layer

__all__ = ["ActivityRegularization"]


class ActivityRegularization(Layer):
    """y = x, and l1·Σ|x| + l2·Σx², divided by the batch's samples, is added to the loss.

    Behind another layer it does what that layer's `activity_regularizer` does. x and y have the
    same shape.

    Parameters
    ----------
    l1, l2 : float, default 0.0
        Not negative.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a factor that is not a finite number of at least 0.

    Examples
    --------
    >>> import mundur as md
    >>> md.layers.ActivityRegularization(l1=1e-3)
    ActivityRegularization(l1=0.001)
    """

    _kind = "activity_regularization"

    @checked_keywords(ignored={"dtype": None, "activity_regularizer": None})
    def __init__(
        self,
        l1: float = 0.0,
        l2: float = 0.0,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.l1 = number(l1, "l1", at_least=0)
        self.l2 = number(l2, "l2", at_least=0)
        self._activity_regularizer = L1L2(self.l1, self.l2)
        super().__init__(name=name, trainable=trainable, input_shape=input_shape)

    @property
    def activity_regularizer(self) -> L1L2:  # type: ignore[override]
        """What the arguments say, as a regularizer."""
        return self._activity_regularizer

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.Activation(native("linear"))

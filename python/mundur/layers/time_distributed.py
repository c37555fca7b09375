"""TimeDistributed: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .. import _core
from .._support.names import checked_keywords
from .base import Layer, MaskFlow
from .container import Nested

__all__ = ["TimeDistributed"]


class TimeDistributed(Nested):
    """A layer on every time step alike: y_t = layer(x_t).

    The layer sees batch·steps samples, each a step, and its gradients are sums over all of them.
    Shapes: x (batch, steps, ...), y (batch, steps, ...), what follows the steps being the layer's.
    A mask of time steps goes on behind it; the layer sees none. (Keras calls the layer once for
    each step: what a BatchNormalization makes of a whole batch is another thing there.)

    `Dense`, activations and other layers that work on the last axis do the same by themselves; this
    is for those that work on whole samples, such as `Flatten`, or `Conv1D` on sequences of
    sequences. The parameters' names hold the layer's: ``time_distributed/dense/kernel``.

    Parameters
    ----------
    layer : Layer
        Without an input_shape; it belongs to this one from now on.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For what is no layer, or takes ids; when built, for samples without steps.

    Examples
    --------
    >>> import mundur as md
    >>> layer = md.layers.TimeDistributed(md.layers.Flatten())
    >>> md.Model([layer], input_shape=(10, 3, 4), seed=0).output_shape
    (10, 12)
    """

    _kind = "time_distributed"
    _holds: ClassVar[tuple[str, ...]] = ("layer",)

    @checked_keywords(ignored={"dtype": None, "autocast": True, "activity_regularizer": None})
    def __init__(
        self,
        layer: Layer,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        super().__init__(name=name, input_shape=input_shape)
        self._hold([layer], trainable)
        if layer.vocabulary:
            raise ValueError(
                f"layer: {layer.name!r} takes ids, so it must be a model's first layer; it gives "
                "ids of any number of axes a vector each"
            )

    @property
    def layer(self) -> Layer:
        """The layer within."""
        return self._inner[0]

    def _steps(self, input_shape: tuple[int, ...]) -> int:
        if len(input_shape) < 2:
            raise ValueError(
                f"{self.name}: samples must have shape (steps, ...), got {input_shape}"
            )
        return input_shape[0]

    def inner_shapes(self, input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The shape of one step."""
        self._steps(input_shape)
        return [input_shape[1:]]

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        steps = self._steps(input_shape)
        return (steps, *self.layer.compute_output_shape(input_shape[1:]))

    @property
    def mask_flow(self) -> MaskFlow:
        """Whatever the layer does with a step, the step stays one."""
        return "passes"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.TimeDistributed(self.layer.describe(), self.layer.name)

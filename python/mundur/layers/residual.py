"""A chain of layers whose output is added to its input; see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .. import _core
from .._support.checks import check_layers
from .._support.names import checked_keywords
from .base import Layer
from .container import Nested

__all__ = ["Residual"]


class Residual(Nested):
    """Adds what a chain of layers makes of x to x: y = x + chain(x).

    The chain learns only what to add, and gradients also go past it: ∂L/∂x = ∂L/∂y plus what comes
    back through the chain (He, Zhang, Ren and Sun, "Deep residual learning for image recognition",
    2015). Shapes: x and y the same, which the chain must keep. Keras has no such layer; there it
    takes the functional interface.

    The parameters' names hold the inner layers': ``residual/dense/kernel``. Its layers can be
    frozen one by one, and a `Residual` can be among them.

    Parameters
    ----------
    layers : list of Layer
        At least one, none of them with an input_shape; they belong to this layer from now on.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For what is no list of layers; when built, for a chain that changes the shape.

    Examples
    --------
    >>> import mundur as md
    >>> block = md.layers.Residual([md.layers.Dense(8, "relu"), md.layers.Dense(4)])
    >>> model = md.Model([block, md.layers.Dense(1)], input_shape=(4,), seed=0)
    >>> list(model.parameters)[:2]
    ['residual/dense/kernel', 'residual/dense/bias']
    """

    _kind = "residual"
    _holds: ClassVar[tuple[str, ...]] = ("layers",)

    @checked_keywords(ignored={"dtype": None, "activity_regularizer": None})
    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        check_layers(layers, "Residual")
        super().__init__(name=name, input_shape=input_shape)
        self._hold(layers, trainable)
        if not self._inner:
            raise ValueError("layers must hold at least one layer")

    @property
    def layers(self) -> list[Layer]:
        """The layers in order (a copy of the list)."""
        return self.inner

    def inner_shapes(self, input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The shape of one sample in front of each layer of the chain."""
        shapes = [input_shape]
        for layer in self._inner[:-1]:
            shapes.append(layer.compute_output_shape(shapes[-1]))
        return shapes

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample, which the chain must keep."""
        shape = input_shape
        for layer in self._inner:
            shape = layer.compute_output_shape(shape)
        if shape != input_shape:
            raise ValueError(
                f"{self.name}: the chain's output is added to its input, so it must have the shape "
                f"{input_shape}; got {shape}, behind {self._inner[-1].name!r}"
            )
        return input_shape

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        names = [layer.name for layer in self._inner]
        return _core.Residual([layer.describe() for layer in self._inner], names)

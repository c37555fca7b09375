"""Bidirectional: see `mundur.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .. import _core
from .._support.checks import choice
from .._support.names import checked_keywords
from .base import Layer
from .container import Nested
from .recurrent import Recurrent

__all__ = ["Bidirectional"]

_MODES = ("concat", "sum", "mul", "ave")


class Bidirectional(Nested):
    """A recurrent layer and a second one that goes through time the other way.

    With return_sequences, at each step stand the outputs that both have there, so y has seen what
    comes before and after it; else y joins what each has when it is through (Schuster and Paliwal,
    "Bidirectional recurrent neural networks", 1997). ∂L/∂x is the sum of what comes back through
    both.

    Shapes: x (batch, steps, inputs), y (batch, [steps,] 2·units) with merge_mode "concat", else
    (batch, [steps,] units). The parameters' names hold the layers':
    ``bidirectional/forward_lstm/kernel``, ``bidirectional/backward_lstm/kernel``, ... A mask holds
    for both, and a sequence has zeros at masked steps, as in Keras.

    Parameters
    ----------
    layer : SimpleRNN, LSTM or GRU
        The one ahead in time; without a `backward_layer` also the pattern of the other. Both
        belong to this layer from now on.
    merge_mode : {"concat", "sum", "mul", "ave"}
        How the outputs are joined: beside each other, by sum, product or mean. None, a list of
        both, is not supported.
    backward_layer : SimpleRNN, LSTM or GRU, optional
        One with go_backwards=True.
    name, trainable, input_shape
        See `Layer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it, and for layers that don't go together.

    Examples
    --------
    >>> import mundur as md
    >>> both = md.layers.Bidirectional(md.layers.LSTM(8, return_sequences=True))
    >>> md.Model([both], input_shape=(40, 3), seed=0).output_shape
    (40, 16)
    """

    _kind = "bidirectional"
    _holds: ClassVar[tuple[str, ...]] = ("layer", "backward_layer")

    @checked_keywords(ignored={"dtype": None, "activity_regularizer": None, "weights": None})
    def __init__(
        self,
        layer: Layer,
        merge_mode: str = "concat",
        *,
        backward_layer: Layer | None = None,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | int | None = None,
    ) -> None:
        self.merge_mode = choice(merge_mode, "merge_mode", *_MODES)
        ahead = _recurrent(layer, "layer")
        back = _opposite(ahead) if backward_layer is None else backward_layer
        back = _recurrent(back, "backward_layer")
        if ahead.go_backwards == back.go_backwards:
            raise ValueError("backward_layer must go the other way: go_backwards=True")
        if ahead.return_sequences != back.return_sequences:
            raise ValueError("both layers must have the same return_sequences")
        if merge_mode != "concat" and ahead.units != back.units:
            raise ValueError(
                f"merge_mode {merge_mode!r} takes layers of as many units; got {ahead.units} and "
                f"{back.units}"
            )
        super().__init__(name=name, input_shape=input_shape)
        for layer, prefix in ((ahead, "forward_"), (back, "backward_")):
            if layer.owner is None and not layer.name.startswith(prefix):  # else it is refused
                layer._given_name = f"{prefix}{layer.name}"
        self._hold([ahead, back], trainable)

    @property
    def layer(self) -> Layer:
        """The layer ahead in time."""
        return self._inner[0]

    @property
    def backward_layer(self) -> Layer:
        """The layer that goes the other way."""
        return self._inner[1]

    def inner_shapes(self, input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Both get the input."""
        return [input_shape, input_shape]

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one sample behind this layer."""
        ahead, back = (layer.compute_output_shape(input_shape) for layer in self._inner)
        return (*ahead[:-1], ahead[-1] + back[-1]) if self.merge_mode == "concat" else ahead

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        names = [layer.name for layer in self._inner]
        return _core.Bidirectional(
            [layer.describe() for layer in self._inner], names, self.merge_mode
        )


def _recurrent(layer: object, argument: str) -> Recurrent:
    if isinstance(layer, Recurrent):
        return layer
    hint = "; make an instance of it" if isinstance(layer, type) else ""
    raise TypeError(f"{argument} must be a SimpleRNN, LSTM or GRU; got {layer!r}{hint}")


def _opposite(layer: Recurrent) -> Recurrent:
    config = layer.get_config()
    name = layer.name.removeprefix("forward_")
    config |= {"go_backwards": not layer.go_backwards, "name": f"backward_{name}"}
    return type(layer).from_config(config)

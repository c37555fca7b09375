"""Layers around layers: Bidirectional, TimeDistributed and Residual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .. import _core
from .._support.checks import check_layers, choice, shown
from .._support.names import checked_keywords
from .base import KERAS, Layer, MaskFlow
from .container import Nested
from .recurrent import Recurrent
from .states import WithStates

_MODES = ("concat", "sum", "mul", "ave")


class Bidirectional(Nested, WithStates):
    """A recurrent layer and a second one that goes through time the other way.

    With return_sequences, at each step stand the outputs that both have there, so y has seen what
    comes before and after it; else y joins what each has when it is through (Schuster and Paliwal,
    "Bidirectional recurrent neural networks", 1997). ∂L/∂x is the sum of what comes back through
    both.

    Shapes: x (batch, steps, inputs), y (batch, [steps,] 2·units) with merge_mode "concat", else
    (batch, [steps,] units). The parameters' names hold the layers':
    ``bidirectional/forward_lstm/kernel``, ``bidirectional/backward_lstm/kernel``, ... A mask holds
    for both, and a sequence has zeros at masked steps, as in Keras. With return_state of both the
    states of the layer ahead stand behind y, then those of the other, and so they do in
    initial_state.

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
    _passes_states = True

    @checked_keywords(ignored=KERAS | {"weights": None})
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
        for option in ("return_sequences", "return_state", "stateful"):
            if getattr(ahead, option) != getattr(back, option):
                raise ValueError(f"both layers must have the same {option}")
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

    @property
    def return_state(self) -> bool:
        """Whether both layers give their last states."""
        return self._recurrent_layers[0].return_state

    @property
    def stateful(self) -> bool:
        """Whether both layers go on from batch to batch."""
        return self._recurrent_layers[0].stateful

    @property
    def _gives_states(self) -> bool:
        return self.return_state

    @property
    def state_sizes(self) -> list[int]:
        """Those of the layer ahead, then those of the other."""
        return [units for layer in self._recurrent_layers for units in layer.state_sizes]

    @property
    def _recurrent_layers(self) -> list[Recurrent]:
        return [layer for layer in self._inner if isinstance(layer, Recurrent)]

    def reset_state(self) -> None:
        """Sets what stateful layers keep from batch to batch to zeros.

        Its other name is `reset_states`.

        Raises
        ------
        ValueError
            Where the layers are not stateful.
        """
        for layer in self._recurrent_layers:
            layer.reset_state()

    reset_states = reset_state

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
    raise TypeError(f"{argument} must be a SimpleRNN, LSTM or GRU; got {shown(layer)}{hint}")


def _opposite(layer: Recurrent) -> Recurrent:
    config = layer.get_config()
    name = layer.name.removeprefix("forward_")
    config |= {"go_backwards": not layer.go_backwards, "name": f"backward_{name}"}
    return type(layer).from_config(config)


class TimeDistributed(Nested):
    """A layer on every time step alike: y_t = layer(x_t).

    The layer sees batch·steps samples, each a step, and its gradients are sums over all of them.
    Shapes: x (batch, steps, ...), y (batch, steps, ...), what follows the steps being the layer's.
    A mask of time steps goes on behind it. One of steps within each, such as the words of a text's
    sentences, is the layer's, as in Keras, and goes on where the layer passes it on. (Keras calls
    the layer once for each step: what a BatchNormalization makes of a whole batch is another thing
    there.)

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

    @checked_keywords(ignored=KERAS)
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
        """Whatever the layer does with a step, the step stays one: of steps within, it decides."""
        return "passes"

    def describe(self) -> _core.LayerSpec:
        """The native description."""
        return _core.TimeDistributed(self.layer.describe(), self.layer.name)


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

    @checked_keywords(ignored=KERAS)
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

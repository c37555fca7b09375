"""Input and symbolic values, of which graphs are made: what `Input` and layer(x) give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from .._support.checks import MOST_AXES, extents, identifier, integer, shown
from .._support.lengths import Length, has_length, longer, shown_shape
from .._support.names import Harmless, checked_keywords

__all__ = [
    "Call",
    "Input",
    "InputLayer",
    "Symbol",
    "again",
    "as_called",
    "batch_of",
    "call_of",
    "called",
    "in_order",
    "is_symbolic",
    "name_among",
    "refuse_training",
    "shapes_behind",
    "symbols_in",
]

Shape = tuple[int, ...]


class Call:
    """One call of a layer, or of a model, on symbolic values."""

    def __init__(self, layer: Any, inputs: Sequence[Symbol], shapes: Sequence[Shape]) -> None:
        self.layer = layer
        self.inputs = tuple(inputs)
        batch = batch_of(inputs)
        self.outputs = tuple(Symbol(shape, self, batch=batch) for shape in shapes)


class Symbol:
    """A value of a graph before there are numbers.

    Attributes
    ----------
    shape : tuple
        With None for the batch, as in Keras: (None, 3); or its size, if an Input said so.
    dtype : str
    """

    __array_priority__ = 1e6

    def __init__(
        self,
        sample: Shape,
        call: Call | None,
        name: str | None = None,
        dtype: str = "float32",
        batch: int | None = None,
    ) -> None:
        self.sample = sample
        self.batch = batch
        self.call = call
        self.given_name = name
        self.dtype = dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        """With None for the batch, unless an Input said its size."""
        return (self.batch, *shown_shape(self.sample))

    @property
    def ndim(self) -> int:
        """How many axes there are, that of the batch too."""
        return 1 + len(self.sample)

    @property
    def name(self) -> str:
        """Of the input, or of the layer that makes it."""
        return self.given_name or ("input" if self.call is None else str(self.call.layer.name))

    def __repr__(self) -> str:
        if self.call is None:
            named = "" if self.given_name is None else f", name={self.given_name!r}"
            typed = "" if self.dtype == "float32" else f", dtype={self.dtype!r}"
            sized = "" if self.batch is None else f", batch_size={self.batch}"
            return f"Input({self.sample!r}{named}{sized}{typed})"
        return f"<symbolic output of {self.name}, shape {self.shape}>"

    # ---- arithmetic ---------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        return _combined("Add", self, other, 1.0, 1.0)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return _combined("Subtract", self, other, 1.0, -1.0)

    def __rsub__(self, other: Any) -> Any:
        return _rescaled(self, -1.0, other)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Symbol):
            return _combined("Multiply", self, other, 1.0, 1.0)
        return _rescaled(self, other, 0.0)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if not _is_number(other) or other == 0:
            raise self._no_numbers("/")
        return _rescaled(self, 1.0 / other, 0.0)

    def __neg__(self) -> Any:
        return _rescaled(self, -1.0, 0.0)

    def __pow__(self, _: Any) -> NoReturn:
        raise self._no_numbers("**")

    def __matmul__(self, _: Any) -> NoReturn:
        raise self._no_numbers("@")

    def __lt__(self, _: Any) -> NoReturn:
        raise self._no_numbers("a comparison")

    __gt__ = __le__ = __ge__ = __lt__

    # ---- what needs numbers --------------------------------------------------------------------

    def _no_numbers(self, what: str) -> TypeError:
        return TypeError(
            f"{what} needs numbers, and {self!r} stands for values that are not there yet: write "
            "layers instead (md.layers.Add, Multiply, Concatenate, Activation, Rescaling, ...), or "
            "work on what predict returns; a layer of your own does NumPy in forward(x) and "
            "backward(dy)"
        )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise self._no_numbers("a NumPy array")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **_: Any) -> Any:
        by_name = {"add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__"}
        own = by_name.get(ufunc.__name__) if method == "__call__" and len(inputs) == 2 else None
        if own is not None and inputs[1] is self and _is_number(inputs[0]):
            return getattr(self, own)(inputs[0])
        raise self._no_numbers(f"np.{ufunc.__name__}")

    def __array_function__(self, function: Any, *_: Any, **__: Any) -> NoReturn:
        raise self._no_numbers(f"np.{function.__name__}")

    def __bool__(self) -> NoReturn:
        raise self._no_numbers("a condition")

    def __float__(self) -> NoReturn:
        raise self._no_numbers("float()")

    def __len__(self) -> NoReturn:
        raise self._no_numbers("len()")

    def __iter__(self) -> NoReturn:
        raise self._no_numbers("a loop")

    def __getitem__(self, _: Any) -> NoReturn:
        raise self._no_numbers("an index")


def _is_number(value: Any) -> bool:
    if hasattr(value, "_at_work"):  # a layer's weight, which is no number of a graph
        return False
    return isinstance(value, (int, float)) or (hasattr(value, "__float__") and not _axes(value))


def _axes(value: Any) -> int:
    return value.ndim if hasattr(value, "ndim") else len(value) if hasattr(value, "__len__") else 0


# The layers that arithmetic makes, by name; they come after this module.
ARITHMETIC: dict[str, Callable[..., Any]] = {}


def _rescaled(x: Symbol, scale: Any, offset: Any) -> Any:
    if not (_is_number(scale) and _is_number(offset)):
        raise x._no_numbers("arithmetic with an array")
    return ARITHMETIC["Rescaling"](float(scale), float(offset))(x)


def _combined(merge: str, a: Symbol, b: Any, scale: float, factor: float) -> Any:
    if not isinstance(b, Symbol):
        if not _is_number(b):
            raise a._no_numbers("arithmetic with an array")
        return _rescaled(a, scale, factor * b)
    return ARITHMETIC[merge]()([a, b])


def batch_of(symbols: Sequence[Symbol]) -> int | None:
    """How many samples each batch has, if one of them says so."""
    return next((x.batch for x in symbols if x.batch is not None), None)


# ---- what a layer was called on ------------------------------------------------------------------


def is_symbolic(given: Any) -> bool:
    """Whether it is a symbolic value, or a list, tuple or dict that holds one."""
    return isinstance(given, Symbol) or (
        isinstance(given, (list, tuple, dict))
        and any(isinstance(one, Symbol) for one in _in(given))
    )


def _in(given: Any) -> Iterator[Any]:
    return iter(given.values() if isinstance(given, dict) else given)


def symbols_in(given: Any, name: str) -> tuple[Symbol, ...]:
    """A symbolic value, or those of a list, a tuple or a dict, of which there is at least one."""
    found = (given,) if isinstance(given, Symbol) else ()
    if isinstance(given, (list, tuple, dict)):
        found = tuple(_in(given))
    for one in found:
        if not isinstance(one, Symbol):
            raise TypeError(
                f"{name} must be symbolic, as Input(shape) and layer(x) are, all of it; got "
                f"{shown(one)}"
            )
    if not found:
        raise TypeError(
            f"{name} must be symbolic, as Input(shape) and layer(x) are; got {shown(given)}"
        )
    return found


def call_of(layer: Any, given: Any) -> Call:
    """The call layer(given): symbolic values, whose shapes the layer knows."""
    inputs = symbols_in(given, f"what {layer.name} is called on")
    if layer.is_written:  # in Python: it takes one value or a list
        vars(layer)["_merges"] = not isinstance(given, Symbol)
    if layer._merges and isinstance(given, Symbol):
        raise ValueError(
            f"{layer.name} joins several values: call it on a list of them; got {given!r} alone"
        )
    layer._take_batch(batch_of(inputs))
    try:
        shapes = shapes_behind(layer, [x.sample for x in inputs])
    except ValueError as error:
        if len(inputs) == 1 and not layer._merges:
            told = f"called on {inputs[0].name!r}, samples of {inputs[0].sample}"
        else:
            told = f"in all: {', '.join(f'{x.name!r} {x.sample}' for x in inputs)}"
        raise ValueError(f"{error} ({told})") from None
    assert all(len(shape) <= MOST_AXES for shape in shapes)
    call = Call(layer, inputs, shapes)
    layer._calls.append(call)
    return call


def shapes_behind(layer: Any, shapes: Sequence[Shape]) -> list[Shape]:
    """What the layer makes of samples of such shapes, where a length that they leave open too.

    Raises a ValueError where numbers that the layer has would follow from that length.
    """
    made: list[Shape] = layer._shapes_behind(shapes)
    if not any(map(has_length, shapes)):
        return made
    if layer.is_written and not layer.composes:
        raise ValueError(
            f"{layer.name} is written in Python for samples of one shape, and got "
            f"{', '.join(map(str, shapes))}: {_GIVE_A_LENGTH}"
        )
    others = [longer(shape) for shape in shapes]
    first, second = (each if layer._merges else each[0] for each in (shapes, others))
    for arrays in (layer.parameter_shapes, layer.state_shapes):
        of_longer = arrays(second)
        for name, shape in arrays(first).items():
            if shape != of_longer[name]:
                raise ValueError(
                    f"{layer.name}: its {name} must have one shape, and would have another for "
                    f"each length of the sequences, which Input leaves open: {_GIVE_A_LENGTH}, or "
                    "pool over time in front, with GlobalMaxPooling1D or a recurrent layer"
                )
    return [
        tuple(a if a == b else Length(a, b) for a, b in zip(*pair, strict=True))
        for pair in zip(made, layer._shapes_behind(others), strict=True)
    ]


_GIVE_A_LENGTH = (
    "give Input a length, as Input((200,)), and sequences of it, which mundur.utils.pad_sequences "
    "makes"
)


def again(layer: Any, inputs: Sequence[Symbol]) -> Call:
    """The call of a layer on values that another, or a file's, was called on."""
    return call_of(layer, inputs if layer._merges or len(inputs) != 1 else inputs[0])


def as_called(call: Call) -> Any:
    """What a call gives: a value, or a tuple of several."""
    return call.outputs if len(call.outputs) > 1 else call.outputs[0]


def called(layer: Any, given: Any) -> Any:
    """What layer(given) is: a symbolic value, or a tuple of several."""
    return as_called(call_of(layer, given))


def refuse_training(training: Any) -> None:
    """Raises where a piece of a graph shall always work as in training."""
    if isinstance(training, int) and training:
        raise ValueError(
            "training must be False in a graph: fit trains, predict does not, and "
            "Model.forward(x, training=True) does as fit would; got True"
        )


def name_among(layer: Any, others: Sequence[Any]) -> None:
    """Names a layer without a name of its own: dense, dense_1, ...; ValueError for one taken."""
    taken = {other.name for other in others}
    if layer._given_name is not None:
        if layer.name in taken:
            raise ValueError(f"two layers are named {layer.name!r}; names must be distinct")
        return
    number, name = 0, layer._kind
    while name in taken:
        number += 1
        name = f"{layer._kind}_{number}"
    layer._automatic_name = name


# ---- the way from values to values ---------------------------------------------------------------


def in_order(inputs: Sequence[Symbol], outputs: Sequence[Symbol]) -> list[Call]:
    """The calls that lead from the inputs to the outputs, in Keras's order of layers.

    That is by their distance from the outputs, the farthest first; of two at one distance the one
    that a walk back from the outputs comes to first.
    """
    calls = _walked_back(inputs, outputs)
    first_met: dict[int, int] = {}
    for call in calls.met:
        first_met.setdefault(id(call.layer), len(first_met))
    depths: dict[int, int] = {}
    of_layers: dict[int, int] = {}
    given = {id(x) for x in inputs}
    for call in reversed(calls.done):  # from the outputs on
        depth = max(depths.get(id(call), 0), of_layers.get(id(call.layer), 0))
        depths[id(call)] = of_layers[id(call.layer)] = depth
        for x in call.inputs:
            if id(x) not in given and x.call is not None:
                depths[id(x.call)] = max(depth + 1, depths.get(id(x.call), 0))
    return sorted(calls.done, key=lambda c: (-depths[id(c)], first_met[id(c.layer)]))


class _Walk:
    """Calls as they were met, and as they were done with: a call behind those that it needs."""

    def __init__(self) -> None:
        self.met: list[Call] = []
        self.done: list[Call] = []
        self.read: set[int] = set()  # inputs


def _walked_back(inputs: Sequence[Symbol], outputs: Sequence[Symbol]) -> _Walk:
    walk = _Walk()
    given = {id(x) for x in inputs}
    seen: set[int] = set()

    def need(x: Symbol) -> Call | None:
        """What is to be met for x, if anything."""
        if id(x) in given:
            walk.read.add(id(x))
            return None
        if x.call is None:
            raise ValueError(
                f"outputs need {x!r}, which is not among inputs: the graph is cut there, or the "
                "value is of another one. Add it to inputs, or lead from what is there"
            )
        return None if id(x.call) in seen else x.call

    for output in outputs:
        # Without recursion: graphs may be deep.
        stack = [(call, iter(call.inputs)) for call in [need(output)] if call is not None]
        for call, _ in stack:
            seen.add(id(call))
            walk.met.append(call)
        while stack:
            call, left = stack[-1]
            x = next(left, None)
            if x is None:
                walk.done.append(call)
                stack.pop()
                continue
            following = need(x)
            if following is not None:
                seen.add(id(following))
                walk.met.append(following)
                stack.append((following, iter(following.inputs)))
    for x in inputs:
        if id(x) not in walk.read:
            raise ValueError(f"inputs: no output needs {x!r}; leave it out")
    return walk


# ---- inputs ----------------------------------------------------------------------------------


def _check_dtype(_: object, __: str, value: Any) -> None:
    """Features of any real dtype are converted batch by batch, whatever an Input says of them."""
    if value is None:
        return
    try:
        real = np.dtype(value).kind in "biuf"
    except (TypeError, ValueError):
        real = False
    if not real:
        raise ValueError(
            "Input(dtype=...) must be a type of real numbers, as float32, int32 or uint8; got "
            f"{shown(value)}; texts become numbers first, with mundur.text for instance"
        )


_KEPT: dict[str, Any] = {
    "dtype": Harmless(None, _check_dtype),
    "sparse": None,
    "ragged": None,
    "tensor": None,
    "input_tensor": None,
    "optional": False,
}


class InputLayer:
    """The shape of one sample, as the first item of a model's layers; `Input` does the same.

    Parameters
    ----------
    shape : tuple of int
        Without the batch; see `Input`.
    batch_size : int, optional
        See `Input`.
    batch_shape : tuple of int, optional
        In place of both: (batch_size, *shape).

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.InputLayer((4,)), md.layers.Dense(2)], seed=0)
    >>> model.output_shape
    (2,)
    """

    @checked_keywords(ignored=_KEPT)
    def __init__(
        self,
        shape: Sequence[int] | int | None = None,
        batch_size: int | None = None,
        *,
        batch_shape: Sequence[int | None] | None = None,
        name: str | None = None,
    ) -> None:
        if batch_shape is not None:
            if shape is not None or batch_size is not None:
                raise ValueError("batch_shape goes without shape and batch_size; it is both")
            if not isinstance(batch_shape, (tuple, list)) or not batch_shape:
                raise ValueError(
                    "batch_shape must be (batch_size, *shape), None for a batch of any size; got "
                    f"{shown(batch_shape)}"
                )
            batch_size, *shape = batch_shape
        if shape is None:
            raise TypeError("Input needs a shape, that of one sample: Input((784,))")
        self.shape = extents(shape, "shape", lengths=True)
        self.batch = None if batch_size is None else integer(batch_size, "batch_size", 1)
        self.name = None if name is None else identifier(name, "name")

    def __repr__(self) -> str:
        sized = "" if self.batch is None else f", batch_size={self.batch}"
        return f"Input({self.shape!r}{sized})"


def Input(
    shape: Sequence[int] | int | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    *,
    name: str | None = None,
    **keras: Any,
) -> Symbol:
    """A symbolic value for samples of a shape: what layers are called on, to make a graph.

    As the first item of a chain's layers it declares the shape of one sample.

    Parameters
    ----------
    shape : tuple of int
        Without the batch. The first extent may be None: sequences, of a length that each array, or
        each batch of an iterable, brings, as layers that work step by step allow (recurrent ones,
        Embedding, Conv1D, poolings over time); memory is planned for the longest.
    batch_size : int, optional
        How many samples every batch has, which `stateful` layers must know; others take any number
        of them, whatever it says.
    dtype : str or dtype, optional
        A type of real numbers. Whatever comes is converted batch by batch, and ids that an
        `Embedding` reads stay integers.
    name : str, optional
        What ``fit({"name": array})`` calls it.
    batch_shape : tuple of int, optional
        As Keras has it, in place of shape and batch_size: (batch_size, *shape).

    Returns
    -------
    symbolic value
        Its ``shape`` has None for the batch, or batch_size.

    Raises
    ------
    TypeError, ValueError
        For a shape that is not made of positive integers, but for a None in front.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> md.Model([md.Input((784,)), md.layers.Dense(10)], seed=0).input_shape
    (784,)
    >>> model = md.Model([md.Input((None, 2)), md.layers.LSTM(4), md.layers.Dense(1)], seed=0)
    >>> model.predict(np.ones((3, 5, 2))).shape, model.predict(np.ones((1, 9, 2))).shape
    ((3, 1), (1, 1))
    >>> x = md.Input((4,), name="features")
    >>> hidden = md.layers.Dense(4, "relu")(x)
    >>> md.Model(x, md.layers.Add()([x, hidden]), seed=0).output_shape
    (4,)
    """
    keras |= {"batch_size": batch_size, "dtype": dtype}
    layer = InputLayer(shape, name=name, **keras)
    element = "float32" if dtype is None else str(np.dtype(dtype))
    return Symbol(layer.shape, None, layer.name, element, layer.batch)

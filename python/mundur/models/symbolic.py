"""A model in symbolic values: how they connect its layers, and what data for it look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._support.checks import identifier
from .._support.lengths import shown_shape, suits
from ..data import arrays
from ..data.arrays import Ports, Several
from ..layers.base import Layer
from ..layers.dense import Dense
from ..layers.input import Call, Symbol, batch_of, in_order, symbols_in
from .network import Built
from .parts import Array

__all__ = ["Symbolic"]

_MOVES_PIXELS = (
    *("dropout", "spatial_dropout2d", "zero_padding2d", "cropping2d", "up_sampling2d"),
    *("max_pooling2d", "average_pooling2d", "random_flip", "random_translation"),
    *("random_rotation", "random_zoom", "random_crop", "random_contrast", "resizing"),
    "center_crop",
)


class Symbolic(Built):
    """Layers between symbolic values."""

    def _connect(self, inputs: Any, outputs: Any, build: bool = True) -> None:
        """The graph that leads from symbolic values to others."""
        given, made = symbols_in(inputs, "inputs"), symbols_in(outputs, "outputs")
        if len({id(x) for x in given}) < len(given):
            raise ValueError("inputs: a symbolic value comes twice; give each once")
        self._order = in_order(given, made)
        if not self._order:
            raise ValueError("outputs must be made by a layer; got what is an input itself")
        for call in self._order:
            if all(call.layer is not layer for layer in self._layers):
                self._take(call.layer, shares=True)
                self._layers.append(call.layer)
        self._inputs, self._outputs = given, made
        self._ports_in = _ports(inputs, [x.given_name for x in given], "input_layer", "input")
        makers = [x.name if x.call else x.given_name for x in made]
        self._ports_out = _ports(outputs, makers, "output", "output")
        self._takes_one = self._ports_in.kind is object
        self._batch = batch_of(given)
        if len(given) == 1:
            self._declared_shape = given[0].sample
        if build:
            self._build(self._declared_shape)

    def _called(self, x: Any) -> Any:
        """What model(x) is: symbolic values."""
        what = f"what {self.name} is called on"
        symbols = symbols_in(x, what)
        if len(self._ports_in.names) > 1:
            symbols = self._ports_in.parts(x, what)
        return self._ports_out.as_given(Several(self._call_on(symbols).outputs))

    def _call_on(self, symbols: Sequence[Symbol]) -> Call:
        shapes = [symbol.sample for symbol in symbols]
        if len(symbols) != len(self._ports_in.names):
            raise ValueError(
                f"{self.name} takes {len(self._ports_in.names)} values; it was called on "
                f"{len(symbols)}"
            )
        if self._order is None:
            if self._declared_shape is None or not suits(shapes[0], self._declared_shape):
                self._declare(shapes[0])
        else:
            assert self._inputs is not None
            wanted = [symbol.sample for symbol in self._inputs]
            if not all(map(suits, shapes, wanted)):
                raise ValueError(
                    f"{self.name} takes samples of {', '.join(map(str, wanted))}; it was called on "
                    f"{', '.join(map(str, shapes))}"
                )
        graph = self._graph_for([("", shape) for shape in shapes], batch_of(symbols))
        self._is_part = True
        return Call(self, symbols, [graph.shapes[value] for value in graph.outputs])

    def _call_symbolically(self) -> None:
        """Calls a chain's layers on a symbolic value, if nobody has."""
        if self._inputs is not None:
            return
        if self._declared_shape is None:
            raise RuntimeError(
                "the model has no symbolic values before it knows its input shape; pass "
                "input_shape= to it, or begin it with an Input"
            )
        x: Any = Symbol(self._declared_shape, None, batch=self._batch)
        self._inputs = (x,)
        for layer in self._layers:
            x = layer._called(x) if isinstance(layer, Symbolic) else layer(x)
        self._outputs = (x,)

    @property
    def inputs(self) -> list[Symbol]:
        """The symbolic values that the model begins with, for another Model(inputs, outputs)."""
        self._call_symbolically()
        assert self._inputs is not None
        return list(self._inputs)

    @property
    def outputs(self) -> list[Symbol]:
        """The symbolic values that it ends with."""
        self._call_symbolically()
        return list(self._outputs)

    @property
    def input(self) -> Any:
        """As `inputs`, but one by itself, and several as the model was made with them."""
        return self._ports_in.as_given(Several(self.inputs))

    @property
    def output(self) -> Any:
        """As `outputs`, but one by itself, and several as the model was made with them."""
        return self._ports_out.as_given(Several(self.outputs))

    @property
    def input_names(self) -> list[str]:
        """What a dict of arrays calls the inputs."""
        return list(self._ports_in.names)

    @property
    def output_names(self) -> list[str]:
        """What a dict of targets, and the logs, call the outputs."""
        return list(self._ports_out.names)

    def _features(self, x: Any, name: str = "x") -> Any:
        """Samples for the model, checked: an array, or several."""
        if self._takes_one and type(x) is not dict:
            if type(x) in (list, tuple):
                x = self._alone_in(x)
            return arrays.features(x, self._declared_shape, name)
        built = self._graph_built
        shapes = self._input_shapes or built.shapes

        def check(number: int, part: Any, called: str) -> Array:
            return arrays.features(part, shapes[number], called)

        return self._ports_in.checked(x, name, check)

    def _alone_in(self, x: Any) -> Any:
        """What a list, as of the arrays of several inputs, holds of one input."""
        shape = self._declared_shape
        if shape is None or len(x) != 1 or getattr(x[0], "ndim", None) != 1 + len(shape):
            return x
        return x[0]

    @property
    def input_shape(self) -> Any:
        """Shape of one sample, a list of them for several inputs; None before it is known."""
        if len(self._ports_in.names) > 1:
            return [shown_shape(shape) for shape in self._input_shapes]
        return shown_shape(self._declared_shape)

    @property
    def vocabularies(self) -> list[int]:
        """How many ids there are for each input whose samples are ids, not numbers; else 0."""
        if self._graph is not None:
            return self._graph.vocabularies
        if self._order is not None:
            return self._planned(None).vocabularies
        return [self._layers[0].vocabulary if self._layers else 0]

    @property
    def vocabulary(self) -> int:
        """The same of the first input."""
        return self.vocabularies[0]

    @property
    def masks_output(self) -> bool:
        """Whether a mask of time steps reaches the outputs, which then count where it is."""
        return self._graph_built.masks_output

    @property
    def dense_first(self) -> bool:
        """Whether a dense layer sums up samples' numbers as they come."""
        return self._first(lambda one: isinstance(one, Dense), ("flatten", "dropout"))

    @property
    def convolution_first(self) -> bool:
        """Whether a convolution sums up the pixels of images as they come."""
        return self._first(lambda one: "conv2d" in one._kind, _MOVES_PIXELS)

    def _first(self, sums: Callable[[Layer], bool], passes: tuple[str, ...]) -> bool:
        """Whether a layer sums up numbers that only layers of these kinds have passed on."""
        graph, passing = self._graph_built, {0}
        for value, (number, sources) in enumerate(graph.calls, len(graph.inputs)):
            layer = graph.layers[number]
            if passing.isdisjoint(sources):
                continue
            if sums(layer):
                return len(graph.inputs) == 1
            if layer._kind in passes:
                passing.add(value)
        return False

    @property
    def shape_is_told(self) -> bool:
        """Whether somebody said what shape samples have, instead of the data alone."""
        return self._declared_shape is not None or any(
            layer.input_shape is not None for layer in self._layers
        )

    @property
    def output_shape(self) -> Any:
        """Shape of one sample behind the last layer; a list of them for several outputs."""
        shapes = self.native.output_shapes
        if self._is_open:
            graph = self._planned(self._declared_shape)
            shapes = [shown_shape(graph.shapes[value]) for value in graph.outputs]
        return shapes[0] if len(shapes) == 1 else shapes


def _ports(given: Any, names: Sequence[str | None], fallback: str, title: str) -> Ports:
    """Inputs or outputs, named as the dict does that they were given in, or as themselves."""
    if isinstance(given, dict):
        return Ports(tuple(identifier(name, f"{title}s") for name in given), dict, title)
    distinct: list[str] = []
    own = [name for name in names if name is not None]
    for name in names:
        if name is not None and title == "input" and own.count(name) > 1:
            raise ValueError(f"two inputs are named {name!r}; names must be distinct")
        base = number = name or fallback
        for count in range(1, len(names) + 1):
            if number not in distinct and (number == name or number not in own):
                break
            number = f"{base}_{count}"
        distinct.append(number)
    kind = object if isinstance(given, Symbol) else type(given)
    return Ports(tuple(distinct), kind, title)

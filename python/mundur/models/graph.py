"""The graph of a model, as the core takes it: values, and the layers that are called on them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import _core
from ..layers.base import Layer, MaskFlow
from ..layers.container import Nested
from ..layers.input import Call, Symbol, shapes_behind
from ..layers.wrappers import TimeDistributed

__all__ = ["Graph", "mask_flow", "masked_axes", "warn_of_a_dropped_mask", "wired", "with_inner"]

Shape = tuple[int, ...]


class Graph:
    """Values by their numbers: first the inputs, then what each call makes.

    A chain is a graph in which each layer is called on what the one before has made. The layers of
    a model within are called as if they stood here, their names behind its name: "encoder/dense".

    Attributes
    ----------
    inputs : list of (str, shape)
    layers : list of Layer
        Each once, in the order of its first call.
    names : list of str
        Of the layers.
    calls : list of (int, tuple of int)
        Which layer, on which values.
    outputs : tuple of int
        Values.
    shapes : list of shape
        Of one sample of each value.
    batch : int or None
        The samples of every batch, where they are as many.
    """

    def __init__(self, inputs: Sequence[tuple[str, Shape]], batch: int | None = None) -> None:
        self.inputs = list(inputs)
        self.batch = batch
        self.layers: list[Layer] = []
        self.names: list[str] = []
        self.calls: list[tuple[int, tuple[int, ...]]] = []
        self.outputs: tuple[int, ...] = ()
        self.shapes: list[Shape] = [shape for _, shape in inputs]
        self._numbers: dict[int, int] = {}  # of the layers
        self._makers: list[int] = []  # of each value that a call makes, the call
        self._masks_output: bool | None = None  # unless it was asked for

    def add(self, layer: Any, sources: Sequence[int], within: str = "") -> tuple[int, ...]:
        """Calls a layer, or a model's layers, on values; the numbers of what that makes."""
        name = within + layer.name
        if not isinstance(layer, Layer):
            made: tuple[int, ...] = layer._wire(self, sources, name + "/")
            return made
        shapes = [self.shapes[source] for source in sources]
        if layer.composes:
            body = layer._composition(shapes)
            return wired(self, (body.inputs, body.order, [body.output]), sources, name + "/")
        number = self._numbers.get(id(layer))
        if number is None:
            number = self._numbers[id(layer)] = len(self.layers)
            self.layers.append(layer)
            self.names.append(name)
        layer._take_batch(self.batch)
        self._check_ids(layer, sources)
        first = len(self.shapes)
        self.shapes += self._shapes_behind(layer, sources, shapes)
        self._makers += [len(self.calls)] * (len(self.shapes) - first)
        self.calls.append((number, tuple(sources)))
        return tuple(range(first, len(self.shapes)))

    def call_of(self, value: int) -> tuple[int, tuple[int, ...]] | None:
        """The call that makes a value; None of an input."""
        at = value - len(self.inputs)
        return None if at < 0 else self.calls[self._makers[at]]

    def maker(self, value: int) -> Layer | None:
        """The layer that makes a value; None of an input."""
        call = self.call_of(value)
        return None if call is None else self.layers[call[0]]

    def name_of(self, value: int) -> str:
        """Of the input, or of the layer that makes the value."""
        call = self.call_of(value)
        return self.inputs[value][0] if call is None else self.names[call[0]]

    def number_of(self, layer: Layer) -> int | None:
        """The number of a layer, if it is one of these."""
        return self._numbers.get(id(layer))

    def first_shapes(self, number: int) -> list[Shape]:
        """Of one sample of what a layer was first called on."""
        sources = next(sources for layer, sources in self.calls if layer == number)
        return [self.shapes[source] for source in sources]

    def parameter_shapes(self, number: int) -> dict[str, Shape]:
        """Those of a layer's parameters, in order."""
        layer = self.layers[number]
        return layer.parameter_shapes(self._given(number))

    def state_shapes(self, number: int) -> dict[str, Shape]:
        """Those of what training changes, but no gradient, in order."""
        layer = self.layers[number]
        return layer.state_shapes(self._given(number))

    def _given(self, number: int) -> Any:
        """What a layer was first called on: the shape of a sample, or a list of them."""
        shapes = self.first_shapes(number)
        return shapes if self.layers[number]._merges else shapes[0]

    @property
    def masks_output(self) -> bool:
        """Whether a mask of time steps reaches an output."""
        if self._masks_output is None:
            masked = masked_axes(self)
            self._masks_output = any(masked[value] > 0 for value in self.outputs)
        return self._masks_output

    @property
    def vocabularies(self) -> list[int]:
        """How many ids there are for each input that only Embeddings read; else 0."""
        found = []
        for value in range(len(self.inputs)):
            readers = [self.layers[number] for number, sources in self.calls if value in sources]
            ids = [layer.vocabulary for layer in readers]
            is_read_whole = value in self.outputs or 0 in ids or not ids
            found.append(0 if is_read_whole else min(ids))
        return found

    def check_memory(self, dtype: str) -> None:
        """Raises where the numbers would not fit into memory."""
        parameters = sum(
            math.prod(shape)
            for number in range(len(self.layers))
            for shapes in (self.parameter_shapes(number), self.state_shapes(number))
            for shape in shapes.values()
        )
        widest = max(math.prod(shape) for shape in self.shapes)
        needed = (2 * parameters + widest) * np.dtype(dtype).itemsize
        # To ask takes longer than to build a small model.
        if needed > 2**24 and needed > _core.available_memory():
            raise MemoryError(
                f"the model needs {needed / 2**30:.3g} GiB for {parameters:,} parameters, their "
                f"gradients and one sample, more than the machine can spare"
            )

    def native(
        self, dtype: str, seed: int, compute_dtype: str, gpu: _core.Gpu | None
    ) -> _core.Network:
        """The core's network."""
        of_layers = (self.inputs, self.specs(), self.names, self.calls, self.outputs)
        return _core.Network(*of_layers, dtype, seed, compute_dtype, gpu)

    def specs(self) -> list[Any]:
        """The layers as the core takes them."""
        return [
            layer.describe_on(self.first_shapes(number)) for number, layer in enumerate(self.layers)
        ]

    def _check_ids(self, layer: Layer, sources: Sequence[int]) -> None:
        inner = list(with_inner([layer]))
        of_computed = layer.vocabulary and sources[0] >= len(self.inputs)
        if of_computed or any(one.vocabulary for one in inner[1:]):
            raise ValueError(
                "Embedding takes ids, so it must be the first layer, or be called on an Input"
            )

    def _shapes_behind(
        self, layer: Layer, sources: Sequence[int], shapes: list[Shape]
    ) -> list[Shape]:
        try:
            if not layer._merges:
                layer.state_shapes(shapes[0])
            return shapes_behind(layer, shapes)
        except ValueError:
            call = self.call_of(sources[0])
            if call is not None and not layer._merges and not self.layers[call[0]]._merges:
                given = self.shapes[call[1][0]]
                check_for_sequences(self.layers[call[0]], layer, given, shapes[0])
            raise


def wired(
    graph: Graph,
    body: tuple[Sequence[Symbol], Sequence[Call], Sequence[Symbol]],
    sources: Sequence[int],
    within: str,
) -> tuple[int, ...]:
    """Makes the calls that lead from inputs to outputs, in order; the numbers of what comes out."""
    inputs, order, outputs = body
    known = {id(x): value for x, value in zip(inputs, sources, strict=True)}
    for call in order:
        made = graph.add(call.layer, [known[id(x)] for x in call.inputs], within)
        known |= {id(x): value for x, value in zip(call.outputs, made, strict=True)}
    return tuple(known[id(x)] for x in outputs)


# ---- sequences and masks -------------------------------------------------------------------------


def with_inner(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Them, and the layers within them."""
    for layer in layers:
        yield layer
        if isinstance(layer, Nested):
            yield from with_inner(layer.inner)
        yield from with_inner([one for one in layer._within() if isinstance(one, Layer)])


def check_for_sequences(
    before: Layer, layer: Layer, given: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    """Raises where the layer wants the sequence whose last step alone is what it gets."""
    if all(getattr(part, "return_sequences", True) for part in with_inner([before])):
        return
    sequence = (given[0], *shape)
    try:
        layer.parameter_shapes(sequence), layer.compute_output_shape(sequence)
    except ValueError:
        return
    raise ValueError(
        f"{layer.name} wants a sequence, and {before.name} gives the last step of its own alone: "
        f"samples of shape {shape} instead of {sequence}; set return_sequences=True in "
        f"{before.name}"
    ) from None


def mask_flow(layer: Layer, axes: int) -> MaskFlow:
    """What becomes of a mask over so many axes: the batch, its steps, and steps within them."""
    if not isinstance(layer, TimeDistributed) or axes < 3:
        return layer.mask_flow
    flow = mask_flow(layer.layer, axes - 1)
    return "passes" if flow == "makes" else flow


def masked_axes(graph: Graph) -> list[int]:
    """Over how many axes, the batch's too, a mask comes to each value; 0: none does."""
    masked = [0] * len(graph.inputs)
    for number, sources in graph.calls:
        layer = graph.layers[number]
        # What goes beside a sequence is a state. What of several has no mask has all steps.
        comes = {masked[source] for source in (sources if layer._merges else sources[:1])}
        axes = comes.pop() if len(comes) == 1 else 0
        shape = graph.shapes[len(masked)]
        masked.append({"makes": len(shape), "passes": axes}.get(mask_flow(layer, axes), 0))
        masked += [0] * (layer._makes - 1)
    return masked


def warn_of_a_dropped_mask(graph: Graph) -> None:
    """Of a mask of time steps that is lost."""
    masked = masked_axes(graph)
    for number, sources in graph.calls:
        layer, axes = graph.layers[number], max(masked[source] for source in sources)
        if axes and mask_flow(layer, axes) == "drops":
            warnings.warn(
                f"{layer.name} ({type(layer).__name__}) drops the mask of time steps: it takes "
                "padding for data, and layers behind it see no mask; without Masking or "
                "mask_zero=True in front of it this warning goes",
                UserWarning,
                stacklevel=2,
            )

"""A layer by itself: layer(array) is the output of a model that has nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..data import arrays
from ..layers.input import Symbol, again, as_called
from .model import Model

__all__ = ["output_of"]


def output_of(layer: Any, x: Any, training: bool, states: Sequence[Any] = ()) -> Any:
    """The output for samples; the layer's numbers are made with the first of them.

    `states` are those that a recurrent layer begins with.
    """
    many = layer._merges and isinstance(x, (list, tuple))
    given = [arrays.real_array(part, f"x[{i}]") for i, part in enumerate(x)] if many else [x]
    if not many:
        given = [arrays.features(x, None)]
    given += [arrays.real_array(one, f"initial_state[{i}]") for i, one in enumerate(states)]
    shapes = [part.shape[1:] for part in given]
    model = layer._alone
    if model is None or [symbol.sample for symbol in model.inputs] != shapes:
        model = layer._alone = _model_of(layer, shapes, len(given[0]))
    return model.forward(given if len(model.inputs) > 1 or many else given[0], training)


def _model_of(layer: Any, shapes: list[tuple[int, ...]], batch: int) -> Model:
    inputs = [Symbol(shape, None, batch=batch) for shape in shapes]
    output = as_called(again(layer, inputs))
    layer._calls.pop()  # nobody else's
    owner = layer.owner
    dtype = getattr(owner, "dtype", None) or layer._asked_dtype or "float32"
    model = Model(inputs, output, dtype=dtype)
    model._is_alone = True
    return model

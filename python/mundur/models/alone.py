"""A layer by itself: layer(array) is the output of a model that has nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.checks import extents
from ..data import arrays
from ..layers.input import Symbol, again, as_called
from .model import Model

__all__ = ["build_alone", "output_of"]


def output_of(layer: Any, x: Any, training: bool, states: Sequence[Any] = ()) -> Any:
    """The output for samples; the layer's numbers are made with the first of them.

    `states` are those that a recurrent layer begins with.
    """
    many = isinstance(x, (list, tuple)) and (layer.is_written or layer._merges)
    if layer.is_written:  # which takes arrays in a list as several; other lists are data
        many = many and all(isinstance(part, np.ndarray) and part.ndim for part in x)
        vars(layer)["_merges"] = many
    given = [arrays.real_array(part, f"x[{i}]") for i, part in enumerate(x)] if many else [x]
    if not many:
        given = [arrays.features(x, None)]
    given += [arrays.real_array(one, f"initial_state[{i}]") for i, one in enumerate(states)]
    shapes = [part.shape[1:] for part in given]
    model = _alone(layer, shapes, len(given[0]))
    return model.forward(given if len(model.inputs) > 1 or many else given[0], training)


def build_alone(layer: Any, input_shape: Any) -> None:
    """Makes the layer's numbers, for inputs of a shape that begins with the batch's None."""
    listed = list(input_shape) if layer._merges else [input_shape]
    _alone(layer, [extents(shape[1:], "input_shape") for shape in listed], 1)


def _alone(layer: Any, shapes: list[tuple[int, ...]], batch: int) -> Model:
    model = layer._alone
    if model is None or [symbol.sample for symbol in model.inputs] != shapes:
        model = layer._alone = _model_of(layer, shapes, batch)
    made: Model = model
    return made


def _model_of(layer: Any, shapes: list[tuple[int, ...]], batch: int) -> Model:
    inputs = [Symbol(shape, None, batch=batch) for shape in shapes]
    output = as_called(again(layer, inputs))
    layer._calls.pop()  # nobody else's
    owner = layer.owner
    dtype = getattr(owner, "dtype", None) or layer._asked_dtype or "float32"
    model = Model(inputs, output, dtype=dtype)
    model._is_alone = True
    return model

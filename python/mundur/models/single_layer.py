"""A layer by itself: layer(array) is the output of a model that has nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.checks import extents
from ..data import arrays
from ..layers.input import Symbol, again, as_called
from ..layers.masking import Masking
from .model import Model

__all__ = ["build_alone", "output_of"]


# What stands in steps that are not there; an input of it in all features counts as none.
_ABSENT = -(2.0**127)


def output_of(
    layer: Any, x: Any, training: bool, states: Sequence[Any] = (), mask: Any = None
) -> Any:
    """The output for samples; the layer's numbers are made with the first of them.

    `states` are those that a recurrent layer begins with, `mask` says which steps are there.
    """
    many = isinstance(x, (list, tuple)) and (layer.is_written or layer._merges)
    if layer.is_written:  # which takes arrays in a list as several; other lists are data
        many = many and all(isinstance(part, np.ndarray) and part.ndim for part in x)
        vars(layer)["_merges"] = many
    given = [arrays.real_array(part, f"x[{i}]") for i, part in enumerate(x)] if many else [x]
    if not many:
        given = [arrays.features(x, None)]
    if mask is not None:
        given[0] = _without(given[0], mask)
    given += [arrays.real_array(one, f"initial_state[{i}]") for i, one in enumerate(states)]
    shapes = [part.shape[1:] for part in given]
    model = _alone(layer, shapes, len(given[0]), mask is not None)
    return model.forward(given if len(model.inputs) > 1 or many else given[0], training)


def _without(x: Any, mask: Any) -> Any:
    """A copy of sequences, without the steps that a mask leaves out."""
    there = np.asarray(mask)
    if there.dtype != np.bool_ or there.shape != x.shape[:2]:
        raise ValueError(
            f"mask must be an array of bool of shape {x.shape[:2]}, True where a step is there; "
            f"got {there.dtype} of shape {there.shape}"
        )
    return np.where(there[..., None], x, _ABSENT)


def build_alone(layer: Any, input_shape: Any) -> None:
    """Makes the layer's numbers, for inputs of a shape that begins with the batch's None."""
    listed = list(input_shape) if layer._merges else [input_shape]
    _alone(layer, [extents(shape[1:], "input_shape") for shape in listed], 1)


def _alone(layer: Any, shapes: list[tuple[int, ...]], batch: int, masks: bool = False) -> Model:
    model = layer._alone
    there = model is not None and [symbol.sample for symbol in model.inputs] == shapes
    if not there or (len(model.layers) > 1) != masks:
        model = layer._alone = _model_of(layer, shapes, batch, masks)
    made: Model = model
    return made


def _model_of(layer: Any, shapes: list[tuple[int, ...]], batch: int, masks: bool) -> Model:
    inputs = [Symbol(shape, None, batch=batch) for shape in shapes]
    first = Masking(_ABSENT)(inputs[0]) if masks else inputs[0]
    output = as_called(again(layer, [first, *inputs[1:]]))
    layer._calls.pop()  # nobody else's
    owner = layer.owner
    dtype = getattr(owner, "dtype", None) or layer._asked_dtype or "float32"
    model = Model(inputs, output, dtype=dtype)
    model._is_alone = True
    return model

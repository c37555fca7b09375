"""Targets against a loss and the shape of a model's output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .arrays import check_finite, real_array
from .validation import integer, number

if TYPE_CHECKING:
    from .losses import Loss

__all__ = ["check_head", "check_probabilities", "class_weights", "sample_targets"]

Array = npt.NDArray[Any]

SPARSE = "sparse_categorical_crossentropy"
CATEGORICAL = "categorical_crossentropy"
BINARY = "binary_crossentropy"


def check_head(loss: Loss, head: str, output_shape: tuple[int, ...]) -> None:
    """Raises a ValueError, naming the mend, where a loss does not suit the model's last layer.

    `head` is the activation behind the last layer, `output_shape` the shape of one sample there.
    """
    kind, units = loss.kind, output_shape[-1]
    if kind == "mean_squared_error":
        return
    if kind in (CATEGORICAL, SPARSE) and len(output_shape) > 1:
        raise ValueError(
            f"{_title(loss)} needs one row of classes per sample; the model gives {output_shape}. "
            "A Flatten layer brings a sample into one row"
        )
    if kind in (CATEGORICAL, SPARSE) and units < 2:
        raise ValueError(
            f"{_title(loss)} needs one output per class, at least 2; the model has {units}. For "
            'two classes with one output use BinaryCrossentropy and activation="sigmoid"'
        )
    fitting = "sigmoid" if kind == BINARY else "softmax"
    if loss.from_logits:
        if head in ("sigmoid", "softmax"):
            raise ValueError(
                f"{_title(loss)} expects logits, but the model ends in {head}; drop that "
                "activation or set from_logits=False"
            )
    elif head == "softmax" and kind == BINARY and units <= 2:
        raise ValueError(
            f"BinaryCrossentropy does not suit a softmax of {units} outputs; use "
            "SparseCategoricalCrossentropy (labels) or CategoricalCrossentropy (one-hot), or one "
            'output with activation="sigmoid"'
        )
    elif head != fitting and not (head == "softmax" and kind == BINARY):
        raise ValueError(
            f"{_title(loss)} expects probabilities, but the model ends in {head}; set "
            f'from_logits=True in the loss or activation="{fitting}" in the last layer'
        )


def _title(loss: Loss) -> str:
    return type(loss).__name__


def sample_targets(
    value: Any, loss: Loss, shape: tuple[int, ...], name: str = "y", against: str = "x"
) -> Array:
    """Targets for outputs of `shape` (samples, ..., outputs), with their values checked.

    int32 labels for the sparse loss, else an array of that shape. Errors call the outputs' side
    `against`.
    """
    y = real_array(value, name)
    if y.ndim == 0:
        raise ValueError(f"{name} must be an array with one row per sample; got a single number")
    if y.shape[0] != shape[0]:
        raise ValueError(
            f"{against} and {name} must have the same number of samples; {against} has {shape[0]}, "
            f"{name} has {y.shape[0]}"
        )
    if loss.kind == SPARSE:
        return _labels(y, shape, name)
    y = _dense(y, loss, shape, name)
    check_finite(y, name)
    if loss.kind in (BINARY, CATEGORICAL):
        _check_unit_interval(y, loss, name)
    return y


def _dense(y: Array, loss: Loss, shape: tuple[int, ...], name: str) -> Array:
    if y.shape == shape:
        return y
    if shape[-1] == 1 and y.shape == shape[:-1]:
        return y[..., None]
    hint = ""
    flat = y.shape in (shape[:-1], (*shape[:-1], 1))
    if flat and y.dtype.kind == "f" and loss.kind != CATEGORICAL:
        hint = f"; the model gives {shape[-1]} numbers per sample, {name} holds one"
    elif flat:
        hint = f"; integer labels become one-hot with to_categorical({name}, {shape[-1]})"
        if loss.kind == CATEGORICAL:
            hint += ", or use SparseCategoricalCrossentropy"
    raise ValueError(f"{name} must have shape {shape} for {_title(loss)}; got {y.shape}{hint}")


def _labels(y: Array, shape: tuple[int, ...], name: str) -> Array:
    classes = shape[-1]
    if y.shape == shape and classes > 1:
        raise ValueError(
            f"{name} must hold one integer label per sample for SparseCategoricalCrossentropy; got "
            f"shape {y.shape}, which looks one-hot: use CategoricalCrossentropy, or "
            f"{name}.argmax(axis=-1)"
        )
    if y.shape == (*shape[:-1], 1):
        y = y[..., 0]
    if y.shape != shape[:-1]:
        raise ValueError(f"{name} must hold labels of shape {shape[:-1]}; got {y.shape}")
    if y.dtype.kind == "f":
        bad = y != np.floor(y)  # NaN too
        if bad.any():
            raise ValueError(
                f"{name} must hold whole class numbers; got {_at_first(y, bad)} (counted from 0)"
            )
    if y.size and not (y.min() >= 0 and y.max() < classes):
        bad = (y < 0) | (y >= classes)
        raise ValueError(
            f"{name} must hold labels in [0, {classes}), one per output; got {_at_first(y, bad)}"
        )
    return np.ascontiguousarray(y, np.int32)


def _check_unit_interval(y: Array, loss: Loss, name: str) -> None:
    if y.size and not (y.min() >= 0 and y.max() <= 1):
        bad = (y < 0) | (y > 1)
        raise ValueError(f"{name} must lie in [0, 1] for {_title(loss)}; got {_at_first(y, bad)}")


def check_probabilities(p: Array, kind: str, name: str = "y_pred") -> None:
    """Raises where a prediction is no probability; rounding may go a little beyond, NaN is one."""
    slack = 1e-6
    if p.min() < -slack or p.max() > 1 + slack:
        fitting = "sigmoid" if kind == BINARY else "softmax"
        raise ValueError(
            f"{name} must lie in [0, 1]; got {_at_first(p, (p < -slack) | (p > 1 + slack))}; set "
            f'from_logits=True in the loss or end the model in activation="{fitting}"'
        )


def _at_first(y: Array, bad: npt.NDArray[np.bool_]) -> str:
    place = np.unravel_index(int(bad.argmax()), y.shape)
    return f"{y[place]} at sample {int(place[0])}"


def class_weights(
    value: Mapping[int, float], y: Array, loss: Loss, outputs: int, name: str = "class_weight"
) -> npt.NDArray[np.float64]:
    """The weight of each sample's class; classes that the mapping leaves out weigh 1."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict of class: weight; got {type(value).__name__}")
    binary = loss.kind == BINARY and outputs == 1
    if not binary and loss.kind not in (SPARSE, CATEGORICAL):
        raise ValueError(
            f"{name} needs a loss over exclusive classes; got {_title(loss)} with {outputs} outputs"
        )
    classes = 2 if binary else outputs
    table: npt.NDArray[np.float64] = np.ones(classes)
    for key, weight in value.items():
        label = integer(key, f"a class of {name}", -(2**62))
        if not 0 <= label < classes:
            raise ValueError(f"{name} names class {label}; the classes are 0 to {classes - 1}")
        table[label] = number(weight, f"{name}[{label}]", at_least=0)
    if loss.kind == CATEGORICAL:
        return table[np.asarray(y.argmax(axis=-1), np.int64)]
    labels = np.rint(y.reshape(len(y), math.prod(y.shape[1:]))[:, 0]) if binary else y
    return table[np.asarray(labels, np.int64)]

"""Targets as arrays: of which shape, and with which values; what is asked of them a loss knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .._support.checks import WrongType, integer, number
from .arrays import real_array

__all__ = [
    "Suitable",
    "class_weights",
    "in_unit_interval",
    "label_targets",
    "like_outputs",
    "metric_targets",
    "not_negative",
    "refuse",
    "sample_targets",
    "seen",
    "signs",
    "targets_of",
    "with_last",
]

Array = npt.NDArray[Any]


class Suitable(Protocol):
    """What a loss says of heads, targets and classes; see `mundur.losses.base.Loss`."""

    def _check_head(self, head: str, output_shape: tuple[int, ...]) -> None:
        """Raises where it does not suit a model's last layer."""

    def _compared(self, axes: int) -> int:
        """Which of so many axes it compares along."""

    def _suited(self, y: Array, shape: tuple[int, ...], name: str) -> Array:
        """The targets as it wants them, checked."""

    def _classes(self, y: Array, outputs: int) -> tuple[int, Array] | None:
        """How many classes there are and that of each sample; None where there are none."""


def targets_of(value: Any, samples: int, name: str = "y", against: str = "x") -> Array:
    """Real numbers, as many rows as there are samples."""
    y = real_array(value, name, "classes, y = np.unique(y, return_inverse=True) numbers labels")
    if y.ndim == 0:
        raise ValueError(f"{name} must be an array with one row per sample; got a single number")
    if y.shape[0] != samples:
        raise ValueError(
            f"{against} and {name} must have the same number of samples; {against} has {samples}, "
            f"{name} has {y.shape[0]}"
        )
    return y


def sample_targets(
    value: Any, loss: Suitable, shape: tuple[int, ...], name: str = "y", against: str = "x"
) -> Array:
    """Targets for outputs of `shape` (samples, ..., outputs), as the loss wants them.

    Errors call the outputs' side `against`.
    """
    y = targets_of(value, shape[0], name, against)
    at, are_dense = loss._compared(len(shape)), y.ndim == len(shape)
    if at == len(shape) - 1:
        return loss._suited(y, shape, name)
    y = loss._suited(np.moveaxis(y, at, -1) if are_dense else y, with_last(shape, at), name)
    return np.moveaxis(y, -1, at) if are_dense else y


def with_last(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """A shape whose axis has come behind the others."""
    return (*shape[:axis], *shape[axis + 1 :], shape[axis])


def seen(loss: Suitable, y: Array, shape: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
    """Targets for outputs of a shape, and the shape, as a loss sees them: its axis the last."""
    at = loss._compared(len(shape))
    if at == len(shape) - 1:
        return y, shape
    if y.ndim == len(shape):
        y = np.ascontiguousarray(np.moveaxis(y, at, -1))
    return y, with_last(shape, at)


def metric_targets(y: Array, shape: tuple[int, ...], sparse: bool) -> Array:
    """Targets as metrics need them beside a loss written in Python: labels, or like outputs."""
    if sparse:
        return label_targets(y, shape, "y")
    if y.shape == shape or (shape[-1] == 1 and y.shape == shape[:-1]):
        return y.reshape(shape)
    raise ValueError(
        f"metrics compare targets with outputs of shape {shape}; y has {y.shape}. Leave the "
        "metrics out, or compute them in a callback"
    )


def like_outputs(y: Array, shape: tuple[int, ...], name: str, title: str, hint: str) -> Array:
    """Targets of the outputs' shape; (n,) equals (n, 1). `hint` says what else flat ones may be."""
    if y.shape == shape:
        return y
    if shape[-1] == 1 and y.shape == shape[:-1]:
        return y[..., None]
    flat = y.shape in (shape[:-1], (*shape[:-1], 1))
    raise ValueError(
        f"{name} must have shape {shape} for {title}; got {y.shape}"
        + (hint if flat else _of_places(y, shape))
    )


def _of_places(y: Array, shape: tuple[int, ...]) -> str:
    """What mends a model that has outputs at each place of a sample, where one row was meant."""
    if len(shape) < 3 or y.ndim > 2 or len(y) != shape[0]:
        return ""
    where = "step" if len(shape) == 3 else "pixel" if len(shape) == 4 else "place"
    return (
        f"; the model has outputs {shape[1:]} of each sample, one row per {where}: Flatten or a "
        "global pooling in front of its last layer leaves one per sample"
    )


def label_targets(y: Array, shape: tuple[int, ...], name: str, ignored: int | None = None) -> Array:
    """Labels, one for each row of outputs, as the core reads them; -1 for those to be ignored."""
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
        hint = _of_places(y, shape)
        raise ValueError(f"{name} must hold labels of shape {shape[:-1]}; got {y.shape}{hint}")
    if y.dtype.kind == "f":
        bad = y != np.floor(y)  # NaN too
        if bad.any():
            raise ValueError(
                f"{name} must hold whole class numbers; got {_at_first(y, bad)} (counted from 0)"
            )
    if ignored is not None:
        y = np.where(y == ignored, -1, y)
    least = 0 if ignored is None else -1
    if y.size and not (y.min() >= least and y.max() < classes):
        bad = (y < least) | (y >= classes)
        raise ValueError(
            f"{name} must hold labels in [0, {classes}), one per output; got {_at_first(y, bad)}"
        )
    return np.ascontiguousarray(y, np.int32)


def in_unit_interval(y: Array, name: str, title: str) -> None:
    """Raises for a value outside of [0, 1]."""
    if y.size and not (y.min() >= 0 and y.max() <= 1):
        refuse(y, (y < 0) | (y > 1), f"{name} must lie in [0, 1] for {title}")


def signs(y: Array, name: str, title: str) -> None:
    """Raises for what is neither of two signs, or mixes two ways of writing them."""
    wanted = f"{name} must hold -1 and 1, or 0 and 1, for {title}"
    refuse(y, (y != -1) & (y != 0) & (y != 1), wanted)
    if y.size and y.min() < 0:
        refuse(y, y == 0, f"{wanted}, not all three")


def not_negative(y: Array, name: str, title: str, mend: str = "") -> None:
    """Raises for a negative value."""
    refuse(y, y < 0, f"{name} must not be negative for {title}", mend)


def refuse(y: Array, bad: npt.NDArray[np.bool_], wanted: str, mend: str = "") -> None:
    """Raises where anything is bad, with the first of it."""
    if bad.any():
        raise ValueError(f"{wanted}; got {_at_first(y, bad)}{mend}")


def _at_first(y: Array, bad: npt.NDArray[np.bool_]) -> str:
    place = np.unravel_index(int(bad.argmax()), y.shape)
    return f"{y[place]} at sample {int(place[0])}"


def class_weights(
    value: Any, y: Array, loss: Suitable, outputs: int, name: str = "class_weight"
) -> npt.NDArray[np.float64]:
    """The weight of each sample's class; classes that the mapping leaves out weigh 1."""
    if not isinstance(value, Mapping):
        hint = f"got {type(value).__name__}"
        if isinstance(value, str) and value == "balanced":
            hint = (
                'for "balanced" take those of sklearn.utils.class_weight.compute_class_weight: '
                "dict(enumerate(compute_class_weight('balanced', classes=np.unique(y), y=y)))"
            )
        raise WrongType(f"{name} must be a dict of class: weight; {hint}")
    found = loss._classes(y, outputs)
    if found is None:
        raise ValueError(
            f"{name} needs a loss over exclusive classes; got {type(loss).__name__} with {outputs} "
            "outputs"
        )
    classes, labels = found
    table: npt.NDArray[np.float64] = np.ones(classes)
    for key, weight in value.items():
        label = integer(key, f"a class of {name}", -(2**62))
        if not 0 <= label < classes:
            raise ValueError(f"{name} names class {label}; the classes are 0 to {classes - 1}")
        table[label] = number(weight, f"{name}[{label}]", at_least=0)
    if labels.ndim > 1:
        raise ValueError(
            f"{name} needs one class per sample; y has {math.prod(labels.shape[1:])} (its shape is "
            f"{labels.shape}). Give sample_weight instead"
        )
    return table[np.asarray(labels, np.int64)]

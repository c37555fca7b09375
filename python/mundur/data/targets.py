"""Targets against a loss and the shape of a model's output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.checks import integer, number
from .arrays import check_finite, real_array

if TYPE_CHECKING:
    from ..losses.base import Loss

__all__ = [
    "check_head",
    "check_predictions",
    "class_weights",
    "metric_targets",
    "sample_targets",
]

Array = npt.NDArray[Any]

SPARSE = "sparse_categorical_crossentropy"
CATEGORICAL = "categorical_crossentropy"
BINARY = "binary_crossentropy"
BINARIES = (BINARY, "binary_focal_crossentropy")
CATEGORICALS = (CATEGORICAL, "categorical_focal_crossentropy")
KL = "kl_divergence"
HINGES = ("hinge", "squared_hinge")
# One class excludes the others.
EXCLUSIVE = (SPARSE, *CATEGORICALS, KL)
# Activations with values on both sides of 0, and those without.
_SIGNED = {
    *("linear", "tanh", "hard_tanh", "softsign", "tanh_shrink", "soft_shrink", "hard_shrink"),
    *("elu", "selu", "celu", "gelu", "silu", "swish", "mish", "hard_silu", "hard_swish"),
    *("leaky_relu", "log_sigmoid", "log_softmax"),
}
_UNSIGNED = {
    *("relu", "relu6", "sigmoid", "hard_sigmoid", "softmax", "sparsemax", "softplus"),
    *("exponential", "sparse_plus", "squareplus"),
}


def check_head(loss: Loss, head: str, output_shape: tuple[int, ...]) -> None:
    """Raises a ValueError, naming the mend, where a loss does not suit the model's last layer.

    `head` is the activation behind the last layer, `output_shape` the shape of one sample there.
    """
    kind, units = loss.kind, output_shape[-1]
    if kind in HINGES and head in _UNSIGNED:
        raise ValueError(
            f"{_title(loss)} expects scores on both sides of 0, but the model ends in {head}; drop "
            "that activation"
        )
    if kind == "poisson" and head in _SIGNED:
        raise ValueError(
            f"Poisson expects predictions that are not negative, but the model ends in {head}; set "
            'an activation such as "relu" in the last layer'
        )
    if kind == KL:
        _check_distribution(head, output_shape)
    if kind not in (*BINARIES, *CATEGORICALS, SPARSE):
        return
    if kind in (*CATEGORICALS, SPARSE) and units < 2:
        raise ValueError(
            f"{_title(loss)} needs one output per class, at least 2; the model has {units}. For "
            'two classes with one output use BinaryCrossentropy and activation="sigmoid"'
        )
    fitting = "sigmoid" if kind in BINARIES else "softmax"
    if loss.from_logits:
        if head in ("sigmoid", "softmax"):
            raise ValueError(
                f"{_title(loss)} expects logits, but the model ends in {head}; drop that "
                "activation or set from_logits=False"
            )
    elif head == "softmax" and kind in BINARIES and units <= 2:
        raise ValueError(
            f"{_title(loss)} does not suit a softmax of {units} outputs; use "
            "SparseCategoricalCrossentropy (labels) or CategoricalCrossentropy (one-hot), or one "
            'output with activation="sigmoid"'
        )
    elif head not in (
        fitting,
        "custom",
        *(("softmax", "hard_sigmoid") if kind in BINARIES else ()),
    ):
        raise ValueError(
            f"{_title(loss)} expects probabilities, but the model ends in {head}; set "
            f'from_logits=True in the loss or activation="{fitting}" in the last layer'
        )


def _check_distribution(head: str, output_shape: tuple[int, ...]) -> None:
    if output_shape[-1] < 2:
        raise ValueError(
            "KLDivergence needs one output per class, at least 2; the model has "
            f"{output_shape[-1]}. For two classes with one output use BinaryCrossentropy"
        )
    if head not in ("softmax", "sigmoid"):
        raise ValueError(
            f"KLDivergence expects probabilities, but the model ends in {head}; set "
            'activation="softmax" in the last layer, or use '
            "CategoricalCrossentropy(from_logits=True), which has the same gradient"
        )


def _title(loss: Loss) -> str:
    return type(loss).__name__


def sample_targets(
    value: Any, loss: Loss, shape: tuple[int, ...], name: str = "y", against: str = "x"
) -> Array:
    """Targets for outputs of `shape` (samples, ..., outputs), with their values checked.

    int32 labels for the sparse loss, else an array of that shape; a loss written in Python knows
    itself what it wants. Errors call the outputs' side `against`.
    """
    y = real_array(value, name)
    if y.ndim == 0:
        raise ValueError(f"{name} must be an array with one row per sample; got a single number")
    if y.shape[0] != shape[0]:
        raise ValueError(
            f"{against} and {name} must have the same number of samples; {against} has {shape[0]}, "
            f"{name} has {y.shape[0]}"
        )
    if loss.kind == "python":
        return y
    if loss.kind == SPARSE:
        return _labels(y, shape, name)
    y = _dense(y, loss, shape, name)
    check_finite(y, name)
    if loss.kind in (*BINARIES, *CATEGORICALS, KL):
        _check_unit_interval(y, loss, name)
    elif loss.kind in HINGES:
        _check_signs(y, loss, name)
    elif loss.kind in ("poisson", "mean_squared_logarithmic_error"):
        _refuse(y, y < 0, f"{name} must not be negative for {_title(loss)}")
    return y


def metric_targets(y: Array, shape: tuple[int, ...], sparse: bool) -> Array:
    """Targets as metrics need them beside a loss written in Python: labels, or like outputs."""
    if sparse:
        return _labels(y, shape, "y")
    if y.shape == shape or (shape[-1] == 1 and y.shape == shape[:-1]):
        return y.reshape(shape)
    raise ValueError(
        f"metrics compare targets with outputs of shape {shape}; y has {y.shape}. Leave the "
        "metrics out, or compute them in a callback"
    )


def _dense(y: Array, loss: Loss, shape: tuple[int, ...], name: str) -> Array:
    if y.shape == shape:
        return y
    if shape[-1] == 1 and y.shape == shape[:-1]:
        return y[..., None]
    hint = ""
    flat = y.shape in (shape[:-1], (*shape[:-1], 1))
    if flat and y.dtype.kind == "f" and loss.kind not in EXCLUSIVE:
        hint = f"; the model gives {shape[-1]} numbers per sample, {name} holds one"
    elif flat:
        hint = f"; integer labels become one-hot with to_categorical({name}, {shape[-1]})"
        if loss.kind in CATEGORICALS:
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


def _check_signs(y: Array, loss: Loss, name: str) -> None:
    wanted = f"{name} must hold -1 and 1, or 0 and 1, for {_title(loss)}"
    _refuse(y, (y != -1) & (y != 0) & (y != 1), wanted)
    if y.size and y.min() < 0:
        _refuse(y, y == 0, f"{wanted}, not all three")


def _refuse(y: Array, bad: npt.NDArray[np.bool_], wanted: str, mend: str = "") -> None:
    if bad.any():
        raise ValueError(f"{wanted}; got {_at_first(y, bad)}{mend}")


def check_predictions(p: Array, loss: Loss, name: str = "y_pred") -> None:
    """Raises where a loss from probabilities, or for counts, was given something else.

    Rounding may go a little beyond; NaN may be anything.
    """
    slack = 1e-6
    if loss.kind == "poisson":
        mend = '; end the model in an activation such as "relu"'
        _refuse(p, p < 0, f"{name} must not be negative for Poisson", mend)
    if loss.from_logits or loss.kind not in (*BINARIES, *EXCLUSIVE):
        return
    if p.min() < -slack or p.max() > 1 + slack:
        fitting = "sigmoid" if loss.kind in BINARIES else "softmax"
        mend = "" if loss.kind == KL else "set from_logits=True in the loss or "
        raise ValueError(
            f"{name} must lie in [0, 1]; got {_at_first(p, (p < -slack) | (p > 1 + slack))}; "
            f'{mend}end the model in activation="{fitting}"'
        )


def _at_first(y: Array, bad: npt.NDArray[np.bool_]) -> str:
    place = np.unravel_index(int(bad.argmax()), y.shape)
    return f"{y[place]} at sample {int(place[0])}"


def class_weights(
    value: Any, y: Array, loss: Loss, outputs: int, name: str = "class_weight"
) -> npt.NDArray[np.float64]:
    """The weight of each sample's class; classes that the mapping leaves out weigh 1."""
    if not isinstance(value, Mapping):
        hint = f"got {type(value).__name__}"
        if isinstance(value, str) and value == "balanced":
            hint = (
                'for "balanced" take those of sklearn.utils.class_weight.compute_class_weight: '
                "dict(enumerate(compute_class_weight('balanced', classes=np.unique(y), y=y)))"
            )
        raise TypeError(f"{name} must be a dict of class: weight; {hint}")
    binary = loss.kind in BINARIES and outputs == 1
    if not binary and loss.kind not in (SPARSE, *CATEGORICALS):
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
    if loss.kind in CATEGORICALS:
        y = y.argmax(axis=-1)
    if y.ndim > 1 and not binary:
        raise ValueError(
            f"{name} needs one class per sample; y has {math.prod(y.shape[1:])} (its shape is "
            f"{y.shape}). Give sample_weight instead"
        )
    labels = np.rint(y.reshape(len(y), math.prod(y.shape[1:]))[:, 0]) if binary else y
    return table[np.asarray(labels, np.int64)]

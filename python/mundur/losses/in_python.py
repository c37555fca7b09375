"""Losses written in Python inside `fit`: what the core asks for a batch, and their answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.derivatives import Trial, first_difference
from ..data.targets import metric_targets
from .base import KnownLoss, Loss, NativeLoss, is_native

if TYPE_CHECKING:
    from ..data.dataset import Dataset

Array = npt.NDArray[Any]


def check_compiled(loss: Loss) -> None:
    """Raises where training could not make a loss small."""
    if isinstance(loss, NativeLoss) and type(loss).call is not Loss.call:
        raise TypeError(
            f"{type(loss).__name__}.call would be ignored, for the core computes what it derives "
            "from: derive from md.Loss, and write gradient, too"
        )
    if not isinstance(loss, NativeLoss) and loss._is_called() and loss._derivative is None:
        raise TypeError(
            f"{type(loss).__name__} writes call, and no gradient(y_true, y_pred), by which each "
            "sample's loss changes with its predictions: training needs both"
        )
    if getattr(loss, "reduction", "sum") is None:
        raise ValueError(
            f"compile needs a loss that is one number; {loss!r} gives one per sample: leave out "
            'reduction, or set it to "sum"'
        )


_SPARSE = "sparse_categorical_accuracy"  # the form of accuracy that takes labels


def native_loss(
    loss: Loss,
    at_hand: Callable[[], Dataset],
    output_shape: Callable[[], tuple[int, ...]],
    forms: list[str],
) -> _core.Loss:
    """What the core calls in a pass over the checked data at hand, beside accuracies of forms."""
    if is_native(loss):
        assert isinstance(loss, NativeLoss)
        return loss._native
    ask = _Batches(loss, at_hand, output_shape)
    known = loss._formula() if isinstance(loss, KnownLoss) else None
    terms = None if known is None else ask.terms
    return _core.PythonLoss(
        ask, bool(loss.from_logits), _SPARSE in forms, bool(forms), known, terms
    )


def core_targets(loss: Loss, y: Array, shape: tuple[int, ...], forms: list[str]) -> Array:
    """The targets that the core reads, for outputs of this shape."""
    if is_native(loss) or not forms:
        return y
    if len(shape) > 2:
        raise ValueError(
            f"accuracies beside a loss written in Python need one row of outputs per sample; the "
            f"model gives {shape[1:]}"
        )
    return metric_targets(y, shape, _SPARSE in forms)


def core_weights(
    loss: Loss, weights: npt.NDArray[np.float64] | None
) -> npt.NDArray[np.float64] | None:
    """The weights that the core reads; of one that it does not compute, a sample's are a mean."""
    if weights is None or weights.ndim == 1 or is_native(loss):
        return weights
    return np.ascontiguousarray(weights.reshape(len(weights), -1).mean(axis=1))


class _Batches:
    """Asks a loss about one batch after another."""

    def __init__(
        self,
        loss: Loss,
        at_hand: Callable[[], Dataset],
        output_shape: Callable[[], tuple[int, ...]],
    ) -> None:
        self._loss = loss
        self._at_hand = at_hand
        self._output_shape = output_shape

    def __call__(
        self, samples: slice | npt.NDArray[np.int64], y_pred: Array, wants_gradient: bool
    ) -> tuple[float, Array | None]:
        loss, data = self._loss, self._at_hand()
        weights = data.weights
        given: Mapping[str, Any] = {}
        if weights is not None:
            given = {"sample_weight": weights[samples]}
        y_true = data.y[samples]
        shaped = y_pred.reshape(len(y_pred), *self._output_shape())
        if wants_gradient:
            _check_gradient(loss, y_true, shaped)
        value = _number(loss, loss(y_true, shaped, **given))
        if not wants_gradient or not math.isfinite(value):
            return value, None
        gradient = _derivative(loss, loss.gradient(y_true, shaped, **given), shaped)
        return value, gradient.reshape(y_pred.shape)

    def terms(self, samples: slice | npt.NDArray[np.int64]) -> tuple[Any, ...]:
        """What a device needs to compute the loss of a batch by itself."""
        loss, data = self._loss, self._at_hand()
        assert isinstance(loss, KnownLoss)
        weights = None if data.weights is None else data.weights[samples]
        y_true = data.y[samples]
        return loss._terms(y_true, (len(y_true), *self._output_shape()), weights)


_SAMPLES = 3  # of the first batch


def _check_gradient(loss: Loss, y_true: Array, y_pred: Array) -> None:
    """Raises a ValueError where a gradient is not the loss's; once for each loss."""
    if not loss.checks_gradient or vars(loss).get("_is_checked"):
        return
    y, p = y_true[:_SAMPLES], y_pred[:_SAMPLES].astype(np.float64)

    def trial(random: np.random.Generator) -> Trial | None:
        at = p + 1e-3 * (abs(p) + 1e-2) * random.standard_normal(p.shape)
        with np.errstate(all="ignore"):
            told = np.asarray(loss.gradient(y, at.copy()))
            value = _number(loss, loss(y, at.copy()))
        if told.shape != p.shape or not (np.isfinite(told).all() and math.isfinite(value)):
            return None  # what is wrong there, the batch itself will tell
        return Trial(
            {"y_pred": at}, lambda point: _number(loss, loss(y, point["y_pred"])), {"y_pred": told}
        )

    found = first_difference(trial)
    if found is not None:
        raise ValueError(
            f"{type(loss).__name__}.gradient is not the derivative of the loss by y_pred: {found}. "
            "To go without this check, set checks_gradient = False"
        )
    vars(loss)["_is_checked"] = True


def _number(loss: Loss, value: Any) -> float:
    array = np.asarray(value)
    if array.ndim != 0 or array.dtype.kind not in "biuf":
        came = f"an array of shape {array.shape}" if array.ndim else repr(value)
        name = type(loss).__name__
        raise TypeError(f"{name}(y_true, y_pred) must return one number for the batch; got {came}")
    return float(array)


def _derivative(loss: Loss, value: Any, y_pred: Array) -> Array:
    name = f"{type(loss).__name__}.gradient"
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must return real numbers; got {value!r}")
    if array.shape != y_pred.shape:
        raise ValueError(
            f"{name} must return ∂loss/∂y_pred, of y_pred's shape {y_pred.shape}; got {array.shape}"
        )
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, y_pred.dtype)
    if not np.isfinite(array).all():
        bad = np.unravel_index(int((~np.isfinite(array)).argmax()), array.shape)
        raise ValueError(
            f"{name} must be finite where the loss is; got {array[bad]} at sample {int(bad[0])} of "
            "the batch"
        )
    return array

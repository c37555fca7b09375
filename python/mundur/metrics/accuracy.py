"""Accuracies, which the core computes, and which metrics it computes at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._support.names import checked_keywords
from .base import (
    Array,
    Floats,
    Metric,
    mean,
    pair,
    probabilities,
    takes_labels,
    with_labels,
)

if TYPE_CHECKING:
    from ..losses.base import Loss


class _Native(Metric):
    """An accuracy, which the core computes batch by batch; by hand NumPy does."""

    larger_is_better = True

    def _default_name(self) -> str:
        return self.form

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        return probabilities(y_pred, loss)

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The share of right predictions."""
        if y_pred.ndim == 1:
            y_pred = y_pred[:, None]
        form = self.resolve(y_true.shape, y_pred.shape)
        if y_pred.ndim > 2 and form != BinaryAccuracy.form:  # time steps are rows of their own
            rows = y_pred.size // y_pred.shape[-1]
            if sample_weight is not None:
                sample_weight = sample_weight.repeat(rows // len(y_pred))
            y_pred = y_pred.reshape(rows, -1)
            y_true = y_true.reshape(rows, -1)
        if form == BinaryAccuracy.form:
            y, p = pair(y_true, y_pred, type(self).__name__)
            return mean(((p > 0.5) == y).mean(axis=1), sample_weight)
        y, p = with_labels(y_true, y_pred, type(self).__name__)
        right = p.argmax(axis=1) == y.argmax(axis=1)
        return mean(right.astype(np.float64), sample_weight)


class Accuracy(_Native):
    """The share of right predictions; the form follows from the shapes, as in Keras.

    One output: `BinaryAccuracy`. Otherwise integer labels: `SparseCategoricalAccuracy`; targets of
    the outputs' shape: `CategoricalAccuracy`.

    Parameters
    ----------
    name : str, default "accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.Accuracy()
    Accuracy()
    """

    form = "accuracy"

    def resolve(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> str:
        """The form for targets and outputs of these shapes."""
        if output_shape[-1] == 1:
            return BinaryAccuracy.form
        sparse = takes_labels(target_shape, output_shape)
        return SparseCategoricalAccuracy.form if sparse else CategoricalAccuracy.form


class BinaryAccuracy(_Native):
    """The share of outputs on the right side: above 0.5, or above 0 when the loss says from_logits.

    Keras compares with 0.5 even for logits.

    Parameters
    ----------
    name : str, default "binary_accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.BinaryAccuracy()
    BinaryAccuracy()
    """

    form = "binary_accuracy"

    @checked_keywords(ignored={"dtype": None, "threshold": 0.5})
    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)


class CategoricalAccuracy(_Native):
    """The share of samples whose largest output is the class of a one-hot target.

    Parameters
    ----------
    name : str, default "categorical_accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.CategoricalAccuracy()
    CategoricalAccuracy()
    """

    form = "categorical_accuracy"


class SparseCategoricalAccuracy(_Native):
    """The share of samples whose largest output is the integer label.

    Parameters
    ----------
    name : str, default "sparse_categorical_accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.SparseCategoricalAccuracy()
    SparseCategoricalAccuracy()
    """

    form = "sparse_categorical_accuracy"


def forms(
    metrics: Sequence[Metric], target_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> list[str]:
    """The core's names of those it computes, for checked targets and outputs of these shapes."""
    for metric in metrics:
        metric.check(target_shape, output_shape)
    metrics = [metric for metric in metrics if metric.in_core]
    sparse = len(target_shape) < len(output_shape)
    result = [metric.resolve(target_shape, output_shape) for metric in metrics]
    for form in result:
        if (form == SparseCategoricalAccuracy.form) != sparse:
            kind = "integer labels" if sparse else "one value per output"
            raise ValueError(
                f"{form} does not suit targets of {kind} (targets {target_shape}, outputs "
                f"{output_shape}); use 'accuracy', whose form follows from the shapes"
            )
    return result


def room(metrics: Sequence[Metric], shape: tuple[int, ...], dtype: str) -> Array | None:
    """Where training puts outputs of this shape; None where no metric asks for them."""
    return _core.new_array(shape, dtype) if any(not m.in_core for m in metrics) else None


def over_set(
    metrics: Sequence[Metric],
    y: Array,
    outputs: Array,
    weights: Floats | None,
    loss: Loss,
    seen: Array | None = None,
) -> dict[str, float]:
    """What NumPy computes, by name; `seen` are the samples that an unfinished epoch came to."""
    if seen is not None:
        y, outputs = y[seen], outputs[seen]
        weights = None if weights is None else weights[seen]
    return {
        m.name: m.over_set(y, outputs, loss, weights if m._weighted else None)
        for m in metrics
        if not m.in_core
    }

"""Accuracies, which the core computes, and which metrics it computes at all."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._support.checks import number
from .._support.names import checked_keywords
from .base import KERAS, Array, Floats, MeanOf, Metric, pair, probabilities, takes_labels

if TYPE_CHECKING:
    from ..losses.base import Loss


class _Native(MeanOf):
    """An accuracy, which the core computes batch by batch; by hand NumPy does."""

    larger_is_better = True

    def _default_name(self) -> str:
        return self.form

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        return probabilities(y_pred, loss)

    def _values(self, y_true: Array, y_pred: Array) -> Floats:
        if y_pred.ndim == 1:
            y_pred = y_pred[:, None]
        form = self.resolve(y_true.shape, y_pred.shape)
        if form == BinaryAccuracy.form:
            y, p = pair(y_true, y_pred, type(self).__name__)
            right = (p > self._threshold()) == np.maximum(y, 0)  # hinges call the other class -1
            return np.asarray(right.mean(axis=1))
        if form == SparseCategoricalAccuracy.form:
            y = _labels(y_true, y_pred.shape)
        else:
            y = pair(y_true, y_pred, type(self).__name__)[0].argmax(axis=1)
        right = y_pred.reshape(-1, y_pred.shape[-1]).argmax(axis=1) == y
        return np.asarray(right, np.float64)

    def _threshold(self) -> float:
        return 0.5


def _labels(y_true: Array, shape: tuple[int, ...]) -> Array:
    if not takes_labels(y_true.shape, shape):
        raise ValueError(
            f"SparseCategoricalAccuracy needs labels of shape {shape[:-1]}; got {y_true.shape}"
        )
    return y_true.reshape(-1)


class ByShape(_Native):
    """What the name "accuracy" stands for: the form that suits targets and outputs, as in Keras.

    One output: `BinaryAccuracy`. Otherwise integer labels: `SparseCategoricalAccuracy`; targets of
    the outputs' shape: `CategoricalAccuracy`.
    """

    form = "accuracy"

    def resolve(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> str:
        """The form for targets and outputs of these shapes."""
        if output_shape[-1] == 1:
            return BinaryAccuracy.form
        sparse = takes_labels(target_shape, output_shape)
        return SparseCategoricalAccuracy.form if sparse else CategoricalAccuracy.form


class Accuracy(MeanOf):
    """The share of predictions that equal their targets, number by number: y = p.

    For predictions that are classes already. The name "accuracy" in ``metrics=["accuracy"]`` is
    another: the accuracy that suits targets and outputs, `BinaryAccuracy`, `CategoricalAccuracy` or
    `SparseCategoricalAccuracy`, as in Keras.

    Parameters
    ----------
    name : str, default "accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.Accuracy()([1, 2, 3, 4], [0, 2, 3, 4])
    0.75
    """

    title = "accuracy"
    larger_is_better = True

    @checked_keywords(ignored=KERAS)
    def __init__(self, name: str | None = None) -> None:
        self._set_name(name)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where targets are not of the outputs' shape."""
        if target_shape != output_shape:
            raise ValueError(
                f"Accuracy() compares targets of shape {target_shape} with outputs of shape "
                f'{output_shape}, number by number; use the name "accuracy", whose form follows '
                "from the shapes"
            )

    def _values(self, y_true: Array, y_pred: Array) -> Floats:
        y, p = pair(y_true, y_pred, "Accuracy")
        return np.asarray((y == p).mean(axis=1))


class BinaryAccuracy(_Native):
    """The share of outputs on the right side: above 0.5, or above 0 when the loss says from_logits.

    Keras compares with 0.5 even for logits.

    Parameters
    ----------
    name : str, default "binary_accuracy"
    threshold : float, default 0.5
        In (0, 1): probabilities above it are called 1.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.BinaryAccuracy(threshold=0.3)([1, 0], [0.4, 0.4])
    0.5
    """

    form = "binary_accuracy"

    @checked_keywords(ignored=KERAS)
    def __init__(self, name: str | None = None, *, threshold: float = 0.5) -> None:
        self.threshold = number(threshold, "threshold", above=0, below=1)
        super().__init__(name=name)

    @property
    def in_core(self) -> bool:
        """Whether the core computes it, batch by batch."""
        return super().in_core and self.threshold == 0.5

    def _threshold(self) -> float:
        return self.threshold


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


class Running:
    """What NumPy computes over the batches of a pass that come one by one."""

    def __init__(self, metrics: Sequence[Metric], loss: Loss) -> None:
        self._loss = loss
        self._metrics = [copy.copy(metric) for metric in metrics if not metric.in_core]
        self.reset()

    def reset(self) -> None:
        """A new pass."""
        for metric in self._metrics:
            metric.reset_state()

    def add(self, y: Array, outputs: Array, weights: Floats | None) -> None:
        """The next batch."""
        for metric in self._metrics:
            suited = outputs if metric.keeps_state else metric._suited(outputs, self._loss)
            metric._update(y, suited, weights if metric._weighted else None)

    def values(self) -> dict[str, float]:
        """The numbers so far, by name."""
        return {metric.name: metric._one(metric.result()) for metric in self._metrics}

"""Metrics: what training reports beside the loss.

Each is taken over all samples of an epoch or a set, those of an epoch as they were predicted in
their step; sample weights count for ``weighted_metrics=`` alone, as in Keras. Accuracies are
computed by the core with everything else (weighted ones are not). The others are computed by NumPy,
in float64, once at the end; for them training keeps each sample's outputs. By hand every metric has
Keras's `update_state`, `result` and `reset_state`, and takes sample weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..classification_metrics import (
    AUC,
    F1Score,
    Precision,
    Recall,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from ..keywords import checked_keywords, lookup, unknown_attribute
from ..metric import (
    Array,
    Floats,
    MeanMetricWrapper,
    Metric,
    mean,
    pair,
    probabilities,
    takes_labels,
    with_labels,
)
from ..regression_metrics import (
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    R2Score,
    RootMeanSquaredError,
)

if TYPE_CHECKING:
    from ..losses import Loss

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "F1Score",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
]


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


_CLASSES: tuple[type[Metric], ...] = (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
)
_IN_NUMPY: tuple[type[Metric], ...] = (
    AUC,
    F1Score,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Precision,
    R2Score,
    Recall,
    RootMeanSquaredError,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
KNOWN: dict[str, type[Metric]] = {
    **{cls.form: cls for cls in _CLASSES},
    **{cls.title: cls for cls in _IN_NUMPY},
}
CLASS_NAMES: dict[str, type[Metric]] = {cls.__name__: cls for cls in (*_CLASSES, *_IN_NUMPY)}
_SHORT: dict[str, type[Metric]] = {
    "acc": Accuracy,
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "MAPE": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
    "MSLE": MeanSquaredLogarithmicError,
    "rmse": RootMeanSquaredError,
    "RMSE": RootMeanSquaredError,
    "r2": R2Score,
}


def get(identifier: Any) -> Metric:
    """The metric of a name ("accuracy", "mae", "AUC", ...), a class, an instance or a function.

    A short name is the metric's name, too, as in Keras.

    Raises
    ------
    ValueError
        For an unknown name; it lists the known ones.
    TypeError
        For anything else.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.get("acc").name
    'acc'
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, str):
        if identifier in _SHORT:
            return _SHORT[identifier](name=identifier)
        return lookup(KNOWN, identifier, "metric", CLASS_NAMES)()
    if callable(identifier) and not isinstance(identifier, type):
        return MeanMetricWrapper(identifier)
    raise TypeError(
        f"a metric must be a name, a Metric or a function of (y_true, y_pred); got {identifier!r}"
    )


def get_both(metrics: Any, weighted: Any) -> list[Metric]:
    """The metrics of ``compile(metrics=..., weighted_metrics=...)``, with distinct names."""
    result = [*_get_all(metrics, "metrics"), *map(_weighed, _get_all(weighted, "weighted_metrics"))]
    names = [metric.name for metric in result]
    for name in names:
        twice = names.count(name) > 1
        if twice or name == "loss" or name.startswith("val_"):
            title = type(next(m for m in result if m.name == name)).__name__
            hint = f"; give one of two another: {title}(name=...)" if twice else ""
            raise ValueError(
                f"metrics must have distinct names, none of them 'loss' or 'val_...'; got {names}"
                f"{hint}"
            )
    return result


def _weighed(metric: Metric) -> Metric:
    import copy

    metric = copy.copy(metric)
    metric._weighted = True
    return metric


def _get_all(metrics: Any, argument: str) -> list[Metric]:
    if metrics is None:
        return []
    if isinstance(metrics, (str, Metric)) or not isinstance(metrics, Sequence):
        alone = isinstance(metrics, (str, Metric)) or callable(metrics)
        hint = f"; write {argument}=[{metrics!r}]" if alone else ""
        raise TypeError(f"{argument} must be a list of names or metrics; got {metrics!r}{hint}")
    return [get(metric) for metric in metrics]


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


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.metrics", name, __all__)

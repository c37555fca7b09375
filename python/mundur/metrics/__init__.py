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

from .._support.checks import is_function, shown
from .._support.names import lookup, unknown_attribute
from .accuracy import Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from .base import MeanMetricWrapper, Metric
from .classification import (
    AUC,
    F1Score,
    Precision,
    Recall,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .regression import (
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    R2Score,
    RootMeanSquaredError,
)

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
    if is_function(identifier) and not isinstance(identifier, type):
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
        alone = isinstance(metrics, (str, Metric)) or is_function(metrics)
        hint = f"; write {argument}=[{shown(metrics)}]" if alone else ""
        raise TypeError(
            f"{argument} must be a list of names or metrics; got {shown(metrics)}{hint}"
        )
    return [get(metric) for metric in metrics]


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.metrics", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)

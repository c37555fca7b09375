"""Metrics: what training reports beside the loss.

Each is taken over all samples of an epoch or a set, those of an epoch as they were predicted in
their step; sample weights count for ``weighted_metrics=`` alone, as in Keras. Accuracies are
computed by the core with everything else (weighted ones are not). The others are computed by NumPy,
in float64: over arrays once at the end, for which training keeps each sample's outputs, over
batches that come one by one by adding up. By hand every metric has Keras's `update_state`, `result`
and `reset_state`, and takes sample weights, of rows and elements too where it has such.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._support.checks import WrongType, is_function, shown
from .._support.config import instance
from .._support.names import unknown_attribute
from .accuracy import (
    Accuracy,
    BinaryAccuracy,
    ByShape,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
)
from .area import AUC
from .base import MeanMetricWrapper, Metric
from .classification import (
    F1Score,
    FBetaScore,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .counts import (
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from .iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from .of_losses import (
    SHORT,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .reductions import Mean, Sum
from .regression import R2Score

if TYPE_CHECKING:  # they are loaded on use
    from .functions import (
        binary_accuracy,
        binary_crossentropy,
        binary_focal_crossentropy,
        categorical_accuracy,
        categorical_crossentropy,
        categorical_focal_crossentropy,
        categorical_hinge,
        hinge,
        huber,
        kl_divergence,
        log_cosh,
        mean_absolute_error,
        mean_absolute_percentage_error,
        mean_squared_error,
        mean_squared_logarithmic_error,
        poisson,
        sparse_categorical_accuracy,
        sparse_categorical_crossentropy,
        sparse_top_k_categorical_accuracy,
        squared_hinge,
        top_k_categorical_accuracy,
    )

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

_CLASSES: tuple[type[Metric], ...] = (
    ByShape,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
)
_IN_NUMPY: tuple[type[Metric], ...] = (
    AUC,
    BinaryCrossentropy,
    BinaryIoU,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    F1Score,
    FBetaScore,
    FalseNegatives,
    FalsePositives,
    Hinge,
    IoU,
    KLDivergence,
    LogCoshError,
    Mean,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanIoU,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    OneHotIoU,
    OneHotMeanIoU,
    Poisson,
    Precision,
    PrecisionAtRecall,
    R2Score,
    Recall,
    RecallAtPrecision,
    RootMeanSquaredError,
    SensitivityAtSpecificity,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SpecificityAtSensitivity,
    SquaredHinge,
    Sum,
    TopKCategoricalAccuracy,
    TrueNegatives,
    TruePositives,
)
KNOWN: dict[str, type[Metric]] = {
    **{cls.form: cls for cls in _CLASSES},
    **{cls.title: cls for cls in _IN_NUMPY},
}
CLASS_NAMES: dict[str, type[Metric]] = {
    cls.__name__: cls for cls in (*_CLASSES, *_IN_NUMPY, Accuracy)
}
_SHORT: dict[str, type[Metric]] = {
    "acc": ByShape,
    **SHORT,
    **{name.upper(): cls for name, cls in SHORT.items()},
    "r2": R2Score,
    "log_cosh_error": LogCoshError,
}


# Whose functions stand for the metric of their name.
_OF_FUNCTIONS = ("mundur.metrics.functions", "mundur.losses.functions")


def get(identifier: Any) -> Metric:
    """The metric of a name ("accuracy", "mae", ...), a class, an instance, a function or a dict.

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
    if isinstance(identifier, str) and identifier in _SHORT:
        return _SHORT[identifier](name=identifier)
    found = instance(Metric, identifier, KNOWN, "metric", CLASS_NAMES)
    if found is not None:
        return found
    if is_function(identifier) and not isinstance(identifier, type):
        own = getattr(identifier, "__module__", None) in _OF_FUNCTIONS
        if own and identifier.__name__ in KNOWN:
            return KNOWN[identifier.__name__]()
        return MeanMetricWrapper(identifier)
    raise WrongType(
        f"a metric must be a name, a Metric or a function of (y_true, y_pred); "
        f"got {shown(identifier)}"
    )


def get_both(metrics: Any, weighted: Any) -> list[Metric]:
    """The metrics of ``compile(metrics=..., weighted_metrics=...)``, with distinct names."""
    result = [*_get_all(metrics, "metrics"), *map(_weighed, _get_all(weighted, "weighted_metrics"))]
    names = [metric.name for metric in result]
    for name in names:
        twice = names.count(name) > 1
        if twice or name == "loss" or name.startswith("val_"):
            title = type(next(m for m in result if m.name == name)).__name__
            title = "BinaryAccuracy" if title == "ByShape" else title
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
        raise WrongType(
            f"{argument} must be a list of names or metrics; got {shown(metrics)}{hint}"
        )
    return [get(metric) for metric in metrics]


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        if name in __all__:
            return getattr(import_module(".functions", __name__), name)
        raise unknown_attribute("mundur.metrics", name, __all__)

    def __dir__() -> list[str]:
        return sorted(__all__)

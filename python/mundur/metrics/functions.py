"""The accuracies as functions: one number for each place of the last axis, as losses have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._support.names import checked_keywords
from ..data.arrays import real_array
from ..losses.functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
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
    sparse_categorical_crossentropy,
    squared_hinge,
)
from .accuracy import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from .base import MeanOf
from .classification import SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy

__all__ = [
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
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

Array = npt.NDArray[Any]


def _each(metric: MeanOf, y_true: Any, y_pred: Any, labels: bool) -> Array:
    """The metric of each row, for predictions of any shape."""
    p, y = real_array(y_pred, "y_pred"), real_array(y_true, "y_true")
    if p.shape[-1:] == (0,):
        raise ValueError(f"y_pred must have one output or more; got shape {p.shape}")
    wanted = [p.shape[:-1], (*p.shape[:-1], 1)] if labels else [p.shape]
    if p.ndim == 0 or y.shape not in wanted:
        told = " or ".join(map(str, wanted)) if p.ndim else "that of y_pred, with an axis at least"
        raise ValueError(f"y_true must have shape {told}; got {y.shape}")
    rows = p.reshape(-1, p.shape[-1])
    y = y.reshape(-1) if labels else y.reshape(rows.shape)
    return np.asarray(metric._values(y, rows)).reshape(p.shape[:-1])


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Array:
    """1 for each output on the right side of the threshold, else 0: `BinaryAccuracy` is their mean.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.binary_accuracy([[1, 1], [0, 0]], [[0.9, 0.2], [0.1, 0.3]])
    array([[1., 0.],
           [1., 1.]])
    """
    y, p = (
        real_array(given, name)[..., None]
        for given, name in ((y_true, "y_true"), (y_pred, "y_pred"))
    )
    return _each(BinaryAccuracy(threshold=threshold), y, p, False)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Array:
    """`CategoricalAccuracy` of each sample: 1 where its largest output is the one-hot class.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.categorical_accuracy([[0, 1], [1, 0]], [[0.4, 0.6], [0.3, 0.7]])
    array([1., 0.])
    """
    return _each(CategoricalAccuracy(), y_true, y_pred, False)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Array:
    """`SparseCategoricalAccuracy` of each sample: 1 where its largest output is the label.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.sparse_categorical_accuracy([1, 0], [[0.4, 0.6], [0.3, 0.7]])
    array([1., 0.])
    """
    return _each(SparseCategoricalAccuracy(), y_true, y_pred, True)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Array:
    """`TopKCategoricalAccuracy` of each sample: 1 where the class is among the k largest outputs.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.top_k_categorical_accuracy([[0, 0, 1]], [[0.5, 0.2, 0.3]], k=2)
    array([1.])
    """
    return _each(TopKCategoricalAccuracy(k), y_true, y_pred, False)


@checked_keywords(ignored={"from_sorted_ids": False})
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Array:
    """`SparseTopKCategoricalAccuracy` of each sample: 1 where the label is among the k largest.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.sparse_top_k_categorical_accuracy([1], [[0.5, 0.2, 0.3]], k=2)
    array([0.])
    """
    return _each(SparseTopKCategoricalAccuracy(k), y_true, y_pred, True)

"""Metrics for numbers: how far predictions are from right."""

import math

from ..lists import Tensor, Vector
from ..losses import (
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    as_weights,
)
from .base import pair, weighted_mean


def mean_absolute_error(
    y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
) -> float:
    """Return the mean of |y - t| over every element.

    Examples
    --------
    >>> mean_absolute_error([0.0, 2.0], [1.0, 2.0])
    0.5
    """
    return mean_of_errors(y_true, y_pred, 1, sample_weight)


def mean_squared_error(
    y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
) -> float:
    """Return the mean of (y - t)² over every element.

    Examples
    --------
    >>> mean_squared_error([0.0, 2.0], [2.0, 2.0])
    2.0
    """
    return mean_of_errors(y_true, y_pred, 2, sample_weight)


def root_mean_squared_error(
    y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
) -> float:
    """Return the root of the mean squared error, which has the targets' unit.

    Examples
    --------
    >>> root_mean_squared_error([0.0, 0.0], [2.0, 2.0])
    2.0
    """
    return math.sqrt(mean_squared_error(y_true, y_pred, sample_weight))


def mean_absolute_percentage_error(
    y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
) -> float:
    """Return the mean error in percent of the target, 100 |y - t| / max(|t|, 1e-7).

    Examples
    --------
    >>> mean_absolute_percentage_error([4.0, 2.0], [3.0, 2.0])
    12.5
    """
    return MeanAbsolutePercentageError()(y_true, y_pred, sample_weight)


def mean_squared_logarithmic_error(
    y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
) -> float:
    """Return the mean of (log(1 + y) - log(1 + t))², y and t raised to at least 1e-7.

    Examples
    --------
    >>> round(mean_squared_logarithmic_error([0.0, 2.0], [1.0, 2.0]), 6)
    0.240226
    """
    return MeanSquaredLogarithmicError()(y_true, y_pred, sample_weight)


def mean_of_errors(
    y_true: Tensor, y_pred: Tensor, power: int, sample_weight: Vector | None
) -> float:
    """Return the mean of |y - t| to a power."""
    targets, outputs = pair(y_true, y_pred)
    # e_n = 1/m Σ_j |y_nj - t_nj|ᵖ
    errors = [
        sum(abs(y_j - t_j) ** power for t_j, y_j in zip(t, y, strict=True)) / len(y)
        for t, y in zip(targets, outputs, strict=True)
    ]
    return weighted_mean(errors, sample_weight)


def r2_score(y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None) -> float:
    """Return the share of the targets' variance that is explained, the mean over outputs.

    R²_j = 1 - Σ_n (t_nj - y_nj)² / Σ_n (t_nj - t̄_j)²

    Examples
    --------
    >>> r2_score([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    """
    targets, outputs = pair(y_true, y_pred)
    weights = as_weights(sample_weight, len(outputs))
    scores = []
    for y, t in zip(zip(*outputs, strict=True), zip(*targets, strict=True), strict=True):
        centre = weighted_mean(list(t), weights)
        sse = sum(w * (t_n - y_n) ** 2 for w, t_n, y_n in zip(weights, t, y, strict=True))
        sst = sum(w * (t_n - centre) ** 2 for w, t_n in zip(weights, t, strict=True))
        scores.append(1 - sse / sst if sst else float(sse == 0))
    return sum(scores) / len(scores)

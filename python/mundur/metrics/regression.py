"""Metrics of numbers: how far predictions lie from targets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._support.checks import choice
from .._support.names import checked_keywords
from .base import Array, Floats, Metric, mean, pair

# Keras's ε, from which denominators and logarithms start.
_EPSILON = 1e-7


class _OfErrors(Metric):
    """A mean over errors, output by output."""

    larger_is_better = False

    @checked_keywords(ignored={"dtype": None})
    def __init__(self, name: str | None = None) -> None:
        self._set_name(name)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where targets are not numbers of the outputs' shape."""
        if target_shape != output_shape:
            raise ValueError(
                f"{type(self).__name__} compares numbers; it does not suit targets of shape "
                f"{target_shape} and outputs of shape {output_shape}"
            )

    def _errors(self, y_true: Array, y_pred: Array) -> Floats:
        y, p = pair(y_true, y_pred, type(self).__name__)
        return p - y


class MeanAbsoluteError(_OfErrors):
    """The mean of absolute errors: Σᵢⱼ |pᵢⱼ - yᵢⱼ| / (n·m).

    Parameters
    ----------
    name : str, default "mean_absolute_error"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.MeanAbsoluteError()([[0.0], [2.0]], [[1.0], [2.0]])
    0.5
    """

    title = "mean_absolute_error"

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The number of targets and predictions."""
        return mean(np.abs(self._errors(y_true, y_pred)).mean(axis=1), sample_weight)


class MeanSquaredError(_OfErrors):
    """The mean of squared errors: Σᵢⱼ (pᵢⱼ - yᵢⱼ)² / (n·m).

    Parameters
    ----------
    name : str, default "mean_squared_error"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.MeanSquaredError()([[0.0], [2.0]], [[2.0], [2.0]])
    2.0
    """

    title = "mean_squared_error"

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The number of targets and predictions."""
        return mean((self._errors(y_true, y_pred) ** 2).mean(axis=1), sample_weight)


class MeanAbsolutePercentageError(_OfErrors):
    """The mean error in percent of the target: 100 Σᵢⱼ |pᵢⱼ - yᵢⱼ| / max(|yᵢⱼ|, 1e-7) / (n·m).

    Parameters
    ----------
    name : str, default "mean_absolute_percentage_error"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.MeanAbsolutePercentageError()([[4.0], [2.0]], [[3.0], [2.0]])
    12.5
    """

    title = "mean_absolute_percentage_error"

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The number of targets and predictions."""
        y, p = pair(y_true, y_pred, type(self).__name__)
        shares = np.abs(p - y) / np.maximum(np.abs(y), _EPSILON)
        return mean(100 * shares.mean(axis=1), sample_weight)


class MeanSquaredLogarithmicError(_OfErrors):
    """The mean squared error of logarithms: Σᵢⱼ (log(1 + pᵢⱼ) - log(1 + yᵢⱼ))² / (n·m).

    p and y are raised to at least 1e-7, as in Keras.

    Parameters
    ----------
    name : str, default "mean_squared_logarithmic_error"

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.MeanSquaredLogarithmicError()([[0.0], [2.0]], [[1.0], [2.0]]), 6)
    0.240226
    """

    title = "mean_squared_logarithmic_error"

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The number of targets and predictions."""
        pairs = pair(y_true, y_pred, type(self).__name__)
        y, p = (np.log1p(np.maximum(values, _EPSILON)) for values in pairs)
        return mean(((p - y) ** 2).mean(axis=1), sample_weight)


class RootMeanSquaredError(MeanSquaredError):
    """The root of the mean of squared errors, in the targets' unit: √(Σᵢⱼ (pᵢⱼ - yᵢⱼ)² / (n·m)).

    Parameters
    ----------
    name : str, default "root_mean_squared_error"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.RootMeanSquaredError()([[0.0], [0.0]], [[2.0], [2.0]])
    2.0
    """

    title = "root_mean_squared_error"

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The number of targets and predictions."""
        return math.sqrt(super().compute(y_true, y_pred, sample_weight))


class R2Score(_OfErrors):
    """The share of the targets' variance that predictions explain: R² = 1 - SSE / SST.

    For each output j: SSEⱼ = Σᵢ wᵢ (yᵢⱼ - pᵢⱼ)², SSTⱼ = Σᵢ wᵢ (yᵢⱼ - ȳⱼ)²; 1 is perfect, 0 is as
    good as the mean. Where all targets are equal it is 1 for no error and 0 otherwise, as in
    scikit-learn.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average"} or None
        How outputs are joined, default "uniform_average"; the other is 1 - Σⱼ SSEⱼ / Σⱼ SSTⱼ. None
        gives one number per output, by hand only.
    name : str, default "r2_score"

    Raises
    ------
    ValueError
        For another class_aggregation.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]])
    0.5
    """

    title = "r2_score"
    larger_is_better = True

    @checked_keywords(ignored={"dtype": None, "num_regressors": 0})
    def __init__(
        self, class_aggregation: str | None = "uniform_average", *, name: str | None = None
    ) -> None:
        known = ("uniform_average", "variance_weighted_average", None)
        self.class_aggregation = choice(class_aggregation, "class_aggregation", *known)
        self._set_name(name)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where one number per output would not fit into the logs."""
        super().check(target_shape, output_shape)
        if self.class_aggregation is None and output_shape[-1] > 1:
            raise ValueError("inside fit and evaluate R2Score needs a class_aggregation")

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> Any:
        """The number of targets and predictions."""
        y, p = pair(y_true, y_pred, "R2Score")
        w = np.ones((len(y), 1)) if sample_weight is None else sample_weight[:, None]
        if not w.sum() > 0:
            return 0.0
        centre = (w * y).sum(axis=0) / w.sum()
        sse, sst = (w * (y - p) ** 2).sum(axis=0), (w * (y - centre) ** 2).sum(axis=0)
        if self.class_aggregation == "variance_weighted_average":
            sse, sst = sse.sum(keepdims=True), sst.sum(keepdims=True)
        flat = sst == 0
        scores = np.where(flat, np.where(sse == 0, 1.0, 0.0), 1 - sse / np.where(flat, 1.0, sst))
        return scores if self.class_aggregation is None else float(scores.mean())

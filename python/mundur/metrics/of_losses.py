"""Metrics that are the mean of a loss over all rows: how far from right, in a unit of one's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._support.names import checked_keywords
from ..losses import classification, regression
from ..losses.base import Loss
from .base import KERAS, Array, Floats, MeanOf, by_row, probabilities, takes_labels


class _OfLoss(MeanOf):
    """The mean of a loss's numbers, in float64, whatever predictions are."""

    larger_is_better = False

    _loss: Any  # a NativeLoss

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where targets are not numbers of the outputs' shape."""
        if target_shape != output_shape:
            raise ValueError(
                f"{type(self).__name__} compares numbers; it does not suit targets of shape "
                f"{target_shape} and outputs of shape {output_shape}"
            )

    def _values(self, y_true: Array, y_pred: Array) -> Floats:
        values: Floats = self._loss._values(y_true, y_pred.astype(np.float64))
        return values


class _OfErrors(_OfLoss):
    @checked_keywords(ignored=KERAS)
    def __init__(self, name: str | None = None) -> None:
        self._set_name(name)


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
    _loss = regression.MeanAbsoluteError()


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
    _loss = regression.MeanSquaredError()


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

    def _number(self, *sums: Floats) -> float:
        return math.sqrt(super()._number(*sums))


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
    _loss = regression.MeanAbsolutePercentageError()


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
    _loss = regression.MeanSquaredLogarithmicError()


class LogCoshError(_OfErrors):
    """The mean of log cosh of errors: Σᵢⱼ log cosh(pᵢⱼ - yᵢⱼ) / (n·m); see `losses.LogCosh`.

    Parameters
    ----------
    name : str, default "logcosh"

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.LogCoshError()([[0.0]], [[1.0]]), 6)
    0.433781
    """

    title = "logcosh"
    _loss = regression.LogCosh()


class Poisson(_OfErrors):
    """The mean of p - y log(p + 1e-7), for counts y whose mean is p; see `losses.Poisson`.

    Parameters
    ----------
    name : str, default "poisson"

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.Poisson()([[2.0]], [[1.0]]), 5)
    1.0
    """

    title = "poisson"
    _loss = regression.Poisson()


class Hinge(_OfErrors):
    """The mean of max(1 - y p, 0), y = -1 or 1; see `losses.Hinge`.

    Parameters
    ----------
    name : str, default "hinge"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.Hinge()([1, 0], [0.5, -2.0])
    0.25
    """

    title = "hinge"
    _loss = classification.Hinge()


class SquaredHinge(_OfErrors):
    """The mean of max(1 - y p, 0)², y = -1 or 1; see `losses.SquaredHinge`.

    Parameters
    ----------
    name : str, default "squared_hinge"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.SquaredHinge()([1, 0], [0.5, -2.0])
    0.125
    """

    title = "squared_hinge"
    _loss = classification.SquaredHinge()


class CategoricalHinge(_OfErrors):
    """The mean of what the best other class is too near; see `losses.CategoricalHinge`.

    Parameters
    ----------
    name : str, default "categorical_hinge"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.CategoricalHinge()([[0, 1]], [[0.5, 0.25]])
    1.25
    """

    title = "categorical_hinge"
    _loss = classification.CategoricalHinge()


class KLDivergence(_OfErrors):
    """The mean of Σⱼ yⱼ log(yⱼ / pⱼ); see `losses.KLDivergence`.

    Parameters
    ----------
    name : str, default "kl_divergence"

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.KLDivergence()([[0.5, 0.5]], [[0.75, 0.25]]), 6)
    0.143841
    """

    title = "kl_divergence"
    _loss = classification.KLDivergence()

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        return probabilities(y_pred, loss)


class CosineSimilarity(_OfLoss):
    """The mean cosine of the angles between rows, 1 for one direction: Σⱼ yⱼ pⱼ / (‖y‖ ‖p‖).

    The loss of this name is minus that, so that training makes angles small.

    Parameters
    ----------
    name : str, default "cosine_similarity"
    axis : int, default -1
        Along which numbers make a row.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.CosineSimilarity()([[0.0, 2.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 3.0]])
    0.5
    """

    title = "cosine_similarity"
    larger_is_better = True

    @checked_keywords(ignored=KERAS)
    def __init__(self, name: str | None = None, *, axis: int = -1) -> None:
        self._loss = regression.CosineSimilarity(axis)
        self.axis = self._loss.axis
        self._set_name(name)

    def _values(self, y_true: Array, y_pred: Array) -> Floats:
        return -super()._values(y_true, y_pred)


class _OfCrossentropy(_OfLoss):
    """Those that take probabilities or logits; inside `fit` they get what they are made for."""

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        return y_pred if self._loss.from_logits else probabilities(y_pred, loss)


class BinaryCrossentropy(_OfCrossentropy):
    """The mean cross-entropy of yes or no; see `losses.BinaryCrossentropy`.

    Parameters
    ----------
    name : str, default "binary_crossentropy"
    from_logits : bool, default False
        Whether predictions are logits. Inside `fit` and `evaluate` the loss says so, and outputs
        become probabilities first where this is False.
    label_smoothing : float, default 0.0

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.BinaryCrossentropy()([1, 0], [0.5, 0.5]), 6)
    0.693147
    """

    title = "binary_crossentropy"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        name: str | None = None,
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        self._loss = classification.BinaryCrossentropy(from_logits, label_smoothing)
        self.from_logits = self._loss.from_logits
        self.label_smoothing = self._loss.label_smoothing
        self._set_name(name)


class CategoricalCrossentropy(_OfCrossentropy):
    """The mean cross-entropy of one class of several; see `losses.CategoricalCrossentropy`.

    Parameters
    ----------
    name : str, default "categorical_crossentropy"
    from_logits : bool, default False
        As for `BinaryCrossentropy`.
    label_smoothing : float, default 0.0
    axis : int, default -1
        Of the classes.

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.CategoricalCrossentropy()([[0, 1]], [[0.5, 0.5]]), 6)
    0.693147
    """

    title = "categorical_crossentropy"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        name: str | None = None,
        *,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        self._loss = classification.CategoricalCrossentropy(from_logits, label_smoothing, axis)
        self.from_logits = self._loss.from_logits
        self.label_smoothing = self._loss.label_smoothing
        self.axis = self._loss.axis
        self._set_name(name)


class SparseCategoricalCrossentropy(_OfCrossentropy):
    """The mean cross-entropy of labels; see `losses.SparseCategoricalCrossentropy`.

    Parameters
    ----------
    name : str, default "sparse_categorical_crossentropy"
    from_logits : bool, default False
        As for `BinaryCrossentropy`.
    ignore_class : int, optional
        A label whose samples do not count.
    axis : int, default -1
        Of the classes.

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.SparseCategoricalCrossentropy()([1], [[0.5, 0.5]]), 6)
    0.693147
    """

    title = "sparse_categorical_crossentropy"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        name: str | None = None,
        *,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        loss = classification.SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis)
        self._loss, self.ignore_class = loss, loss.ignore_class
        self.from_logits, self.axis = loss.from_logits, loss.axis
        self._set_name(name)

    def _sums(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, ...]:
        if self.ignore_class is not None:
            kept = (y_true != self.ignore_class).astype(np.float64).reshape(y_pred.shape[:-1])
            if weight is not None:
                kept = kept * by_row(weight, y_pred.shape).reshape(kept.shape)
            weight = kept
        return super()._sums(y_true, y_pred, weight)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where targets are no labels."""
        if not takes_labels(target_shape, output_shape):
            raise ValueError(
                f"SparseCategoricalCrossentropy needs labels; it does not suit targets of shape "
                f"{target_shape} and outputs of shape {output_shape}"
            )


SHORT: dict[str, Any] = {
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
    "rmse": RootMeanSquaredError,
}

"""Losses for targets that are numbers: what remains between prediction and target."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from .._support.checks import number
from .._support.names import checked_keywords
from ..data.targets import not_negative
from .base import KERAS, MEAN, NativeLoss

Array = npt.NDArray[Any]

# Activations with values on both sides of 0.
SIGNED = {
    *("linear", "tanh", "softsign", "elu", "selu", "gelu", "silu", "mish", "hard_silu"),
    *("leaky_relu", "log_softmax"),
}


class MeanSquaredError(NativeLoss):
    """The mean of squared errors, for targets that are numbers (regression).

    L = Σᵢⱼ (pᵢⱼ - yᵢⱼ)² / (n·m); ∂L/∂p = 2 (p - y) / (n·m) (Bishop, 2006, section 3.1.1).
    With sample weights w: the mean over each sample's outputs, then Σ wᵢ Lᵢ / Σ wᵢ.

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "mean_squared_error"

    Raises
    ------
    ValueError
        When called with y_true and y_pred of different shapes; (n,) equals (n, 1), nothing else
        broadcasts.

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.MeanSquaredError()
    >>> loss([[0.0], [2.0]], [[1.0], [2.0]])
    0.5
    >>> loss.gradient([[0.0], [2.0]], [[1.0], [2.0]])
    array([[1.],
           [0.]])
    >>> md.losses.MeanSquaredError(reduction=None)([[0.0], [2.0]], [[1.0], [2.0]])
    array([1., 0.])
    """

    kind = "mean_squared_error"

    @checked_keywords(ignored=KERAS)
    def __init__(self, reduction: str | None = MEAN, name: str = "mean_squared_error") -> None:
        self._prepare(reduction, name)


class MeanAbsoluteError(NativeLoss):
    """The mean of absolute errors: outliers count no more than they are off.

    L = Σᵢⱼ |pᵢⱼ - yᵢⱼ| / (n·m); ∂L/∂p = sign(p - y) / (n·m), 0 where both are equal (Hastie,
    Tibshirani and Friedman, 2009, section 10.6).

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "mean_absolute_error"

    Raises
    ------
    ValueError
        When called with y_true and y_pred of different shapes; (n,) equals (n, 1), nothing else
        broadcasts.

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.MeanAbsoluteError()
    >>> loss([[0.0], [2.0]], [[-3.0], [2.0]])
    1.5
    >>> loss.gradient([[0.0], [2.0]], [[-3.0], [2.0]])
    array([[-0.5],
           [ 0. ]])
    """

    kind = "mean_absolute_error"

    @checked_keywords(ignored=KERAS)
    def __init__(self, reduction: str | None = MEAN, name: str = "mean_absolute_error") -> None:
        self._prepare(reduction, name)


class MeanAbsolutePercentageError(NativeLoss):
    """The mean of absolute errors, in percent of the target.

    L = 100 Σᵢⱼ |pᵢⱼ - yᵢⱼ| / max(|yᵢⱼ|, 10⁻⁷) / (n·m), as in Keras;
    ∂L/∂p = 100 sign(p - y) / max(|y|, 10⁻⁷) / (n·m). Targets near 0 outweigh all others.

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "mean_absolute_percentage_error"

    Raises
    ------
    ValueError
        When called with y_true and y_pred of different shapes; (n,) equals (n, 1), nothing else
        broadcasts.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.MeanAbsolutePercentageError()([[4.0], [2.0]], [[3.0], [2.0]])
    12.5
    """

    kind = "mean_absolute_percentage_error"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self, reduction: str | None = MEAN, name: str = "mean_absolute_percentage_error"
    ) -> None:
        self._prepare(reduction, name)


class MeanSquaredLogarithmicError(NativeLoss):
    """The mean of squared errors of log(1 + ·), for counts of very different sizes.

    L = Σᵢⱼ (log(1 + pᵢⱼ) - log(1 + yᵢⱼ))² / (n·m), p and y raised to at least 10⁻⁷, as in Keras;
    ∂L/∂p = 2 (log(1 + p) - log(1 + y)) / (1 + p) / (n·m), and 0 for p < 10⁻⁷. So negative numbers,
    targets too, count as 10⁻⁷.

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "mean_squared_logarithmic_error"

    Raises
    ------
    ValueError
        When called with y_true and y_pred of different shapes; (n,) equals (n, 1), nothing else
        broadcasts.

    Examples
    --------
    >>> import mundur as md
    >>> round(md.losses.MeanSquaredLogarithmicError()([[0.0]], [[1.0]]), 6)
    0.480453
    """

    kind = "mean_squared_logarithmic_error"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self, reduction: str | None = MEAN, name: str = "mean_squared_logarithmic_error"
    ) -> None:
        self._prepare(reduction, name)


class CosineSimilarity(NativeLoss):
    """The angle between rows of predictions and of targets, whatever their lengths.

    L = -Σᵢ cᵢ / n, c = Σⱼ yⱼ pⱼ / (‖y‖ ‖p‖): -1 for one direction, 1 for opposite ones; ∂L/∂p =
    (c p / ‖p‖ - y / ‖y‖) / ‖p‖ / n. Lengths count as at least 10⁻⁷, as in Keras.

    Parameters
    ----------
    axis : int, default -1
        Along which numbers make a row; in a model the last one.
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "cosine_similarity"

    Raises
    ------
    ValueError
        When called with y_true and y_pred of different shapes.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.CosineSimilarity()([[0.0, 2.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 3.0]])
    -0.5
    """

    kind = "cosine_similarity"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str = "cosine_similarity",
    ) -> None:
        self._keep_axis(axis)
        self._prepare(reduction, name)


class Huber(NativeLoss):
    """Squared errors up to δ, beyond it a line: outliers pull with the force of δ at most.

    L = Σᵢⱼ h(pᵢⱼ - yᵢⱼ) / (n·m), h(e) = e²/2 for |e| ≤ δ, else δ (|e| - δ/2);
    ∂L/∂p = (p - y, clipped to [-δ, δ]) / (n·m) (Huber, 1964).

    Parameters
    ----------
    delta : float, default 1.0
        δ, above 0.
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "huber_loss"

    Raises
    ------
    ValueError
        For delta <= 0; when called with different shapes, where (n,) equals (n, 1).

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.Huber()
    >>> loss([[0.0], [0.0]], [[0.5], [3.0]])
    1.3125
    >>> loss.gradient([[0.0], [0.0]], [[0.5], [3.0]])
    array([[0.25],
           [0.5 ]])
    """

    kind = "huber"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self, delta: float = 1.0, reduction: str | None = MEAN, name: str = "huber_loss"
    ) -> None:
        self.delta = number(delta, "delta", above=0)
        self._prepare(reduction, name, delta=self.delta)


class LogCosh(NativeLoss):
    """The logarithm of cosh: e²/2 for small errors, |e| - log 2 for large ones, smooth between.

    L = Σᵢⱼ log cosh(pᵢⱼ - yᵢⱼ) / (n·m); ∂L/∂p = tanh(p - y) / (n·m). Computed through tanh, whose
    digits survive for small errors and which does not overflow for large ones.

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "log_cosh"

    Raises
    ------
    ValueError
        When called with y_true and y_pred of different shapes; (n,) equals (n, 1), nothing else
        broadcasts.

    Examples
    --------
    >>> import mundur as md
    >>> round(md.losses.LogCosh()([[0.0]], [[1.0]]), 6)
    0.433781
    >>> round(md.losses.LogCosh()([[0.0]], [[1e6]]), 1)
    999999.3
    """

    kind = "log_cosh"

    @checked_keywords(ignored=KERAS)
    def __init__(self, reduction: str | None = MEAN, name: str = "log_cosh") -> None:
        self._prepare(reduction, name)


class Poisson(NativeLoss):
    """For counts: minus the log-likelihood of a Poisson distribution whose mean is predicted.

    L = Σᵢⱼ (pᵢⱼ - yᵢⱼ log(pᵢⱼ + 10⁻⁷)) / (n·m), without the part log y!, which predictions do not
    change, as in Keras; ∂L/∂p = (1 - y / (p + 10⁻⁷)) / (n·m). Predictions must not be negative: the
    last layer needs an activation that sees to it.

    Parameters
    ----------
    reduction : str or None, default "sum_over_batch_size"
        See `mundur.losses`.
    name : str, default "poisson"

    Raises
    ------
    ValueError
        When called with different shapes ((n,) equals (n, 1)), or with targets or predictions below
        0.

    Examples
    --------
    >>> import mundur as md
    >>> loss = md.losses.Poisson()
    >>> round(loss([[2.0]], [[1.0]]), 5)
    1.0
    >>> loss.gradient([[2.0]], [[1.0]]).round(5)
    array([[-1.]])
    """

    kind = "poisson"

    def _check_head(self, head: str, output_shape: tuple[int, ...]) -> None:
        if head in SIGNED:
            raise ValueError(
                f"Poisson expects predictions that are not negative, but the model ends in {head}; "
                'set an activation such as "relu" in the last layer'
            )

    def _check_values(self, y: Array, name: str) -> None:
        not_negative(y, name, type(self).__name__)

    def _check_predictions(self, p: Array, name: str = "y_pred") -> None:
        not_negative(p, name, "Poisson", '; end the model in an activation such as "relu"')

    @checked_keywords(ignored=KERAS)
    def __init__(self, reduction: str | None = MEAN, name: str = "poisson") -> None:
        self._prepare(reduction, name)

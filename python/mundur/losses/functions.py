"""The losses as functions: one number for each place of the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import classification, of_batches, regression
from .base import Loss

Array = npt.NDArray[Any]


def _each(loss: Loss, y_true: Any, y_pred: Any) -> Array:
    return np.asarray(loss(y_true, y_pred))


def mean_squared_error(y_true: Any, y_pred: Any) -> Array:
    """`MeanSquaredError` of each sample: Σⱼ (pⱼ - yⱼ)² / m.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.mean_squared_error([[0.0, 2.0]], [[1.0, 2.0]])
    array([0.5])
    """
    return _each(regression.MeanSquaredError(None), y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Array:
    """`MeanAbsoluteError` of each sample: Σⱼ |pⱼ - yⱼ| / m.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.mean_absolute_error([[0.0, 2.0]], [[1.0, 2.0]])
    array([0.5])
    """
    return _each(regression.MeanAbsoluteError(None), y_true, y_pred)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Array:
    """`MeanAbsolutePercentageError` of each sample: 100 Σⱼ |pⱼ - yⱼ| / max(|yⱼ|, 10⁻⁷) / m.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.mean_absolute_percentage_error([[4.0, 2.0]], [[3.0, 2.0]])
    array([12.5])
    """
    return _each(regression.MeanAbsolutePercentageError(None), y_true, y_pred)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Array:
    """`MeanSquaredLogarithmicError` of each sample: Σⱼ (log(1 + pⱼ) - log(1 + yⱼ))² / m.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.mean_squared_logarithmic_error([[0.0]], [[1.0]]).round(6)
    array([0.480453])
    """
    return _each(regression.MeanSquaredLogarithmicError(None), y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Array:
    """`Huber` of each sample.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.huber([[0.0], [0.0]], [[0.5], [3.0]])
    array([0.125, 2.5  ])
    """
    return _each(regression.Huber(delta, None), y_true, y_pred)


def log_cosh(y_true: Any, y_pred: Any) -> Array:
    """`LogCosh` of each sample: Σⱼ log cosh(pⱼ - yⱼ) / m.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.log_cosh([[0.0]], [[1.0]]).round(6)
    array([0.433781])
    """
    return _each(regression.LogCosh(None), y_true, y_pred)


def poisson(y_true: Any, y_pred: Any) -> Array:
    """`Poisson` of each sample: Σⱼ (pⱼ - yⱼ log(pⱼ + 10⁻⁷)) / m.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.poisson([[2.0]], [[1.0]]).round(5)
    array([1.])
    """
    return _each(regression.Poisson(None), y_true, y_pred)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Array:
    """`CosineSimilarity` of each row: -Σⱼ yⱼ pⱼ / (‖y‖ ‖p‖).

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.cosine_similarity([[0.0, 2.0]], [[0.0, 1.0]])
    array([-1.])
    """
    return _each(regression.CosineSimilarity(axis, None), y_true, y_pred)


def hinge(y_true: Any, y_pred: Any) -> Array:
    """`Hinge` of each sample: Σⱼ max(1 - yⱼ pⱼ, 0) / m.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.hinge([[1], [0]], [[0.5], [-2.0]])
    array([0.5, 0. ])
    """
    return _each(classification.Hinge(None), y_true, y_pred)


def squared_hinge(y_true: Any, y_pred: Any) -> Array:
    """`SquaredHinge` of each sample: Σⱼ max(1 - yⱼ pⱼ, 0)² / m.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.squared_hinge([[1], [0]], [[0.5], [-2.0]])
    array([0.25, 0.  ])
    """
    return _each(classification.SquaredHinge(None), y_true, y_pred)


def categorical_hinge(y_true: Any, y_pred: Any) -> Array:
    """`CategoricalHinge` of each sample.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.categorical_hinge([[0, 1]], [[0.5, 0.25]])
    array([1.25])
    """
    return _each(classification.CategoricalHinge(None), y_true, y_pred)


def kl_divergence(y_true: Any, y_pred: Any) -> Array:
    """`KLDivergence` of each sample: Σⱼ yⱼ log(yⱼ / pⱼ).

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.kl_divergence([[0.5, 0.5]], [[0.75, 0.25]]).round(6)
    array([0.143841])
    """
    return _each(classification.KLDivergence(None), y_true, y_pred)


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """`BinaryCrossentropy` of each sample.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.binary_crossentropy([[1], [0]], [[0.5], [0.5]]).round(6)
    array([0.693147, 0.693147])
    """
    loss = classification.BinaryCrossentropy(from_logits, label_smoothing, axis, None)
    return _each(loss, y_true, y_pred)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """`CategoricalCrossentropy` of each sample.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.categorical_crossentropy([[0, 1]], [[0.5, 0.5]]).round(6)
    array([0.693147])
    """
    loss = classification.CategoricalCrossentropy(from_logits, label_smoothing, axis, None)
    return _each(loss, y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Array:
    """`SparseCategoricalCrossentropy` of each sample; 0 for labels of `ignore_class`.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]]).round(6)
    array([0.693147])
    """
    loss = classification.SparseCategoricalCrossentropy(from_logits, ignore_class, None, axis)
    return _each(loss, y_true, y_pred)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """`BinaryFocalCrossentropy` of each sample.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.binary_focal_crossentropy([[1]], [[0.5]]).round(6)
    array([0.173287])
    """
    numbers = (apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis)
    return _each(classification.BinaryFocalCrossentropy(*numbers, reduction=None), y_true, y_pred)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """`CategoricalFocalCrossentropy` of each sample.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.categorical_focal_crossentropy([[0, 1]], [[0.5, 0.5]]).round(6)
    array([0.043322])
    """
    numbers = (alpha, gamma, from_logits, label_smoothing, axis)
    loss = classification.CategoricalFocalCrossentropy(*numbers, reduction=None)
    return _each(loss, y_true, y_pred)


def tversky(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: int | tuple[int, ...] | None = None,
) -> Array:
    """`Tversky` of a whole batch, or for each place of the axes that `axis` leaves.

    Examples
    --------
    >>> import mundur as md
    >>> round(float(md.losses.tversky([[1.0], [0.0]], [[0.5], [0.5]])), 6)
    0.5
    """
    return _each(of_batches.Tversky(alpha, beta, None, axis=axis), y_true, y_pred)


def dice(y_true: Any, y_pred: Any, axis: int | tuple[int, ...] | None = None) -> Array:
    """`Dice` of a whole batch, or for each place of the axes that `axis` leaves.

    Examples
    --------
    >>> import mundur as md
    >>> md.losses.dice([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.5, 0.5]], axis=1).round(6)
    array([0. , 0.5])
    """
    return _each(of_batches.Dice(None, axis=axis), y_true, y_pred)


FUNCTIONS: dict[Any, type[Loss]] = {
    mean_squared_error: regression.MeanSquaredError,
    mean_absolute_error: regression.MeanAbsoluteError,
    mean_absolute_percentage_error: regression.MeanAbsolutePercentageError,
    mean_squared_logarithmic_error: regression.MeanSquaredLogarithmicError,
    huber: regression.Huber,
    log_cosh: regression.LogCosh,
    poisson: regression.Poisson,
    cosine_similarity: regression.CosineSimilarity,
    hinge: classification.Hinge,
    squared_hinge: classification.SquaredHinge,
    categorical_hinge: classification.CategoricalHinge,
    kl_divergence: classification.KLDivergence,
    binary_crossentropy: classification.BinaryCrossentropy,
    categorical_crossentropy: classification.CategoricalCrossentropy,
    sparse_categorical_crossentropy: classification.SparseCategoricalCrossentropy,
    binary_focal_crossentropy: classification.BinaryFocalCrossentropy,
    categorical_focal_crossentropy: classification.CategoricalFocalCrossentropy,
    tversky: of_batches.Tversky,
    dice: of_batches.Dice,
    of_batches.circle: of_batches.Circle,
}
"""What `compile(loss=function)` means."""

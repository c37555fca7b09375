"""Accuracies: the share of right answers."""

from ..lists import Tensor, Vector, check_shape
from ..losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    SparseCategoricalCrossentropy,
    as_rows,
)
from .base import argmax, pair, weighted_mean


def binary_accuracy(
    y_true: Tensor,
    y_pred: Tensor,
    threshold: float = 0.5,
    sample_weight: Vector | None = None,
) -> float:
    """Return the share of elements whose target is 1[y > threshold].

    Parameters
    ----------
    y_true, y_pred : list
        Shape (batch, outputs) or (batch,), the same for both.
    threshold : float, default 0.5
        For logits use 0: sigmoid(0) = 0.5.
    sample_weight : list of float, optional
        One weight per sample.

    Examples
    --------
    >>> binary_accuracy([0, 1, 1, 0], [0.1, 0.9, 0.2, 0.5])
    0.75
    """
    targets, outputs = pair(y_true, y_pred)
    # right_n = 1/m Σ_j 1[t_nj = 1[y_nj > threshold]]
    right = [
        sum(t_j == (y_j > threshold) for t_j, y_j in zip(t, y, strict=True)) / len(y)
        for t, y in zip(targets, outputs, strict=True)
    ]
    return weighted_mean(right, sample_weight)


def categorical_accuracy(
    y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
) -> float:
    """Return the share of samples whose greatest output is where the target's greatest is.

    Parameters
    ----------
    y_true, y_pred : list
        Shape (batch, classes); probabilities or logits, softmax does not change which is greatest.
    sample_weight : list of float, optional
        One weight per sample.

    Examples
    --------
    >>> categorical_accuracy([[0, 1], [1, 0]], [[0.3, 0.7], [0.4, 0.6]])
    0.5
    """
    targets, outputs = pair(y_true, y_pred)
    # right_n = 1[argmax_j y_nj = argmax_j t_nj]
    right = [float(argmax(t) == argmax(y)) for t, y in zip(targets, outputs, strict=True)]
    return weighted_mean(right, sample_weight)


def sparse_categorical_accuracy(
    y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
) -> float:
    """Return the share of samples whose greatest output is that of the label.

    Parameters
    ----------
    y_true : list of int
        Labels, shape (batch,) or (batch, 1).
    y_pred : list
        Shape (batch, classes); probabilities or logits.
    sample_weight : list of float, optional
        One weight per sample.

    Examples
    --------
    >>> sparse_categorical_accuracy([1, 0], [[0.3, 0.7], [0.4, 0.6]])
    0.5
    """
    outputs, labels = as_rows("y_pred", y_pred), as_rows("y_true", y_true)
    check_shape("y_true", labels, (len(outputs), 1))
    # right_n = 1[argmax_j y_nj = c_n]
    right = [float(argmax(y) == c) for [c], y in zip(labels, outputs, strict=True)]
    return weighted_mean(right, sample_weight)


def accuracy(
    y_true: Tensor,
    y_pred: Tensor,
    loss: Loss | None = None,
    sample_weight: Vector | None = None,
) -> float:
    """Return the accuracy that belongs to a loss, or else to the shapes.

    A binary cross-entropy asks for binary accuracy, its threshold 0 from logits and 0.5 from
    probabilities; the categorical ones for theirs. Otherwise one output per sample means binary,
    one target beside several outputs sparse, and as many targets as outputs categorical.

    Examples
    --------
    >>> accuracy([1, 0], [[0.3, 0.7], [0.4, 0.6]])
    0.5
    >>> accuracy([1, 0], [0.2, -0.2], BinaryCrossentropy(from_logits=True))
    1.0
    """
    if isinstance(loss, BinaryCrossentropy):
        threshold = 0.0 if loss.from_logits else 0.5
        return binary_accuracy(y_true, y_pred, threshold, sample_weight)
    outputs, targets = (
        len(as_rows(what, y)[0]) for what, y in (("y_pred", y_pred), ("y_true", y_true))
    )
    if isinstance(loss, SparseCategoricalCrossentropy) or targets < outputs:
        return sparse_categorical_accuracy(y_true, y_pred, sample_weight)
    if isinstance(loss, CategoricalCrossentropy) or outputs > 1:
        return categorical_accuracy(y_true, y_pred, sample_weight)
    return binary_accuracy(y_true, y_pred, sample_weight=sample_weight)

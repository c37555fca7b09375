"""Metrics: what people look at, where the loss is what the network looks at.

An accuracy is the share of right answers. It has no gradient worth following, so it is never
the loss; other metrics say in a unit of their own how far predictions are from right. Sample
weights work as in the losses: Σ_n w_n right_n / Σ_n w_n.
"""

import math

from .element_losses import MeanAbsolutePercentageError, MeanSquaredLogarithmicError
from .lists import Tensor, Vector, check_shape, dot, shape
from .losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    SparseCategoricalCrossentropy,
    as_rows,
    as_weights,
)


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
    outputs, targets = as_rows("y_pred", y_pred), as_rows("y_true", y_true)
    check_shape("y_true", targets, shape(outputs))
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
    outputs, targets = as_rows("y_pred", y_pred), as_rows("y_true", y_true)
    check_shape("y_true", targets, shape(outputs))
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


def top_k_categorical_accuracy(
    y_true: Tensor, y_pred: Tensor, k: int = 5, sample_weight: Vector | None = None
) -> float:
    """Return the share of samples whose class has fewer than k outputs above its own.

    Parameters
    ----------
    y_true : list
        One-hot rows, shape (batch, classes).
    y_pred : list
        Shape (batch, classes); probabilities or logits.
    k : int, default 5
    sample_weight : list of float, optional
        One weight per sample.

    Examples
    --------
    >>> top_k_categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[3, 1, 2], [3, 1, 2]], k=2)
    0.5
    """
    labels = [argmax(t) for t in as_rows("y_true", y_true)]
    return sparse_top_k_categorical_accuracy(labels, y_pred, k, sample_weight)


def sparse_top_k_categorical_accuracy(
    y_true: Tensor, y_pred: Tensor, k: int = 5, sample_weight: Vector | None = None
) -> float:
    """Return `top_k_categorical_accuracy`, the targets being labels.

    Examples
    --------
    >>> sparse_top_k_categorical_accuracy([2, 1], [[3, 1, 2], [3, 1, 2]], k=2)
    0.5
    """
    outputs, labels = as_rows("y_pred", y_pred), as_rows("y_true", y_true)
    # right_n = 1[#{j : y_nj > y_n,c_n} < k]
    right = [
        float(sum(y_j > y[int(c)] for y_j in y) < k) for [c], y in zip(labels, outputs, strict=True)
    ]
    return weighted_mean(right, sample_weight)


def counts(
    y_true: Tensor, y_pred: Tensor, threshold: float, sample_weight: Vector | None
) -> tuple[float, float, float]:
    """Return true positives, false positives and false negatives, over every output."""
    outputs, targets = as_rows("y_pred", y_pred), as_rows("y_true", y_true)
    check_shape("y_true", targets, shape(outputs))
    tp = fp = fn = 0.0
    weights = as_weights(sample_weight, len(outputs))
    for w, t, y in zip(weights, targets, outputs, strict=True):
        for t_j, y_j in zip(t, y, strict=True):
            positive, called = t_j > 0, y_j > threshold
            tp += w * (positive and called)
            fp += w * (called and not positive)
            fn += w * (positive and not called)
    return tp, fp, fn


def precision(
    y_true: Tensor, y_pred: Tensor, threshold: float = 0.5, sample_weight: Vector | None = None
) -> float:
    """Return the share of positives among what is called positive: TP / (TP + FP), or 0.

    Examples
    --------
    >>> precision([0, 1, 1], [0.9, 0.8, 0.2])
    0.5
    """
    tp, fp, _ = counts(y_true, y_pred, threshold, sample_weight)
    return tp / (tp + fp) if tp + fp else 0.0


def recall(
    y_true: Tensor, y_pred: Tensor, threshold: float = 0.5, sample_weight: Vector | None = None
) -> float:
    """Return the share of the positives that are called so: TP / (TP + FN), or 0.

    Examples
    --------
    >>> recall([0, 1, 1], [0.9, 0.8, 0.2])
    0.5
    """
    tp, _, fn = counts(y_true, y_pred, threshold, sample_weight)
    return tp / (tp + fn) if tp + fn else 0.0


def f1_score(
    y_true: Tensor, y_pred: Tensor, threshold: float = 0.5, sample_weight: Vector | None = None
) -> float:
    """Return the harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN), or 0.

    Over every output ("micro"); for one class give that class's column.

    Examples
    --------
    >>> f1_score([0, 1, 1], [0.9, 0.8, 0.2])
    0.5
    """
    tp, fp, fn = counts(y_true, y_pred, threshold, sample_weight)
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0


def auc(y_true: Vector, y_pred: Vector, sample_weight: Vector | None = None) -> float:
    """Return how often a positive's output is above a negative's: the area under the ROC curve.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    samples = list(zip(as_weights(sample_weight, len(y_true)), y_true, y_pred, strict=True))
    positives = [(w, y) for w, t, y in samples if t > 0]
    negatives = [(w, y) for w, t, y in samples if not t > 0]
    # AUC = Σ over pairs (1[y₊ > y₋] + ½ 1[y₊ = y₋]) / pairs
    above = sum(
        w * v * (1.0 if y > z else 0.5 if y == z else 0.0)
        for w, y in positives
        for v, z in negatives
    )
    pairs = sum(w for w, _ in positives) * sum(v for v, _ in negatives)
    return above / pairs if pairs else float("nan")


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
    outputs, targets = as_rows("y_pred", y_pred), as_rows("y_true", y_true)
    check_shape("y_true", targets, shape(outputs))
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
    outputs, targets = as_rows("y_pred", y_pred), as_rows("y_true", y_true)
    check_shape("y_true", targets, shape(outputs))
    weights = as_weights(sample_weight, len(outputs))
    scores = []
    for y, t in zip(zip(*outputs, strict=True), zip(*targets, strict=True), strict=True):
        centre = weighted_mean(list(t), weights)
        sse = sum(w * (t_n - y_n) ** 2 for w, t_n, y_n in zip(weights, t, y, strict=True))
        sst = sum(w * (t_n - centre) ** 2 for w, t_n in zip(weights, t, strict=True))
        scores.append(1 - sse / sst if sst else float(sse == 0))
    return sum(scores) / len(scores)


def argmax(values: Vector) -> int:
    """Return where the greatest value is; of several, the first.

    Examples
    --------
    >>> argmax([1.0, 3.0, 3.0])
    1
    """
    return values.index(max(values))


def weighted_mean(values: Vector, sample_weight: Vector | None = None) -> float:
    """Return Σ_n w_n v_n / Σ_n w_n, and 0 if the weights sum to zero."""
    weights = as_weights(sample_weight, len(values))
    total = sum(weights)
    return dot(weights, values) / total if total else 0.0

"""Metrics for classes: the best few, precision and recall, the area under the ROC curve."""

import math

from ..lists import Tensor, Vector
from ..losses import as_rows, as_weights
from .base import argmax, pair, weighted_mean


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
    targets, outputs = pair(y_true, y_pred)
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
    return fbeta_score(y_true, y_pred, 1.0, threshold, sample_weight)


def fbeta_score(
    y_true: Tensor,
    y_pred: Tensor,
    beta: float = 1.0,
    threshold: float = 0.5,
    sample_weight: Vector | None = None,
) -> float:
    """Return F_β, in which recall counts β times as much as precision, or 0.

    Examples
    --------
    >>> fbeta_score([0, 1, 1, 1], [0.9, 0.8, 0.2, 0.1], beta=2.0)
    0.35714285714285715
    """
    tp, fp, fn = counts(y_true, y_pred, threshold, sample_weight)
    # F = (1 + β²) TP / ((1 + β²) TP + β² FN + FP)
    hits = (1 + beta**2) * tp
    return hits / (hits + beta**2 * fn + fp) if tp + fp + fn else 0.0


def recall_at_precision(
    y_true: Tensor, y_pred: Tensor, least: float, sample_weight: Vector | None = None
) -> float:
    """Return the best recall of those of 200 thresholds whose precision is at least `least`, or 0.

    Examples
    --------
    >>> recall_at_precision([0, 0, 1, 1], [0, 0.5, 0.3, 0.9], 0.8)
    0.5
    """
    thresholds = [i / 199 for i in range(200)]
    return max(
        recall(y_true, y_pred, t, sample_weight)
        if precision(y_true, y_pred, t, sample_weight) >= least
        else 0.0
        for t in thresholds
    )


def mean_iou(y_true: Vector, y_pred: Vector, sample_weight: Vector | None = None) -> float:
    """Return the mean, over the classes there are, of TP / (TP + FP + FN), or 0.

    Examples
    --------
    >>> mean_iou([0, 0, 1, 1], [0, 1, 0, 1])
    0.3333333333333333
    """
    samples = list(zip(as_weights(sample_weight, len(y_true)), y_true, y_pred, strict=True))
    shares = []
    for c in sorted({*y_true, *y_pred}):
        both = sum(w for w, t, y in samples if t == c and y == c)
        either = sum(w for w, t, y in samples if t == c or y == c)
        if either:
            shares.append(both / either)
    return sum(shares) / len(shares) if shares else 0.0


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


def area_under_precision(
    y_true: Vector, y_pred: Vector, sample_weight: Vector | None = None
) -> float:
    """Return the area under precision over recall.

    Between two levels of the output TP and FP grow in proportion, so that precision there is no
    straight line (Davis and Goadrich, 2006).

    Examples
    --------
    >>> round(area_under_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 6)
    0.797267
    """
    weights = as_weights(sample_weight, len(y_true))
    everything = sum(w for w, t in zip(weights, y_true, strict=True) if t > 0)
    area = tp = fp = 0.0
    for level in sorted(set(y_pred), reverse=True):
        at = [(w, t) for w, t, y in zip(weights, y_true, y_pred, strict=True) if y == level]
        gain, loss = sum(w for w, t in at if t > 0), sum(w for w, t in at if not t > 0)
        # TP = a P + b on the way from P = TP + FP to P' = P + gain + loss, so that
        # ∫ TP / P dTP = a (gain + b ln(P' / P)).
        if gain:
            a = gain / (gain + loss)
            b = tp - a * (tp + fp)
            log = math.log((tp + fp + gain + loss) / (tp + fp)) if tp + fp else 0.0
            area += a * (gain + b * log)
        tp, fp = tp + gain, fp + loss
    return area / everything if everything else float("nan")

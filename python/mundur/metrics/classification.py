"""Metrics of classes beside accuracies: the best few, and precision and recall in one number."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._support.checks import choice, integer, number
from .._support.names import checked_keywords
from ..losses.base import Loss
from .base import (
    KERAS,
    Array,
    Floats,
    MeanOf,
    Metric,
    Summed,
    by_row,
    probabilities,
    takes_labels,
    with_labels,
)


class OfClasses(Metric):
    """Those that compare outputs of classes with targets of their shape, or with labels."""

    larger_is_better = True

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where targets are neither labels nor of the outputs' shape."""
        if target_shape != output_shape and not takes_labels(target_shape, output_shape):
            raise ValueError(
                f"{type(self).__name__} does not suit targets of shape {target_shape} and outputs "
                f"of shape {output_shape}"
            )


class TopKCategoricalAccuracy(OfClasses, MeanOf):
    """The share of samples whose class is among the k largest outputs; targets are one-hot rows.

    A class counts as found where fewer than k outputs are larger than its own, as in Keras.

    Parameters
    ----------
    k : int, default 5
    name : str, default "top_k_categorical_accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.TopKCategoricalAccuracy(k=2)([[0, 0, 1], [0, 1, 0]], [[3, 1, 2], [3, 1, 2]])
    0.5
    """

    title = "top_k_categorical_accuracy"
    _labels: ClassVar[bool] = False

    @checked_keywords(ignored=KERAS)
    def __init__(self, k: int = 5, name: str | None = None) -> None:
        self.k = integer(k, "k", 1)
        self._set_name(name)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises for labels where one-hot rows are meant, and the reverse."""
        super().check(target_shape, output_shape)
        if takes_labels(target_shape, output_shape) != self._labels:
            other = TopKCategoricalAccuracy if self._labels else SparseTopKCategoricalAccuracy
            raise ValueError(
                f"{type(self).__name__} does not suit targets of shape {target_shape}; use "
                f"{other.__name__}"
            )

    def _values(self, y_true: Array, y_pred: Array) -> Floats:
        self.check(y_true.shape, y_pred.shape)
        y, p = with_labels(y_true, y_pred, type(self).__name__)
        own = np.take_along_axis(p, y.argmax(axis=1)[:, None], axis=1)
        found = ((p > own).sum(axis=1) < self.k) & np.isfinite(own[:, 0])
        return np.asarray(found, np.float64)


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """The share of samples whose class is among the k largest outputs; targets are labels.

    A class counts as found where fewer than k outputs are larger than its own, as in Keras.

    Parameters
    ----------
    k : int, default 5
    name : str, default "sparse_top_k_categorical_accuracy"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.SparseTopKCategoricalAccuracy(k=2)([2, 1], [[3, 1, 2], [3, 1, 2]])
    0.5
    """

    title = "sparse_top_k_categorical_accuracy"
    _labels = True

    @checked_keywords(ignored=KERAS | {"from_sorted_ids": False})
    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(k, name)


class FBetaScore(OfClasses, Summed):
    """Precision and recall in one: (1 + β²) TP / ((1 + β²) TP + β² FN + FP) for each output.

    β says how much more a miss counts than a false alarm (van Rijsbergen, 1979); 0 where there is
    neither a positive nor a call. Logits and labels as for `Precision`.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}, optional
        None gives one number per output, which the logs cannot hold where there are several;
        "micro" counts over all outputs; "macro" is the mean over outputs; "weighted" the mean
        weighted by the positives of each.
    beta : float, default 1.0
        β, above 0.
    threshold : float, optional
        In (0, 1]: outputs above it are called. By default the largest output of a sample is, and
        with a single output those above 0.5 (Keras calls every sample then).
    name : str, default "fbeta_score"

    Raises
    ------
    ValueError
        For another average; inside `fit`, for None with several outputs.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.FBetaScore("macro", 2.0)([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    0.6944444444444444
    """

    title = "fbeta_score"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
    ) -> None:
        choice(average, "average", None, "micro", "macro", "weighted")
        if threshold is not None:
            threshold = number(threshold, "threshold", at_least=0, at_most=1)
        self.average, self.threshold = average, threshold
        self._beta = number(beta, "beta", above=0)
        self._set_name(name)

    @property
    def beta(self) -> float:
        """How much more a miss counts than a false alarm."""
        return self._beta

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        return probabilities(y_pred, loss)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where one number per output would not fit into the logs."""
        super().check(target_shape, output_shape)
        if self.average is None and output_shape[-1] > 1:
            raise ValueError(
                f"inside fit and evaluate {type(self).__name__} needs an average; pass "
                "average='micro', 'macro' or 'weighted'"
            )

    def _sums(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, ...]:
        """TP, what is called, and what is positive, of each output."""
        y, p = with_labels(y_true, y_pred, type(self).__name__)
        if self.threshold is None and p.shape[1] > 1:
            called = np.eye(p.shape[1], dtype=bool)[p.argmax(axis=1)]
        else:
            called = p > (0.5 if self.threshold is None else self.threshold)
        positive = y > 0
        w = np.ones((len(p), 1)) if weight is None else by_row(weight, y_pred.shape)[:, None]
        return tuple((w * part).sum(axis=0) for part in (called & positive, called, positive))

    def _number(self, *sums: Floats) -> Any:
        positives = sums[2]
        if self.average == "micro":
            sums = tuple(part.sum(keepdims=True) for part in sums)
        hits, called, positive = sums
        square = self._beta**2
        whole = called + square * positive
        scores = np.where(whole > 0, (1 + square) * hits / np.where(whole > 0, whole, 1.0), 0.0)
        if self.average == "weighted":
            total = positives.sum()
            return float((positives * scores).sum() / total) if total > 0 else 0.0
        return scores if self.average is None else float(scores.mean())


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN) for each output.

    0 where there is neither a positive nor a call. Logits and labels as for `Precision`.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}, optional
        None gives one number per output, which the logs cannot hold where there are several;
        "micro" counts over all outputs; "macro" is the mean over outputs; "weighted" the mean
        weighted by the positives of each.
    threshold : float, optional
        Outputs above it are called. By default the largest output of a sample is, and with a
        single output those above 0.5 (Keras calls every sample then).
    name : str, default "f1_score"

    Raises
    ------
    ValueError
        For another average; inside `fit`, for None with several outputs.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.F1Score("macro")([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    0.6666666666666666
    """

    title = "f1_score"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name)

"""Metrics of classes beside accuracies: top k, precision, recall, F1, the area under the curve."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._support.checks import choice, integer, number
from .._support.names import checked_keywords
from ..losses.base import Loss
from .base import Array, Floats, Metric, mean, probabilities, takes_labels, with_labels


class _OfClasses(Metric):
    larger_is_better = True

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where targets are neither labels nor of the outputs' shape."""
        fits = target_shape == output_shape or takes_labels(target_shape, output_shape)
        if not fits or len(output_shape) > 2:
            raise ValueError(
                f"{type(self).__name__} does not suit targets of shape {target_shape} and outputs "
                f"of shape {output_shape}"
            )


class TopKCategoricalAccuracy(_OfClasses):
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

    @checked_keywords(ignored={"dtype": None})
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

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The number of targets and predictions."""
        self.check(y_true.shape, y_pred.shape)
        y, p = with_labels(y_true, y_pred, type(self).__name__)
        own = np.take_along_axis(p, y.argmax(axis=1)[:, None], axis=1)
        found = ((p > own).sum(axis=1) < self.k) & np.isfinite(own[:, 0])
        return mean(found.astype(np.float64), sample_weight)


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

    @checked_keywords(ignored={"dtype": None, "from_sorted_ids": False})
    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(k, name)


class Precision(_OfClasses):
    """Of what is called positive, the share that is: TP / (TP + FP), over every output.

    An output is called positive above the threshold; 0 where nothing is. Inside `fit` and
    `evaluate` logits are turned into probabilities first (Keras does not); integer labels serve as
    one-hot rows.

    Parameters
    ----------
    thresholds : float, optional
        In [0, 1], default 0.5. Keras also takes lists.
    top_k : int, optional
        Only the k largest outputs of a sample can be positive; without `thresholds` they are.
    class_id : int, optional
        Only this output counts.
    name : str, default "precision"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.Precision()([0, 1, 1, 1], [0.9, 0.8, 0.2, 0.7])
    0.6666666666666666
    """

    title = "precision"

    @checked_keywords(ignored={"dtype": None})
    def __init__(
        self,
        thresholds: float | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        if thresholds is not None:
            thresholds = number(thresholds, "thresholds", at_least=0, at_most=1)
        self.thresholds = thresholds
        self.top_k = None if top_k is None else integer(top_k, "top_k", 1)
        self.class_id = None if class_id is None else integer(class_id, "class_id")
        self._set_name(name)

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        return probabilities(y_pred, loss)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where class_id names no output."""
        super().check(target_shape, output_shape)
        self._check_class(output_shape[-1])

    def _check_class(self, outputs: int) -> None:
        if self.class_id is not None and self.class_id >= outputs:
            raise ValueError(f"class_id must be < {outputs}; got {self.class_id}")

    def _counts(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, Floats]:
        """TP, and what it is to be divided by."""
        y, p = with_labels(y_true, y_pred, type(self).__name__)
        self._check_class(p.shape[1])
        if self.top_k is None:
            called = p > (0.5 if self.thresholds is None else self.thresholds)
        else:  # the first of equals, so that there are k
            order = np.argsort(-p, axis=1, kind="stable")[:, : self.top_k]
            called = np.zeros(p.shape, bool)
            np.put_along_axis(called, order, True, axis=1)
            if self.thresholds is not None:
                called &= p > self.thresholds
        positive = y > 0
        if self.class_id is not None:
            called, positive = called[:, [self.class_id]], positive[:, [self.class_id]]
        w = np.ones((len(p), 1)) if weight is None else weight[:, None]
        return w * (called & positive), w * self._among(called, positive)

    def _among(self, called: Array, positive: Array) -> Array:
        return called

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The number of targets and predictions."""
        hits, among = self._counts(y_true, y_pred, sample_weight)
        return float(hits.sum() / among.sum()) if among.sum() > 0 else 0.0


class Recall(Precision):
    """Of what is positive, the share that is called so: TP / (TP + FN), over every output.

    Otherwise as `Precision`.

    Parameters
    ----------
    thresholds : float, optional
        In [0, 1], default 0.5. Keras also takes lists.
    top_k : int, optional
        Only the k largest outputs of a sample can be positive; without `thresholds` they are.
    class_id : int, optional
        Only this output counts.
    name : str, default "recall"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.Recall()([0, 1, 1, 1], [0.9, 0.8, 0.2, 0.7])
    0.6666666666666666
    """

    title = "recall"

    def _among(self, called: Array, positive: Array) -> Array:
        return positive


class F1Score(_OfClasses):
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

    @checked_keywords(ignored={"dtype": None})
    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
    ) -> None:
        choice(average, "average", None, "micro", "macro", "weighted")
        if threshold is not None:
            threshold = number(threshold, "threshold", at_least=0, at_most=1)
        self.average, self.threshold = average, threshold
        self._set_name(name)

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        return probabilities(y_pred, loss)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where one number per output would not fit into the logs."""
        super().check(target_shape, output_shape)
        if self.average is None and output_shape[-1] > 1:
            raise ValueError(
                "inside fit and evaluate F1Score needs an average; pass average='micro', 'macro' "
                "or 'weighted'"
            )

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> Any:
        """The number of targets and predictions."""
        y, p = with_labels(y_true, y_pred, "F1Score")
        if self.threshold is None and p.shape[1] > 1:
            called = np.eye(p.shape[1], dtype=bool)[p.argmax(axis=1)]
        else:
            called = p > (0.5 if self.threshold is None else self.threshold)
        positive = y > 0
        w = np.ones((len(p), 1)) if sample_weight is None else sample_weight[:, None]
        hits, all_called, all_positive = (
            (w * part).sum(axis=0) for part in (called & positive, called, positive)
        )
        if self.average == "micro":
            hits, all_called, all_positive = (
                part.sum(keepdims=True) for part in (hits, all_called, all_positive)
            )
        both = all_called + all_positive
        scores = np.where(both > 0, 2 * hits / np.where(both > 0, both, 1.0), 0.0)
        if self.average == "weighted":
            return mean(scores, all_positive)
        return scores if self.average is None else float(scores.mean())


class AUC(_OfClasses):
    """The area under the ROC curve: how often a positive's output is above a negative's.

    The ROC curve is the only one: the area under precision over recall (Keras's ``curve="PR"``) is
    not here.

    AUC = Σ over pairs (1 if p₊ > p₋, ½ if p₊ = p₋) / pairs (Mann and Whitney, 1947). It is exact,
    over all samples, from probabilities or logits; Keras counts in 200 buckets of [0, 1], which
    are off where predictions crowd together. Several outputs are taken as one long list, as in
    Keras. NaN where there are no positives or no negatives.

    Parameters
    ----------
    name : str, default "auc"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.AUC()([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """

    title = "auc"

    @checked_keywords(
        ignored={
            "num_thresholds": 200,
            "curve": "ROC",
            "summation_method": "interpolation",
            "dtype": None,
            "thresholds": None,
            "multi_label": False,
            "num_labels": None,
            "label_weights": None,
            "from_logits": False,
        }
    )
    def __init__(self, *, name: str | None = None) -> None:
        self._set_name(name)

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        # Ranks of logits are those of probabilities, unless rows have sums of their own.
        return probabilities(y_pred, loss) if "categorical" in loss.kind else y_pred

    def compute(self, y_true: Array, y_pred: Array, sample_weight: Floats | None = None) -> float:
        """The area, over every element of both; NaN where a class is missing."""
        y, p = with_labels(y_true, y_pred, "AUC")
        w = np.ones(len(p)) if sample_weight is None else sample_weight
        weight = np.repeat(w, p.shape[1])
        positive = y.ravel() > 0
        _, group = np.unique(p.ravel(), return_inverse=True)
        ups = np.bincount(group, weight * positive)
        downs = np.bincount(group, weight * ~positive)
        pairs = ups.sum() * downs.sum()
        if not pairs > 0:
            return float("nan")
        below = np.cumsum(downs) - downs
        return float((ups * (below + downs / 2)).sum() / pairs)

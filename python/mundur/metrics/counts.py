"""Metrics made of true and false positives and negatives, at one threshold or at several."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._support.checks import integer, items, number
from .._support.names import checked_keywords
from ..losses.base import Loss
from .base import KERAS, Array, Floats, Summed, by_element, probabilities, with_labels
from .classification import OfClasses


def shares(part: Floats, whole: Floats) -> Floats:
    """Part / whole, and 0 where there is nothing to divide by."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0)


class _Counts(OfClasses, Summed):
    """TP, FP, FN and TN of each threshold: an output above it is called positive."""

    thresholds: float | list[float] | None = None
    top_k: int | None = None
    class_id: int | None = None

    def _keep_thresholds(self, thresholds: Any) -> None:
        if thresholds is None or not hasattr(thresholds, "__len__"):
            if thresholds is not None:
                thresholds = number(thresholds, "thresholds", at_least=0, at_most=1)
        else:
            thresholds = [
                number(one, f"thresholds[{i}]", at_least=0, at_most=1)
                for i, one in enumerate(items(thresholds, "thresholds"))
            ]
            if not thresholds:
                raise ValueError("thresholds must hold at least one number; got []")
        self.thresholds = thresholds

    def _at(self) -> Floats:
        """Where outputs are called."""
        if self.thresholds is None:
            return np.array([0.5 if self.top_k is None else -np.inf])
        return np.atleast_1d(np.asarray(self.thresholds, np.float64))

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        return probabilities(y_pred, loss)

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where class_id names no output, or the logs could not hold the numbers."""
        super().check(target_shape, output_shape)
        self._check_class(output_shape[-1])
        if isinstance(self.thresholds, list) and len(self.thresholds) > 1:
            raise ValueError(
                f"inside fit and evaluate {type(self).__name__} gives one number: pass one of "
                f"{self.thresholds} as thresholds, or a metric for each"
            )

    def _check_class(self, outputs: int) -> None:
        if self.class_id is not None and self.class_id >= outputs:
            raise ValueError(f"class_id must be < {outputs}; got {self.class_id}")

    def _sums(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, ...]:
        y, p = with_labels(y_true, y_pred, type(self).__name__)
        self._check_class(p.shape[1])
        w = np.ones_like(p)
        if weight is not None:
            w = by_element(weight, y_pred.shape).reshape(p.shape)
        if self.top_k is not None:
            rows = p.T if y_pred.ndim == 1 else p  # one row of its own
            order = np.argsort(-rows, axis=1, kind="stable")[:, : self.top_k]
            chosen = np.zeros(rows.shape, bool)  # the first of equals, so that there are k
            np.put_along_axis(chosen, order, True, axis=1)
            p = np.where(chosen.reshape(p.shape), p, np.nan)
        if self.class_id is not None:
            y, p, w = (part[:, self.class_id] for part in (y, p, w))
        return counted((y > 0).ravel(), p.ravel(), w.ravel(), self._at())

    def _given(self, values: Floats) -> Any:
        """One number, or a list's."""
        return float(values[0]) if len(values) == 1 else values


def counted(positive: Array, p: Floats, w: Floats, at: Floats) -> tuple[Floats, ...]:
    """TP, FP, FN and TN of each threshold; NaN is never called."""
    order = np.argsort(at, kind="stable")
    above = np.searchsorted(at[order], p, side="left")  # so many thresholds are below
    above[np.isnan(p)] = 0

    def called(weights: Floats) -> Floats:
        found = np.bincount(above, weights, len(at) + 1)[:0:-1].cumsum()[::-1]
        result = np.empty(len(at))
        result[order] = found
        return result

    ups, downs = np.where(positive, w, 0.0), np.where(positive, 0.0, w)
    tp, fp = called(ups), called(downs)
    return tp, fp, ups.sum() - tp, downs.sum() - fp


class _Count(_Counts):
    @checked_keywords(ignored=KERAS)
    def __init__(
        self, thresholds: float | list[float] | None = None, name: str | None = None
    ) -> None:
        self._keep_thresholds(thresholds)
        self._set_name(name)


class TruePositives(_Count):
    """How many positives are called so, over every output; with weights, what they weigh.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1], default 0.5; a list gives a number for each.
    name : str, default "true_positives"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.TruePositives()([0, 1, 1, 1], [0.9, 0.8, 0.2, 0.7])
    2.0
    """

    title = "true_positives"

    def _number(self, *sums: Floats) -> Any:
        return self._given(sums[0])


class FalsePositives(_Count):
    """How many others are called positive, over every output; otherwise as `TruePositives`.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1], default 0.5; a list gives a number for each.
    name : str, default "false_positives"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.FalsePositives()([0, 1, 1, 1], [0.9, 0.8, 0.2, 0.7])
    1.0
    """

    title = "false_positives"
    larger_is_better = False

    def _number(self, *sums: Floats) -> Any:
        return self._given(sums[1])


class FalseNegatives(_Count):
    """How many positives are not called so, over every output; otherwise as `TruePositives`.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1], default 0.5; a list gives a number for each.
    name : str, default "false_negatives"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.FalseNegatives()([0, 1, 1, 1], [0.9, 0.8, 0.2, 0.7])
    1.0
    """

    title = "false_negatives"
    larger_is_better = False

    def _number(self, *sums: Floats) -> Any:
        return self._given(sums[2])


class TrueNegatives(_Count):
    """How many others are not called positive, over every output; otherwise as `TruePositives`.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1], default 0.5; a list gives a number for each.
    name : str, default "true_negatives"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.TrueNegatives()([0, 1, 1, 0], [0.9, 0.8, 0.2, 0.1])
    1.0
    """

    title = "true_negatives"

    def _number(self, *sums: Floats) -> Any:
        return self._given(sums[3])


class Precision(_Counts):
    """Of what is called positive, the share that is: TP / (TP + FP), over every output.

    An output is called positive above the threshold; 0 where nothing is. Inside `fit` and
    `evaluate` logits are turned into probabilities first (Keras does not); integer labels serve as
    one-hot rows.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1], default 0.5; a list gives a number for each.
    top_k : int, optional
        Only the k largest outputs of a sample can be positive; without `thresholds` they are. A
        flat array is one sample, as in Keras.
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

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        thresholds: float | list[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        self._keep_thresholds(thresholds)
        self.top_k = None if top_k is None else integer(top_k, "top_k", 1)
        self.class_id = None if class_id is None else integer(class_id, "class_id")
        self._set_name(name)

    def _number(self, *sums: Floats) -> Any:
        tp, fp, _, _ = sums
        return self._given(shares(tp, tp + fp))


class Recall(Precision):
    """Of what is positive, the share that is called so: TP / (TP + FN), over every output.

    Otherwise as `Precision`.

    Parameters
    ----------
    thresholds : float or list of float, optional
        In [0, 1], default 0.5; a list gives a number for each.
    top_k : int, optional
        Only the k largest outputs of a sample can be positive; without `thresholds` they are. A
        flat array is one sample, as in Keras.
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

    def _number(self, *sums: Floats) -> Any:
        tp, _, fn, _ = sums
        return self._given(shares(tp, tp + fn))


class _Best(_Counts):
    """The best of one share among the thresholds where another one is at least so much."""

    _shares: ClassVar[tuple[str, str]]  # the best of the first, where the second is large enough
    num_thresholds: int

    def _keep(self, num_thresholds: Any, class_id: Any, name: str | None) -> None:
        self.num_thresholds = integer(num_thresholds, "num_thresholds", 1, 10**6)
        self.class_id = None if class_id is None else integer(class_id, "class_id")
        self._set_name(name)

    def _at(self) -> Floats:
        return evenly(self.num_thresholds)

    def _number(self, *sums: Floats) -> float:
        tp, fp, fn, tn = sums
        found = shares(tp, tp + fn)
        parts = {"sensitivity": found, "recall": found}
        parts |= {"specificity": shares(tn, tn + fp), "precision": shares(tp, tp + fp)}
        of, where = self._shares
        return float(np.where(parts[where] >= getattr(self, where), parts[of], 0.0).max())


def evenly(count: int) -> Floats:
    """So many thresholds from 0 to 1; one is the middle."""
    return np.array([0.5]) if count == 1 else np.arange(count) / (count - 1)


class SensitivityAtSpecificity(_Best):
    """The best TP / (TP + FN) among thresholds where TN / (TN + FP) is at least `specificity`.

    Parameters
    ----------
    specificity : float
        In [0, 1].
    num_thresholds : int, default 200
        From 0 to 1; with 1 it is 0.5.
    class_id : int, optional
        Only this output counts.
    name : str, default "sensitivity_at_specificity"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    0.5
    """

    title = "sensitivity_at_specificity"
    _shares = "sensitivity", "specificity"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        self.specificity = number(specificity, "specificity", at_least=0, at_most=1)
        self._keep(num_thresholds, class_id, name)


class SpecificityAtSensitivity(_Best):
    """The best TN / (TN + FP) among thresholds where TP / (TP + FN) is at least `sensitivity`.

    Parameters
    ----------
    sensitivity : float
        In [0, 1].
    num_thresholds : int, default 200
        From 0 to 1; with 1 it is 0.5.
    class_id : int, optional
        Only this output counts.
    name : str, default "specificity_at_sensitivity"

    Examples
    --------
    >>> import mundur as md
    >>> metric = md.metrics.SpecificityAtSensitivity(0.5)
    >>> round(metric([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]), 6)
    0.666667
    """

    title = "specificity_at_sensitivity"
    _shares = "specificity", "sensitivity"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        self.sensitivity = number(sensitivity, "sensitivity", at_least=0, at_most=1)
        self._keep(num_thresholds, class_id, name)


class PrecisionAtRecall(_Best):
    """The best TP / (TP + FP) among thresholds where TP / (TP + FN) is at least `recall`.

    Parameters
    ----------
    recall : float
        In [0, 1].
    num_thresholds : int, default 200
        From 0 to 1; with 1 it is 0.5.
    class_id : int, optional
        Only this output counts.
    name : str, default "precision_at_recall"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    0.5
    """

    title = "precision_at_recall"
    _shares = "precision", "recall"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        self.recall = number(recall, "recall", at_least=0, at_most=1)
        self._keep(num_thresholds, class_id, name)


class RecallAtPrecision(_Best):
    """The best TP / (TP + FN) among thresholds where TP / (TP + FP) is at least `precision`.

    Parameters
    ----------
    precision : float
        In [0, 1].
    num_thresholds : int, default 200
        From 0 to 1; with 1 it is 0.5.
    class_id : int, optional
        Only this output counts.
    name : str, default "recall_at_precision"

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.5
    """

    title = "recall_at_precision"
    _shares = "recall", "precision"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        self.precision = number(precision, "precision", at_least=0, at_most=1)
        self._keep(num_thresholds, class_id, name)

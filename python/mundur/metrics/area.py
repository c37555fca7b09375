"""The area under a curve of two shares over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core
from .._support.checks import boolean, integer, items, number
from .._support.names import checked_keywords, lookup
from ..losses.base import Loss
from .base import KERAS, Array, Floats, Summed, by_element, probabilities, with_labels
from .classification import OfClasses
from .counts import evenly, shares

_CURVES = {"ROC": "ROC", "PR": "PR", "PRGAIN": "PRGAIN"}
_METHODS = {name: name for name in ("interpolation", "minoring", "majoring")}


class AUC(OfClasses, Summed):
    """The area under the ROC curve, or under that of precision over recall.

    Under the ROC curve, how often a positive's output is above a negative's: Σ over pairs (1 if p₊
    > p₋, ½ if p₊ = p₋) / pairs (Mann and Whitney, 1947). It is exact, over all samples, from
    probabilities or logits; Keras counts at 200 thresholds in [0, 1], which are off where
    predictions crowd together, and so does this one where `thresholds`, or another number of them,
    are given. Between two points precision is TP / (TP + FP) with both counts linear (Davis and
    Goadrich, 2006). NaN where there are no positives, or under the ROC curve no negatives.

    Parameters
    ----------
    num_thresholds : int, default 200
        Another number makes as many thresholds from 0 to 1, at least 2.
    curve : {"ROC", "PR", "PRGAIN"}, default "ROC"
    summation_method : {"interpolation", "minoring", "majoring"}, default "interpolation"
        Whether the height between two points is their mean, the lower or the higher one.
    thresholds : list of float, optional
        In [0, 1]; 0 and 1 are added.
    multi_label : bool, default False
        Whether each output has a curve of its own, and the result is their mean; else all outputs
        are one long list, as in Keras.
    num_labels : int, optional
        Outputs, with `multi_label`; the first batch tells otherwise.
    label_weights : list of float, optional
        What each output weighs in that mean, or in the list.
    from_logits : bool, default False
        Whether predictions are logits, which matters for thresholds only. Inside `fit` the loss
        says so.
    name : str, default "auc"

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.AUC()([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """

    title = "auc"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        *,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        self.num_thresholds = integer(num_thresholds, "num_thresholds", 2, 10**6)
        self.curve = lookup(_CURVES, curve, "curve", {"roc": "ROC", "pr": "PR", "prgain": "PRGAIN"})
        self.summation_method = lookup(_METHODS, summation_method, "summation_method")
        if thresholds is not None:
            thresholds = [
                number(one, f"thresholds[{i}]", at_least=0, at_most=1)
                for i, one in enumerate(items(thresholds, "thresholds"))
            ]
        self.thresholds = thresholds
        self.multi_label = boolean(multi_label, "multi_label")
        self.num_labels = None if num_labels is None else integer(num_labels, "num_labels", 1)
        if num_labels is not None and not multi_label:
            raise ValueError("num_labels goes with multi_label=True")
        if label_weights is not None:
            label_weights = [
                number(one, f"label_weights[{i}]", at_least=0)
                for i, one in enumerate(items(label_weights, "label_weights"))
            ]
        self.label_weights = label_weights
        self.from_logits = boolean(from_logits, "from_logits")
        self._set_name(name)

    def _grid(self) -> Floats | None:
        """The thresholds, where there are any; 0 and 1 are a little farther out, as in Keras."""
        inner: Any = self.thresholds
        if inner is None:
            if self.num_thresholds == 200:
                return None
            inner = evenly(self.num_thresholds)[1:-1]
        return np.array([-1e-7, *sorted(inner), 1 + 1e-7])

    def _suited(self, y_pred: Array, loss: Loss) -> Array:
        # Ranks of logits are those of probabilities, unless rows have sums of their own.
        ranks_do = self._grid() is None and "categorical" not in loss.kind
        return y_pred if ranks_do or self.from_logits else probabilities(y_pred, loss)

    def _sums(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, ...]:
        """Of each curve the levels of predictions, and what positives and negatives weigh there."""
        y, p = with_labels(y_true, y_pred, "AUC")
        w = np.ones_like(p)
        if weight is not None:
            w = by_element(weight, y_pred.shape).reshape(p.shape)
        labels = p.shape[1]
        if self.num_labels not in (None, labels):
            raise ValueError(f"num_labels is {self.num_labels}; y_pred has {labels} outputs")
        if self.label_weights is not None:
            if len(self.label_weights) != labels:
                raise ValueError(
                    f"label_weights must hold one number for each of {labels} outputs; got "
                    f"{len(self.label_weights)}"
                )
            if not self.multi_label:
                w = w * np.array(self.label_weights)
        grid = self._grid()
        if grid is not None:
            if self.from_logits:
                p = 1 / (1 + np.asarray(_core.elementary("exp", -p)))
            p = np.searchsorted(grid, np.clip(p, 0, 1), side="left").astype(np.float64)
        if not self.multi_label:
            y, p, w = (part.reshape(-1, 1) for part in (y, p, w))
        parts: list[Floats] = []
        for column in range(p.shape[1]):
            up = np.where(y[:, column] > 0, w[:, column], 0.0)
            parts += _levels(p[:, column], up, w[:, column] - up)
        return tuple(parts)

    def _joined(self, first: tuple[Floats, ...], then: tuple[Floats, ...]) -> tuple[Floats, ...]:
        parts: list[Floats] = []
        for i in range(0, len(first), 3):
            both = zip(first[i : i + 3], then[i : i + 3], strict=True)
            parts += _levels(*map(np.concatenate, both))
        return tuple(parts)

    def _number(self, *sums: Floats) -> float:
        areas = np.array([self._area(*sums[i : i + 3]) for i in range(0, len(sums), 3)])
        if self.label_weights is None or not self.multi_label:
            return float(areas.mean())
        weights = np.array(self.label_weights)
        return float((weights * areas).sum() / weights.sum()) if weights.sum() > 0 else 0.0

    def _area(self, _: Floats, ups: Floats, downs: Floats) -> float:
        # From the lowest threshold, which all are above, to one that nothing is above.
        tp, fp = (np.append(part[::-1].cumsum()[::-1], 0.0) for part in (ups, downs))
        if not (tp[0] > 0 and (fp[0] > 0 or self.curve == "PR")):
            return float("nan")
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _under_precision(tp, fp)
        fn = tp[0] - tp
        recall = tp / tp[0]
        if self.curve == "ROC":
            x, y = fp / fp[0], recall
        elif self.curve == "PR":
            x, y = recall, shares(tp, tp + fp)
        else:
            scale = tp[0] / fp[0]
            x = np.maximum(np.where(tp > 0, 1 - scale * shares(fn, tp), 0.0), 0.0)
            y = np.where(tp > 0, 1 - scale * shares(fp, tp), 1.0)
        left, right = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            heights = (left + right) / 2
        else:
            heights = (np.minimum if self.summation_method == "minoring" else np.maximum)(
                left, right
            )
        return float(((x[:-1] - x[1:]) * heights).sum())


def _levels(p: Floats, up: Floats, down: Floats) -> list[Floats]:
    """The different values in order, and the sums of weights at each."""
    values, place = np.unique(p, return_inverse=True)
    sums = (np.bincount(place, part, len(values)) for part in (up, down))
    return [values, *(np.asarray(part, np.float64) for part in sums)]


def _under_precision(tp: Floats, fp: Floats) -> float:
    """∫ precision d recall: with P = TP + FP, TP = slope P + rest in each interval.

    Its area is slope (ΔTP + rest log(P_left / P_right)) / positives.
    """
    called = tp + fp
    gain = tp[:-1] - tp[1:]
    slope = shares(gain, called[:-1] - called[1:])
    rest = tp[1:] - slope * called[1:]
    both = (called[:-1] > 0) & (called[1:] > 0)
    ratio = np.where(both, called[:-1] / np.where(both, called[1:], 1.0), 1.0)
    logs = np.asarray(_core.elementary("log", ratio))
    return float((slope * (gain + rest * logs)).sum() / tp[0])

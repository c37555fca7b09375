"""Intersection over union: how well predicted classes cover true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.checks import boolean, integer, items, number
from .._support.names import checked_keywords
from .base import KERAS, Array, Floats, Summed, by_element
from .counts import shares


class _OfMatrix(Summed):
    """Sums in a matrix: what samples of each true class weigh in each predicted one."""

    larger_is_better = True

    num_classes: int
    ignore_class: int | None = None
    axis: int = -1

    _true_rows = False  # whether targets are rows of scores, of which the largest counts
    _predicted_rows = False

    def _keep(self, num_classes: Any, ignore_class: Any, axis: Any, name: str | None) -> None:
        if ignore_class is not None:
            ignore_class = integer(ignore_class, "ignore_class", -(2**31))
        vars(self).update(  # not all of them take these
            num_classes=integer(num_classes, "num_classes", 1, 10**5),
            ignore_class=ignore_class,
            axis=integer(axis, "axis", -32),
        )
        self._set_name(name)

    def _classes(self, values: Array, rows: bool) -> Array:
        if not rows:
            return values
        if not -values.ndim <= self.axis < values.ndim:
            raise ValueError(
                f"{type(self).__name__}(axis={self.axis}) needs rows along that axis; got shape "
                f"{values.shape}"
            )
        largest: Array = values.argmax(axis=self.axis)
        return largest

    def _check_classes(self, values: Array, name: str) -> None:
        bad = ~((values >= 0) & (values < self.num_classes) & (values == np.floor(values)))
        if name == "y_true" and self.ignore_class is not None:
            bad &= values != self.ignore_class
        if bad.any():
            raise ValueError(
                f"{name} must hold classes in [0, {self.num_classes}) for {type(self).__name__}; "
                f"got {values[bad][0]}"
            )

    def _sums(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, ...]:
        y, p = self._classes(y_true, self._true_rows), self._classes(y_pred, self._predicted_rows)
        if y.size != p.size:
            raise ValueError(
                f"{type(self).__name__} needs as many true as predicted classes; got shapes "
                f"{y_true.shape} and {y_pred.shape}"
            )
        w = np.ones(p.size) if weight is None else by_element(weight, p.shape)
        y, p, many = y.ravel(), p.ravel(), self.num_classes
        if (p != np.floor(p)).any():
            raise ValueError(
                f"{type(self).__name__} needs predictions that are classes, whole numbers; rows of "
                "scores go with sparse_y_pred=False, or into OneHotIoU or OneHotMeanIoU"
            )
        self._check_classes(y, "y_true")
        self._check_classes(p, "y_pred")
        there = np.ones(y.shape, bool) if self.ignore_class is None else y != self.ignore_class
        places = y[there].astype(np.int64) * many + p[there].astype(np.int64)
        matrix = np.bincount(places, w[there], many * many).reshape(many, many)
        return (np.asarray(matrix, np.float64),)

    def _each(self, matrix: Floats) -> tuple[Floats, Floats]:
        """TP / (TP + FP + FN) of each class, and whether there is any of it."""
        hits = matrix.diagonal()
        union = matrix.sum(axis=0) + matrix.sum(axis=1) - hits
        return shares(hits, union), union > 0

    def _mean(self, matrix: Floats, classes: Sequence[int] | None) -> float:
        found, there = self._each(matrix)
        if classes is not None:
            found, there = found[list(classes)], there[list(classes)]
        return float(found[there].mean()) if there.any() else 0.0

    def check(self, target_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> None:
        """Raises where rows of scores are not as long as there are classes."""
        if not self._predicted_rows:
            return
        rank = len(output_shape)
        if not -rank <= self.axis < rank or output_shape[self.axis] != self.num_classes:
            raise ValueError(
                f"{type(self).__name__} needs {self.num_classes} outputs, one for each class; got "
                f"outputs of shape {output_shape}"
            )


def _ids(value: Any, classes: int) -> tuple[int, ...]:
    return tuple(
        integer(one, f"target_class_ids[{i}]", 0, classes - 1)
        for i, one in enumerate(items(value, "target_class_ids"))
    )


class IoU(_OfMatrix):
    """TP / (TP + FP + FN), the mean over some classes: what true and predicted ones share.

    Classes of which there is none, neither true nor predicted, do not count (Jaccard, 1901).

    Parameters
    ----------
    num_classes : int
    target_class_ids : list of int
        Those that count.
    name : str, default "io_u"
    ignore_class : int, optional
        A true class whose elements do not count.
    sparse_y_true, sparse_y_pred : bool, default True
        Whether these are classes; else rows along `axis`, of which the largest counts.
    axis : int, default -1

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1]), 6)
    0.333333
    """

    title = "io_u"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        *,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        self._keep(num_classes, ignore_class, axis, name)
        self.target_class_ids = _ids(target_class_ids, self.num_classes)
        self.sparse_y_true = boolean(sparse_y_true, "sparse_y_true")
        self.sparse_y_pred = boolean(sparse_y_pred, "sparse_y_pred")
        self._true_rows, self._predicted_rows = not self.sparse_y_true, not self.sparse_y_pred

    def _number(self, *sums: Floats) -> float:
        return self._mean(sums[0], self.target_class_ids)


class BinaryIoU(_OfMatrix):
    """`IoU` of the classes 0 and 1, called by a threshold: p >= threshold is 1.

    Parameters
    ----------
    target_class_ids : list of int, default (0, 1)
        Those that count.
    threshold : float, default 0.5
    name : str, default "binary_io_u"

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.BinaryIoU([0, 1])([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]), 6)
    0.583333
    """

    title = "binary_io_u"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
    ) -> None:
        self._keep(2, None, -1, name)
        self.target_class_ids = _ids(target_class_ids, 2)
        self.threshold = number(threshold, "threshold")

    def _sums(self, y_true: Array, y_pred: Array, weight: Floats | None) -> tuple[Floats, ...]:
        return super()._sums(y_true, (y_pred >= self.threshold).astype(np.int64), weight)

    def _number(self, *sums: Floats) -> float:
        return self._mean(sums[0], self.target_class_ids)


class MeanIoU(_OfMatrix):
    """`IoU` of all classes.

    Parameters
    ----------
    num_classes : int
    name : str, default "mean_io_u"
    ignore_class, sparse_y_true, sparse_y_pred, axis
        As for `IoU`.

    Examples
    --------
    >>> import mundur as md
    >>> round(md.metrics.MeanIoU(2)([0, 0, 1, 1], [0, 1, 0, 1]), 6)
    0.333333
    """

    title = "mean_io_u"

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        *,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        self._keep(num_classes, ignore_class, axis, name)
        self.sparse_y_true = boolean(sparse_y_true, "sparse_y_true")
        self.sparse_y_pred = boolean(sparse_y_pred, "sparse_y_pred")
        self._true_rows, self._predicted_rows = not self.sparse_y_true, not self.sparse_y_pred

    def _number(self, *sums: Floats) -> float:
        return self._mean(sums[0], None)


class OneHotIoU(_OfMatrix):
    """`IoU` of targets that are one-hot rows.

    Parameters
    ----------
    num_classes : int
    target_class_ids : list of int
        Those that count.
    name : str, default "one_hot_io_u"
    ignore_class : int, optional
        A true class whose elements do not count.
    sparse_y_pred : bool, default False
        Whether predictions are classes; else rows along `axis`, of which the largest counts.
    axis : int, default -1

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.OneHotIoU(2, [1])([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]])
    0.5
    """

    title = "one_hot_io_u"
    _true_rows = True

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        *,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        self._keep(num_classes, ignore_class, axis, name)
        self.target_class_ids = _ids(target_class_ids, self.num_classes)
        self.sparse_y_pred = boolean(sparse_y_pred, "sparse_y_pred")
        self._predicted_rows = not self.sparse_y_pred

    def _number(self, *sums: Floats) -> float:
        return self._mean(sums[0], self.target_class_ids)


class OneHotMeanIoU(_OfMatrix):
    """`MeanIoU` of targets that are one-hot rows.

    Parameters
    ----------
    num_classes : int
    name : str, default "one_hot_mean_io_u"
    ignore_class, sparse_y_pred, axis
        As for `OneHotIoU`.

    Examples
    --------
    >>> import mundur as md
    >>> md.metrics.OneHotMeanIoU(2)([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]])
    0.25
    """

    title = "one_hot_mean_io_u"
    _true_rows = True

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        *,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        self._keep(num_classes, ignore_class, axis, name)
        self.sparse_y_pred = boolean(sparse_y_pred, "sparse_y_pred")
        self._predicted_rows = not self.sparse_y_pred

    def _number(self, *sums: Floats) -> float:
        return self._mean(sums[0], None)

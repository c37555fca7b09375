"""Targets as the native losses want them, and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from .. import activations
from .inputs import dense, raveled

__all__ = ["Classes", "Numbers", "check_weighed", "classes_for", "classes_of"]

Array = npt.NDArray[Any]

_DISCRETE = ("binary", "multiclass", "multilabel-indicator")


class Numbers(NamedTuple):
    """The targets of a regression."""

    kind: str  # of loss
    outputs: int

    @classmethod
    def of(cls, y: Any, kind: str) -> Numbers:
        """What these targets are."""
        if hasattr(y, "toarray"):
            raise TypeError(
                "Sparse data was passed for y, but dense data is required. Use '.toarray()' to "
                "convert to a dense numpy array."
            )
        return cls(kind, 1 if np.ndim(y) == 1 else y.shape[1])

    def encode(self, y: Any) -> Array:
        """A column for each output."""
        y = raveled(y) if _is_column(y) else np.asarray(y)
        if y.dtype.kind not in "biufO":
            raise ValueError(f"y must hold numbers for a regressor; got dtype {y.dtype}")
        try:
            columns: Array = y.astype(np.float64, copy=False).reshape(len(y), -1)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"y must hold numbers for a regressor: {error}") from None
        if columns.shape[1] != self.outputs:
            raise ValueError(f"y must have {self.outputs} columns; got {columns.shape[1]}")
        if self.kind == "poisson" and columns.size and columns.min() < 0:
            raise ValueError(f"loss='poisson' needs y >= 0; got {columns.min()}")
        return columns


class Classes(NamedTuple):
    """The classes of a classification, and what kind it is: the way between labels and outputs."""

    labels: Array  # sorted; of a multilabel problem the columns' numbers
    kind: str  # "binary", "multiclass" or "multilabel"

    @classmethod
    def of(cls, labels: Any) -> Classes:
        """Those of which each sample has one."""
        labels = np.unique(np.asarray(labels))
        return cls(labels, "binary" if len(labels) <= 2 else "multiclass")

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a sample."""
        return 1 if self.kind == "binary" else len(self.labels)

    def encode(self, y: Any) -> Array:
        """0 or 1 for each output, or the number of each sample's class where there are several."""
        if self.kind == "multilabel":
            return _indicators(y, len(self.labels))
        y = raveled(y) if _is_column(y) else np.asarray(y)
        places = np.searchsorted(self.labels, y) if len(self.labels) else np.zeros(len(y), int)
        places = np.minimum(places, len(self.labels) - 1)
        unseen = self.labels[places] != y
        if np.any(unseen):
            new = np.unique(y[unseen])
            raise ValueError(
                f"y has classes not in `self.classes_`, {self.labels}: {new}; name all of them in "
                "partial_fit's classes, or fit anew"
            )
        return np.asarray(places, np.int64)

    def decode(self, z: Array) -> Array:
        """The labels that outputs, before their last activation, stand for."""
        if self.kind == "multilabel":
            return np.asarray(z > 0).astype(np.int64)
        if self.kind == "binary":
            places = (
                (z[:, 0] > 0).astype(np.intp) if len(self.labels) > 1 else np.zeros(len(z), int)
            )
        else:
            places = z.argmax(axis=1)
        return np.asarray(self.labels[places])

    def probabilities(self, z: Array) -> Array:
        """One column per class: sums to 1 unless a sample may be of several."""
        if self.kind == "multiclass":
            return activations.softmax(z)
        p = activations.sigmoid(z)
        if self.kind == "multilabel":
            return p
        if len(self.labels) == 1:
            return np.ones_like(p)
        return np.hstack([1 - p, p])


def classes_of(y: Any) -> Classes:
    """The classes of targets; a ValueError for what is no classification."""
    y = dense(y).ravel() if _is_column(y) else y  # `encode` warns of it
    try:
        kind = type_of_target(y, input_name="y")
        if kind == "unknown":  # objects of several types
            raise TypeError
        if kind not in _DISCRETE:
            check_classification_targets(y)  # its words for what is no classification
        if kind == "multilabel-indicator":
            return Classes(np.arange(dense(y).shape[1]), "multilabel")
        if "multioutput" not in kind:
            return Classes.of(y)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in np.asarray(y, object).flat})
        raise ValueError(
            f"Unknown label type: y must hold labels of one type; got {', '.join(kinds)}"
        ) from None
    raise ValueError(
        f"y must hold one class per sample, or 0 and 1 for each label; got {kind} targets of "
        f"shape {np.shape(y)}. For several classes per sample fit one classifier for each "
        "column: sklearn.multioutput.MultiOutputClassifier"
    )


def check_weighed(class_weight: Any, classes: Classes) -> None:
    """Raises for weights of classes that there are not, where others have none."""
    if not isinstance(class_weight, dict) or classes.kind == "multilabel":
        return
    labels = classes.labels.tolist()
    unknown = [label for label in class_weight if label not in labels]
    without = [label for label in labels if label not in class_weight]
    if unknown and without:  # a fold may lack a class that has a weight
        raise ValueError(
            f"class_weight must have classes of y as keys; {unknown} are none, and {without} have "
            "no weight"
        )


def classes_for(
    estimator: Any, y: Any, first: bool, incremental: bool, named: Any = None
) -> Classes:
    """The classes that a fit is for: those of `y`, those named, or those it goes on with."""
    found = _classes_for(estimator, y, first, incremental, named)
    check_weighed(estimator.class_weight, found)
    return found


def _classes_for(estimator: Any, y: Any, first: bool, incremental: bool, named: Any) -> Classes:
    known: Classes | None = getattr(estimator, "_target", None)
    if incremental:
        if estimator.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples at once; give partial_fit a dict"
            )
        return _named(known, named, y)
    if first or known is None:
        return classes_of(y)
    found = unique_labels(dense(y).ravel() if _is_column(y) else y)
    if set(found) != set(known.labels):
        raise ValueError(
            f"warm_start=True goes on with the classes of the fit before, {known.labels}; `y` has "
            f"{found}. warm_start=False begins anew"
        )
    return known


def _named(known: Classes | None, named: Any, y: Any) -> Classes:
    if named is None:
        if known is None:
            raise ValueError("classes must name all classes in the first call of partial_fit")
        return known
    labels = np.asarray(named)
    if labels.ndim != 1 or not len(labels):
        raise ValueError(f"classes must be a list of all classes, at least one; got {named!r:.80}")
    if known is None:
        found = classes_of(y)
        return found if found.kind == "multilabel" else Classes.of(labels)
    if not np.array_equal(np.unique(labels), known.labels):
        raise ValueError(f"classes must be those of the first call, {known.labels}; got {named}")
    return known


def _is_column(y: Any) -> bool:
    return getattr(y, "ndim", 1) == 2 and y.shape[1] == 1


def _indicators(y: Any, labels: int) -> Array:
    array = dense(y)
    if array.ndim != 2 or array.shape[1] != labels:
        raise ValueError(
            f"y must have a column of 0 and 1 for each of the {labels} labels of `self.classes_`; "
            f"got shape {array.shape}"
        )
    return np.asarray(array != 0, np.uint8)

"""Targets as the native losses want them, and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from .. import activations
from .inputs import dense

__all__ = ["Classes", "classes_of", "name_classes"]

Array = npt.NDArray[Any]

_DISCRETE = ("binary", "multiclass", "multilabel-indicator")


class Classes(NamedTuple):
    """The classes of a classification, and what kind it is: the way between labels and outputs."""

    labels: Array  # sorted; of a multilabel problem the columns' numbers
    kind: str  # "binary", "multiclass" or "multilabel"

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a sample."""
        return 1 if self.kind == "binary" else len(self.labels)

    def encode(self, y: Any) -> Array:
        """0 or 1 for each output, or the number of each sample's class where there are several."""
        if self.kind == "multilabel":
            return _indicators(y, len(self.labels))
        y = np.asarray(y)
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
    kind = type_of_target(y, input_name="y")
    if kind not in _DISCRETE:
        check_classification_targets(y)  # its words for what is no classification
    if kind == "multilabel-indicator":
        return Classes(np.arange(dense(y).shape[1]), "multilabel")
    if "multioutput" in kind:
        raise ValueError(
            f"y must hold one class per sample, or 0 and 1 for each label; got {kind} targets of "
            f"shape {np.shape(y)}. For several classes per sample fit one classifier for each "
            "column: sklearn.multioutput.MultiOutputClassifier"
        )
    labels = np.unique(np.asarray(y))
    return Classes(labels, "binary" if len(labels) <= 2 else "multiclass")


def _indicators(y: Any, labels: int) -> Array:
    array = dense(y)
    if array.ndim != 2 or array.shape[1] != labels:
        raise ValueError(
            f"y must have a column of 0 and 1 for each of the {labels} labels of `self.classes_`; "
            f"got shape {array.shape}"
        )
    return np.asarray(array != 0, np.uint8)


def name_classes(estimator: Any, classes: Any, y: Any) -> None:
    """Gives a classifier the classes that `partial_fit` names, or holds them against its own."""
    if estimator.class_weight == "balanced":
        raise ValueError(
            "class_weight='balanced' needs all samples at once; give partial_fit a dict"
        )
    if not hasattr(estimator, "classes_"):
        if classes is None:
            raise ValueError("classes must name all classes in the first call of partial_fit")
        estimator._classes = _named(classes, y)
        estimator.classes_ = estimator._classes.labels
    elif classes is not None and not np.array_equal(np.unique(classes), estimator.classes_):
        raise ValueError(
            f"classes must be those of the first call, {estimator.classes_}; got {classes}"
        )


def _named(classes: Any, y: Any) -> Classes:
    found = classes_of(y)
    if found.kind == "multilabel":
        return found
    labels = np.unique(np.asarray(classes))
    return Classes(labels, "binary" if len(labels) <= 2 else "multiclass")

"""Folds: which samples a model is trained on, and which judge it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import boolean, integer, seed_value

__all__ = ["Fold", "KFold", "StratifiedKFold"]

Indices = npt.NDArray[np.int64]
Fold = tuple[Indices, Indices]


class KFold:
    """k parts of the samples, each of which judges a model that the others have trained.

    Without a shuffle they are scikit-learn's.

    Parameters
    ----------
    n_splits : int, default 5
        k, at least 2. The first parts have one sample more, where they cannot be equal.
    shuffle : bool, default False
        Whether samples are shuffled before they are divided, in an order of `random_state`.
    random_state : int, optional
        Fixes the order; None draws one. Without a shuffle there is none to fix: a ValueError.

    Examples
    --------
    >>> from mundur.model_selection import KFold
    >>> [test.tolist() for train, test in KFold(3).split(range(7))]
    [[0, 1, 2], [3, 4], [5, 6]]
    """

    def __init__(
        self, n_splits: int = 5, *, shuffle: bool = False, random_state: int | None = None
    ) -> None:
        self.n_splits = integer(n_splits, "n_splits", 2)
        self.shuffle = boolean(shuffle, "shuffle")
        self.random_state = seed_value(random_state, "random_state")
        if random_state is not None and not self.shuffle:
            raise ValueError(
                f"random_state must be None without shuffle=True; got {self.random_state}"
            )

    def __repr__(self) -> str:
        own = f"{self.n_splits}, shuffle={self.shuffle}, random_state={self.random_state}"
        return f"{type(self).__name__}({own})"

    def get_n_splits(self, x: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many folds there are."""
        return self.n_splits

    def split(self, x: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """The indices of the samples to train on, and of those that judge, of each fold."""
        samples = _samples(x)
        if self.n_splits > samples:
            raise ValueError(
                f"n_splits={self.n_splits} cannot be more than the number of samples, {samples}"
            )
        parts = self._parts(samples, y)
        for part in range(self.n_splits):
            judges = parts == part
            yield np.flatnonzero(~judges), np.flatnonzero(judges)

    def _order(self, samples: int) -> Indices:
        if not self.shuffle:
            return np.arange(samples)
        seed = self.random_state
        if seed is None:
            seed = int(np.random.default_rng().integers(2**63))
        return _core.permutation(samples, seed, 0)

    def _parts(self, samples: int, y: Any) -> Indices:
        """The part that each sample belongs to."""
        parts = np.empty(samples, np.int64)
        parts[self._order(samples)] = np.sort(np.arange(samples) % self.n_splits)
        return parts


class StratifiedKFold(KFold):
    """The same, but of each class every part has its share.

    Parameters
    ----------
    n_splits, shuffle, random_state
        As for `KFold`.

    Notes
    -----
    `split` takes labels (samples,) or one-hot rows (samples, classes). Rows of several labels have
    no one class: a ValueError. A class of fewer samples than folds is missing in some of them, with
    a warning; where every class is, that is a ValueError.

    Examples
    --------
    >>> from mundur.model_selection import StratifiedKFold
    >>> labels = [0, 0, 0, 0, 1, 1]
    >>> [test.tolist() for train, test in StratifiedKFold(2).split(labels, labels)]
    [[0, 1, 4], [2, 3, 5]]
    """

    def _parts(self, samples: int, y: Any) -> Indices:
        labels = _labels(y, samples)
        try:
            _, first, classes = np.unique(labels, return_index=True, return_inverse=True)
        except TypeError as error:
            raise TypeError(f"y must hold labels of one type: {error}") from None
        # As they appear, not as they sort: other names of the classes change no fold.
        classes = first.argsort().argsort()[classes]
        counts = np.bincount(classes)
        if counts.max() < self.n_splits:
            raise ValueError(
                f"n_splits={self.n_splits} cannot be more than the samples of every class; the "
                f"largest has {counts.max()}"
            )
        if counts.min() < self.n_splits:
            rarest = labels[classes == counts.argmin()][0]
            warnings.warn(
                f"class {rarest} has {counts.min()} samples, fewer than n_splits={self.n_splits}: "
                "some folds are judged without it",
                UserWarning,
                stacklevel=3,
            )
        order = self._order(samples)
        parts = np.empty(samples, np.int64)
        # Classes one behind another, dealt out in turn: no part has two more of a class, or of all.
        behind = order[np.argsort(classes[order], kind="stable")]
        parts[behind] = np.arange(samples) % self.n_splits
        if self.shuffle:
            return parts
        # In the order of the samples, each class in blocks.
        for label in range(len(counts)):
            own = np.flatnonzero(classes == label)
            parts[own] = np.sort(parts[own])
        return parts


def _samples(x: Any) -> int:
    """How many there are; of sparse matrices, which have no length, too."""
    shape = getattr(x, "shape", None)
    if shape is None and hasattr(x, "__len__"):
        return len(x)
    if not shape:
        raise TypeError(f"x must be a list or an array of samples; got {type(x).__name__}")
    return int(shape[0])


def _labels(y: Any, samples: int) -> npt.NDArray[Any]:
    """The class of each sample."""
    labels: npt.NDArray[Any] = np.asarray(y)
    if y is None or labels.shape[:1] != (samples,):
        raise ValueError(
            f"y must have the class of each of {samples} samples; got "
            f"{'None' if y is None else labels.shape}"
        )
    if labels.size == samples:
        return labels.reshape(-1)
    if labels.ndim == 2 and np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all():
        return np.asarray(labels.argmax(axis=1))
    raise ValueError(
        f"y must be labels (samples,) or one-hot rows, with a single 1 in each; got {labels.shape}"
    )
